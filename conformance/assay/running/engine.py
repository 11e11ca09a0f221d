"""Measuring one item: run its cases, judge them, group and shrink the failures, and return a result."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from assay.backends.base import Backend, Capabilities, Died, Malformed, ProcessError, Stopped, TimedOut
from assay.cases import spelling
from assay.cases.asked import dtypes_in
from assay.cases.content import fingerprint
from assay.cases.draw import Wasteful
from assay.cases.fill import without_subnormals
from assay.cases.plan import Plan
from assay.cases.shrinking import shrunk
from assay.facets.base import Judgement, Reason, SamplingRequest, Trial
from assay.judge.bench import Bench
from assay.judge.comparison import Comparison
from assay.running.items import Item
from assay_reports.forms import normal_form
from assay_reports.records import Event, Finding, Result, Worst
from assay_reports.vocabulary import BROKEN, GRAVITY, Effort
from assay_spec import dtypes
from assay_spec.editions import Edition

_PROCESS_ERRORS: Final[dict[type[ProcessError], tuple[str, str]]] = {
    Died: ("crash", "A801"),
    TimedOut: ("timeout", "A802"),
    Malformed: ("harness_error", "A804"),
    Stopped: ("not_run", "A805"),
}
_AHEAD: Final = 64  # cases that the candidate is sent before they are judged
_CAP: Final = 400  # characters of a message
_TRACEBACK: Final = 2000  # characters of the end of a traceback
_GUESSES: Final = 4  # smaller cases that the candidate is sent before it is known whether the one before still fails
_SURE: Final = 4  # failing cases of a form that are judged twice; the next ones once
_SHRUNK: Final = 8  # findings of an item whose cases are shrunk
_STDERR: Final = 2000  # characters of the end of a process's stderr


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one trial."""

    outcome: str
    reason: Reason | None = None
    judgement: Judgement | None = None  # if an answer came
    event: Event | None = None  # if none came
    stops: bool = False  # the backend is not to run further cases


@dataclass
class Group:
    """The cases of an item that went wrong in one way: how many, and the first of them."""

    outcome: str
    reason: Reason
    trial: Trial
    cases: int = 0


@dataclass
class Tally:
    """The verdicts on an item's cases, summed up."""

    counts: Counter[str] = field(default_factory=Counter)
    fallback: int = 0
    vacuous: int = 0
    unasked: int = 0  # for want of an oracle
    worst: Comparison | None = None
    excused: Counter[str] = field(default_factory=Counter)  # elements, by the name of the excuse
    overall: Reason | None = None  # about all of the item: unsupported, or an error of the suite
    groups: dict[tuple[str, str], Group] = field(default_factory=dict)  # by code and normal form
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
        if verdict.reason is not None:
            which = _wrong(verdict.reason, trial)
            self.groups.setdefault(which, Group(verdict.outcome, verdict.reason, trial)).cases += 1

    def is_sure_of(self, verdict: Verdict, trial: Trial) -> bool:
        """Return whether enough cases have gone wrong in the same way, each of them twice."""
        group = None if verdict.reason is None else self.groups.get(_wrong(verdict.reason, trial))
        return group is not None and group.cases >= _SURE

    @property
    def outcome(self) -> str:
        """What the item came to: the gravest of what is broken, else what all cases came to, else `partial`."""
        came = [each for each in GRAVITY if self.counts[each]]
        if len(came) > 1 and came[0] == "pass":
            return "partial"
        return came[0] if came else "not_run"


def _wrong(reason: Reason, trial: Trial) -> tuple[str, str]:
    """Return what is wrong in general: a code, and the reason without the numbers and names of its case."""
    case = trial.case
    names = (case.op, case.op.rpartition(".")[2], case.scenario)
    return reason.code, normal_form(reason.general, names) or reason.code


