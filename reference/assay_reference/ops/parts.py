"""Views of parts of a tensor: selected indices, slices, diagonals, windows, pieces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from assay_reference.core.arrays import Array, placed, strided
from assay_reference.core.dispatch import composite, view
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.ops.joining import cat, stack
from assay_reference.ops.shape import view_backward


def taken(array: Array, dim: int, index: int) -> Array:
    """Return the part at one index along a dimension, which goes away."""
    index += array.shape[dim] if index < 0 else 0
    shape, strides = list(array.shape), list(array.strides)
    del shape[dim]
    return placed(array, index * strides.pop(dim), shape, strides)


def stepped(array: Array, dim: int, start: int, end: int, step: int = 1) -> Array:
    """Return the part at every so many indices along a dimension."""
    shape, strides = list(array.shape), list(array.strides)
    shape[dim], strides[dim] = max(-((start - end) // step), 0), strides[dim] * step
    return placed(array, start * array.strides[dim], shape, strides)


# -- one part ---------------------------------------------------------------------------------------------------------


@view()
def select(input: Array, dim: int, index: int) -> Array:
    """Take one index along a dimension, which goes away."""
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, input.ndim)
    if not -input.shape[dim] <= index < input.shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    return taken(input, dim, index)


select.vjp(input=lambda grad, shape, dim, index: view_backward(grad, select, (dim, index), shape))


@view(name="slice", function=False, method=False)
def slice_of(input: Array, dim: int, start: int, end: int, step: int = 1) -> Array:
    return stepped(input, dim, start, end, step)


slice_of.vjp(
    input=lambda grad, shape, dim, start, end, step: view_backward(grad, slice_of, (dim, start, end, step), shape)
)


@composite()
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """Take a range of indices along a dimension."""
    if not input.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim, first = wrap_dim(dim, input.ndim), int(start)
    size = input.shape[dim]
    if not -size <= first <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {first})")
    first += size if first < 0 else 0
    if first + length > size:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({size}).")
    return slice_of(input, dim, first, first + length)  # type: ignore[no-any-return]


@view()
def diagonal(input: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """Take the elements whose indices in two dimensions are the same, or differ by the offset."""
    first, second = wrap_dim(dim1, input.ndim), wrap_dim(dim2, input.ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    rows, columns = max(-offset, 0), max(offset, 0)
    length = max(min(input.shape[first] - rows, input.shape[second] - columns), 0)
    others = [dim for dim in range(input.ndim) if dim not in (first, second)]
    begins = (rows * input.strides[first] + columns * input.strides[second]) if length else 0
    return placed(
        input,
        begins,
        [*(input.shape[dim] for dim in others), length],
        [*(input.strides[dim] for dim in others), input.strides[first] + input.strides[second]],
    )


diagonal.vjp(input=lambda grad, shape, offset, dim1, dim2: view_backward(grad, diagonal, (offset, dim1, dim2), shape))


@view(function=False)
def unfold(input: Array, dimension: int, size: int, step: int) -> Array:
    """Take windows along a dimension; a new last dimension runs through each window."""
    dim = wrap_dim(dimension, input.ndim)
    length = input.shape[dim] if input.ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > length:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {length} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not input.ndim:
        return strided(input, [size], [input.itemsize])
    shape, strides = list(input.shape), list(input.strides)
    shape[dim], strides[dim] = (length - size) // step + 1, input.strides[dim] * step
    return strided(input, [*shape, size], [*strides, input.strides[dim]])


unfold.vjp(input=lambda grad, shape, dimension, size, step: view_backward(grad, unfold, (dimension, size, step), shape))


# -- several parts ----------------------------------------------------------------------------------------------------


def gathered(grad: Any) -> tuple[Tensor, ...]:
    """Return the gradients of several results, of which there may be one."""
    return grad if isinstance(grad, tuple) else (grad,)


@view(
    name="split",
    function=False,
    method=False,
    node=lambda input, sizes, dim, even: "SplitBackward0" if even else "SplitWithSizesBackward0",
)
def parts(input: Array, sizes: Sequence[int], dim: int, even: bool) -> tuple[Array, ...]:
    ends = list(accumulate(sizes))
    return tuple(stepped(input, dim, end - size, end) for end, size in zip(ends, sizes, strict=True))


@parts.vjp
def parts_vjp(grad: Any, dim: int) -> Tensor:
    return cat(gathered(grad), dim)  # type: ignore[no-any-return]


@composite(method=False, numpy_names=False)
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Cut along a dimension into parts of one size, the last of which may be smaller, or of given sizes."""
    if not tensor.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, tensor.ndim)
    length = tensor.shape[dim]
    even = isinstance(split_size_or_sections, int)
    if isinstance(split_size_or_sections, int):
        sizes = even_sizes(length, split_size_or_sections)
    else:
        sizes = list(split_size_or_sections)
        if any(each < 0 for each in sizes):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={sizes}"
            )
        if sum(sizes) != length:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at dimension "
                f"{dim}), but got split_sizes={sizes}"
            )
    return parts(tensor, tuple(sizes), dim, even)  # type: ignore[no-any-return]


def even_sizes(length: int, size: int) -> list[int]:
    """Cut a length into pieces of one size, the last of which may be smaller."""
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if not size and length:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {length}")
    return [min(size, length - start) for start in range(0, length, size)] if length else [0]


@composite(function=False, name="split", numpy_names=False)
def split_method(self: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Cut along a dimension into parts of one size, the last of which may be smaller, or of given sizes."""
    return split(self, split_size, dim)


@composite()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Cut along a dimension into so many parts, or fewer, of one size."""
    if not input.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    length = input.shape[wrap_dim(dim, input.ndim)]
    return split(input, -(-length // chunks) if length else [0] * chunks, dim)


@view()
def unbind(input: Array, dim: int = 0) -> tuple[Array, ...]:
    """Take every index along a dimension, which goes away."""
    if not input.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = wrap_dim(dim, input.ndim)
    return tuple(taken(input, dim, index) for index in range(input.shape[dim]))


@unbind.vjp
def unbind_vjp(grad: Any, dim: int) -> Tensor:
    return stack(gathered(grad), dim)  # type: ignore[no-any-return]


@composite()
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return a diagonal of a matrix, or the matrix with this diagonal and zeros elsewhere."""
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    if input.ndim == 2:
        return input.diagonal(diagonal).clone()  # type: ignore[no-any-return]
    size = input.shape[0] + abs(diagonal)
    matrix = input.new_zeros(size, size)
    matrix.diagonal(diagonal).copy_(input)
    return matrix  # type: ignore[no-any-return]


@composite()
def trace(input: Tensor) -> Tensor:
    """Add up the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return input.diagonal().sum()  # type: ignore[no-any-return]
