"""errors: each documented invalid call raises, and so does what PyTorch refuses; none changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any, Final

from assay.cases import calls, runs, written
from assay.cases.broken import broken
from assay.cases.case import Case
from assay.cases.plan import Plan
from assay.cases.walk import walk
from assay.facets.base import (
    PASS,
    Facet,
    Judgement,
    Reason,
    SamplingRequest,
    Trial,
    fail,
    is_raised,
    of_another_class,
    plans,
    unanswered,
)
from assay.judge.bench import Bench
from assay_reports.vocabulary import Effort
from assay_spec.domains import Focus
from assay_spec.model import Misuse, Op, Overload

_BROKEN: Final[dict[Effort, int]] = {"quick": 1, "standard": 2, "deep": 6}  # plans of an overload that are broken


def applies(op: Op) -> bool:
    return any(each.errors or _may_be_broken(op, each) for each in op.overloads)


def _may_be_broken(op: Op, overload: Overload) -> bool:
    """Return whether PyTorch can be asked what is invalid: it no longer has what is documented only."""
    return "current" in op.editions and overload.lead is not None and overload.random is None


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for overload in op.overloads:
        for misuse in overload.errors:
            yield from _trials(op, overload, misuse, request)
        if _may_be_broken(op, overload):
            yield from _broken(op, overload, request)


def _broken(op: Op, overload: Overload, request: SamplingRequest) -> Iterator[Trial]:
    """Yield trials that only PyTorch can tell to be invalid."""
    focus = Focus(frozenset({"shape"}), None, request.seed)
    for plan in islice(walk(overload, focus, 8), _BROKEN[request.effort]):
        for what, each in broken(plan):
            case = calls.case(op, each, observe=frozenset({"mutation"}))
            yield Trial(case, partial(_judge_refused, case, what), each, needs_oracle=True)


def _trials(op: Op, overload: Overload, misuse: Misuse, request: SamplingRequest) -> Iterator[Trial]:
    observe: Any = frozenset({"mutation"})
    if misuse.call is not None:
        if overload.trail is not None:
            case = runs.written(op, overload, misuse.call)
        else:
            case = written.case(op, overload, misuse.call, observe=observe)
        yield Trial(case, partial(_judge, case, misuse), about=misuse)
        return
    assert misuse.out_of_range is not None
    maker = overload.construct
    domains = {each.name: each for each in (*overload.arguments, *(maker.arguments if maker else ()))}
    for plan in plans(op, request, "shape", fits=lambda each: each is overload, limit=6):
        for value in domains[misuse.out_of_range].domain(plan.scope).invalid():
            given, constructed = dict(plan.given), dict(plan.constructed)
            (given if misuse.out_of_range in given else constructed)[misuse.out_of_range] = value
            broken = Plan(overload, given, plan.scope, constructed, plan.training)
            case = calls.case(op, broken, observe=observe)
            yield Trial(case, partial(_judge, case, misuse), broken, about=misuse)


def _judge(case: Case, misuse: Misuse, bench: Bench, what: str | None = None) -> Judgement:
    """Judge a call that must raise; `what` is wrong with it in general, where the spec has no words for it."""
    raises, because = misuse.raises, misuse.because
    outcome = bench.ask(case)
    if outcome.unsupported is not None and not is_raised(raises, outcome):
        return Judgement("unsupported", Reason("A003", outcome.unsupported.message))
    if outcome.raised is None:
        message = f"no error for an invalid call; {raises} is due: {because}"
        return fail("A302", message, raises, "an answer", form=f"no error for an invalid call: {what or because}")
    if outcome.changed:
        changed = ", ".join(sorted(outcome.changed))
        return fail("A304", f"the failed call changed {changed}", "inputs not changed", f"{changed} changed")
    if bench.candidate.capabilities.speaks_torch and not is_raised(raises, outcome):
        return of_another_class(f"raises {outcome.raised}, not {raises}: {because}", raises, outcome.raised)
    return PASS


def _judge_refused(case: Case, what: str, bench: Bench) -> Judgement:
    """Judge a call that PyTorch may refuse. That it lacks a kernel is no refusal."""
    expected = bench.expect_as_given(case)
    refusal = None if expected is None else expected.raised
    if refusal is None or "NotImplementedError" in refusal.classes:
        outcome = bench.ask(case)
        lacks = outcome.unsupported is not None and (refusal is None or outcome.unsupported.kind == "op")
        return (lacks and unanswered(outcome)) or PASS
    return _judge(case, Misuse(raises=refusal.classes[0], because=f"PyTorch says {refusal.message}"), bench, what)


FACET = Facet("errors", applies, trials)