def measure(
    item: Item, bench: Bench, *, effort: Effort, seed: int, edition: Edition = "current"
) -> tuple[Result, list[Event]]:
    """Run every case of one item; return its result and the events on the way."""
    started = time.perf_counter()
    has = bench.candidate.capabilities
    tally = Tally(overall=not_offered(item, has))
    request = SamplingRequest(item.dtype, effort, seed)
    with without_subnormals(has.flushes_subnormals):
        if tally.overall is not None:
            tally.counts["unsupported"] += 1
        else:
            _judge_all(item, request, bench, tally)
        findings = _findings(item, tally, bench)
    ms = (time.perf_counter() - started) * 1000
    return _result(item, tally, request, edition, has.device, findings, ms), tally.events


def _judge_all(item: Item, request: SamplingRequest, bench: Bench, tally: Tally) -> None:
    """Run and judge the trials of an item."""
    candidate = bench.candidate
    due = _offered(_safely(item, request, tally), candidate.capabilities, tally)
    for trial in _ahead(_judgeable(due, bench, tally), candidate, _AHEAD):
        verdict = judge(item, trial, bench)
        if verdict.outcome in ("fail", "error") and not tally.is_sure_of(verdict, trial):
            verdict = _again(verdict, item, trial, bench)
        tally.add(verdict, trial)
        tally.events += [_event("incident", item, error) for error in candidate.incidents()]
        if verdict.stops:
            break
    candidate.drop()
    if not tally.counts and tally.unasked:
        tally.counts["self"] = tally.unasked
    _reject_vacuous(tally)


def _judgeable(trials: Iterable[Trial], bench: Bench, tally: Tally) -> Iterator[Trial]:
    """Yield the trials of which something can be said; without an oracle, nothing can of some."""
    for trial in trials:
        if trial.needs_oracle and bench.oracle_of(trial.case) is None:
            tally.unasked += 1
        else:
            yield trial


def _offered(trials: Iterable[Trial], has: Capabilities, tally: Tally) -> Iterator[Trial]:
    """Yield the trials that ask for declared dtypes only; the others are unsupported, and never asked."""
    declared = frozenset(has.dtypes)
    if declared >= set(dtypes.ALL):
        yield from trials
        return
    for trial in trials:
        lacking = next((each for each in dtypes_in(trial.case) if each not in declared), None)
        if lacking is None:
            yield trial
        else:
            tally.add(Verdict("unsupported", Reason("A002", f"no {lacking}")), trial)


def _reject_vacuous(tally: Tally) -> None:
    """Turn an item in which nothing was compared into an error of the suite."""
    total = sum(tally.counts.values())
    if total and tally.vacuous == total:
        tally.counts = Counter(suite_error=total)
        tally.overall = Reason("A902", "nothing was compared in any case")


def not_offered(item: Item, has: Capabilities) -> Reason | None:
    """Return a reason if a backend declares that the item is unsupported; None otherwise."""
    if item.facet in ("signature", "defaults") and not has.speaks_torch:
        return Reason("A003", "signatures are judged only where a backend claims PyTorch's own names")
    if item.dtype is not None and item.dtype not in has.dtypes:
        return Reason("A002", f"no {item.dtype}")
    missing = [feature for feature in item.question.needs if feature not in has.features]
    if missing:
        return Reason("A003", f"no {missing[0]}")
    if has.ops is not None and item.op not in has.ops:
        return Reason("A001", f"no {item.op}")
    return None


def _safely(item: Item, request: SamplingRequest, tally: Tally) -> Iterator[Trial]:
    """Draw the trials of an item; a spec that cannot be drawn from is an error of the suite."""
    try:
        yield from item.trials(request)
    except Wasteful as error:
        tally.overall = Reason("A903", str(error))
    except Exception as error:
        tally.overall = Reason("A901", f"drawing broke: {type(error).__name__}: {error} ({_where(error)})")
    else:
        return
    tally.counts["suite_error"] += 1


