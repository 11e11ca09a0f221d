"""Pooling: the largest element of each window, or the average."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import composite, not_implemented, op
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.windows import (
    Numbers,
    Steps,
    Sweep,
    added_up,
    numbers,
    reach,
    window_counts,
    windows,
)
from assay_reference.ops.creation import zeros

# -- the kernels ------------------------------------------------------------------------------------------------------


def least(kind: Any) -> Any:
    """Return the lowest value of a type."""
    return -np.inf if kind.kind == "f" else np.iinfo(kind).min


def positions(array: Array, kernel: Sequence[int], sweep: Sweep) -> Array:
    """Return for each window (*kernel, *counts) the indices of its elements in the input, counted in a row."""
    sizes = array.shape[-len(kernel) :]
    count = math.prod(sizes)
    plane = namespace(array).arange(count).reshape(sizes)
    return windows(plane, kernel, sweep, border=count)


def largest(input: Array, kernel: Sequence[int], sweep: Sweep) -> tuple[Array, Array]:
    """Return the largest element of each window and its index; of equal ones the first, of NaNs the last."""
    lead = input.ndim - len(kernel)
    parts, index = windows(input, kernel, sweep, border=least(input.dtype)), positions(input, kernel, sweep)
    first = index.min(axis=tuple(range(len(kernel))))  # within the border there is nothing to choose
    indices = np.broadcast_to(first, (*input.shape[:lead], *first.shape)).copy()
    values = np.full_like(input, least(input.dtype), shape=indices.shape)
    for offset in np.ndindex(*kernel):
        candidate = parts[(slice(None),) * lead + offset]
        better = (candidate > values) | (candidate != candidate)
        values = np.where(better, candidate, values)
        indices = np.where(better, index[offset], indices)
    return values, indices


def max_pool_over(dims: int) -> Any:
    """Make the op that takes the largest elements over so many dimensions."""
    refuses = not_implemented(f"max_pool{dims}d", "bool", "complex")
    if dims == 1:
        refuses = not_implemented("max_pool1d_impl", "bool", "integer", "complex")

    @op(function=False, method=False, name=f"max_pool{dims}d", node=f"MaxPool{dims}DWithIndicesBackward0",
        refuses=refuses, returns=("values", "indices"), keeps_strides=True)  # fmt: skip
    def max_pool(input: Array, kernel: Sequence[int], sweep: Sweep) -> Any:
        return tuple(images_like([input], each) for each in largest(input, kernel, sweep))

    max_pool.vjp(input=lambda grad, input, indices: chosen(grad, indices, input.shape, dims))
    return max_pool


def chosen(grad: Tensor, indices: Tensor, shape: Sequence[int], dims: int) -> Tensor:
    """Send gradients to the elements that were chosen, which several windows may have in common."""
    lead = shape[: len(shape) - dims]
    flat = zeros(*lead, math.prod(shape[-dims:]), dtype=grad.dtype, device=grad.device)
    row = (*lead, math.prod(indices.shape[-dims:]))
    return flat.scatter_add(-1, indices.reshape(row), grad.reshape(row)).reshape(shape)  # type: ignore[no-any-return]


def divisors(model: Array, kernel: Sequence[int], sweep: Sweep, padding: Steps) -> Array:
    """Count the elements of each window, of those that lie in the input or in a border that counts."""
    sizes = model.shape[-len(kernel) :]
    whole = np.ones_like(model, shape=[size + 2 * edge for size, edge in zip(sizes, padding, strict=True)])
    outside = tuple((before - edge, after - edge) for (before, after), edge in zip(sweep.borders, padding, strict=True))
    return windows(whole, kernel, replace(sweep, borders=outside)).sum(axis=tuple(range(len(kernel))))


def avg_pool_over(dims: int) -> Any:
    """Make the op that averages over so many dimensions."""
    refuses = not_implemented("avg_pool2d_out_frame", "bool", "complex")

    @op(function=False, method=False, name=f"avg_pool{dims}d", node=f"AvgPool{dims}DBackward0",
        refuses=refuses, keeps_strides=True)  # fmt: skip
    def avg_pool(input: Array, kernel: Sequence[int], sweep: Sweep, counted: Steps, divisor: int | None) -> Array:
        lead = input.ndim - dims
        total = windows(input, kernel, sweep).sum(axis=tuple(range(lead, input.ndim)), dtype=input.dtype)
        by = divisors(input, kernel, sweep, counted) if divisor is None else input.dtype.type(divisor)
        return images_like([input], total // by if input.dtype.kind in "iu" else total / by)

    @op(function=False, method=False, name=f"avg_pool{dims}d_backward")
    def avg_pool_input(
        output: Array, sizes: Sequence[int], kernel: Sequence[int], sweep: Sweep, counted: Steps, divisor: int | None
    ) -> Array:
        lead, counts = output.shape[: output.ndim - dims], output.shape[output.ndim - dims :]
        model = np.empty_like(output, shape=sizes)
        by = divisors(model, kernel, sweep, counted) if divisor is None else output.dtype.type(divisor)
        shares = (output / by).reshape(*lead, *(1,) * dims, *counts)
        return added_up(np.broadcast_to(shares, (*lead, *kernel, *counts)), sizes, kernel, sweep)

    avg_pool.vjp(
        input=lambda grad, shape, kernel, sweep, counted, divisor: avg_pool_input(
            grad, shape[-dims:], kernel, sweep, counted, divisor
        )
    )
    avg_pool_input.vjp(
        output=lambda grad, kernel, sweep, counted, divisor: avg_pool(grad, kernel, sweep, counted, divisor)
    )
    return avg_pool


# -- the options ------------------------------------------------------------------------------------------------------


def shown(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


def sweep_of(
    name: str, input: Tensor, kernel: Steps, stride: Numbers | None, padding: Steps, dilation: Steps, ceil_mode: bool
) -> Sweep:
    """Return the options of a pooling as a sweep, or raise what is wrong with them."""
    dims = len(kernel)
    steps = kernel if stride is None or stride == () or stride == [] else per_dim(name, "stride", stride, dims)
    if 0 in steps:
        one = f"{name}() stride must be greater than zero, but got 0"
        raise RuntimeError(one if dims == 1 else "stride should not be zero")
    if min(dilation) <= 0:
        named = " ".join(f"dilation{axis}: {each}" for axis, each in zip("THW"[-dims:], dilation, strict=True))
        raise RuntimeError(f"dilation should be greater than zero, but got {named}")
    if min(padding) < 0:
        raise RuntimeError(f"pad must be non-negative, but got pad: {min(padding)}")
    for length, span, edge, hole in zip(kernel, reach(kernel, dilation), padding, dilation, strict=True):
        if edge > span // 2:
            one = f"{name}() padding should be at most half of kernel size, but got padding={edge} and"
            more = f"pad should be at most half of effective kernel size, but got pad={edge},"
            raise RuntimeError(
                f"{one} kernel_size={length}" if dims == 1 else f"{more} kernel_size={length} and dilation={hole}"
            )
    sizes = tuple(input.shape[-dims:])
    borders = tuple((edge, edge) for edge in padding)
    sweep = Sweep(steps, borders, dilation)
    if ceil_mode:
        sweep = replace(sweep, borders=tuple(map(longer, sizes, reach(kernel, dilation), steps, padding)))
    counts = window_counts(sizes, kernel, sweep)
    if min(counts) < 1:
        channels = input.shape[-dims - 1]
        raise RuntimeError(
            f"{name}() Invalid computed output size: {counts[0]}"
            if dims == 1
            else f"Given input size: ({channels}x{shown(sizes)}). Calculated output size: "
            f"({channels}x{shown(counts)}). Output size is too small"
        )
    return sweep


def longer(size: int, span: int, step: int, edge: int) -> tuple[int, int]:
    """Return the borders that a last window needs, if it begins in the input or in the border before it."""
    beyond_first = size + 2 * edge - span
    last = -(-beyond_first // step)
    if last * step >= size + edge:
        last -= 1
    return edge, max(edge, last * step + span - size - edge)


def per_dim(name: str, option: str, value: Numbers, dims: int) -> Steps:
    """Return one number for each dimension, or raise that there are too many or too few."""
    several = numbers(value, dims)
    if len(several) != dims:
        count = {1: "one", 2: "two", 3: "three"}[dims]
        must = {"stride": "must either be omitted,", "dilation": "must be either"}.get(option, "must either be")
        raise RuntimeError(f"{name}: {option} {must} a single int, or a tuple of {count} ints")
    return several


def check_input(name: str, input: Tensor, dims: int) -> None:
    ranks = (dims + 1, dims + 2)
    if dims == 1:
        if input.ndim not in ranks:
            raise RuntimeError(
                f"{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
                f"{list(input.shape)}"
            )
        return
    if input.ndim not in ranks:
        raise RuntimeError(f"non-empty {ranks[0]}D or {ranks[1]}D (batch mode) tensor expected for input")
    if 0 in input.shape[-dims - 1 :]:
        raise RuntimeError(
            f"Expected {ranks[0]}D or {ranks[1]}D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(input.shape)}"
        )


def max_pooling(dims: int, doc: str) -> Callable[..., Any]:
    """Make the function that takes the largest elements over so many dimensions."""
    name, max_pool = f"max_pool{dims}d", max_pool_over(dims)

    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        check_input(name, input, dims)
        kernel = per_dim(name, "kernel_size", kernel_size, dims)
        edges, holes = per_dim(name, "padding", padding, dims), per_dim(name, "dilation", dilation, dims)
        sweep = sweep_of(name, input, kernel, stride, edges, holes, ceil_mode)
        values, indices = max_pool(input, kernel, sweep)
        return (values, indices) if return_indices else values

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = doc
    return pool


def avg_pooling(dims: int, doc: str) -> Callable[..., Any]:
    """Make the function that averages over so many dimensions."""
    name, avg_pool = f"avg_pool{dims}d", avg_pool_over(dims)

    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Any:
        check_input(name, input, dims)
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        kernel, edges = per_dim(name, "kernel_size", kernel_size, dims), per_dim(name, "padding", padding, dims)
        sweep = sweep_of(name, input, kernel, stride, edges, (1,) * dims, ceil_mode)
        return avg_pool(input, kernel, sweep, edges if count_include_pad else (0,) * dims, divisor_override)

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = doc
    return pool


max_pool1d = max_pooling(1, "Take the largest element of each window of a sequence.")
max_pool2d = max_pooling(2, "Take the largest element of each window of an image.")
max_pool3d = max_pooling(3, "Take the largest element of each window of a volume.")
avg_pool1d = avg_pooling(1, "Average each window of a sequence.")
avg_pool2d = avg_pooling(2, "Average each window of an image.")
avg_pool3d = avg_pooling(3, "Average each window of a volume.")

for _pool in (max_pool1d, max_pool2d, max_pool3d, avg_pool1d):  # those that the namespace torch has too
    composite(method=False)(_pool)
