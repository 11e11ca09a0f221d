"""Elements by their places: x[...], gather and scatter, masks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from assay_reference import dtypes
from assay_reference.arrays import Array, namespace
from assay_reference.creation import tensor, zeros
from assay_reference.dispatch import (
    Mask,
    Number,
    attach,
    broadcast_shape,
    composite,
    elementwise,
    op,
)
from assay_reference.recording import UNDERIVED
from assay_reference.shape import alias, select, slice_of, unsqueeze
from assay_reference.tensor import Tensor, wrap_dim

INDEX_TYPES = "tensors used as indices must be long, int, byte or bool tensors"


# -- places along all dimensions: the ops behind x[...] ---------------------------------------------------------------


class Places(NamedTuple):
    """Where in an array: an index for each of some dimensions, everything along the others."""

    key: tuple[Any, ...]
    shape: tuple[int, ...]  # of what is there


def places(array: Array, indices: Sequence[Array], dims: Sequence[int]) -> Places:
    """Check the indices of some dimensions, and line them up with all."""
    if any(each.size and not array.shape[dim] for dim, each in zip(dims, indices, strict=True)):
        raise IndexError("index is out of bounds for dimension with size 0")
    try:
        indexed = np.broadcast_shapes(*(each.shape for each in indices))
    except ValueError:
        shapes = ", ".join(str(list(each.shape)) for each in indices)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None
    key: list[Any] = [slice(None)] * array.ndim
    for dim, each in zip(dims, indices, strict=True):
        key[dim] = each
    others = [size for dim, size in enumerate(array.shape) if dim not in dims]
    adjacent = dims[-1] - dims[0] == len(dims) - 1
    first = dims[0] if adjacent else 0  # with others between them, there is no one place to put the result but in front
    shape = (*others[:first], *indexed, *others[first:])
    if math.prod(shape):  # where nothing is taken, nothing is out of bounds
        for number, (dim, each) in enumerate(zip(dims, indices, strict=True)):
            check_in_range(each, array.shape[dim], number)
    return Places(tuple(key), shape)


def check_in_range(index: Array, size: int, dim: int) -> None:
    """Refuse an index that is not there."""
    wrong = index[(index < -size) | (index >= size)]
    if wrong.size:
        raise IndexError(f"index {int(wrong.reshape(-1)[0])} is out of bounds for dimension {dim} with size {size}")


def in_order(array: Array) -> Array:
    """Give the array if its memory is in order, and otherwise a copy whose memory is."""
    return array.reshape(-1).reshape(array.shape)


@op(function=False, method=False, keeps_half=True)
def index(input: Array, indices: Sequence[Array], dims: tuple[int, ...]) -> Array:
    """Take the elements at the indices of some dimensions."""
    where = places(input, indices, dims)
    if not math.prod(where.shape):
        return namespace(input).empty(where.shape, input.dtype)
    return in_order(input[where.key])


def index_vjp(grad: Tensor, shape: Sequence[int], indices: Any, dims: tuple[int, ...]) -> Tensor:
    """Add the gradient at the places from which elements were taken."""
    nothing = zeros(shape, dtype=grad.dtype, device=grad.device)
    return index_put(nothing, indices, grad, dims, True)  # type: ignore[no-any-return]


index.vjp(input=index_vjp)


@op(name="index_put", function=False, method=False)
def index_put(input: Array, indices: Sequence[Array], values: Array, dims: tuple[int, ...], accumulate: bool) -> Array:
    """Put values at the indices of some dimensions, or add them to what is there."""
    where = places(input, indices, dims)
    try:
        values = np.broadcast_to(values, where.shape)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
            f"shape {list(where.shape)}"
        ) from None
    result = input.copy()
    if accumulate and values.size:
        np.add.at(result, where.key, values)
    elif values.size:
        result[where.key] = values
    return result


index_put.vjp(
    input=lambda grad, indices, dims, accumulate: (
        grad if accumulate else index_put(grad, indices, zeros((), dtype=grad.dtype, device=grad.device), dims, False)
    ),
    values=lambda grad, indices, dims: index(grad, indices, dims),
)


@index_put.check
def check_values(input: Tensor, indices: Any, values: Tensor, dims: Any, accumulate: bool) -> None:
    if values.dtype is not input.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{input.dtype.title} for the destination and {values.dtype.title} for the source."
        )


def of_mask(mask: Tensor, view: Tensor, dim: int) -> tuple[Tensor, ...]:
    """Turn a mask over some dimensions into an index for each."""
    for place, size in enumerate(mask.shape):
        if dim + place >= view.ndim:
            raise IndexError(f"too many indices for tensor of dimension {view.ndim}")
        if size != view.shape[dim + place]:
            raise IndexError(
                f"The shape of the mask {list(mask.shape)} at index {place} does not match the shape of the indexed "
                f"tensor {list(view.shape)} at index {dim + place}"
            )
    return nonzero(mask, as_tuple=True)  # type: ignore[no-any-return]


# -- x[...] -----------------------------------------------------------------------------------------------------------


def entries(index: Any) -> tuple[Any, ...]:
    """Read what stands between the brackets as one entry for each comma."""
    if isinstance(index, tuple):
        return index
    if isinstance(index, list) and any(
        isinstance(each, (Tensor, list, tuple, slice)) or each is Ellipsis or each is None for each in index
    ):
        return tuple(index)
    return (index,)


def as_index(entry: Any, device: Any) -> Any:
    """Turn a list of places into a tensor; leave the rest."""
    if isinstance(entry, np.ndarray) or (isinstance(entry, Sequence) and not isinstance(entry, (str, bytes))):
        made = tensor(entry, device=device)
        return made.long() if not made.numel() else made
    if isinstance(entry, str):
        raise TypeError("new(): invalid data type 'str'")
    if isinstance(entry, Tensor) and entry.dtype.name == "uint8":
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
            UserWarning,
            stacklevel=4,
        )
        return entry.bool()
    return entry


def takes(entry: Any) -> int:
    """Count the dimensions that an entry says something about."""
    if entry is None or entry is Ellipsis or isinstance(entry, bool):
        return 0
    return entry.ndim if isinstance(entry, Tensor) and entry.dtype.category == "bool" else 1


def located(self: Tensor, index: Any) -> tuple[Tensor, list[Tensor], list[int]]:
    """Follow an index as far as views lead; give the view, and the indices that are left, with their dimensions."""
    wanted = [as_index(each, self.device) for each in entries(index)]
    specified = sum(map(takes, wanted))
    if specified > self.ndim:
        if not self.ndim:
            check_number(index)
        raise IndexError(f"too many indices for tensor of dimension {self.ndim}")
    view, dim = self, 0
    indices: list[Tensor] = []
    dims: list[int] = []
    for number, entry in enumerate(wanted):
        if entry is Ellipsis:
            dim += self.ndim - specified
            specified = self.ndim  # a second ellipsis stands for nothing
        elif entry is None:
            view, dim = unsqueeze(view, dim), dim + 1
        elif isinstance(entry, slice):
            view, dim = sliced(view, dim, entry), dim + 1
        elif is_number(entry):
            view = selected(view, dim, int(entry), number)
        else:
            if isinstance(entry, bool) or (not entry.ndim and entry.dtype.category == "bool"):
                view, entry = unsqueeze(view, dim), tensor([bool(entry)], device=self.device)
            found = indices_of(entry, view, dim)
            indices += found
            dims += range(dim, dim + len(found))
            dim += len(found)
    return view, indices, dims


def check_number(index: Any) -> None:
    """Say why a number cannot be indexed by a number, or sliced; leave other indices."""
    if isinstance(index, slice):
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if isinstance(index, int) and index:
        raise IndexError(f"index {index} is out of bounds for dimension 0 with size 0")
    if isinstance(index, int):
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )


def is_number(entry: Any) -> bool:
    """Tell whether an entry is one place."""
    if isinstance(entry, Tensor):
        return not entry.ndim and entry.dtype.category == "integer"
    if isinstance(entry, bool):
        return False
    if hasattr(entry, "__index__") and not isinstance(entry, np.bool_):
        return True
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
        f"{qualified_name(type(entry))})"
    )


def qualified_name(kind: type) -> str:
    """Name a type as PyTorch does, with its module unless that is Python's own."""
    if kind.__module__ == "builtins" or kind is Tensor:
        return kind.__name__
    return f"{'torch' if kind.__module__.startswith(f'{__package__}.') else kind.__module__}.{kind.__name__}"


