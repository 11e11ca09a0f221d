"""Views: the same memory, arranged in another shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from operator import index as as_integer
from typing import Any, Final, TypeAlias

import numpy as np

from assay_reference.core import dtypes
from assay_reference.core.arrays import Array, contiguous_strides, namespace, placed, strided
from assay_reference.core.dispatch import Sizes, attach, broadcast_shape, check_writable, composite, op, view
from assay_reference.core.dtypes import dtype
from assay_reference.core.grad_mode import records
from assay_reference.core.layouts import Packed
from assay_reference.core.recording import OpNode
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.core.warn import warn
from assay_reference.ops.conversion import contiguous_copy

EVERY: Final = object()  # the dimensions to squeeze if none are named


# -- what all views share ---------------------------------------------------------------------------------------------


def wrap_dims(dims: Sequence[int], ndim: int) -> tuple[int, ...]:
    """Return dimensions counted from the front; none may occur twice."""
    wrapped = tuple(wrap_dim(each, ndim) for each in dims)
    for dim in wrapped:
        if wrapped.count(dim) > 1:
            raise RuntimeError(f"dim {dim} appears multiple times in the list of dims")
    return wrapped


@op(function=False, method=False)
def view_backward(input: Array, taken: Any, arguments: tuple[Any, ...], size: tuple[int, ...]) -> Array:
    """Return zeros with the input where a view takes its elements: the gradient of that view."""
    xp = namespace(input)
    result = xp.zeros(size, input.dtype)
    indices = taken.kernel(xp.arange(math.prod(size)).reshape(size), *arguments)
    np.add.at(result.reshape(-1), indices, input)  # an index may be there twice
    return result


view_backward.vjp(input=lambda grad, taken, arguments: taken(grad, *arguments))


# -- view and reshape -------------------------------------------------------------------------------------------------


def inferred(size: Sequence[int], count: int) -> tuple[int, ...]:
    """Replace -1 in a shape by what is left for it."""
    sizes = tuple(map(as_integer, size))
    for position, each in enumerate(sizes):
        if each < -1:
            raise RuntimeError(f"invalid shape dimension {each} at index {position} of shape {list(sizes)}")
    if sizes.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = math.prod(each for each in sizes if each != -1)
    if -1 in sizes and not known and not count:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(sizes)} because the unspecified dimension size -1 "
            "can be any value and is ambiguous"
        )
    if count % known if -1 in sizes and known else count != known:
        raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {count}")
    return tuple(count // known if each == -1 else each for each in sizes)


def strides_of_view(array: Array, size: Sequence[int]) -> tuple[int, ...] | None:
    """Return the strides, in bytes, with which the memory shows another shape; None if none do."""
    if not array.size:
        return array.strides if array.shape == tuple(size) else contiguous_strides(size, array.itemsize)
    left = list(size)
    strides: list[int] = []  # the last first
    for length, step in reversed(runs(array)):
        covered = 1
        while left and (covered < length or left[-1] == 1):
            strides.append(covered * step)
            covered *= left.pop()
        if covered != length:
            return None
    return None if left else tuple(reversed(strides))


def runs(array: Array) -> list[tuple[int, int]]:
    """Return which dimensions lie in memory as one: for each such run how many elements, and how far apart."""
    if not array.ndim:
        return [(1, array.itemsize)]
    found: list[tuple[int, int]] = []
    length, step = 1, array.strides[-1]
    for dim in range(array.ndim - 1, -1, -1):
        length *= array.shape[dim]
        if not dim or (array.shape[dim - 1] != 1 and array.strides[dim - 1] != length * step):
            found.append((length, step))
            length, step = 1, array.strides[dim - 1]
    return found[::-1]


@view(name="view", function=False, method=False)
def view_of_size(input: Array, size: Sizes) -> Array:
    sizes = inferred(size, input.size)
    strides = strides_of_view(input, sizes)
    if strides is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return strided(input, sizes, strides)


@view(function=False, method=False)
def reshape_alias(input: Array, size: Sequence[int]) -> Array:
    return view_of_size.kernel(input, size)


@op(name="_unsafe_view", function=False, method=False, keeps_half=True, node="UnsafeViewBackward0")
def unsafe_view(input: Array, size: Sequence[int]) -> Array:
    """Reshape an unshared array: in history, the result is no view."""
    return input.reshape(size)


for _reshaped in (view_of_size, reshape_alias, unsafe_view):
    _reshaped.vjp(input=lambda grad, shape: grad.reshape(shape))


@view(name="view", function=False, method=False)
def view_of_dtype(input: Array, dtype: dtype) -> Array:
    before, after = input.dtype.itemsize, dtype.itemsize
    if before != after:
        reading = f"view {dtypes.of_array(input).title} as {dtype.title} (different element sizes)"
        if not input.ndim:
            raise RuntimeError(f"self.dim() cannot be 0 to {reading}")
        if input.strides[-1] != before:
            raise RuntimeError(f"self.stride(-1) must be 1 to {reading}, but got {input.strides[-1] // before}")
        if input.shape[-1] * before % after:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {after // before} to {reading}, but got {input.shape[-1]}"
            )
    return input.view(dtype.numpy)


@composite(function=False, name="view")
def view_method(self: Tensor, *shape: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """Show the same memory in another shape, one of whose sizes may be left open as -1; or as another type."""
    kind = shape[0] if len(shape) == 1 and isinstance(shape[0], dtypes.dtype) else dtype
    if kind is None:
        return view_of_size(self, *(shape if size is None else (tuple(size),)))  # type: ignore[no-any-return]
    ratio, rest = kind.itemsize // self.itemsize or 1, self.storage_offset()
    if rest % ratio:
        raise RuntimeError(
            f"self.storage_offset() must be divisible by {ratio} to view {self.dtype.title} as {kind.title} (different "
            f"element sizes), but got {rest}"
        )
    return view_of_dtype(self, kind)  # type: ignore[no-any-return]


@op(name="reshape", function=False, method=False)
def reshape_packed(input: Array, shape: Sequence[int]) -> Array:
    return input.reshape(shape)


reshape_packed.vjp(input=lambda grad, shape: grad.reshape(shape))


@composite(name="reshape", method=False)
def reshape(input: Tensor, shape: Sequence[int]) -> Tensor:
    """Show the elements in another shape: a view where there is one, and otherwise a copy."""
    sizes = inferred(shape, input.numel())
    if isinstance(input._array, Packed):
        return reshape_packed(input, sizes)  # type: ignore[no-any-return]
    if input.is_contiguous():
        return view_of_size(input, sizes)  # type: ignore[no-any-return]
    if strides_of_view(input._array, sizes) is None:
        return unsafe_view(contiguous_copy(input), sizes)  # type: ignore[no-any-return]
    return reshape_alias(input, sizes)  # type: ignore[no-any-return]


@composite(function=False, name="reshape")
def reshape_method(self: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """Show the elements in another shape: a view where there is one, and otherwise a copy."""
    return reshape(self, as_sequence(sizes) if shape is None else shape)


def as_sequence(sizes: tuple[Any, ...]) -> Sequence[int]:
    """Read sizes that are given in one sequence, or one by one."""
    return sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes


@composite(function=False)
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """Show the same memory in another tensor's shape."""
    return view_of_size(self, tuple(other.shape))  # type: ignore[no-any-return]


