"""errors: each documented bad input raises, and nothing is changed by the failed call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.cases import draw, written
from assay.cases.case import Call
from assay.facets.base import PASS, Asked, Facet, Finding, Judgement, Trial, fail, is_raised, plans
from assay.judge.bench import Bench
from assay_spec.model import Misuse, Op, Overload


def applies(op: Op) -> bool:
    return any(each.errors for each in op.overloads)


def trials(op: Op, asked: Asked) -> Iterator[Trial]:
    for overload in op.overloads:
        for misuse in overload.errors:
            yield from _trials(op, overload, misuse, asked)


def _trials(op: Op, overload: Overload, misuse: Misuse, asked: Asked) -> Iterator[Trial]:
    extra = {"raises": misuse.raises, "because": misuse.because}
    observe: Any = frozenset({"mutation"})
    if misuse.call is not None:
        yield Trial(written.call(op, overload, misuse.call, observe=observe), None, extra)
        return
    assert misuse.out_of_range is not None
    maker = overload.construct
    domains = {each.name: each for each in (*overload.arguments, *(maker.arguments if maker else ()))}
    for plan in plans(op, asked, "shape", fits=lambda each: each is overload, limit=6):
        for value in domains[misuse.out_of_range].domain(plan.scope).invalid():
            given, constructed = dict(plan.given), dict(plan.constructed)
            (given if misuse.out_of_range in given else constructed)[misuse.out_of_range] = value
            broken = draw.Plan(overload, given, plan.scope, constructed, plan.training)
            yield Trial(draw.call(op, broken, observe=observe), broken, extra)


def judge(op: Op, trial: Trial, bench: Bench) -> Judgement:
    assert isinstance(trial.case, Call)
    raises, because = trial.extra["raises"], trial.extra["because"]
    outcome = bench.ask(trial.case)
    if outcome.lacking is not None and not is_raised(raises, outcome):
        return Judgement("unsupported", Finding("A003", outcome.lacking.message))
    if outcome.raised is None:
        return fail("A302", f"answers where it must raise {raises}: {because}", raises, "an answer")
    if outcome.changed:
        changed = ", ".join(sorted(outcome.changed))
        return fail("A304", f"the failed call changed {changed}", "inputs left alone", f"{changed} changed")
    if bench.candidate.capabilities.speaks_torch and not is_raised(raises, outcome):
        return fail("A303", f"raises {outcome.raised}, not {raises}: {because}", raises, str(outcome.raised))
    return PASS


FACET = Facet("errors", applies, trials, judge, rebuild=lambda op, plan, trial: None)
