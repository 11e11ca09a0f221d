"""Precision: results rounded through smaller dtypes, one budget too far, wrong in few elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np

from assay.cases.arrays import Host, host_dtype
from assay.cases.case import Case
from assay.cases.outcome import Array, Outcome
from assay.facets.results import numbers_of
from assay.facets.values import judged
from assay.judge.budgets import allowance
from assay.judge.floats import rounded, ulp_of
from assay.mutants.mutant import Mutant, Scene, mutant, results, with_gradients, with_results
from assay_spec import dtypes
from assay_spec.model import Budget, Op

_FAR: Final = 32  # elements after which a vectorised loop may have a remainder


def mutants(op: Op) -> Iterator[Mutant]:
    if not any(map(judged, op.overloads)):
        return
    for name, through in _ROUNDINGS.items():
        yield mutant(f"rounded through {name}", results(partial(_through, round_off=through)))
    yield mutant("a gradient rounded through TF32", _gradient_through)
    yield mutant("one budget too far", _too_far)
    yield mutant("wrong in the last element", results(lambda result, case: _wrong_from(result, result.array.size - 1)))
    yield mutant("wrong past the 32nd element", results(lambda result, case: _wrong_from(result, _FAR)))


def tf32(values: Host) -> Host:
    """Round float32 to the ten bits of fraction that a tensor core keeps."""
    bits = np.ascontiguousarray(values, dtype=np.float32).reshape(values.shape).view(np.uint32)
    kept = ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)
    return np.where(np.isfinite(values), kept, values)


_ROUNDINGS: Final[dict[str, Callable[[Host], Host]]] = {
    "float16": lambda values: values.astype(np.float16),
    "bfloat16": lambda values: values.astype(host_dtype("bfloat16")),
    "TF32": tf32,
}


def _through(result: Array, case: Case, round_off: Callable[[Host], Host]) -> Host | None:
    if result.dtype not in ("float32", "float64"):
        return None
    return round_off(result.array).astype(result.array.dtype)


def _gradient_through(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    def change(name: str, gradient: Array) -> Array:
        new = _through(gradient, case, tf32)
        return gradient if new is None else Array(gradient.dtype, new, gradient.device)

    return with_gradients(outcome, change)


def _too_far(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Move one element of each judged result just out of its budget."""
    plan = scene.trial.plan
    if plan is None or scene.facet != "values":  # other facets kill it only by chance, and bounds cost time
        return outcome
    expected = scene.bench.expect(case)
    if expected is None or expected.raised or expected.unsupported:
        return outcome
    rules = plan.due

    def change(result: Array, position: int) -> Host | None:
        want = expected.results[position]
        if position >= len(rules) or not isinstance(want, Array) or want.shape != result.shape or not result.array.size:
            return None
        budget = plan.overload.judge.get(rules[position][0].name, Budget("exact"))
        if budget.kind in ("law", "free") or not dtypes.is_floating(result.dtype):
            return None
        exact = want.array.astype(np.float64).reshape(-1)
        finite = np.flatnonzero(np.isfinite(rounded(exact, result.dtype)))
        if not finite.size:
            return None
        index = finite[0]
        allowed = np.zeros_like(exact)
        if budget.kind != "exact":
            bounds = scene.bench.bounds(case, position, expected, numbers_of(plan.overload))
            allowed = allowance(want.array.astype(np.float64), result.dtype, budget, bounds).reshape(-1)
        moved = np.array(result.array).reshape(-1)
        moved[index] = rounded(exact[index] + allowed[index] + 1.5 * ulp_of(exact[index], result.dtype), result.dtype)
        return moved.reshape(result.shape)

    return with_results(outcome, change)


def _wrong_from(result: Array, start: int) -> Host | None:
    """Return a result that is wrong from an index on."""
    flat = np.array(result.array).reshape(-1)
    if not 0 <= start < flat.size:
        return None
    tail = flat[start:]
    flat[start:] = ~tail if flat.dtype == bool else (tail + np.maximum(np.abs(tail), 1)).astype(flat.dtype)
    return flat.reshape(result.shape)
