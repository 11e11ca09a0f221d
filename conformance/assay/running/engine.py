"""Measuring one item: ask, judge, group what failed, shrink it, and write it down as a row."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from assay.backends.base import Backend, Died, Malformed, Stopped, TimedOut, Trouble
from assay.cases import spelling
from assay.cases.content import fingerprint
from assay.cases.draw import Effort, Wasteful
from assay.cases.shrinking import shrunk
from assay.facets.base import Asked, Finding, Judgement, Trial
from assay.judge.bench import Bench
from assay.running.items import Item

Row = dict[str, Any]

# The gravest outcome among an item's cases is the item's.
GRAVITY: Final = (
    "crash", "timeout", "harness_error", "suite_error", "error", "fail", "pass", "self", "unsupported", "skipped",
    "not_run",
)  # fmt: skip
_TROUBLE: Final[dict[type[Trouble], tuple[str, str]]] = {
    Died: ("crash", "A801"),
    TimedOut: ("timeout", "A802"),
    Malformed: ("harness_error", "A804"),
    Stopped: ("not_run", "A805"),
}
_CAP: Final = 400  # characters of a message


@dataclass
class Tally:
    """What an item's cases came to."""

    counts: Counter[str] = field(default_factory=Counter)
    fallback: int = 0
    vacuous: int = 0
    worst: Any = None
    excused: Counter[str] = field(default_factory=Counter)  # elements, by the name of the excuse
    whole: Finding | None = None  # what holds for the item as a whole: not offered, or a fault of ours
    failures: dict[str, list[tuple[str, Finding, Trial]]] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)

    def add(self, outcome: str, judgement: Judgement | None, finding: Finding | None, trial: Trial) -> None:
        self.counts[outcome] += 1
        if judgement is not None:
            self.fallback += judgement.fallback
            self.vacuous += not judgement.compared
            self.excused.update(judgement.excused)
            worst = judgement.worst
            if worst is not None and (self.worst is None or worst.fraction > self.worst.fraction):
                self.worst = worst
        if finding is not None:
            self.failures.setdefault(finding.code, []).append((outcome, finding, trial))


def measure(item: Item, bench: Bench, *, effort: Effort, seed: int, edition: str = "current") -> tuple[Row, list[Row]]:
    """Run every case of one item; return its row and the events on the way."""
    started = time.perf_counter()
    tally = Tally(whole=not_offered(item, bench.candidate))
    asked = Asked(item.dtype, effort, seed)
    if tally.whole is not None:
        tally.counts["unsupported"] += 1
    else:
        for trial in _safely(item, asked, tally):
            if not _try(item, trial, bench, tally):
                break
        _reject_vacuous(tally)
    failures = [_failure(item, bench, found) for found in tally.failures.values()]
    ms = (time.perf_counter() - started) * 1000
    return _row(item, tally, asked, edition, bench.candidate.capabilities.device, failures, ms), tally.events


def _reject_vacuous(tally: Tally) -> None:
    """An item in which nothing was compared is no pass."""
    total = sum(tally.counts.values())
    if total and tally.vacuous == total:
        tally.counts = Counter(suite_error=total)
        tally.whole = Finding("A902", "nothing was compared in any case")


def not_offered(item: Item, candidate: Backend) -> Finding | None:
    """Say what a backend declares not to have, before anything is asked."""
    has = candidate.capabilities
    if item.facet in ("signature", "defaults") and not has.speaks_torch:
        return Finding("A003", "signatures are judged only where a backend claims PyTorch's own names")
    if item.dtype is not None and item.dtype not in has.dtypes:
        return Finding("A002", f"no {item.dtype}")
    missing = [feature for feature in item.question.needs if feature not in has.features]
    if missing:
        return Finding("A003", f"no {missing[0]}")
    if has.ops is not None and item.op not in has.ops:
        return Finding("A001", f"no {item.op}")
    return None


def _safely(item: Item, asked: Asked, tally: Tally) -> Iterator[Trial]:
    """Draw the trials of an item; a spec that cannot be drawn from is a fault of the suite."""
    try:
        yield from item.question.trials(item.spec, asked)
    except Wasteful as error:
        tally.whole = Finding("A903", str(error))
    except Exception as error:
        tally.whole = Finding("A901", f"drawing broke: {type(error).__name__}: {error} ({_where(error)})")
    else:
        return
    tally.counts["suite_error"] += 1


def _try(item: Item, trial: Trial, bench: Bench, tally: Tally) -> bool:
    """Ask and judge one trial; tell whether the item goes on."""
    try:
        judgement = trial.judge(bench)
    except Trouble as trouble:
        outcome, code = _TROUBLE[type(trouble)]
        tally.add(outcome, None, Finding(code, trouble.message), trial)
        tally.events.append(
            {
                "kind": outcome,
                "after": item.id,
                "signal": trouble.signal,
                "stderr_tail": trouble.stderr_tail[-2000:],
            }
        )
        return not isinstance(trouble, Stopped)
    except Exception as error:  # whatever breaks in judging is ours, and costs one case
        finding = Finding("A901", f"judging broke: {type(error).__name__}: {error} ({_where(error)})")
        tally.add("suite_error", None, finding, trial)
        return True
    if judgement.result in ("fail", "error"):
        judgement = _steady(trial, bench, judgement)
    tally.add(judgement.result, judgement, judgement.finding, trial)
    return True


