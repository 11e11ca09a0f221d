"""strides: how results lie in memory, which is as PyTorch lays them out; judged where a backend claims it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from assay.cases.case import Case, Observation
from assay.cases.outcome import Array
from assay.cases.plan import Plan
from assay.facets.base import (
    PASS,
    Facet,
    Judgement,
    SamplingRequest,
    Trial,
    broken_oracle,
    drawn_trial,
    fail,
    plans,
    unanswered,
)
from assay.facets.layout import strided
from assay.facets.results import shaped, structured
from assay.judge.bench import Bench
from assay_reports.vocabulary import Effort
from assay_spec.model import Op
from assay_spec.plans import TensorPlan

_STRIDES: Final = frozenset[Observation]({"strides"})
_LIMITS: Final[dict[Effort, int]] = {"quick": 6, "standard": 12, "deep": 40}


def applies(op: Op) -> bool:
    return "current" in op.editions and any(map(strided, op.overloads))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    limit = _LIMITS[request.effort]
    for plan in plans(op, request, "layout", "options", fits=strided, limit=limit):
        yield _trial(op, plan)
    for plan in plans(op, request, "shape", "options", fits=strided, limit=limit):
        turned = _transposed(plan)
        if turned is not None:
            yield _trial(op, turned)


def _trial(op: Op, plan: Plan) -> Trial:
    return replace(drawn_trial(op, plan, _judge, observe=_STRIDES), needs_oracle=True)


def _transposed(plan: Plan) -> Plan | None:
    """Return a plan whose leading tensor is transposed; None if there is nothing to transpose."""
    leading = plan.overload.leading
    value = None if leading is None else plan.given.get(leading.name)
    if leading is None or not isinstance(value, TensorPlan) or value.ndim < 2 or not value.numel:
        return None
    return replace(plan, given={**plan.given, leading.name: replace(value, layout="transposed")})


def _judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    early = unanswered(outcome) or structured(plan.overload, outcome, plan.due) or shaped(outcome, plan.due)
    if early is not None:
        return early
    expected = bench.expect_as_given(case)  # another element type may take another path through the library
    assert expected is not None
    broken = broken_oracle(expected)
    if broken is not None:
        return broken
    compared = 0
    for (rule, _, _), got, want in zip(plan.due, outcome.results, expected.results, strict=True):
        if isinstance(got, Array) and isinstance(want, Array) and got.strides is not None and want.strides is not None:
            compared += 1
            if _counting(got) != _counting(want):
                said, due = list(got.strides), list(want.strides)
                return fail("A205", f"{rule.name} has strides {said}, not {due}", due, said)
    return PASS if compared else Judgement("pass", compared=False)


def _counting(result: Array) -> tuple[int, ...]:
    """Return the strides that lead from one element to another."""
    assert result.strides is not None
    if not result.array.size:
        return ()
    return tuple(stride for stride, size in zip(result.strides, result.shape, strict=True) if size > 1)


FACET = Facet("strides", applies, trials, needs=("strides",))
