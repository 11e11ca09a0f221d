"""Measuring one item: run its cases, judge them, group and shrink the failures, and return a result."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from assay.backends.base import Backend, Died, Malformed, ProcessError, Stopped, TimedOut
from assay.cases import spelling
from assay.cases.content import fingerprint
from assay.cases.draw import Wasteful
from assay.cases.shrinking import shrunk
from assay.facets.base import Finding, Judgement, SamplingRequest, Trial
from assay.judge.bench import Bench
from assay.judge.comparison import Comparison
from assay.running.items import Item
from assay_reports import results
from assay_reports.results import Event, Failure, Result
from assay_reports.vocabulary import BROKEN, GRAVITY, Effort
from assay_spec.editions import Edition

_PROCESS_ERRORS: Final[dict[type[ProcessError], tuple[str, str]]] = {
    Died: ("crash", "A801"),
    TimedOut: ("timeout", "A802"),
    Malformed: ("harness_error", "A804"),
    Stopped: ("not_run", "A805"),
}
_CAP: Final = 400  # characters of a message
_STDERR: Final = 2000  # characters of the end of a process's stderr


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one trial."""

    outcome: str
    finding: Finding | None = None
    judgement: Judgement | None = None  # if an answer came
    event: Event | None = None  # if none came
    stops: bool = False  # the backend is not to run further cases


