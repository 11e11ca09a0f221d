"""Tensors compared as wholes, and elements in order of size."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import composite, elementwise, not_implemented, op
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.ops.reduction import check_not_empty, pick, picked, unspecified

# -- whole tensors ----------------------------------------------------------------------------------------------------


@composite()
def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape and elements."""
    if not isinstance(other, Tensor):
        raise TypeError(f"equal(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
    return input.shape == other.shape and bool((input == other).all())


@elementwise(promotes="same", in_place=False, out=None)
def isclose(input: Array, other: Array, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Return whether elements differ by no more than atol and rtol times the other."""
    same = input == other
    if equal_nan:
        same = same | ((input != input) & (other != other))
    if input.dtype.kind in "biu":
        input, other = input.astype(np.float64), other.astype(np.float64)
    distance = np.abs(input - other)
    return same | (np.isfinite(distance) & (distance <= atol + np.abs(rtol * other)))


@isclose.check
def check_close(input: Tensor, other: Tensor, rtol: float, atol: float, equal_nan: bool) -> None:
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.title} did not match {other.dtype.title}")
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value}")


@composite()
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Return whether all elements differ by no more than atol and rtol times the other."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


# -- order ------------------------------------------------------------------------------------------------------------


def order(array: Array, dim: int, descending: bool) -> Array:
    """Return the places along a dimension in order of size, NaN being the largest; equal elements keep their order."""
    if not descending:
        return np.argsort(array, axis=dim, kind="stable")
    backwards = np.argsort(np.flip(array, dim), axis=dim, kind="stable")
    return array.shape[dim] - 1 - np.flip(backwards, dim)


def at(array: Array, places: Array, dim: int, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the elements at places along a dimension, and the places."""
    places = places.astype(np.int64)
    return np.take_along_axis(array, places, axis=dim).reshape(shape), places.reshape(shape)


def no_complex(name: str) -> dict[str, Exception]:
    """Refuse numbers that have no order."""
    return {"complex": RuntimeError(f" {name} does not support complex dtypes on CPU")}


@op(
    out="own",
    returns=("values", "indices"),
    refuses=no_complex("Sort"),
    node=lambda input, dim, descending, stable: f"SortBackward{int(stable)}",
)
def sort(input: Array, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    """Sort along a dimension, and tell where each element was."""
    dim, row = wrap_dim(dim, input.ndim), np.atleast_1d(input)
    return at(row, order(row, dim, descending), dim, input.shape)


sort.vjp(input=lambda grad, out, shape, dim: picked(grad, shape, out[1], dim, True))


@composite()
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """Tell which order along a dimension sorts the elements."""
    return sort(input, dim, descending, stable=stable)[1]  # type: ignore[no-any-return]


@composite()
def msort(input: Tensor) -> Tensor:
    """Sort along the first dimension."""
    return sort(input, 0)[0]  # type: ignore[no-any-return]


@op(
    out="own",
    returns=("values", "indices"),
    refuses={**no_complex("topk"), "bool": RuntimeError("topk does not support bool dtypes on CPU")},
)
def topk(input: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """Return the k largest, or smallest, elements along a dimension, and their places."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise TypeError(f"topk(): argument 'k' (position 2) must be int, not {type(k).__name__}")
    dim, row = wrap_dim(dim, input.ndim), np.atleast_1d(input)
    if not 0 <= k <= row.shape[dim]:
        raise RuntimeError("selected index k out of range")
    if not input.ndim:
        return input.copy(), np.zeros_like(input, np.int64)
    first = order(row, dim, largest)[(slice(None),) * dim + (slice(k),)]
    return at(row, first, dim, first.shape)


topk.vjp(input=lambda grad, out, shape, dim: picked(grad, shape, out[1], dim, True))


@op(
    out="own",
    returns=("values", "indices"),
    refuses={"bool": not_implemented("kthvalue_cpu"), "complex": not_implemented("kthvalue_cpu")},
)
def kthvalue(input: Array, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the k-th smallest element along a dimension, and its place."""
    dim, row = wrap_dim(dim, input.ndim), np.atleast_1d(input)
    check_not_empty("kthvalue", row, dim, unspecified("kthvalue"))
    if not 1 <= k <= row.shape[dim]:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}")
    return pick(input, np.take(order(row, dim, False), k - 1, axis=dim), dim, keepdim)


kthvalue.vjp(input=lambda grad, out, shape, dim, keepdim: picked(grad, shape, out[1], dim, keepdim))
