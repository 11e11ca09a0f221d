"""values: the numbers are those of the oracle, within the op's budget."""

from __future__ import annotations

from collections.abc import Iterator

from assay.cases.case import Case
from assay.cases.plan import Plan
from assay.facets.base import Facet, Judgement, SamplingRequest, Trial, drawn_trial, plans, unanswered
from assay.facets.results import by_laws_and_oracle, structured
from assay.judge.bench import Bench
from assay_spec import dtypes
from assay_spec.model import Op, Overload
from assay_spec.plans import TensorPlan


def judged(overload: Overload) -> bool:
    """Return whether an overload's results are determined by its arguments."""
    return overload.random is None and any(budget.kind != "free" for budget in overload.judge.values())


def applies(op: Op) -> bool:
    return any(map(judged, op.overloads))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan in plans(op, request, "options", "values", "shape", "dtype", fits=judged):
        if not rounds_first(plan):
            yield drawn_trial(op, plan, judge)


def rounds_first(plan: Plan) -> bool:
    """Return whether a wide 0-d tensor is combined with narrower ones, to whose dtype it is rounded first."""
    tensors = [
        each for each in plan.given.values() if isinstance(each, TensorPlan) and dtypes.has_fractions(each.dtype)
    ]
    others = [each.dtype for each in tensors if each.shape]
    return any(dtypes.promote(each.dtype, other) != other for each in tensors if not each.shape for other in others)


def judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    early = unanswered(outcome) or structured(plan.overload, outcome, plan.due)
    return early or by_laws_and_oracle(case, plan, outcome, bench)


FACET = Facet("values", applies, trials, split=True)
