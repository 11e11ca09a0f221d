"""Convolutions: windows, laid out as the columns of a matrix product."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import composite, not_implemented, op
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.padding import pad
from assay_reference.nn.functional.windows import (
    Steps,
    Sweep,
    added_up,
    numbers,
    parts_of,
    reach,
    window_counts,
    windows,
)
from assay_reference.ops.pointwise import conj

REFUSES: Final = not_implemented("slow_conv2d_cpu", "bool")

# -- three products, of which each is linear in both operands, and has the other two for gradients --------------------


def columns(input: Array, kernel: Sequence[int], sweep: Sweep, groups: int) -> Array:
    """Lay the windows of (N, C, *sizes) out as (N, groups, C / groups * kernel, windows)."""
    parts = windows(input, kernel, sweep)
    counts = parts.shape[-len(kernel) :]
    return parts.reshape(len(input), groups, input.shape[1] // groups * math.prod(kernel), math.prod(counts))


def by_group(array: Array, dim: int, groups: int) -> Array:
    """Split channels into groups, and join the dimensions after them."""
    lead, channels, rest = array.shape[:dim], array.shape[dim], array.shape[dim + 1 :]
    return array.reshape(*lead, groups, channels // groups, math.prod(rest))


@op(function=False, method=False, node="ConvolutionBackward0", refuses=REFUSES, keeps_strides=True)
def convolution(input: Array, weight: Array, bias: Array | None, sweep: Sweep, groups: int) -> Array:
    kernel = weight.shape[2:]
    counts = window_counts(input.shape[2:], kernel, sweep)
    rows = by_group(weight, 0, groups)
    result = namespace(input).empty((len(input), *rows.shape[:2], math.prod(counts)), input.dtype)
    for part in parts_of(len(input), rows[0, 0].size * groups * math.prod(counts)):
        np.matmul(rows, columns(input[part], kernel, sweep, groups), out=result[part])
    if bias is not None:
        result += bias.reshape(*rows.shape[:2], 1)
    return images_like([input, weight], result.reshape(len(input), len(weight), *counts))


@op(function=False, method=False, refuses=REFUSES)
def convolution_input(output: Array, weight: Array, sizes: Sequence[int], sweep: Sweep, groups: int) -> Array:
    kernel, counts = weight.shape[2:], output.shape[2:]
    rows = by_group(weight, 0, groups).swapaxes(-1, -2)
    result = namespace(output).empty((len(output), weight.shape[1] * groups, *sizes), output.dtype)
    for part in parts_of(len(output), rows[..., 0].size * math.prod(counts)):
        products = rows @ by_group(output[part], 1, groups)
        split = products.reshape(len(products), result.shape[1], *kernel, *counts)
        result[part] = added_up(split, sizes, kernel, sweep)
    return result


@op(function=False, method=False, refuses=REFUSES)
def convolution_weight(output: Array, input: Array, kernel: Sequence[int], sweep: Sweep, groups: int) -> Array:
    channels, counts = input.shape[1] // groups, output.shape[2:]
    per_group = output.shape[1] // groups
    result = namespace(input).zeros((groups, per_group, channels * math.prod(kernel)), input.dtype)
    for part in parts_of(len(input), channels * groups * math.prod(kernel) * math.prod(counts)):
        rows = by_group(output[part], 1, groups)
        result += (rows @ columns(input[part], kernel, sweep, groups).swapaxes(-1, -2)).sum(axis=0)
    return result.reshape(output.shape[1], channels, *kernel)


# Each of them saves both operands, as PyTorch does.
convolution.vjp(
    input=lambda grad, input, weight, sweep, groups: convolution_input(
        grad, conj(weight), input.shape[2:], sweep, groups
    ),
    weight=lambda grad, input, weight, sweep, groups: convolution_weight(
        grad, conj(input), weight.shape[2:], sweep, groups
    ),
    bias=lambda grad, input, weight: grad.sum((0, *range(2, grad.ndim))),
)
convolution_input.vjp(
    output=lambda grad, weight, sweep, groups: convolution(grad, conj(weight), None, sweep, groups),
    weight=lambda grad, output, weight, sweep, groups: convolution_weight(
        conj(output), grad, weight.shape[2:], sweep, groups
    ),
)
convolution_weight.vjp(
    output=lambda grad, input, sweep, groups: convolution(conj(input), grad, None, sweep, groups),
    input=lambda grad, output, input, sweep, groups: convolution_input(
        conj(output), grad, input.shape[2:], sweep, groups
    ),
)


# -- the options ------------------------------------------------------------------------------------------------------


def same(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return the borders with which a convolution keeps its input's size."""
    return tuple((each // 2, each - each // 2) for each in (span - 1 for span in reach(kernel, dilation)))


def sweep_of(weight: Tensor, stride: Steps, padding: Steps | str, dilation: Steps, groups: int) -> Sweep:
    """Return the options of a convolution as a sweep, or raise what is wrong with them."""
    steps, holes = per_dim("stride", stride, weight), per_dim("dilation", dilation, weight)
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if min(steps) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(holes) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(holes)}")
    if padding == "same":
        if any(step != 1 for step in steps):
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        return Sweep(steps, same(weight.shape[2:], holes), holes)
    if isinstance(padding, str) and padding != "valid":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    edges = (0,) * len(steps) if isinstance(padding, str) else per_dim("padding", padding, weight)
    if min(edges) < 0:
        raise RuntimeError("negative padding is not supported")
    return Sweep(steps, tuple((edge, edge) for edge in edges), holes)


def per_dim(name: str, values: Steps, weight: Tensor) -> Steps:
    """Return one number for each dimension that the weight slides over."""
    if len(values) != weight.ndim - 2:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {weight.ndim - 2} values to match the "
            f"convolution dimensions, but got {name}={list(values)}"
        )
    return values