def indices_of(entry: Tensor, view: Tensor, dim: int) -> tuple[Tensor, ...]:
    """Turn a tensor between the brackets into indices, one for each dimension that it is about."""
    if entry.dtype.category == "bool":
        return of_mask(entry, view, dim)
    if entry.dtype.name not in ("int32", "int64"):
        raise IndexError(INDEX_TYPES)
    return (entry,)


def sliced(view: Tensor, dim: int, entry: slice) -> Tensor:
    """Take a stretch, in steps; the whole is the tensor itself."""
    start, stop, step = entry.indices(view.shape[dim])
    if step < 0:
        raise ValueError("step must be greater than zero")
    if (start, stop, step) == (0, view.shape[dim], 1):
        return view
    return slice_of(view, dim, start, max(start, stop), step)  # type: ignore[no-any-return]


def selected(view: Tensor, dim: int, place: int, number: int) -> Tensor:
    """Take one place along a dimension; a message names the dimension by the number of the entry."""
    size = view.shape[dim]
    if not -size <= place < size:
        raise IndexError(f"index {place} is out of bounds for dimension {number} with size {size}")
    return select(view, dim, place)  # type: ignore[no-any-return]


def getitem(self: Tensor, index_: Any) -> Tensor:
    """Take what is at the index: a view where integers and slices say so, and otherwise a copy."""
    view, indices, dims = located(self, index_)
    if indices:
        return index(view, indices, tuple(dims))  # type: ignore[no-any-return]
    if view is not self:
        return view
    return slice_of(self, 0, 0, len(self)) if isinstance(index_, slice) else alias(self)  # type: ignore[no-any-return]


