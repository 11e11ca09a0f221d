"""Special values: NaN, infinities, the sign of zero, subnormals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from assay.cases.arrays import Host, finfo, limits
from assay.cases.case import Case
from assay.cases.outcome import Array
from assay.facets.values import judged
from assay.mutants.mutant import Mutant, OnResults, asked, mutant, results, tensors_in
from assay_spec import dtypes
from assay_spec.model import Op


def mutants(op: Op) -> Iterator[Mutant]:
    if not any(map(judged, op.overloads)):
        return
    yield mutant("NaN turned to zero", results(_floats(lambda values, dtype: np.where(np.isnan(values), 0, values))))
    yield mutant("NaN taken for the smallest", asked(_without_nan))
    yield mutant("infinity clipped", results(_floats(lambda values, dtype: np.clip(values, *limits(dtype)))))
    if any(budget.kind in ("exact", "ulp") for overload in op.overloads for budget in overload.judge.values()):
        # A composition's budget does not decide this: either answer is right.
        yield mutant("the sign of zero lost", results(_floats(lambda values, dtype: np.where(values == 0, 0, values))))
        yield mutant("subnormals flushed", results(_floats(_flushed)))


def _floats(change: Callable[[Host, str], Host]) -> OnResults:
    """Return a change of floating results only."""

    def on_floats(result: Array, case: Case) -> Host | None:
        if not dtypes.is_floating(result.dtype):
            return None
        return change(result.array, result.dtype).astype(result.array.dtype)

    return on_floats


def _flushed(values: Host, dtype: str) -> Host:
    return np.where(np.abs(values) < finfo(dtype).tiny, np.copysign(np.zeros_like(values), values), values)


def _without_nan(case: Case) -> Case | None:
    """Return the call with -inf for NaN, so that NaN is the smallest."""
    found = {
        name: value for name, value in tensors_in(case).items() if dtypes.is_floating(value.dtype) and name != "out"
    }
    with_nan = {name: value for name, value in found.items() if np.isnan(value.buffer).any()}
    if not with_nan:
        return None
    cleaned = {
        name: value.holding(np.where(np.isnan(value.buffer), -np.inf, value.buffer).astype(value.buffer.dtype))
        for name, value in with_nan.items()
    }
    return case.with_arguments({**case.arguments, **cleaned})