def _ahead(trials: Iterable[Trial], candidate: Backend, far: int) -> Iterator[Trial]:
    """Yield trials; the cases of those that follow are with the candidate already."""
    due: deque[Trial] = deque()
    for trial in trials:
        for case in filter(None, (trial.beside, trial.case)):
            candidate.prepare(case)
        due.append(trial)
        if len(due) > far:
            yield due.popleft()
    yield from due


def _again(first: Verdict, item: Item, trial: Trial, bench: Bench) -> Verdict:
    """Judge a failing trial a second time: to answer differently each time is a finding of its own.

    Where earlier cases have left traces in the candidate's process, the second time is in a fresh one, and counts.
    """
    assert first.reason is not None
    changed = bench.candidate.refresh()
    second = judge(item, trial, bench)
    if changed and second.judgement is not None:
        told = f"an earlier case changed {', '.join(changed)}: {first.reason.message}"
        return replace(second, event=Event("incident", item.id, message=told[:_CAP]))
    if second.stops:
        return replace(first, stops=True)
    if second.judgement is None:
        return second
    if second.outcome == "pass":
        told = f"only sometimes: {first.reason.message}"
        return replace(first, reason=replace(first.reason, code="A803", message=told, form=None))
    return first


def judge(item: Item, trial: Trial, bench: Bench) -> Verdict:
    """Run one trial and judge the answer; an error affects this one case only."""
    try:
        judgement = trial.judge(bench)
    except ProcessError as error:
        return _unanswered(item, error)
    except Exception as error:  # an error in judging is the suite's
        return Verdict(
            "suite_error", Reason("A901", f"judging broke: {type(error).__name__}: {error} ({_where(error)})")
        )
    return Verdict(judgement.result, judgement.reason, judgement)


def _unanswered(item: Item, error: ProcessError) -> Verdict:
    """Return the verdict on a case that the backend did not answer."""
    outcome, code = _PROCESS_ERRORS[type(error)]
    event = _event(outcome, item, error)
    return Verdict(outcome, Reason(code, error.message), event=event, stops=isinstance(error, Stopped))


def _event(kind: str, item: Item, error: ProcessError) -> Event:
    return Event(kind, item.id, error.signal, error.stderr_tail[-_STDERR:], error.message)


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else "?"


def _result(
    item: Item,
    tally: Tally,
    request: SamplingRequest,
    edition: Edition,
    device: str,
    findings: tuple[Finding, ...],
    ms: float,
) -> Result:
    counts = tally.counts
    return Result(
        id=item.id,
        hash=item_hash(item, request, edition),
        op=item.op,
        area=item.area,
        facet=item.facet,
        dtype=item.dtype,
        device=device,
        outcome=tally.outcome,
        cases=sum(counts.values()),
        passed=counts["pass"],
        failed=sum(count for each, count in counts.items() if each in BROKEN and each != "suite_error"),
        self=counts["self"],
        unsupported=counts["unsupported"],
        fallback=tally.fallback,
        ms=round(ms, 3),
        worst=_worst(tally.worst),
        excused=dict(tally.excused),
        findings=findings,
    )


def ended(item: Item, request: SamplingRequest, edition: Edition, device: str, outcome: str, why: Reason) -> Result:
    """Return the result of an item that was stopped from outside."""
    findings = (_overall(why, outcome, 1),)
    return _result(item, Tally(Counter({outcome: 1})), request, edition, device, findings, 0.0)


def _worst(worst: Comparison | None) -> Worst | None:
    if worst is None:
        return None
    return Worst(min(worst.fraction, 1e30), worst.got, worst.want, worst.ulp, worst.index)


