"""Copies: tensors joined, repeated and reordered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assay_reference.core import dtypes
from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import FUNCTIONS, Sizes, cast, composite, op
from assay_reference.core.strides import copied, joined, strides_of_copy
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.ops.creation import zeros
from assay_reference.ops.shape import as_sequence, unsqueeze, view_of_size, wrap_dims


def promoted(arrays: Sequence[Array]) -> list[Array]:
    """Convert arrays to one type."""
    common = dtypes.promote_all(dtypes.of_array(each) for each in arrays)
    return [each if each.dtype == common.numpy else cast(each, common.numpy) for each in arrays] if common else []


def counts(shape: tuple[int, ...], ndim: int) -> bool:
    """Return whether a tensor takes part in cat: one of shape (0,) goes with tensors of any shape, and adds nothing."""
    return shape != (0,) or ndim == 1


@op(method=False, out="castable", keeps_half=True, apart=True, keeps_strides=True)
def cat(tensors: Sequence[Array], dim: int = 0) -> Array:
    """Join tensors along a dimension that they have."""
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for position, each in enumerate(tensors):
        if not each.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {position}) cannot be concatenated")
    first = next((each for each in tensors if each.shape != (0,)), tensors[0])
    if first.shape == (0,):
        return promoted(tensors)[0]
    dim = wrap_dim(dim, first.ndim)
    for position, each in enumerate(tensors):
        if counts(each.shape, first.ndim):
            check_joinable(first.shape, each.shape, dim, position)
    present = [each for each in promoted(tensors) if counts(each.shape, first.ndim)]
    return joined(tensors, np.concatenate(present, axis=dim))


cat.refuses_cast = TypeError("torch.cat(): input types can't be cast to the desired output type {target.title}")


@cat.vjp
def cat_vjp(grad: Tensor, shape: Any, dim: int) -> list[Tensor]:
    if all(each == (0,) for each in shape):
        return [zeros(each, dtype=grad.dtype, device=grad.device) for each in shape]
    sizes = [each[dim] if counts(each, grad.ndim) else 0 for each in shape]
    return [part.reshape(each) for part, each in zip(grad.split(sizes, dim), shape, strict=True)]


def check_joinable(first: tuple[int, ...], shape: tuple[int, ...], dim: int, position: int) -> None:
    """Refuse to join shapes that differ elsewhere than where they are joined."""
    if len(first) != len(shape):
        raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
    for each, (wanted, present) in enumerate(zip(first, shape, strict=True)):
        if each != dim and wanted != present:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {dim}. Expected size {wanted} but got size {present} "
                f"for tensor number {position} in the list."
            )


for _name in ("concat", "concatenate"):
    FUNCTIONS[_name] = cat


@op(method=False, out="castable", keeps_half=True, keeps_strides=True)
def stack(tensors: Sequence[Array], dim: int = 0) -> Array:
    """Join tensors of one shape along a new dimension."""
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0].shape
    dim = wrap_dim(dim, len(shape) + 1)
    for position, each in enumerate(tensors):
        if each.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(each.shape)} at entry {position}"
            )
    parts = promoted(tensors)
    if dim == len(shape):
        parts = [unsqueeze.kernel(each, dim) for each in parts]
        return joined(parts, np.concatenate(parts, axis=dim))
    whole = joined(tensors, np.concatenate(parts, axis=dim))
    return view_of_size.kernel(whole, (*shape[:dim], len(tensors), *shape[dim:]))


stack.vjp(tensors=lambda grad, dim: grad.unbind(dim))


def joined_along(
    name: str, doc: str, at_least: int, lift: Callable[[Tensor], Tensor], dim: Callable[[int], int]
) -> None:
    """Make a function that joins tensors, of so many dimensions at least, along one of them."""

    def form(tensors: Sequence[Tensor], *, out: Any = None) -> Any:
        if not tensors:
            raise RuntimeError(f"{name} expects a non-empty TensorList")
        lifted = [each if each.ndim >= at_least else lift(each) for each in tensors]
        return cat(lifted, dim(lifted[0].ndim), out=out)

    form.__doc__ = doc
    composite(method=False, name=name)(form)


joined_along(
    "hstack", "Join tensors along their columns; vectors end to end.", 1,
    lift=lambda number: number.reshape(1), dim=lambda ndim: min(1, ndim - 1),
)  # fmt: skip
joined_along(
    "vstack", "Join tensors along their rows; vectors are rows.", 2,
    lift=lambda row: row.reshape(1, -1), dim=lambda ndim: 0,
)  # fmt: skip


@op(function=False, keeps_half=True)
def repeat(input: Array, repeats: Sizes) -> Array:
    """Repeat the whole tensor along each dimension, and along new ones in front."""
    added = len(repeats) - input.ndim
    if added < 0:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(each < 0 for each in repeats):
        shape = [times * size for times, size in zip(repeats, (1,) * added + input.shape, strict=True)]
        negative = next(each for each in shape if each < 0)
        raise RuntimeError(f"Trying to create tensor with negative dimension {negative}: {shape}")
    return np.tile(input, tuple(repeats))


@repeat.vjp
def repeat_vjp(grad: Tensor, shape: Any, repeats: Sequence[int]) -> Tensor:
    if 0 in repeats:
        return zeros(shape, dtype=grad.dtype, device=grad.device)
    sizes = (1,) * (len(repeats) - len(shape)) + shape
    pairs = [each for pair in zip(repeats, sizes, strict=True) for each in pair]
    summed = grad.reshape(pairs).sum(tuple(range(0, len(pairs), 2))) if pairs else grad
    return summed.reshape(shape)  # type: ignore[no-any-return]


@composite(method=False)
def tile(input: Tensor, dims: Sequence[int]) -> Tensor:
    """Repeat the whole tensor along its last dimensions."""
    return repeat(input, (1,) * (input.ndim - len(dims)) + tuple(dims))  # type: ignore[no-any-return]


@composite(function=False, name="tile")
def tile_method(self: Tensor, *dims: Any) -> Tensor:
    """Repeat the whole tensor along its last dimensions."""
    return tile(self, as_sequence(dims))


@op(keeps_half=True, keeps_strides=True)
def flip(input: Array, dims: Sizes) -> Array:
    """Reverse the order along dimensions."""
    axes = wrap_dims(dims, input.ndim)
    return copied(np.flip(input, axes if input.ndim else ()), strides_of_copy(input), input.dtype)


flip.vjp(input=lambda grad, dims: flip(grad, dims))


@op(keeps_half=True)
def roll(input: Array, shifts: int | Sequence[int], dims: int | Sequence[int] = ()) -> Array:
    """Shift along dimensions, and bring what falls off the end to the start; without dimensions, all in a row."""
    if not input.size:
        return input.copy()
    steps = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    axes = (dims,) if isinstance(dims, int) else tuple(dims)
    if axes and not input.ndim:
        raise IndexError(f"Dimension specified as {axes[0]} but tensor has no dimensions")
    axes = tuple(wrap_dim(each, input.ndim) for each in axes)
    if len(steps) != len(axes) and (axes or len(steps) != 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(steps)}, dims:{len(axes)}")
    return np.roll(input, steps, axes) if axes else np.roll(input, steps[0])


@roll.vjp
def roll_vjp(grad: Tensor, shifts: Any, dims: Any) -> Tensor:
    back = -shifts if isinstance(shifts, int) else tuple(-each for each in shifts)
    return roll(grad, back, dims)  # type: ignore[no-any-return]


def triangle(kernel: Any) -> Any:
    """Make an op that keeps the elements of matrices on one side of a diagonal."""
    made = op(in_place=True, out="own", keeps_half=True, repeats=True)(kernel)
    made.vjp(input=lambda grad, diagonal: made(grad, diagonal))
    return made


def check_matrices(name: str, input: Array) -> None:
    """Refuse arrays of fewer than two dimensions."""
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


@triangle
def tril(input: Array, diagonal: int = 0) -> Array:
    """Keep the elements of matrices on and below a diagonal."""
    check_matrices("tril", input)
    return np.tril(input, diagonal)


@triangle
def triu(input: Array, diagonal: int = 0) -> Array:
    """Keep the elements of matrices on and above a diagonal."""
    check_matrices("triu", input)
    return np.triu(input, diagonal)
