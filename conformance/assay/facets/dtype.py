"""dtype: the result dtype follows the spec's rule, for every accepted dtype and mix."""

from __future__ import annotations

from collections.abc import Iterator

from assay.cases.case import Case
from assay.cases.plan import Plan
from assay.facets.base import PASS, Facet, Judgement, SamplingRequest, Trial, drawn_trial, plans, unanswered
from assay.facets.results import structured, typed
from assay.facets.shape import tensors
from assay.judge.bench import Bench
from assay_spec.domains import Axis
from assay_spec.model import Op


def applies(op: Op) -> bool:
    return any(map(tensors, op.overloads))


def stateful(op: Op) -> bool:
    """Return whether an op has a state, whose dtype its inputs must have."""
    return any(each.construct for each in op.overloads)


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    axes: tuple[Axis, ...] = ("options",) if stateful(op) else ("dtype", "options")
    for plan in plans(op, request, *axes, fits=tensors, divided=False):
        yield drawn_trial(op, plan, judge)


def judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    rules = plan.due
    return unanswered(outcome) or structured(plan.overload, outcome, rules) or typed(outcome, rules) or PASS


FACET = Facet("dtype", applies, trials, split=True)