def check_types(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Refuse operands of different types."""
    if input.is_complex() and not weight.is_complex():
        kinds = f"(CPU{input.dtype.title}Type) and weight type (torch.{weight.dtype.title}Tensor)"
        raise RuntimeError(f"Input type {kinds} should be the same")
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.title} but found {weight.dtype.title}")
    if bias is not None and bias.dtype is not input.dtype:
        kinds = f"({input.dtype.c_name}) and bias type ({bias.dtype.c_name})"
        raise RuntimeError(f"Input type {kinds} should be the same")


def check_channels(input: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    """Refuse a number of channels other than the weight's."""
    shape = list(weight.shape)
    if 0 in shape[2:]:
        height, *width = shape[2:]
        sizes = f"kernel_height: {height} kernel_width: {width[0]}" if width else f"kernel_size: {height}"
        raise RuntimeError(f"kernel size should be greater than zero, but got {sizes}")
    if not shape[0]:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{shape} instead"
        )
    if shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size [{shape}] instead"
        )
    if input.shape[1] != shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {shape}, expected input{list(input.shape)} to have "
            f"{shape[1] * groups} channels, but got {input.shape[1]} channels instead"
        )
    if bias is not None and list(bias.shape) != shape[:1]:
        raise RuntimeError(
            f"Given weight of size {shape}, expected bias to be 1-dimensional with {shape[0]} elements, but got bias "
            f"of size {list(bias.shape)} instead"
        )


def check_sizes(input: Tensor, weight: Tensor, sweep: Sweep) -> None:
    """Refuse an input that no window fits in."""
    spans = reach(weight.shape[2:], sweep.dilation)
    sizes = [size + sum(border) for size, border in zip(input.shape[2:], sweep.borders, strict=True)]
    if any(size < span for size, span in zip(sizes, spans, strict=True)):
        per_channel, kernel = (" x ".join(map(str, each)) for each in (sizes, spans))
        raise RuntimeError(
            f"Calculated padded input size per channel: ({per_channel}). Kernel size: ({kernel}). Kernel size can't be "
            "greater than actual input size"
        )


def evenly_bordered(input: Tensor, sweep: Sweep) -> tuple[Tensor, Sweep]:
    """Pad an input where a sweep has borders that are wider on one side, and leave the sweep what is even."""
    if all(before == after for before, after in sweep.borders):
        return input, sweep
    even = tuple((min(border), min(border)) for border in sweep.borders)
    more = [each - min(border) for border in reversed(sweep.borders) for each in border]
    return pad(input, more), replace(sweep, borders=even)


def convolution_over(dims: int, doc: str) -> Callable[..., Tensor]:
    """Make the function that convolves over so many dimensions."""

    def convolve(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        if input.ndim not in (dims + 1, dims + 2):
            raise RuntimeError(
                f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to conv{dims}d, but got input of "
                f"size: {list(input.shape)}"
            )
        if input.ndim == dims + 1:
            batch = input.unsqueeze(0)
            return convolve(batch, weight, bias, stride, padding, dilation, groups).squeeze(0)  # type: ignore[no-any-return]
        edges = padding if isinstance(padding, str) else numbers(padding, dims)
        sweep = sweep_of(weight, numbers(stride, dims), edges, numbers(dilation, dims), groups)
        check_channels(input, weight, bias, groups)
        check_types(input, weight, bias)
        check_sizes(input, weight, sweep)
        input, sweep = evenly_bordered(input, sweep)
        return convolution(input, weight, bias, sweep, groups)  # type: ignore[no-any-return]

    convolve.__name__ = convolve.__qualname__ = f"conv{dims}d"
    convolve.__doc__ = doc
    return composite(method=False)(convolve)


conv1d = convolution_over(1, "Cross-correlate sequences with kernels.")
conv2d = convolution_over(2, "Cross-correlate images with kernels.")
conv3d = convolution_over(3, "Cross-correlate volumes with kernels.")
