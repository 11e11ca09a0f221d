"""Calls that PyTorch may refuse: a valid one, wrong in one tensor. Whether it does, PyTorch itself has to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from assay.cases.plan import Plan
from assay_spec import dtypes
from assay_spec.plans import Fill, TensorPlan

_DTYPES: Final = ("bool", "int64", "float32", "complex64")  # one of each class


def broken(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Yield plans that have one tensor of another size, rank or dtype, or with positions out of range, and in what."""
    for name, value in plan.given.items():
        others = [each for key, each in plan.given.items() if key != name and isinstance(each, TensorPlan)]
        if isinstance(value, TensorPlan):
            for what, changed in (*_reshaped(value, others), *_retyped(value), *_out_of_range(value)):
                yield what, _with(plan, name, changed)
        elif isinstance(value, tuple) and value and all(isinstance(each, TensorPlan) for each in value):
            *rest, last = value
            for what, changed in (*_reshaped(last, rest), *_retyped(last)):
                yield what, _with(plan, name, (*rest, changed))


def _with(plan: Plan, name: str, value: Any) -> Plan:
    return replace(plan, given={**plan.given, name: value})


def _reshaped(value: TensorPlan, others: list[TensorPlan]) -> Iterator[tuple[str, TensorPlan]]:
    """Yield the tensor with a size more, a dimension more or less, nothing in it, or the rows of another alone."""
    shape = value.shape
    shapes = [(*shape[:at], length + 1, *shape[at + 1 :]) for at, length in enumerate(shape)]
    shapes += [(*shape[:at], 0, *shape[at + 1 :]) for at in range(len(shape))]
    shapes += [shape[1:], shape[:-1], (2, *shape), (*shape, 2), (2, 3, *shape)]
    shapes += [other.shape[:1] for other in others if other.ndim > 1]
    for each in dict.fromkeys(shapes):
        if each != shape:
            what = "a tensor without elements" if 0 in each else "a tensor of other sizes"
            yield what, replace(value, shape=each, fill=_drawn(value.fill))


def _retyped(value: TensorPlan) -> Iterator[tuple[str, TensorPlan]]:
    for dtype in _DTYPES:
        if dtypes.kind(dtype) != dtypes.kind(value.dtype):
            yield "a tensor of another dtype", replace(value, dtype=dtype, fill=Fill("given", given=1))


def _out_of_range(value: TensorPlan) -> Iterator[tuple[str, TensorPlan]]:
    """Yield tensors of positions, one of which is beyond either end."""
    low, high = value.fill.low, value.fill.high
    if value.dtype == "int64" and value.numel and max(abs(low), abs(high)) < float("inf"):
        for beyond in (high + 1, -high - 2 if low < 0 else low - 1):
            yield "a position out of range", replace(value, fill=Fill("given", given=int(beyond)))


def _drawn(fill: Fill) -> Fill:
    """Return a fill for any shape."""
    return replace(fill, kind="plain" if fill.kind == "given" else fill.kind, given=None, invertible=False)
