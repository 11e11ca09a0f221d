"""dtype: the result dtype follows the spec's rule, for every accepted dtype and mix."""

from __future__ import annotations

from collections.abc import Iterator

from assay.cases import draw
from assay.cases.case import Call
from assay.facets.base import PASS, Facet, Judgement, SamplingRequest, Trial, plans, unanswered
from assay.facets.results import expected_rules, structured, typed
from assay.facets.shape import tensors
from assay.judge.bench import Bench
from assay_spec.domains import Axis
from assay_spec.model import Op


def applies(op: Op) -> bool:
    return any(map(tensors, op.overloads)) and op.kind in ("function", "module")


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    axes: tuple[Axis, ...] = ("options",) if op.kind == "module" else ("dtype", "options")
    for plan in plans(op, request, *axes, fits=tensors):
        yield Trial(draw.call(op, plan), plan)


def judge(op: Op, trial: Trial, bench: Bench) -> Judgement:
    assert isinstance(trial.case, Call) and trial.plan is not None
    outcome = bench.ask(trial.case)
    overload = trial.plan.overload
    rules = expected_rules(overload, trial.plan.scope)
    return unanswered(outcome) or structured(overload, outcome, rules) or typed(outcome, rules) or PASS


FACET = Facet("dtype", applies, trials, judge, split=True)
