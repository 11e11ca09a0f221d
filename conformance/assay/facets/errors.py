"""errors: each documented invalid call raises, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from assay.cases import draw, written
from assay.cases.case import Case
from assay.facets.base import PASS, Facet, Judgement, Reason, SamplingRequest, Trial, fail, is_raised, plans
from assay.judge.bench import Bench
from assay_spec.model import Misuse, Op, Overload


def applies(op: Op) -> bool:
    return any(each.errors for each in op.overloads)


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for overload in op.overloads:
        for misuse in overload.errors:
            yield from _trials(op, overload, misuse, request)


def _trials(op: Op, overload: Overload, misuse: Misuse, request: SamplingRequest) -> Iterator[Trial]:
    observe: Any = frozenset({"mutation"})
    if misuse.call is not None:
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
            broken = draw.Plan(overload, given, plan.scope, constructed, plan.training)
            case = draw.case(op, broken, observe=observe)
            yield Trial(case, partial(_judge, case, misuse), broken, about=misuse)


def _judge(case: Case, misuse: Misuse, bench: Bench) -> Judgement:
    raises, because = misuse.raises, misuse.because
    outcome = bench.ask(case)
    if outcome.unsupported is not None and not is_raised(raises, outcome):
        return Judgement("unsupported", Reason("A003", outcome.unsupported.message))
    if outcome.raised is None:
        return fail("A302", f"no error for an invalid call; {raises} is due: {because}", raises, "an answer")
    if outcome.changed:
        changed = ", ".join(sorted(outcome.changed))
        return fail("A304", f"the failed call changed {changed}", "inputs not changed", f"{changed} changed")
    if bench.candidate.capabilities.speaks_torch and not is_raised(raises, outcome):
        return fail("A303", f"raises {outcome.raised}, not {raises}: {because}", raises, str(outcome.raised))
    return PASS


FACET = Facet("errors", applies, trials)
