"""shape: the result has the shape that the spec's rule gives, for every rank, empty and 0-d tensors too."""

from __future__ import annotations

from collections.abc import Iterator

from assay.cases import draw
from assay.cases.case import Call
from assay.facets.base import PASS, Facet, Judgement, SamplingRequest, Trial, plans, unanswered
from assay.facets.results import expected_rules, shaped, structured
from assay.judge.bench import Bench
from assay_spec.model import Op, Overload


def tensors(overload: Overload) -> bool:
    """Return whether an overload gives tensors."""
    return any(rule.kind != "value" for rule in overload.results)


def applies(op: Op) -> bool:
    return any(map(tensors, op.overloads)) and op.kind in ("function", "module")


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan in plans(op, request, "shape", "options", fits=tensors):
        yield Trial(draw.call(op, plan), plan)


def judge(op: Op, trial: Trial, bench: Bench) -> Judgement:
    assert isinstance(trial.case, Call) and trial.plan is not None
    outcome = bench.ask(trial.case)
    overload = trial.plan.overload
    rules = expected_rules(overload, trial.plan.scope)
    return unanswered(outcome) or structured(overload, outcome, rules) or shaped(outcome, rules) or PASS


FACET = Facet("shape", applies, trials, judge)