def setitem(self: Tensor, index_: Any, value: Any) -> None:
    """Overwrite what is at the index."""
    if not isinstance(value, (Tensor, bool, int, float, complex, np.generic)):
        raise TypeError(f"can't assign a {qualified_name(type(value))} to a torch.{self.dtype.title}Tensor")
    if isinstance(value, complex) and not self.dtype.is_complex:
        names = {"bool": "bool", "int64": "int64_t", "int32": "int", "float32": "float", "float64": "double"}
        kind = names.get(self.dtype.name, self.dtype.title)
        raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
    view, indices, dims = located(self, index_)
    while isinstance(value, Tensor) and value.shape[:1] == (1,):
        value = value.squeeze(0)  # assignment does not count dimensions of size 1 in front
    if not indices:
        if isinstance(value, Tensor):
            view.copy_(value if value.shape == view.shape else value.expand(view.shape))
        else:
            view.fill_(value)
        return
    if not isinstance(value, Tensor):
        value = tensor(self.dtype.scalar(value), dtype=self.dtype, device=self.device)
    elif not value.ndim and isinstance(index_, Tensor) and index_.dtype.category == "bool":
        value = value.to(self.dtype)
    index_put.perform_in_place([view, tuple(indices), value, tuple(dims), False])


attach("__getitem__", getitem)
attach("__setitem__", setitem)


def given_indices(self: Tensor, indices: Sequence[Tensor | None]) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
    """Read a list with an index for each dimension, or None for all of it."""
    found: list[Tensor] = []
    dims: list[int] = []
    dim = 0
    for each in indices:
        parts = () if each is None else indices_of(each, self, dim)
        found += parts
        dims += range(dim, dim + len(parts))
        dim += len(parts) if parts else 1
    if len(dims) > self.ndim:
        raise IndexError(f"too many indices for tensor of dimension {self.ndim} (got {len(indices)})")
    return tuple(found), tuple(dims)


