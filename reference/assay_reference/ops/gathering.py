"""Elements by their indices along one dimension: gather and scatter, select and add, take."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay_reference.core import dtypes
from assay_reference.core.arrays import Array, in_order, namespace
from assay_reference.core.dispatch import Number, broadcast_shape, composite, not_implemented, op
from assay_reference.core.recording import UNDERIVED
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.ops.creation import tensor, zeros


def check_index_type(name: str, index: Array, words: str = "int32/int64") -> None:
    """Refuse an index that is not of integers."""
    if index.dtype not in (np.int32, np.int64):
        raise RuntimeError(f"{name}(): Expected dtype {words} for index")


def along(dim: int, index: Array) -> tuple[Any, ...]:
    """Return the key of the elements at an index along one dimension, and at their own along the others."""
    xp = namespace(index)
    key: list[Any] = [
        xp.arange(size).reshape((-1,) + (1,) * (index.ndim - 1 - each)) for each, size in enumerate(index.shape)
    ]
    key[dim] = index
    return tuple(key)


def check_along(dim: int, index: Array, size: int) -> None:
    """Refuse indices that are out of range, as negative ones are here."""
    wrong = index[(index < 0) | (index >= size)]
    if wrong.size:
        raise RuntimeError(f"index {int(wrong.reshape(-1)[0])} is out of bounds for dimension {dim} with size {size}")


@op(out="own", keeps_half=True, apart=True)
def gather(input: Array, dim: int, index: Array, *, sparse_grad: bool = False) -> Array:
    """Take, for each element of the index, the element that lies there along a dimension."""
    dim = wrap_dim(dim, input.ndim)
    check_index_type("gather", index)
    source, where = np.atleast_1d(input), np.atleast_1d(index)
    if not index.size:
        return namespace(input).zeros(index.shape, input.dtype)
    if source.ndim != where.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    for each, (wanted, present) in enumerate(zip(where.shape, source.shape, strict=True)):
        if each != dim and wanted > present:
            raise RuntimeError(
                f"Size does not match at dimension {each} expected index {list(index.shape)} to be no larger than self "
                f"{list(input.shape)} apart from dimension {dim}"
            )
    check_along(dim, where, source.shape[dim])
    return in_order(source[along(dim, where)]).reshape(index.shape)


gather.vjp(
    input=lambda grad, input, dim, index: zeros(input.shape, dtype=grad.dtype, device=grad.device).scatter_add(
        dim, index, grad
    )
)


def scattered(input: Array, dim: int, index: Array, src: Any, combine: Any) -> Array:
    """Return a copy with values combined into it at an index, by a function of (array, key, values)."""
    dim = wrap_dim(dim, input.ndim)
    check_index_type("scatter", index)
    result = input.copy(order="C")
    if not index.size:
        return result
    target, where = np.atleast_1d(result), np.atleast_1d(index)
    if target.ndim != where.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    values: Any = src if isinstance(src, (bool, int, float, complex)) else np.atleast_1d(src)
    sizes = [each for each, size in enumerate(where.shape) if each != dim and size > target.shape[each]]
    if np.ndim(values):
        if values.dtype != input.dtype:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
        sizes += [each for each, size in enumerate(where.shape) if size > values.shape[each]]
    if sizes:
        more = f" and to be no larger size than src {list(src.shape)}" if np.ndim(values) else ""
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension "
            f"{dim}{more}"
        )
    check_along(dim, where, target.shape[dim])
    if np.ndim(values):
        values = values[tuple(map(slice, where.shape))]
    combine(target, along(dim, where), values)
    return result


def put(array: Array, key: tuple[Any, ...], values: Any) -> None:
    """Overwrite."""
    array[key] = dtypes.of_array(array).checked(values) if isinstance(values, (int, float, complex)) else values


COMBINATIONS = {None: put, "add": np.add.at, "multiply": np.multiply.at}


def node_of_scatter(input: Any, dim: int, index: Any, src: Any, reduce: str | None) -> str:
    if reduce is not None:
        return UNDERIVED
    return f"ScatterBackward{0 if isinstance(src, Tensor) else 1}"


@op(
    name="scatter",
    function=False,
    method=False,
    node=node_of_scatter,
    apart=True,
)
def scatter_op(input: Array, dim: int, index: Array, src: Array | Number, reduce: str | None = None) -> Array:
    if reduce not in COMBINATIONS:
        raise RuntimeError("reduce argument must be either add or multiply.")
    return scattered(input, dim, index, src, COMBINATIONS[reduce])


scatter_op.vjp(
    input=lambda grad, dim, index: scatter_op(grad, dim, index, 0, None),  # what was overwritten has no influence
    src=lambda grad, dim, index: gather(grad, dim, index),
)


@composite(name="scatter")
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """Write the elements of src, or one value, at the index along a dimension."""
    return scatter_op(input, dim, index, value if src is None else src, reduce)  # type: ignore[no-any-return]


@composite(name="scatter_", function=False)
def scatter_method(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """Write the elements of src, or one value, at the index along a dimension, in place."""
    values = scatter_op.bind((self, dim, index, value if src is None else src, reduce), {})
    return scatter_op.perform_in_place(values)


@op(in_place=True, apart=True)
def scatter_add(input: Array, dim: int, index: Array, src: Array) -> Array:
    """Add the elements of src at the index along a dimension."""
    return scattered(input, dim, index, src, np.add.at)


scatter_add.vjp(input=lambda grad: grad, src=lambda grad, dim, index: gather(grad, dim, index))


def index_vector(name: str, index: Array, size: int) -> Array:
    """Read an index that is a vector, or one number."""
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    check_index_type(name, index, "int32 or int64")
    if ((index < 0) | (index >= size)).any():
        raise IndexError("index out of range in self")
    return index.reshape(-1)


@op(out="own", keeps_half=True, apart=True)
def index_select(input: Array, dim: int, index: Array) -> Array:
    """Take whole slices along a dimension."""
    dim = wrap_dim(dim, input.ndim)
    source = np.atleast_1d(input)
    if not input.ndim and index.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index.size} value(s)")
    if index.size and not source.shape[dim] and input.ndim > 1:
        raise RuntimeError("index_select(): self indexing axis dim should be positive")
    taken = np.take(source, index_vector("index_select", index, source.shape[dim]), axis=dim)
    return taken if input.ndim else taken.reshape(())


index_select.vjp(
    input=lambda grad, shape, dim, index: zeros(shape, dtype=grad.dtype, device=grad.device).index_add(dim, index, grad)
)


@op(in_place=True, out="own", apart=True)
def index_add(input: Array, dim: int, index: Array, source: Array, *, alpha: complex = 1) -> Array:
    """Add whole slices of source, multiplied by alpha, at the index along a dimension."""
    dim = wrap_dim(dim, input.ndim)
    result = input.copy(order="C")
    target, added = np.atleast_1d(result), np.atleast_1d(source)
    if input.ndim > 1:
        check_along(dim, index, target.shape[dim])
    where = index_vector("index_add", index, target.shape[dim])
    if where.size != added.shape[dim]:
        raise RuntimeError(
            f"index_add_(): Number of indices ({where.size}) should be equal to source.size(dim): "
            f"({added.shape[dim]}), for dim: {dim}"
        )
    key: Any = (slice(None),) * dim + (where,)
    np.add.at(target, key, added if alpha == 1 else added * alpha)
    return result


index_add.vjp(
    input=lambda grad: grad,
    source=lambda grad, dim, index, alpha: grad.index_select(dim, index) * alpha,
)


@index_add.check
def check_source(input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any) -> None:
    if input.dtype is not source.dtype:
        raise RuntimeError(
            f"index_add_(): self ({input.dtype.title}) and source ({source.dtype.title}) must have the same scalar type"
        )


@composite()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Take elements as gather does, after broadcasting; without a dimension, from all elements in a row."""
    if indices.dtype.name != "int64":
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype.title}")
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))  # type: ignore[no-any-return]
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    dim = wrap_dim(dim, input.ndim)
    across = [1 if each == dim else size for each, size in enumerate(input.shape)]
    common = list(broadcast_shape(tuple(across), (*indices.shape[:dim], 1, *indices.shape[dim + 1 :])))
    source, where = ([*common[:dim], each.shape[dim], *common[dim + 1 :]] for each in (input, indices))
    return gather(input.expand(source), dim, indices.expand(where))  # type: ignore[no-any-return]


