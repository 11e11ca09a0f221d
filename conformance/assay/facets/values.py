"""values: the numbers are those of the oracle, within the op's budget."""

from __future__ import annotations

from collections.abc import Iterator

from assay import draw
from assay.bench import Bench
from assay.case import Call
from assay.draw import Plan
from assay.facets.base import PASS, SELF, Asked, Facet, Judgement, Trial, gravest, plans, unanswered
from assay.facets.results import compare, expected_rules, lawful, settled_by_laws, structured
from assay_spec import dtypes
from assay_spec.model import Op, Overload
from assay_spec.plans import TensorPlan


def judged(overload: Overload) -> bool:
    """Tell whether an overload's results are determined by its arguments."""
    return overload.random is None and any(budget.kind != "free" for budget in overload.judge.values())


def applies(op: Op) -> bool:
    return any(map(judged, op.overloads)) and op.kind in ("function", "module")


def trials(op: Op, asked: Asked) -> Iterator[Trial]:
    for plan in plans(op, asked, "options", "values", "shape", "dtype", fits=judged):
        if not _rounds_first(plan):
            yield Trial(draw.call(op, plan), plan)


def _rounds_first(plan: Plan) -> bool:
    """Tell whether a wide 0-d tensor meets narrower ones, whose dtype it is rounded to before anything is computed."""
    tensors = [
        each for each in plan.given.values() if isinstance(each, TensorPlan) and dtypes.has_fractions(each.dtype)
    ]
    others = [each.dtype for each in tensors if each.shape]
    return any(dtypes.promote(each.dtype, other) != other for each in tensors if not each.shape for other in others)


def judge(op: Op, trial: Trial, bench: Bench) -> Judgement:
    assert isinstance(trial.case, Call) and trial.plan is not None
    overload = trial.plan.overload
    outcome = bench.ask(trial.case)
    early = unanswered(outcome) or structured(overload, outcome, expected_rules(overload, trial.plan.scope))
    if early is not None:
        return early
    law = lawful(overload, trial.case, outcome, trial.plan.scope)
    if law is not None:
        return law
    if settled_by_laws(overload):
        return PASS
    expected = bench.expect(trial.case)
    if expected is None:
        return SELF
    verdict = compare(trial.plan, trial.case, outcome, expected, bench)
    if not verdict.compared and overload.laws:
        return Judgement("pass")
    return gravest([verdict])


FACET = Facet("values", applies, trials, judge, split=True)
