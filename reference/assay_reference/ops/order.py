"""Elements in order of size: sorted, and of a rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import composite, not_implemented
from assay_reference.core.strides import copied, strides_of_copy
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.ops.extremes import chosen_along, chosen_dim, one_of_all, take_chosen

# -- sorted -----------------------------------------------------------------------------------------------------------


def order(array: Array, dim: int, descending: bool) -> Array:
    """Return the indices along a dimension in order of size, NaN being the largest; equal elements keep their order."""
    if not descending:
        return np.argsort(array, axis=dim, kind="stable")
    backwards = np.argsort(np.flip(array, dim), axis=dim, kind="stable")
    return array.shape[dim] - 1 - np.flip(backwards, dim)


def at(array: Array, indices: Array, dim: int, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the elements at indices along a dimension, and the indices."""
    indices = indices.astype(np.int64)
    return np.take_along_axis(array, indices, axis=dim).reshape(shape), indices.reshape(shape)


def no_complex(name: str) -> dict[str, Exception]:
    """Refuse numbers that have no order."""
    return {"complex": RuntimeError(f" {name} does not support complex dtypes on CPU")}


@chosen_along(
    name="sort",
    function=False,
    method=False,
    keeps_strides=True,
    refuses=no_complex("Sort"),
    node=lambda input, dim, descending, stable: f"SortBackward{int(stable)}",
)
def sort_op(input: Array, dim: int, descending: bool, stable: bool) -> Any:
    dim, row = wrap_dim(dim, input.ndim), np.atleast_1d(input)
    found = at(row, order(row, dim, descending), dim, input.shape)
    return tuple(copied(each, strides_of_copy(input, each.itemsize), each.dtype) for each in found)


def check_names(name: str, given: tuple[Any, ...], stable: bool | None) -> None:
    """Refuse positional arguments where it is said whether equal elements keep their order."""
    if given and stable is not None:
        kinds = ", ".join(type(each).__name__ for each in given)
        raise TypeError(f"{name}() received an invalid combination of arguments - got ({kinds}, stable=bool)")


@composite()
def sort(input: Tensor, *args: Any, stable: bool | None = None, out: Any = None, **named: Any) -> Any:
    """Sort along a dimension; return the index of each element too."""
    check_names("sort", args, stable)
    dim, descending = read_order("sort", *args, **named)
    return sort_op(input, dim, descending, bool(stable), out=out)


def read_order(name: str, dim: int = -1, descending: bool = False) -> tuple[int, bool]:
    """Read a dimension and a direction."""
    if isinstance(dim, bool) or not isinstance(dim, int):
        raise TypeError(f"{name}(): argument 'dim' must be int, not {type(dim).__name__}")
    return dim, descending


@composite()
def argsort(input: Tensor, *args: Any, stable: bool | None = None, **named: Any) -> Tensor:
    """Return the indices that sort the elements along a dimension."""
    check_names("argsort", args, stable)
    dim, descending = read_order("argsort", *args, **named)
    return sort_op(input, dim, descending, bool(stable))[1]  # type: ignore[no-any-return]


@composite()
def msort(input: Tensor) -> Tensor:
    """Sort along the first dimension."""
    return sort(input, 0)[0]  # type: ignore[no-any-return]


@chosen_along()
def topk(input: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """Return the k largest, or smallest, elements along a dimension, and their indices."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise TypeError(f"topk(): argument 'k' (position 2) must be int, not {type(k).__name__}")
    dim, row = wrap_dim(dim, input.ndim), np.atleast_1d(input)
    if not 0 <= k <= row.shape[dim]:
        raise RuntimeError("selected index k out of range")
    if input.dtype.kind in "bc":
        raise RuntimeError(
            "topk does not support bool dtypes on CPU" if input.dtype == bool else str(no_complex("topk")["complex"])
        )
    if not input.ndim:
        return input.copy(), np.zeros_like(input, np.int64)
    first = order(row, dim, largest)[(slice(None),) * dim + (slice(k),)]
    return at(row, first, dim, first.shape)


# -- of a rank --------------------------------------------------------------------------------------------------------


@chosen_along(refuses=not_implemented("kthvalue_cpu", "bool", "complex"))
def kthvalue(input: Array, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the k-th smallest element along a dimension, and its index."""
    dim, row = chosen_dim("kthvalue", input, dim), np.atleast_1d(input)
    if not 1 <= k <= row.shape[dim]:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}")
    return take_chosen(input, np.take(order(row, dim, False), k - 1, axis=dim), dim, keepdim)


def lower_median(input: Array, dim: int, keepdim: bool, *, ignore_nan: bool) -> tuple[Array, Array]:
    """Return the lower of the middle elements, and its index; NaN counts as the middle, or does not count."""
    row = np.atleast_1d(input)
    count = np.sum(row == row, axis=dim)
    ranks = np.maximum(count - 1, 0) // 2
    if not ignore_nan:  # the first NaN ranks just after the others
        ranks = np.where(count < row.shape[dim], count, ranks)
    indices = np.take_along_axis(order(row, dim, False), np.expand_dims(ranks, dim), axis=dim)
    return take_chosen(input, np.squeeze(indices, dim), dim, keepdim)


def median_of(name: str, *, ignore_nan: bool, doc: str) -> None:
    """Make median, or nanmedian: of everything, or along a dimension with its index."""
    of_all_refuses, along_refuses = (
        not_implemented(kernel, "bool", "complex") for kernel in ("median_cpu", "median_out")
    )

    @one_of_all(name, refuses=of_all_refuses)
    def of_all(input: Array) -> Array:
        if not input.size:
            kind = input.dtype
            return namespace(input).full((), np.nan if kind.kind == "f" else np.iinfo(kind).min, kind)
        return lower_median(input.reshape(-1), 0, False, ignore_nan=ignore_nan)[0]

    @chosen_along(name=name, function=False, method=False, refuses=along_refuses, node=f"{name.title()}Backward1")
    def along(input: Array, dim: int, keepdim: bool) -> Any:
        return lower_median(input, chosen_dim(name, input, dim), keepdim, ignore_nan=ignore_nan)

    def form(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
        return of_all(input) if dim is None else along(input, dim, keepdim, out=out)

    form.__doc__ = doc
    composite(name=name)(form)


median_of("median", ignore_nan=False, doc="Return the middle element, or the lower of two; NaN if there is one.")
median_of("nanmedian", ignore_nan=True, doc="Return the middle element, or the lower of two, of those not NaN.")


@chosen_along(refuses=not_implemented("mode_cpu", "complex"))
def mode(input: Array, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the most frequent element along a dimension, the smallest if several are, and its last index."""
    dim = chosen_dim("mode", input, dim)
    row = np.moveaxis(np.atleast_1d(input), dim, -1)
    ranked = np.argsort(row, axis=-1, kind="stable")
    ordered = np.take_along_axis(row, ranked, axis=-1)
    begins = np.ones_like(ordered, bool)
    begins[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    runs = np.cumsum(begins.reshape(-1)) - 1  # equal neighbours have one number
    lengths = np.bincount(runs)[runs].reshape(row.shape) if row.size else begins
    first = np.argmax(lengths, axis=-1, keepdims=True) if row.size else ranked[..., :1]
    last = first + np.take_along_axis(lengths, first, axis=-1) - 1
    return take_chosen(input, np.take_along_axis(ranked, last, axis=-1)[..., 0], dim, keepdim)
