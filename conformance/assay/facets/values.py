"""values: the numbers are those of the oracle, within the op's budget."""

from __future__ import annotations

from collections.abc import Iterator

from assay import draw
from assay.bench import Bench
from assay.case import Call
from assay.facets.base import PASS, SELF, Asked, Facet, Judgement, Trial, gravest, plans, unanswered
from assay.facets.results import compare, expected_rules, lawful, settled_by_laws, structured
from assay_spec.model import Op, Overload


def judged(overload: Overload) -> bool:
    """Tell whether an overload's results are determined by its arguments."""
    return overload.random is None and any(budget.kind != "free" for budget in overload.judge.values())


def applies(op: Op) -> bool:
    return any(map(judged, op.overloads)) and op.kind in ("function", "module")


def trials(op: Op, asked: Asked) -> Iterator[Trial]:
    for plan in plans(op, asked, "options", "values", "shape", "dtype", fits=judged):
        yield Trial(draw.call(op, plan), plan)


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