@composite(function=False)
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """Show the elements in another tensor's shape."""
    return reshape(self, other.shape)


@composite(method=False)
def numel(input: Tensor) -> int:
    """Return the number of elements."""
    if not isinstance(input, Tensor):
        raise TypeError(f"numel(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input.numel()


@composite()
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Make one dimension of several that follow each other."""
    first, last = wrap_dim(start_dim, input.ndim), wrap_dim(end_dim, input.ndim)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if first == last and input.ndim:
        return input
    middle = math.prod(input.shape[first : last + 1])
    return reshape(input, (*input.shape[:first], middle, *input.shape[last + 1 :]))


@composite()
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Make several dimensions of one."""
    if not input.ndim:
        raise RuntimeError(
            f"unflatten got an unexpected error:\nDimension specified as {dim} but tensor has no dimensions"
        )
    dim = wrap_dim(dim, input.ndim)
    if -1 not in sizes and math.prod(sizes) != input.shape[dim]:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({input.shape[dim]}) "
            "in the input tensor"
        )
    parts = inferred(sizes, input.shape[dim])
    return view_of_size(input, (*input.shape[:dim], *parts, *input.shape[dim + 1 :]))  # type: ignore[no-any-return]


@composite()
def ravel(input: Tensor) -> Tensor:
    """Show the elements in one dimension."""
    return reshape(input.contiguous(), (-1,))


