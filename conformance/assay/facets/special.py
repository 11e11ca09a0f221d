"""special: NaN, infinities, signed zeros, subnormals, the extremes of the integers, ties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from assay.cases import draw
from assay.cases.arrays import host_dtype
from assay.cases.case import Array, Call, TensorValue
from assay.cases.draw import Plan
from assay.facets import values
from assay.facets.base import Facet, Judgement, SamplingRequest, Trial, beyond, fail, overloads, plans, unanswered
from assay.facets.results import by_laws_and_oracle
from assay.judge.bench import Bench
from assay.judge.budgets import Bounds, measure
from assay_spec import dtypes
from assay_spec.model import Budget, Op, Overload
from assay_spec.scope import Scope


def applies(op: Op) -> bool:
    return op.kind in ("function", "module") and any(map(has_lattice, op.overloads))


def has_lattice(overload: Overload) -> bool:
    """Return whether an overload's tensors may hold special values at all."""
    lead = overload.lead
    return values.judged(overload) and lead is not None and not (lead.invertible or lead.distinct)


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    assert request.dtype is not None
    for overload in overloads(op, request.dtype):
        for row in overload.special:
            yield from _row(op, overload, request.dtype, row)
    for plan in plans(op, request, "special", "options", fits=has_lattice):
        if _has_special(plan):
            yield Trial(draw.call(op, plan), plan)


def _has_special(plan: Plan) -> bool:
    return any(getattr(getattr(value, "fill", None), "kind", None) == "special" for value in plan.given.values())


def _row(op: Op, overload: Overload, dtype: str, row: Sequence[Any]) -> Iterator[Trial]:
    """Ask one row of the spec's table, as one element and as many."""
    *given, wanted = row
    target = host_dtype(dtype)
    if not dtypes.is_floating(dtype):
        return  # the rows are about what only floats have; integers meet their extremes in the lattice
    names = [argument.name for argument in overload.arguments if argument.passed][: len(given)]
    for count in (1, 9):
        arguments = {
            name: TensorValue.of(np.full(count, each, dtype=target), dtype)
            for name, each in zip(names, given, strict=True)
        }
        case = Call(op.name, arguments, tuple(names), form="method" if op.is_method else "function")
        yield Trial(case, Plan(overload, {}, Scope({})), {"wanted": wanted})


def judge(op: Op, trial: Trial, bench: Bench) -> Judgement:
    assert trial.plan is not None
    outcome = bench.ask(trial.case)
    early = unanswered(outcome)
    if early is not None:
        return early
    if "wanted" in trial.extra:
        return _tabled(trial.plan.overload, outcome.results[0], trial.extra["wanted"])
    return by_laws_and_oracle(trial, outcome, bench, signs=True)


def _tabled(overload: Overload, result: Any, wanted: Any) -> Judgement:
    if not isinstance(result, Array):
        return fail("A203", "the result is no tensor", wanted, result)
    budget = overload.judge[overload.results[0].name]
    exact = Budget("exact") if budget.kind in ("law", "free") else budget
    want = np.full(result.shape, wanted, dtype=np.float64)
    bounds = Bounds(lambda: np.abs(want), lambda: np.zeros_like(want))
    worst = measure(result.array, want, result.dtype, exact, bounds, signs=True)
    return Judgement("pass", compared=False) if worst is None else beyond("A101", worst, "the result")


FACET = Facet("special", applies, trials, judge, split=True)