def _steady(trial: Trial, bench: Bench, first: Judgement) -> Judgement:
    """Ask a failing case once more: a library that answers differently each time has a fault of its own."""
    second = trial.judge(bench)
    assert first.finding is not None
    if second.result == "pass":
        return replace(
            first,
            finding=replace(first.finding, code="A803", message=f"only sometimes: {first.finding.message}"),
        )
    return first


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else "?"


def _row(item: Item, tally: Tally, asked: Asked, edition: str, device: str, failures: list[Row], ms: float) -> Row:
    counts = tally.counts
    outcome = next((each for each in GRAVITY if counts[each]), "not_run")
    shown = [each for each in failures if each["outcome"] != "unsupported" or outcome == "unsupported"]
    shown.sort(key=lambda each: GRAVITY.index(each["outcome"]))
    code, message = _reason(outcome, tally, shown)
    total = sum(counts.values())
    return {
        "type": "result",
        "id": item.id,
        "hash": item_hash(item, asked, edition),
        "op": item.op,
        "area": item.area,
        "facet": item.facet,
        "dtype": item.dtype,
        "device": device,
        "outcome": outcome,
        "code": code,
        "level": "required",
        "cases": total,
        "passed": counts["pass"],
        "failed": total - sum(counts[each] for each in ("pass", "self", "unsupported", "skipped", "not_run")),
        "self": counts["self"],
        "unsupported": counts["unsupported"],
        "fallback": tally.fallback,
        "ms": round(ms, 3),
        "worst": _worst(tally.worst),
        "excused": dict(tally.excused),
        "message": message,
        "failures": shown,
    }


def _reason(outcome: str, tally: Tally, failures: list[Row]) -> tuple[str | None, str | None]:
    """Return the code and message of an item that is no pass."""
    if tally.whole is not None:
        return tally.whole.code, tally.whole.message[:_CAP]
    if outcome in ("pass", "self") or not failures:
        return None, None
    return failures[0]["code"], failures[0]["message"]


def ended_row(item: Item, asked: Asked, edition: str, device: str, outcome: str, why: Finding) -> Row:
    """Write the row of an item that was ended from outside."""
    return _row(item, Tally(Counter({outcome: 1}), whole=why), asked, edition, device, [], 0.0)


def _worst(worst: Any) -> Row | None:
    if worst is None:
        return None
    fraction = min(worst.fraction, 1e30)
    return {
        "fraction": fraction,
        "ulp": worst.ulp,
        "index": list(worst.index),
        "got": worst.got,
        "want": worst.want,
    }


def _failure(item: Item, bench: Bench, found: list[tuple[str, Finding, Trial]]) -> Row:
    """Describe the failures of one code by the smallest of them."""
    outcome, finding, trial = found[0]
    if outcome in ("fail", "error") and finding.code != "A803":
        trial, finding = _smallest(item, bench, trial, finding)
    return {
        "case": fingerprint(trial.case),
        "code": finding.code,
        "outcome": outcome,
        "message": finding.message[:_CAP],
        "expected": finding.expected[:_CAP],
        "actual": finding.actual[:_CAP],
        "budget": finding.budget,
        "index": None if finding.index is None else list(finding.index),
        "call": spelling.one_line(trial.case),
        "snippet": bench.candidate.spell(trial.case),
        "more": len(found) - 1,
    }


def _smallest(item: Item, bench: Bench, trial: Trial, finding: Finding) -> tuple[Trial, Finding]:
    """Shrink a failing trial; the finding is then the small one's."""
    if trial.plan is None or trial.again is None:
        return trial, finding
    again, best = trial.again, [(trial, finding)]

    def still_fails(plan: Any) -> bool:
        try:
            smaller = again(plan)
            if smaller is None or (item.facet != "errors" and _refused(smaller, bench)):
                return False
            judgement = smaller.judge(bench)
        except Exception:  # a plan that cannot be asked, or that kills the backend, is no smaller failure
            return False
        if judgement.finding is None or judgement.finding.code != finding.code:
            return False
        best.append((smaller, judgement.finding))
        return True

    shrunk(trial.plan, still_fails)
    return best[-1]


def _refused(trial: Trial, bench: Bench) -> bool:
    """Return whether the oracle refuses a call: then it shows nothing about a backend that does so too."""
    expected = bench.expect(trial.case)
    return expected is not None and expected.raised is not None


def item_hash(item: Item, asked: Asked, edition: str) -> str:
    """Hash all that decides an item's cases and verdict: where it differs, the test has changed."""
    parts = (item.spec.digest, item.id, asked.effort, str(asked.seed), edition)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]
