"""Dtypes: not widened where they must be, widened where they must not be, integers wrapped around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from assay.cases.arrays import host_dtype
from assay.cases.case import Case
from assay.cases.outcome import Array
from assay.facets.shape import tensors
from assay.mutants.mutant import Mutant, leading, mutant, results, tensors_in
from assay_spec import dtypes
from assay_spec.model import Op


def mutants(op: Op) -> Iterator[Mutant]:
    if not any(map(tensors, op.overloads)):
        return
    yield mutant("the input's dtype kept", results(_kept))
    yield mutant("float64 for float32", results(lambda result, case: _widened(result, ("float32",), "float64")))
    yield mutant("half precision widened", results(lambda result, case: _widened(result, dtypes.HALF, "float32")))
    yield mutant("integers widened", results(lambda result, case: _widened(result, _NARROW, "int64")))
    yield mutant("integers wrapped around", results(_wrapped))
    yield mutant("numbers promote like tensors", results(_strong))


_NARROW: Final = ("uint8", "int8", "int16", "int32")


def _kept(result: Array, case: Case) -> Array | None:
    tensor = leading(case)
    return None if tensor is None or tensor.dtype == result.dtype else _cast(result, tensor.dtype)


def _widened(result: Array, narrow: tuple[str, ...], wide: str) -> Array | None:
    return _cast(result, wide) if result.dtype in narrow else None


def _cast(result: Array, dtype: str) -> Array:
    array = result.array.real if np.iscomplexobj(result.array) and not dtypes.is_complex(dtype) else result.array
    return replace(result, dtype=dtype, array=array.astype(host_dtype(dtype)))


def _wrapped(result: Array, case: Case) -> Array | None:
    """Compute in the input's integer dtype, and widen afterwards."""
    tensor = leading(case)
    if (
        tensor is None
        or tensor.dtype == result.dtype
        or tensor.dtype not in _NARROW
        or result.dtype not in dtypes.INTEGRAL
    ):
        return None
    return _cast(_cast(result, tensor.dtype), result.dtype)


def _strong(result: Array, case: Case) -> Array | None:
    """Promote a Python number like a tensor of its default dtype."""
    numbers = [
        value for value in case.arguments.values() if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    if not numbers or not tensors_in(case):
        return None
    if any(isinstance(number, float) for number in numbers):
        return _widened(result, dtypes.HALF, "float32")
    return _widened(result, _NARROW, "int64")
