"""shape: the result has the shape of the spec's rule, for every rank, empty and 0-d tensors too."""

from __future__ import annotations

from collections.abc import Iterator

from assay.cases.case import Case
from assay.cases.plan import Plan
from assay.facets.base import PASS, Facet, Judgement, SamplingRequest, Trial, drawn_trial, plans, unanswered
from assay.facets.results import shaped, structured
from assay.judge.bench import Bench
from assay_spec.model import Op, Overload


def tensors(overload: Overload) -> bool:
    """Return whether an overload returns tensors."""
    return any(rule.kind != "value" for rule in overload.results)


def applies(op: Op) -> bool:
    return any(map(tensors, op.overloads))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan in plans(op, request, "shape", "options", fits=tensors):
        yield drawn_trial(op, plan, judge)


def judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    rules = plan.due
    return unanswered(outcome) or structured(plan.overload, outcome, rules) or shaped(outcome, rules) or PASS


FACET = Facet("shape", applies, trials)