@composite(name="index_put")
def index_put_function(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """Put values at an index for each dimension, or add them to what is there."""
    found, dims = given_indices(input, indices)
    return index_put(input, found, values, dims, accumulate)  # type: ignore[no-any-return]


@composite(name="index_put_")
def index_put_method(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """Put values at an index for each dimension, or add them to what is there, in place."""
    found, dims = given_indices(input, indices)
    return index_put.perform_in_place([input, found, values, dims, accumulate])


# -- places along one dimension ---------------------------------------------------------------------------------------


def check_index_type(name: str, index: Array, words: str = "int32/int64") -> None:
    """Refuse an index that is not of whole numbers."""
    if index.dtype not in (np.int32, np.int64):
        raise RuntimeError(f"{name}(): Expected dtype {words} for index")


def along(dim: int, index: Array) -> tuple[Any, ...]:
    """Make the key of the elements that lie at the index along one dimension, and straight across along the others."""
    xp = namespace(index)
    key: list[Any] = [
        xp.arange(size).reshape((-1,) + (1,) * (index.ndim - 1 - each)) for each, size in enumerate(index.shape)
    ]
    key[dim] = index
    return tuple(key)


def check_along(dim: int, index: Array, size: int) -> None:
    """Refuse places that are not there; these are counted from the front only."""
    wrong = index[(index < 0) | (index >= size)]
    if wrong.size:
        raise RuntimeError(f"index {int(wrong.reshape(-1)[0])} is out of bounds for dimension {dim} with size {size}")


@op(out="own", keeps_half=True)
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
    input=lambda grad, shape, dim, index: zeros(shape, dtype=grad.dtype, device=grad.device).scatter_add(
        dim, index, grad
    )
)


def scattered(input: Array, dim: int, index: Array, src: Any, combine: Any) -> Array:
    """Write into a copy where an index says, by a function of (array, key, values)."""
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
    array[key] = dtypes.of_array(array).scalar(values) if isinstance(values, (int, float, complex)) else values


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
    """Write the elements of src, or one value, to the places that the index names along a dimension."""
    return scatter_op(input, dim, index, value if src is None else src, reduce)  # type: ignore[no-any-return]


@composite(name="scatter_", function=False)
def scatter_method(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """Write the elements of src, or one value, to the places that the index names along a dimension, in place."""
    values = scatter_op.bind((self, dim, index, value if src is None else src, reduce), {})
    return scatter_op.perform_in_place(values)


@op(in_place=True)
def scatter_add(input: Array, dim: int, index: Array, src: Array) -> Array:
    """Add the elements of src to the places that the index names along a dimension."""
    return scattered(input, dim, index, src, np.add.at)


scatter_add.vjp(input=lambda grad: grad, src=lambda grad, dim, index: gather(grad, dim, index))


def vector_of_places(name: str, index: Array, size: int) -> Array:
    """Read an index that is a vector, or one place."""
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    check_index_type(name, index, "int32 or int64")
    if ((index < 0) | (index >= size)).any():
        raise IndexError("index out of range in self")
    return index.reshape(-1)


@op(out="own", keeps_half=True)
def index_select(input: Array, dim: int, index: Array) -> Array:
    """Take whole slices along a dimension."""
    dim = wrap_dim(dim, input.ndim)
    source = np.atleast_1d(input)
    if not input.ndim and index.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index.size} value(s)")
    if index.size and not source.shape[dim]:
        raise RuntimeError("index_select(): self indexing axis dim should be positive")
    taken = np.take(source, vector_of_places("index_select", index, source.shape[dim]), axis=dim)
    return taken if input.ndim else taken.reshape(())


index_select.vjp(
    input=lambda grad, shape, dim, index: zeros(shape, dtype=grad.dtype, device=grad.device).index_add(dim, index, grad)
)


@op(in_place=True, out="own")
def index_add(input: Array, dim: int, index: Array, source: Array, *, alpha: complex = 1) -> Array:
    """Add whole slices of source, multiplied by alpha, at places along a dimension."""
    dim = wrap_dim(dim, input.ndim)
    result = input.copy(order="C")
    target, added = np.atleast_1d(result), np.atleast_1d(source)
    if input.ndim > 1:
        check_along(dim, index, target.shape[dim])
    where = vector_of_places("index_add", index, target.shape[dim])
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


@op(out="own", keeps_half=True)
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


def take_vjp(grad: Tensor, shape: Any, index: Tensor) -> Any:
    """Add the gradient at the places from which elements were taken."""
    count = math.prod(shape)
    flat = zeros((count,), dtype=grad.dtype, device=grad.device)
    places = (index % count if count else index).reshape(-1)
    return flat.index_add(0, places, grad.reshape(-1)).reshape(shape)


take.vjp(input=take_vjp)


# -- masks ------------------------------------------------------------------------------------------------------------


@op(name="nonzero", function=False, method=False)
def nonzero_places(input: Array) -> Array:
    found = np.nonzero(input) if input.ndim else ()
    if not input.ndim:
        return namespace(input).zeros((int(bool(input)), 0), np.int64)
    return np.stack(found, axis=1).astype(np.int64)


@composite(out="own")
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Give the places of the elements that are not zero: one in each row, or a tensor for each dimension."""
    if as_tuple:
        return nonzero_places(input if input.ndim else input.unsqueeze(0)).unbind(1)
    return nonzero_places(input)


@op(out="own", keeps_half=True)
def masked_select(input: Array, mask: Array) -> Array:
    """Take the elements where the mask holds."""
    if mask.dtype != bool:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shape(input.shape, mask.shape)
    return np.broadcast_to(input, shape)[np.broadcast_to(mask, shape)]


def masked_select_vjp(grad: Tensor, shape: Any, mask: Tensor) -> Any:
    """Put the gradient back where the mask holds."""
    where = mask.expand(broadcast_shape(shape, tuple(mask.shape)))
    flat = zeros((where.numel(),), dtype=grad.dtype, device=grad.device)
    return flat.index_add(0, nonzero(where.reshape(-1))[:, 0], grad).reshape(where.shape)


masked_select.vjp(input=masked_select_vjp)


@elementwise(promotes="first", node=lambda input, mask, value: f"MaskedFillBackward{int(isinstance(value, Tensor))}")
def masked_fill(input: Array, mask: Mask, value: Array | Number) -> Array:
    """Put a value where the mask holds."""
    return in_order(np.where(mask, value, input))


masked_fill.vjp(
    input=lambda grad, mask: masked_fill(grad, mask, 0.0),
    value=lambda grad, mask: masked_fill(grad, ~mask, 0.0).sum(),
)


@masked_fill.check
def check_fill(input: Tensor, mask: Tensor, value: Any) -> None:
    if mask.dtype.category != "bool":
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype.c_name}")
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    broadcast_shape(tuple(mask.shape), tuple(input.shape))