@op(out="own", keeps_half=True, apart=True)
def take(input: Array, index: Array) -> Array:
    """Take elements, counted in a row."""
    if index.dtype != np.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {dtypes.of_array(index).title}")
    if index.size and not input.size:
        raise IndexError("take(): tried to take from an empty tensor")
    wrong = index[(index < -input.size) | (index >= input.size)]
    if wrong.size:
        raise IndexError(
            f"out of range: tried to access index {int(wrong.reshape(-1)[0])} on a tensor of {input.size} elements."
        )
    return np.take(input.reshape(-1), index)


def take_vjp(grad: Tensor, input: Tensor, index: Tensor) -> Any:
    """Add the gradient at the indices from which elements were taken."""
    count = input.numel()
    flat = zeros((count,), dtype=grad.dtype, device=grad.device)
    indices = (index % count if count else index).reshape(-1)
    return flat.index_add(0, indices, grad.reshape(-1)).reshape(input.shape)


take.vjp(input=take_vjp)


@op(
    name="repeat_interleave",
    function=False,
    method=False,
    refuses=not_implemented("repeat_interleave_cpu", "floating", "complex", "bool"),
)
def repeated_indices(repeats: Array) -> Array:
    """Return each index so many times."""
    if (repeats < 0).any():
        raise RuntimeError("repeats can not be negative")
    return np.repeat(namespace(repeats).arange(len(repeats)), repeats)


@composite()
def repeat_interleave(input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: Any = None) -> Tensor:
    """Repeat each element, or each part along a dimension, so many times; of numbers alone, their indices."""
    if repeats is None:
        return repeated_indices(input)  # type: ignore[no-any-return]
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        repeats = tensor([repeats], device=input.device)
    if dim is None:
        input, dim = input.flatten(), 0
    size = input.shape[dim]
    if repeats.numel() == 1:
        repeats = repeats.reshape(1).expand(size)
    if repeats.numel() != size:
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got "
            f"repeats.size(0) = {repeats.numel()} and input.size({dim}) = {size}"
        )
    return input.index_select(dim, repeated_indices(repeats))  # type: ignore[no-any-return]