@view(function=False, method=False)
def alias(input: Array) -> Array:
    return input[...]


alias.vjp(input=lambda grad: grad)


# -- the order of dimensions ------------------------------------------------------------------------------------------


@view()
def transpose(input: Array, dim0: int, dim1: int) -> Array:
    """Swap two dimensions."""
    first, second = wrap_dim(dim0, input.ndim), wrap_dim(dim1, input.ndim)
    return np.swapaxes(input, first, second) if input.ndim else input[...]


transpose.vjp(input=lambda grad, dim0, dim1: transpose(grad, dim0, dim1))


@view(node="TBackward0")
def t(input: Array) -> Array:
    """Swap the dimensions of a matrix."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return input.T


t.vjp(input=lambda grad: t(grad))


def order_of(dims: Sequence[int], ndim: int) -> list[int]:
    """Return an order of dimensions counted from the front; each must occur once."""
    if len(dims) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(dims)}"
        )
    order = [wrap_dim(each, ndim) for each in dims]
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return order


@view()
def permute(input: Array, dims: Sizes) -> Array:
    """Put the dimensions in another order."""
    return input.transpose(order_of(dims, input.ndim))


@permute.vjp
def permute_vjp(grad: Tensor, dims: Sequence[int]) -> Tensor:
    order = [wrap_dim(each, grad.ndim) for each in dims]
    back: Tensor = permute(grad, [order.index(each) for each in range(grad.ndim)])
    return back


def swaps(name: str, first: str, second: str) -> None:
    """Offer transpose under another name, with other names of its dimensions."""

    @composite(name=name)
    def swapped(input: Tensor, *dims: int, **named: int) -> Tensor:
        dim0, dim1 = *dims, *(named[each] for each in (first, second)[len(dims) :])
        return transpose(input, dim0, dim1)  # type: ignore[no-any-return]

    swapped.__name__, swapped.__doc__ = name, "Swap two dimensions."


swaps("swapaxes", "axis0", "axis1")
swaps("swapdims", "dim0", "dim1")


@composite()
def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Move dimensions to other positions; the others keep their order."""
    sources, destinations = ([each] if isinstance(each, int) else list(each) for each in (source, destination))
    if len(sources) != len(destinations):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({sources} dims) should contain the same number of "
            f"dims as destination ({destinations} dims)"
        )
    for word, given in (("source", sources), ("destination", destinations)):
        if len({wrap_dim(each, input.ndim) for each in given}) != len(given):
            raise RuntimeError(f"movedim: repeated dim in `{word}` ({given})")
    if not input.ndim:
        return alias(input)  # type: ignore[no-any-return]
    from_to = {wrap_dim(to, input.ndim): wrap_dim(of, input.ndim) for of, to in zip(sources, destinations, strict=True)}
    others = iter(dim for dim in range(input.ndim) if dim not in from_to.values())
    order = [from_to[dim] if dim in from_to else next(others) for dim in range(input.ndim)]
    return permute(input, order)  # type: ignore[no-any-return]


def reversed_dims(self: Tensor) -> Tensor:
    """Reverse the order of the dimensions."""
    if self.ndim not in (0, 2):
        warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
            "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
            "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
        )
    return permute(self, tuple(range(self.ndim))[::-1])  # type: ignore[no-any-return]