@dataclass
class Tally:
    """The verdicts on an item's cases, summed up."""

    counts: Counter[str] = field(default_factory=Counter)
    fallback: int = 0
    vacuous: int = 0
    worst: Comparison | None = None
    excused: Counter[str] = field(default_factory=Counter)  # elements, by the name of the excuse
    overall: Finding | None = None  # about all of the item: unsupported, or an error of the suite
    failures: dict[str, list[tuple[str, Finding, Trial]]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def add(self, verdict: Verdict, trial: Trial) -> None:
        """Count one more case."""
        self.counts[verdict.outcome] += 1
        if verdict.judgement is not None:
            self.fallback += verdict.judgement.fallback
            self.vacuous += not verdict.judgement.compared
            self.excused.update(verdict.judgement.excused)
            worst = verdict.judgement.worst
            if worst is not None and (self.worst is None or worst.fraction > self.worst.fraction):
                self.worst = worst
        if verdict.event is not None:
            self.events.append(verdict.event)
        if verdict.finding is not None:
            self.failures.setdefault(verdict.finding.code, []).append((verdict.outcome, verdict.finding, trial))


def measure(
    item: Item, bench: Bench, *, effort: Effort, seed: int, edition: Edition = "current"
) -> tuple[Result, list[Event]]:
    """Run every case of one item; return its result and the events on the way."""
    started = time.perf_counter()
    tally = Tally(overall=not_offered(item, bench.candidate))
    request = SamplingRequest(item.dtype, effort, seed)
    if tally.overall is not None:
        tally.counts["unsupported"] += 1
    else:
        for trial in _safely(item, request, tally):
            verdict = _twice(item, trial, bench)
            tally.add(verdict, trial)
            if verdict.stops:
                break
        _reject_vacuous(tally)
    failures = [_failure(item, bench, found) for found in tally.failures.values()]
    ms = (time.perf_counter() - started) * 1000
    return _result(item, tally, request, edition, bench.candidate.capabilities.device, failures, ms), tally.events


def _reject_vacuous(tally: Tally) -> None:
    """Turn an item in which nothing was compared into an error of the suite."""
    total = sum(tally.counts.values())
    if total and tally.vacuous == total:
        tally.counts = Counter(suite_error=total)
        tally.overall = Finding("A902", "nothing was compared in any case")


def not_offered(item: Item, candidate: Backend) -> Finding | None:
    """Return a finding if the backend declares that the item is unsupported; None otherwise."""
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


def _safely(item: Item, request: SamplingRequest, tally: Tally) -> Iterator[Trial]:
    """Draw the trials of an item; a spec that cannot be drawn from is an error of the suite."""
    try:
        yield from item.question.trials(item.spec, request)
    except Wasteful as error:
        tally.overall = Finding("A903", str(error))
    except Exception as error:
        tally.overall = Finding("A901", f"drawing broke: {type(error).__name__}: {error} ({_where(error)})")
    else:
        return
    tally.counts["suite_error"] += 1


def _twice(item: Item, trial: Trial, bench: Bench) -> Verdict:
    """Judge one trial, and a failing one twice: to answer differently each time is a finding of its own."""
    first = judge(item, trial, bench)
    if first.outcome not in ("fail", "error"):
        return first
    second = judge(item, trial, bench)
    if second.stops:
        return replace(first, stops=True)
    if second.judgement is None:
        return second
    if second.outcome == "pass":
        assert first.finding is not None
        return replace(
            first, finding=replace(first.finding, code="A803", message=f"only sometimes: {first.finding.message}")
        )
    return first


def judge(item: Item, trial: Trial, bench: Bench) -> Verdict:
    """Run one trial and judge the answer; an error affects this one case only."""
    try:
        judgement = trial.judge(bench)
    except ProcessError as error:
        outcome, code = _PROCESS_ERRORS[type(error)]
        event = Event(outcome, item.id, error.signal, error.stderr_tail[-_STDERR:])
        return Verdict(outcome, Finding(code, error.message), event=event, stops=isinstance(error, Stopped))
    except Exception as error:  # an error in judging is the suite's
        return Verdict(
            "suite_error", Finding("A901", f"judging broke: {type(error).__name__}: {error} ({_where(error)})")
        )
    return Verdict(judgement.result, judgement.finding, judgement)


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else "?"


def _result(
    item: Item,
    tally: Tally,
    request: SamplingRequest,
    edition: Edition,
    device: str,
    failures: list[Failure],
    ms: float,
) -> Result:
    counts = tally.counts
    outcome = next((each for each in GRAVITY if counts[each]), "not_run")
    shown = [each for each in failures if each.outcome != "unsupported" or outcome == "unsupported"]
    shown.sort(key=lambda each: GRAVITY.index(each.outcome))
    code, message = _reason(outcome, tally, shown)
    total = sum(counts.values())
    return Result(
        id=item.id,
        hash=item_hash(item, request, edition),
        op=item.op,
        area=item.area,
        facet=item.facet,
        dtype=item.dtype,
        device=device,
        outcome=outcome,
        code=code,
        cases=total,
        passed=counts["pass"],
        failed=sum(count for each, count in counts.items() if each in BROKEN),
        self=counts["self"],
        unsupported=counts["unsupported"],
        fallback=tally.fallback,
        ms=round(ms, 3),
        worst=_worst(tally.worst),
        excused=dict(tally.excused),
        message=message,
        failures=tuple(shown),
    )


def _reason(outcome: str, tally: Tally, failures: list[Failure]) -> tuple[str | None, str | None]:
    """Return the code and message of an item that does not pass."""
    if tally.overall is not None:
        return tally.overall.code, tally.overall.message[:_CAP]
    if outcome in ("pass", "self") or not failures:
        return None, None
    return failures[0].code, failures[0].message


def ended(item: Item, request: SamplingRequest, edition: Edition, device: str, outcome: str, why: Finding) -> Result:
    """Return the result of an item that was stopped from outside."""
    return _result(item, Tally(Counter({outcome: 1}), overall=why), request, edition, device, [], 0.0)


def _worst(worst: Comparison | None) -> results.Worst | None:
    if worst is None:
        return None
    return results.Worst(min(worst.fraction, 1e30), worst.ulp, worst.index, worst.got, worst.want)


def _failure(item: Item, bench: Bench, found: list[tuple[str, Finding, Trial]]) -> Failure:
    """Describe the failures of one code by the smallest of them."""
    outcome, finding, trial = found[0]
    if outcome in ("fail", "error") and finding.code != "A803":
        trial, finding = _smallest(item, bench, trial, finding)
    return Failure(
        case=fingerprint(trial.case),
        code=finding.code,
        outcome=outcome,
        message=finding.message[:_CAP],
        expected=finding.expected[:_CAP],
        actual=finding.actual[:_CAP],
        budget=finding.budget,
        index=finding.index,
        call=spelling.one_line(trial.case),
        snippet=bench.candidate.spell(trial.case),
        more=len(found) - 1,
    )


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
        except Exception:  # a plan that cannot run, or that kills the backend, is not the same failure
            return False
        if judgement.finding is None or judgement.finding.code != finding.code:
            return False
        best.append((smaller, judgement.finding))
        return True

    shrunk(trial.plan, still_fails)
    return best[-1]


def _refused(trial: Trial, bench: Bench) -> bool:
    """Return whether the oracle raises too: then the call shows nothing about the backend."""
    expected = bench.expect(trial.case)
    return expected is not None and expected.raised is not None


def item_hash(item: Item, request: SamplingRequest, edition: Edition) -> str:
    """Return a hash of all that decides an item's cases and verdict: if it differs, the test has changed."""
    parts = (item.spec.digest, item.id, request.effort, str(request.seed), edition)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]
