"""special: NaN, infinities, signed zeros, subnormals, the extremes of the integers, ties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from assay.cases.arrays import host_dtype
from assay.cases.case import Case, TensorValue, called
from assay.cases.outcome import Array
from assay.cases.plan import Plan
from assay.facets import values
from assay.facets.base import (
    Facet,
    Judgement,
    SamplingRequest,
    Trial,
    beyond,
    drawn_trial,
    fail,
    overloads,
    plans,
    unanswered,
)
from assay.facets.results import by_laws_and_oracle
from assay.judge.bench import Bench
from assay.judge.budgets import Bounds
from assay.judge.comparison import measure
from assay_spec import dtypes
from assay_spec.model import Budget, Op, Overload
from assay_spec.plans import TensorPlan


def applies(op: Op) -> bool:
    return any(map(has_lattice, op.overloads))


def has_lattice(overload: Overload) -> bool:
    """Return whether an overload's tensors may hold special values at all."""
    lead = overload.lead
    return values.judged(overload) and lead is not None and not (lead.invertible or lead.distinct)


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    assert request.dtype is not None
    for overload in overloads(op, request.dtype):
        for row in overload.special:
            yield from _row(op, overload, request.dtype, row)
    for plan in plans(op, request, "special", "options", fits=has_lattice, divided=False):
        if any(map(_has_special, plan.given.values())):
            yield drawn_trial(op, plan, judge)


def _has_special(value: Any) -> bool:
    """Return whether a tensor, or one of several, holds special values."""
    if isinstance(value, (tuple, list)):
        return any(map(_has_special, value))
    return isinstance(value, TensorPlan) and value.fill.kind in ("special", "extremes")


def _row(op: Op, overload: Overload, dtype: str, row: Sequence[Any]) -> Iterator[Trial]:
    """Yield the trials of one row of the spec's table: for one element, and for nine."""
    *given, wanted = row
    target = host_dtype(dtype)
    if not dtypes.is_floating(dtype):
        return  # the rows are about floats only; the extremes of the integers are in the lattice
    names = [argument.name for argument in overload.arguments if argument.passed][: len(given)]
    for count in (1, 9):
        arguments = {
            name: TensorValue.of(np.full(count, each, dtype=target), dtype)
            for name, each in zip(names, given, strict=True)
        }
        case = called(op.name, arguments, tuple(names), form=op.form)
        yield Trial(case, partial(_tabled, case, overload, wanted))


def judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    return unanswered(outcome) or by_laws_and_oracle(case, plan, outcome, bench, signs=True)


def _tabled(case: Case, overload: Overload, wanted: Any, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    early = unanswered(outcome)
    if early is not None:
        return early
    result = outcome.results[0]
    if not isinstance(result, Array):
        return fail("A203", "the result is no tensor", wanted, result)
    name = overload.results[0].name
    budget = overload.judge[name]
    exact = Budget("exact") if budget.kind in ("law", "free") else budget
    want = np.full(result.shape, wanted, dtype=np.float64)
    bounds = Bounds(lambda: np.abs(want), lambda: np.zeros_like(want))
    worst = measure(result.array, want, result.dtype, exact, bounds, signs=True)
    return Judgement("pass", compared=False) if worst is None else beyond("A101", worst, name)


FACET = Facet("special", applies, trials, split=True)