def matrix_transpose(self: Tensor) -> Tensor:
    """Swap the last two dimensions."""
    if self.ndim == 1:
        raise RuntimeError("tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return transpose(self, -2, -1) if self.ndim else alias(self)  # type: ignore[no-any-return]


def conjugate_transpose(self: Tensor) -> Tensor:
    """Swap the dimensions of a matrix, and conjugate its elements."""
    if self.ndim not in (0, 2):
        more = ". For batches of matrices, consider using tensor.mH" if self.ndim > 2 else "."
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor{more}")
    return adjoint(self)


@composite()
def adjoint(input: Tensor) -> Tensor:
    """Swap the last two dimensions, and conjugate the elements."""
    return matrix_transpose(input).conj()  # type: ignore[no-any-return]


attach("T", property(reversed_dims))
attach("mT", property(matrix_transpose))
attach("H", property(conjugate_transpose))
attach("mH", property(adjoint))


# -- dimensions of size 1, and broadcasting ---------------------------------------------------------------------------


@view(name="squeeze", function=False, method=False)
def squeeze_all(input: Array) -> Array:
    kept = [dim for dim, size in enumerate(input.shape) if size != 1]
    return strided(input, [input.shape[dim] for dim in kept], [input.strides[dim] for dim in kept])


@view(
    name="squeeze",
    function=False,
    method=False,
    node=lambda input, dim: f"SqueezeBackward{1 if isinstance(dim, int) else 2}",
)
def squeeze_dims(input: Array, dim: int | Sequence[int]) -> Array:
    dims = wrap_dims([dim] if isinstance(dim, int) else dim, input.ndim)
    kept = [each for each, size in enumerate(input.shape) if size != 1 or each not in dims]
    return strided(input, [input.shape[each] for each in kept], [input.strides[each] for each in kept])


squeeze_all.vjp(input=lambda grad, shape: unsqueezed(grad, shape, range(len(shape))))
squeeze_dims.vjp(
    input=lambda grad, shape, dim: unsqueezed(
        grad, shape, wrap_dims([dim] if isinstance(dim, int) else dim, len(shape))
    )
)


def unsqueezed(grad: Tensor, shape: Sequence[int], dims: Iterable[int]) -> Tensor:
    """Insert again the dimensions of size 1 among those that were squeezed."""
    for dim in sorted(dims):
        grad = unsqueeze(grad, dim) if shape and shape[dim] == 1 else grad
    return grad


@composite()
def squeeze(input: Tensor, dim: Any = EVERY) -> Tensor:
    """Leave out dimensions of size 1: all of them, or those among the given."""
    return squeeze_all(input) if dim is EVERY else squeeze_dims(input, dim)  # type: ignore[no-any-return]


@view()
def unsqueeze(input: Array, dim: int) -> Array:
    """Insert a dimension of size 1."""
    dim = wrap_dim(dim, input.ndim + 1)
    stride = input.strides[dim] * input.shape[dim] if dim < input.ndim else input.itemsize
    shape, strides = list(input.shape), list(input.strides)
    return strided(input, [*shape[:dim], 1, *shape[dim:]], [*strides[:dim], stride, *strides[dim:]])


unsqueeze.vjp(input=lambda grad, dim: grad.squeeze(dim))


@view(function=False)
def expand(input: Array, size: Sizes, *, implicit: bool = False) -> Array:
    """Repeat along dimensions of size 1, and along new ones in front, without a copy; -1 keeps a size."""
    added = len(size) - input.ndim
    if added < 0:
        raise RuntimeError(
            f"expand(torch.{dtypes.of_array(input).title}Tensor{{{list(input.shape)}}}, size={list(size)}): the number "
            f"of sizes provided ({len(size)}) must be greater or equal to the number of dimensions in the tensor "
            f"({input.ndim})"
        )
    sizes, strides = list(map(as_integer, size)), [0] * added + list(input.strides)
    for dim, wanted in enumerate(sizes):
        present = input.shape[dim - added] if dim >= added else 1
        if wanted == -1 and dim < added:
            raise RuntimeError(
                f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {dim}"
            )
        if wanted == -1:
            sizes[dim] = present
        elif wanted != present:
            if present != 1:
                raise RuntimeError(
                    f"The expanded size of the tensor ({wanted}) must match the existing size ({present}) at "
                    f"non-singleton dimension {dim}.  Target sizes: {list(size)}.  Tensor sizes: {list(input.shape)}"
                )
            strides[dim] = 0
    for dim in range(added - 1, -1, -1):  # a new dimension of size 1 has a stride nevertheless
        strides[dim] = sizes[dim + 1] * strides[dim + 1] if sizes[dim] == 1 and input.ndim else 0
    return strided(input, sizes, strides)


expand.vjp(input=lambda grad: grad)


@composite(function=False)
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Repeat, without a copy, until the shape is another tensor's."""
    return expand(self, tuple(other.shape))  # type: ignore[no-any-return]


@composite()
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Repeat, without a copy, until the shape is this one."""
    return expand(input, tuple(size))  # type: ignore[no-any-return]


@composite(method=False)
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Repeat, without a copy, until all have one shape."""
    given: Any = as_sequence(tensors)
    shape: tuple[int, ...] = ()
    for each in given:
        shape = broadcast_shape(shape, tuple(each.shape))
    return tuple(each if each.shape == shape else expand(each, shape) for each in given)


@composite(method=False)
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Lay out vectors as the coordinates of a grid: each varies along a dimension of its own.

    The indexing "xy" swaps the first two dimensions.
    """
    given: Any = as_sequence(tensors)
    if not given:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if any(each.dtype is not given[0].dtype for each in given):
        raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if indexing == "xy" and len(given) > 1:
        second, first, *rest = meshgrid(given[1], given[0], *given[2:])
        return (first, second, *rest)
    count = len(given)
    for each in given:
        if each.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {each}")
    lined_up = (each.reshape(*(1,) * at, -1, *(1,) * (count - at - 1)) for at, each in enumerate(given))
    return broadcast_tensors(*lined_up)


# -- any shape and strides ---------------------------------------------------------------------------------------------

Geometry: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], int]  # sizes, strides, and where the first element is


def addresses(xp: Any, geometry: Geometry) -> Array:
    """Return the locations in memory of all elements."""
    sizes, strides, first = geometry
    steps = [xp.arange(size) * stride for size, stride in zip(sizes, strides, strict=True)]
    locations: Array = xp.full(sizes, first)
    for dim, each in enumerate(steps):
        locations += each.reshape((-1,) + (1,) * (len(sizes) - 1 - dim))
    return locations


@view(name="as_strided", function=False, method=False)
def restrided(input: Array, wanted: Geometry, present: Geometry) -> Array:
    size, stride, shift = wanted
    return placed(input, shift * input.itemsize, size, [each * input.itemsize for each in stride])


@op(function=False, method=False)
def through_memory(input: Array, written: Geometry, read: Geometry) -> Array:
    """Add elements up in memory, and read them from there with other strides: the gradient of as_strided."""
    to, of = (addresses(namespace(input), each) for each in (written, read))
    if not to.size or not of.size:
        return namespace(input).zeros(of.shape, input.dtype)
    first = min(int(each.min()) for each in (to, of) if each.size)
    last = max(int(each.max()) for each in (to, of) if each.size)
    memory = namespace(input).zeros(last - first + 1, input.dtype)
    np.add.at(memory, to - first, input)
    return memory[of - first]


restrided.vjp(input=lambda grad, wanted, present: through_memory(grad, wanted, present))
through_memory.vjp(input=lambda grad, written, read: through_memory(grad, read, written))


@composite()
def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """Show memory with this shape and these strides, from an element counted from the start of the storage."""
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(each < 0 for each in stride):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    present = input.storage_offset()
    start = present if storage_offset is None else storage_offset
    reach = 1 + start + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    needed, there = reach * input.itemsize, input.untyped_storage().nbytes()
    if math.prod(size) and needed > there:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {start}, and itemsize "
            f"{input.itemsize} requiring a storage size of {needed} are out of bounds for storage of size {there}"
        )
    wanted = tuple(size), tuple(stride), start - present
    return restrided(input, wanted, (tuple(input.shape), input.stride(), 0))  # type: ignore[no-any-return]


# -- views in place ---------------------------------------------------------------------------------------------------

NODES_IN_PLACE: Final = {
    "TBackward0": "TBackward1", "TransposeBackward0": "TransposeBackward1", "UnsqueezeBackward0": "UnsqueezeBackward1",
    "SqueezeBackward0": "SqueezeBackward3", "SqueezeBackward1": "SqueezeBackward4",
    "SqueezeBackward2": "SqueezeBackward5",
}  # fmt: skip


def in_place(name: str, function: Callable[..., Tensor]) -> None:
    """Offer a view in place: the tensor itself becomes the view."""

    def become(self: Tensor, *args: Any, **named: Any) -> Tensor:
        check_writable(self, records() and self.requires_grad)
        view = function(self, *args, **named)
        self._array = view._array
        self._storage.version += 1
        if isinstance(view._node, OpNode):
            self._seen_version = self._storage.version
            view._node.__class__ = view._node.op.node_type(NODES_IN_PLACE[view._node.name()])
            self._node, self._output_nr, self._requires_grad = view._node, view._output_nr, True
        if self._base is not None:
            self._chain = view._chain
        return self

    become.__name__, become.__doc__ = name, function.__doc__
    attach(name, become)


for _function in (t, transpose, squeeze, unsqueeze):
    in_place(f"{_function.__name__}_", _function)
