"""Elements by their indices along all dimensions: x[...]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from assay_reference.core.arrays import Array, contiguous_strides, namespace, strided
from assay_reference.core.dispatch import attach, composite, op
from assay_reference.core.strides import copied, strides_of_copy, strides_of_result
from assay_reference.core.tensor import Tensor
from assay_reference.core.warn import warn
from assay_reference.core.writing import check_apart
from assay_reference.ops.creation import tensor, zeros
from assay_reference.ops.masks import nonzero
from assay_reference.ops.parts import select, slice_of
from assay_reference.ops.shape import alias, strides_of_view, unsqueeze

INDEX_TYPES = "tensors used as indices must be long, int, byte or bool tensors"


# -- the ops behind x[...] --------------------------------------------------------------------------------------------


class Located(NamedTuple):
    """Which elements of an array: those at an index for each of some dimensions, everything along the others."""

    key: tuple[Any, ...]
    shape: tuple[int, ...]  # of what is there
    first: int  # where in it the dimensions of the indices stand


def locate(array: Array, indices: Sequence[Array], dims: Sequence[int]) -> Located:
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
    first = dims[0] if adjacent else 0  # with others between them, the result can only stand in front
    shape = (*others[:first], *indexed, *others[first:])
    if math.prod(shape):  # where nothing is taken, nothing is out of bounds
        for number, (dim, each) in enumerate(zip(dims, indices, strict=True)):
            check_in_range(each, array.shape[dim], number)
    return Located(tuple(key), shape, first)


def check_in_range(index: Array, size: int, dim: int) -> None:
    """Refuse an index that is out of range."""
    wrong = index[(index < -size) | (index >= size)]
    if wrong.size:
        raise IndexError(f"index {int(wrong.reshape(-1)[0])} is out of bounds for dimension {dim} with size {size}")


@op(function=False, method=False, keeps_half=True, keeps_strides=True)
def index(input: Array, indices: Sequence[Array], dims: tuple[int, ...]) -> Array:
    """Take the elements at the indices of some dimensions."""
    where = locate(input, indices, dims)
    taken = input[where.key] if math.prod(where.shape) else namespace(input).empty(where.shape, input.dtype)
    return copied(taken, strides_of_taken(input, indices, dims, where), input.dtype)


def strides_of_taken(array: Array, indices: Sequence[Array], dims: Sequence[int], where: Located) -> tuple[int, ...]:
    """Return how elements that are taken lie in memory: as in the array, then as the indices do."""
    rest = [stride for dim, stride in enumerate(array.strides) if dim not in dims]
    indexed = np.broadcast_shapes(*(each.shape for each in indices))
    reshaped = (*[1] * where.first, *indexed, *[1] * (len(rest) - where.first))
    along = []
    for each in indices:
        steps = strides_of_view(np.broadcast_to(each, indexed), reshaped) or contiguous_strides(reshaped, each.itemsize)
        along.append(strided(each, reshaped, steps))
    source = strided(array, where.shape, (*rest[: where.first], *[0] * len(indexed), *rest[where.first :]))
    return strides_of_result(where.shape, [source, *along], array.itemsize)


def index_vjp(grad: Tensor, shape: Sequence[int], indices: Any, dims: tuple[int, ...]) -> Tensor:
    """Add the gradient at the indices from which elements were taken."""
    nothing = zeros(shape, dtype=grad.dtype, device=grad.device)
    return index_put(nothing, indices, grad, dims, True)  # type: ignore[no-any-return]


index.vjp(input=index_vjp)


@op(name="index_put", function=False, method=False, repeats=True, apart=True, keeps_strides=True)
def index_put(input: Array, indices: Sequence[Array], values: Array, dims: tuple[int, ...], accumulate: bool) -> Array:
    """Put values at the indices of some dimensions, or add them to what is there."""
    where = locate(input, indices, dims)
    try:
        values = np.broadcast_to(values, where.shape)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
            f"shape {list(where.shape)}"
        ) from None
    result = copied(input, strides_of_copy(input), input.dtype)
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
    for number, size in enumerate(mask.shape):
        if dim + number >= view.ndim:
            raise IndexError(f"too many indices for tensor of dimension {view.ndim}")
        if size != view.shape[dim + number]:
            raise IndexError(
                f"The shape of the mask {list(mask.shape)} at index {number} does not match the shape of the indexed "
                f"tensor {list(view.shape)} at index {dim + number}"
            )
    return nonzero(mask, as_tuple=True)  # type: ignore[no-any-return]


# -- x[...] -----------------------------------------------------------------------------------------------------------


def entries(index: Any) -> tuple[Any, ...]:
    """Return the entries of an index, as many as it has commas and one more."""
    if isinstance(index, tuple):
        return index
    if isinstance(index, list) and any(
        isinstance(each, (Tensor, list, tuple, slice)) or each is Ellipsis or each is None for each in index
    ):
        return tuple(index)
    return (index,)


def as_index(entry: Any, device: Any) -> Any:
    """Turn a list of indices into a tensor, and return anything else as it is."""
    if isinstance(entry, np.ndarray) or (isinstance(entry, Sequence) and not isinstance(entry, (str, bytes))):
        made = tensor(entry, device=device)
        return made.long() if not made.numel() else made
    if isinstance(entry, str):
        raise TypeError("new(): invalid data type 'str'")
    if isinstance(entry, Tensor) and entry.dtype.name == "uint8":
        warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
        )
        return entry.bool()
    return entry


def takes(entry: Any) -> int:
    """Count the dimensions that an entry says something about."""
    if entry is None or entry is Ellipsis or isinstance(entry, bool):
        return 0
    return entry.ndim if isinstance(entry, Tensor) and entry.dtype.category == "bool" else 1


def located(self: Tensor, index: Any) -> tuple[Tensor, list[Tensor], list[int]]:
    """Follow an index as far as views lead; return the view, and the indices that are left, with their dimensions."""
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
    """Refuse a number or a slice as the index of a 0-d tensor."""
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
    """Return whether an entry is one integer."""
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
    return f"{'torch' if kind.__module__.startswith('assay_reference.') else kind.__module__}.{kind.__name__}"


def indices_of(entry: Tensor, view: Tensor, dim: int) -> tuple[Tensor, ...]:
    """Turn a tensor between the brackets into indices, one for each dimension that it is about."""
    if entry.dtype.category == "bool":
        return of_mask(entry, view, dim)
    if entry.dtype.name not in ("int32", "int64"):
        raise IndexError(INDEX_TYPES)
    return (entry,)


def sliced(view: Tensor, dim: int, entry: slice) -> Tensor:
    """Take a slice; the whole, if it begins at 0 as written, is the tensor itself."""
    size = view.shape[dim]
    start, stop, step = entry.indices(size)
    if step < 0:
        raise ValueError("step must be greater than zero")
    if step == 1 and not (entry.start or 0) and stop == size:
        return view
    return slice_of(view, dim, start, max(start, stop), step)  # type: ignore[no-any-return]


def selected(view: Tensor, dim: int, index: int, number: int) -> Tensor:
    """Take one index along a dimension; a message names the dimension by the number of the entry."""
    size = view.shape[dim]
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of bounds for dimension {number} with size {size}")
    return select(view, dim, index)  # type: ignore[no-any-return]


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
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("Overflow when unpacking long long")
    if index_ is False:
        return
    index_ = None if index_ is True else index_
    if not isinstance(value, Tensor):
        value = tensor(self.dtype.checked(value), dtype=self.dtype, device=self.device)
    view, indices, dims = located(self, index_)
    if not indices:
        assign(view, value)
        return
    wanted = [as_index(each, self.device) for each in entries(index_)]
    tensors = [each for each in wanted if isinstance(each, Tensor) and not is_number(each)]
    of_one_mask = len(tensors) == 1 and tensors[0].dtype.category == "bool" and value.numel() == 1
    if of_one_mask:
        mask = tensors[0]
        for _ in range(dims[-1] + 1, view.ndim):
            mask = unsqueeze(mask, -1)
        tensors = [mask]
    check_apart(view, tensors, same=of_one_mask)
    if of_one_mask:  # one number, which is read before anything is written
        self.dtype.checked(value.item())
        value = value.to(self.dtype, copy=True)
    index_put.perform_in_place([view, tuple(indices), without_ones_in_front(value), tuple(dims), False])


def assign(view: Tensor, value: Tensor) -> None:
    """Overwrite a view; assignment does not count dimensions of size 1 in front."""
    if value.shape == view.shape:
        view.copy_(value)
    elif not value.ndim:
        view.fill_(value)
    else:
        view.copy_(without_ones_in_front(value).expand(view.shape))


def without_ones_in_front(value: Tensor) -> Tensor:
    """Show a tensor without the dimensions of size 1 that come first."""
    first = next((dim for dim, size in enumerate(value.shape) if size != 1), value.ndim)
    return value.view(value.shape[first:]) if first else value


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
