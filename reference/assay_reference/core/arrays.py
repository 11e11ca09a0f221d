"""Arrays of either kind: NumPy's on the CPU, CuPy's on CUDA.

Kernels call NumPy's functions by name. NumPy hands a call on CuPy's arrays to CuPy (NEP 13 and NEP 18), so that one
formula serves both. What this module adds is for the few cases where no array is at hand to decide, and for what has
to do with where an array lies.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any  # NumPy's ndarray or CuPy's, which share no base


@cache
def cuda_namespace() -> Any:
    """Return CuPy where it and a GPU are present, its stand-in on request, and otherwise None."""
    if os.environ.get("ASSAY_REFERENCE_CUDA") == "stand-in":
        return importlib.import_module("assay_reference.core.strict_cupy")
    if importlib.util.find_spec("cupy") is None:
        return None
    cupy = importlib.import_module("cupy")
    try:
        return cupy if cupy.cuda.runtime.getDeviceCount() else None
    except cupy.cuda.runtime.CUDARuntimeError:  # CuPy without a driver
        return None


def is_on_host(array: Any) -> bool:
    """Return whether an array, or a NumPy scalar, is NumPy's own."""
    return isinstance(array, (np.ndarray, np.generic))


def namespace(array: Any) -> Any:
    """Return the array's own module: NumPy, or CuPy."""
    return np if is_on_host(array) else cuda_namespace()


def special(array: Any) -> ModuleType:
    """Return the module of special functions for an array: SciPy's, or CuPy's."""
    if is_on_host(array):
        return importlib.import_module("scipy.special")
    return importlib.import_module(f"{_scipy_of(cuda_namespace())}.special")


def linear_algebra(array: Any) -> ModuleType:
    """Return the module of matrix decompositions for an array: SciPy's, or CuPy's."""
    if is_on_host(array):
        return importlib.import_module("scipy.linalg")
    return importlib.import_module(f"{_scipy_of(cuda_namespace())}.linalg")


def _scipy_of(cupy: Any) -> str:
    return "cupyx.scipy" if cupy.__name__ == "cupy" else "scipy"


def to_host(array: Any) -> Array:
    """Bring an array to the CPU; one that is there already is not copied."""
    return np.asarray(array) if is_on_host(array) else array.get()


def pinned(array: Any) -> Array:
    """Copy an array of the CPU into page-locked memory, from which copies to a GPU are quick."""
    if not is_on_host(array):
        raise RuntimeError("Only dense CPU tensors can be pinned")
    cupy = cuda_namespace()
    if cupy is None:
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on "
            "this system."
        )
    if cupy.__name__ != "cupy":  # the stand-in is the CPU
        return array.copy()
    locked = importlib.import_module("cupyx").empty_like_pinned(array)
    locked[...] = array
    return locked


def strided(array: Array, shape: Sequence[int], strides: Sequence[int]) -> Array:
    """View an array's memory with another shape and other strides, in bytes."""
    viewed: Array = namespace(array).lib.stride_tricks.as_strided(array, shape, strides)
    return viewed


def placed(array: Array, bytes_on: int, shape: Sequence[int], strides: Sequence[int]) -> Array:
    """View memory so many bytes after where an array begins, or before, with another shape and other strides.

    NumPy forgets where a part begins that has no elements; PyTorch does not.
    """
    return strided(strided(array, (2,), (bytes_on,))[1:], shape, strides)


def contiguous_strides(size: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Return the strides of elements that lie in order, in bytes."""
    steps = accumulate((max(each, 1) for each in reversed(size[1:])), int.__mul__, initial=itemsize)
    return tuple(steps)[::-1] if size else ()


def address(array: Any) -> int:
    """Return the address of an array's first element."""
    if is_on_host(array):
        return int(array.__array_interface__["data"][0])
    return int(array.data.ptr)


def in_order(array: Array) -> Array:
    """Return the array if its memory is in order, and otherwise a copy whose memory is."""
    return array.reshape(-1).reshape(array.shape)
