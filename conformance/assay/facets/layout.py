"""layout: the same result for transposed, sliced, expanded and other non-contiguous inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from assay.cases.case import Case, TensorValue, map_tensors
from assay.cases.plan import Plan
from assay.facets import values
from assay.facets.base import PASS, Facet, Judgement, SamplingRequest, Trial, drawn_trial, plans, unanswered
from assay.facets.results import compare, lawful, settled_by_laws, structured
from assay.facets.shape import tensors
from assay.judge.bench import Bench, tensors_of
from assay_spec.model import Op, Overload


def strided(overload: Overload) -> bool:
    """Return whether an overload takes tensors whose layout may vary."""
    lead = overload.lead
    return lead is not None and not lead.dense and values.judged(overload) and tensors(overload)


def applies(op: Op) -> bool:
    return any(map(strided, op.overloads))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan in plans(op, request, "layout", "options", fits=strided):
        trial = drawn_trial(op, plan, judge)
        if any(not tensor.is_contiguous for tensor in tensors_of(trial.case)):
            yield trial


def judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    overload = plan.overload
    outcome = bench.ask(case)
    early = unanswered(outcome)
    if early is not None:
        return early
    law = structured(overload, outcome, plan.due) or lawful(overload, case, outcome, plan.scope)
    if law is not None:
        return law
    if settled_by_laws(overload):
        return PASS
    dense = map_tensors(case, _dense)
    # Without an oracle, the candidate's own answer for contiguous inputs is the expected one.
    expected = bench.expect(dense) or bench.ask(dense)
    verdict = compare(plan, dense, outcome, expected, bench, code="A108")
    if verdict.result == "fail" and compare(plan, dense, bench.ask(dense), expected, bench).result != "pass":
        verdict = compare(plan, dense, outcome, expected, bench)  # the layout is not to blame
    return Judgement("pass") if not verdict.compared and overload.laws else verdict


def _dense(value: TensorValue) -> TensorValue:
    return replace(TensorValue.of(np.array(value.array()), value.dtype), requires_grad=value.requires_grad)


FACET = Facet("layout", applies, trials, split=True)