def _findings(item: Item, tally: Tally, bench: Bench) -> tuple[Finding, ...]:
    """Describe each way in which cases went wrong by the smallest of them, the gravest first."""
    deaths: list[tuple[Trial, Died]] = []
    found = [
        _finding(item, bench, form, group, deaths if index < _SHRUNK and not deaths else None)
        for index, ((_, form), group) in enumerate(tally.groups.items())
    ]
    for trial, error in deaths:
        died = _unanswered(item, error)
        assert died.reason is not None
        tally.add(died, trial)
        found.append(_finding(item, bench, normal_form(error.message), Group("crash", died.reason, trial, 1)))
    if tally.overall is not None:
        found.append(_overall(tally.overall, tally.outcome, sum(tally.counts.values())))
    return tuple(sorted(found, key=lambda each: (GRAVITY.index(each.outcome), -each.cases)))


def _overall(reason: Reason, outcome: str, cases: int) -> Finding:
    """Return a finding about all of an item."""
    return Finding(reason.code, outcome, normal_form(reason.message), cases, reason.message[:_CAP])


def _finding(
    item: Item, bench: Bench, form: str, group: Group, deaths: list[tuple[Trial, Died]] | None = None
) -> Finding:
    """Describe a group by its case, or by the smallest where there is a list for the cases that kill the backend."""
    trial, reason = group.trial, group.reason
    if deaths is not None and group.outcome in ("fail", "error") and reason.code != "A803":
        trial, reason = _smallest(item, bench, trial, reason, deaths)
    return Finding(
        code=reason.code,
        outcome=group.outcome,
        form=form,
        cases=group.cases,
        message=reason.message[:_CAP],
        expected=reason.expected[:_CAP],
        actual=reason.actual[:_CAP],
        budget=reason.budget,
        traceback=reason.traceback[-_TRACEBACK:],
        index=reason.index,
        case=fingerprint(trial.case),
        call=spelling.one_line(trial.case),
        snippet=bench.candidate.spell(trial.case) if group.outcome in BROKEN else "",
    )


def _smallest(
    item: Item, bench: Bench, trial: Trial, reason: Reason, deaths: list[tuple[Trial, Died]]
) -> tuple[Trial, Reason]:
    """Shrink a failing trial; the reason is then the small one's, and of the same form.

    A smaller one that kills the backend is not the same failure, but one of its own; as it costs a process, it is the
    last.
    """
    if trial.plan is None or trial.again is None:
        return trial, reason
    candidate, best = bench.candidate, [(trial, reason)]
    wrong = _wrong(reason, trial)

    def tried(plans: Iterator[Plan]) -> Iterator[tuple[Plan, bool]]:
        for smaller in _ahead(_redrawn(trial, plans), candidate, _GUESSES):
            try:
                reason = _reason(item, smaller, bench)
            except Died as error:
                deaths.append((smaller, error))
                return
            same = reason is not None and _wrong(reason, smaller) == wrong
            if reason is not None and same:
                best.append((smaller, reason))
                candidate.drop()
            assert smaller.plan is not None
            yield smaller.plan, same

    shrunk(trial.plan, tried)
    candidate.drop()
    return best[-1]


def _redrawn(trial: Trial, plans: Iterable[Plan]) -> Iterator[Trial]:
    """Make a trial again from other plans; leave out what cannot be made."""
    assert trial.again is not None
    for plan in plans:
        with suppress(Exception):
            made = trial.again(plan)
            if made is not None:
                yield replace(made, plan=plan)


def _reason(item: Item, trial: Trial, bench: Bench) -> Reason | None:
    """Return why a trial fails; None if it does not, cannot run, or shows nothing about the candidate."""
    try:
        if item.facet != "errors" and _refused(trial, bench):
            return None
        return trial.judge(bench).reason
    except Died:
        raise
    except Exception:
        return None


def _refused(trial: Trial, bench: Bench) -> bool:
    """Return whether the oracle raises too: then the call shows nothing about the backend."""
    expected = bench.expect(trial.case)
    return expected is not None and expected.raised is not None


def item_hash(item: Item, request: SamplingRequest, edition: Edition) -> str:
    """Return a hash of all that decides an item's cases and verdict: if it differs, the test has changed."""
    parts = (item.spec.digest, item.id, request.effort, str(request.seed), edition)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]
