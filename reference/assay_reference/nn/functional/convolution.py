"""Convolutions: windows, laid out as the columns of a matrix product."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array, namespace, strided
from assay_reference.core.dispatch import composite, op
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.convolution_checks import (
    at_least,
    check_channels,
    check_empty,
    check_kernel,
    check_rank,
    check_transposed,
    check_types,
    check_windows,
    per_dim,
)
from assay_reference.nn.functional.padding import pad
from assay_reference.nn.functional.windows import (
    Borders,
    Steps,
    Sweep,
    added_up,
    parts_of,
    reach,
    window_counts,
    windows,
)
from assay_reference.ops.pointwise import conj

INTEGERS: Final = ("uint8", "int8", "int16", "int32", "int64")

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


def with_bias(result: Array, bias: Array | None) -> Array:
    """Add a number to each channel, in place."""
    if bias is not None:
        result += bias.reshape(-1, *(1,) * (result.ndim - 2))
    return result


def laid_out_like(input: Array, weight: Array, result: Array) -> Array:
    """Lay a result out as PyTorch does, with the channels innermost where input or weight have them so.

    Of sequences, which are images of one row there, only the weight counts; volumes in double precision are in order.
    """
    if weight.ndim == 3:
        outer, inner, length = weight.strides[0], weight.strides[1], weight.strides[2]
        row = strided(weight, (*weight.shape[:2], 1, weight.shape[2]), (outer, inner, weight.shape[2] * length, length))
        return images_like([row], result[:, :, None])[:, :, 0]
    return images_like([input, weight] if weight.ndim == 4 or input.dtype.char in "fF" else [], result)


@op(function=False, method=False, node="ConvolutionBackward0", keeps_strides=True)
def convolution(input: Array, weight: Array, bias: Array | None, sweep: Sweep, groups: int) -> Array:
    kernel = weight.shape[2:]
    counts = window_counts(input.shape[2:], kernel, sweep)
    rows = by_group(weight, 0, groups)
    result = namespace(input).empty((len(input), *rows.shape[:2], math.prod(counts)), input.dtype)
    for part in parts_of(len(input), rows[0, 0].size * groups * math.prod(counts)):
        np.matmul(rows, columns(input[part], kernel, sweep, groups), out=result[part])
    return laid_out_like(input, weight, with_bias(result.reshape(len(input), len(weight), *counts), bias))


@op(function=False, method=False, node="ConvolutionBackward0", keeps_strides=True)
def transposed_convolution(
    input: Array, weight: Array, bias: Array | None, sizes: Sequence[int], sweep: Sweep, groups: int
) -> Array:
    kernel, counts = weight.shape[2:], input.shape[2:]
    rows = by_group(weight, 0, groups).swapaxes(-1, -2)
    result = namespace(input).empty((len(input), weight.shape[1] * groups, *sizes), input.dtype)
    for part in parts_of(len(input), rows[..., 0].size * math.prod(counts)):
        products = rows @ by_group(input[part], 1, groups)
        split = products.reshape(len(products), result.shape[1], *kernel, *counts)
        result[part] = added_up(split, sizes, kernel, sweep)
    return laid_out_like(input, weight, with_bias(result, bias))


@op(function=False, method=False)
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
    input=lambda grad, input, weight, sweep, groups: transposed_convolution(
        grad, conj(weight), None, input.shape[2:], sweep, groups
    ),
    weight=lambda grad, input, weight, sweep, groups: convolution_weight(
        grad, conj(input), weight.shape[2:], sweep, groups
    ),
    bias=lambda grad, input, weight: summed_but_channels(grad),
)
transposed_convolution.vjp(
    input=lambda grad, input, weight, sweep, groups: convolution(grad, conj(weight), None, sweep, groups),
    weight=lambda grad, input, weight, sweep, groups: convolution_weight(
        conj(input), grad, weight.shape[2:], sweep, groups
    ),
    bias=lambda grad, input, weight: summed_but_channels(grad),
)
convolution_weight.vjp(
    output=lambda grad, input, sweep, groups: convolution(conj(input), grad, None, sweep, groups),
    input=lambda grad, output, input, sweep, groups: transposed_convolution(
        conj(output), grad, None, input.shape[2:], sweep, groups
    ),
)


def summed_but_channels(grad: Tensor) -> Tensor:
    return grad.sum((0, *range(2, grad.ndim)))  # type: ignore[no-any-return]


# -- the functions ----------------------------------------------------------------------------------------------------


def same(kernel: Sequence[int], dilation: Sequence[int]) -> Borders:
    """Return the borders with which a convolution keeps its input's size."""
    return tuple((each // 2, each - each // 2) for each in (span - 1 for span in reach(kernel, dilation)))


def sweep_of(dims: int, weight: Tensor, stride: Any, padding: Any, dilation: Any, groups: int) -> Sweep:
    """Return the options of a convolution as a sweep, or raise what is wrong with them."""
    steps, holes = per_dim("stride", stride, dims, weight), per_dim("dilation", dilation, dims, weight)
    at_least(1, "non-positive groups", [groups])
    at_least(1, "non-positive stride", steps)
    if padding == "same":
        if max(steps) > 1:
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        return Sweep(steps, same(weight.shape[2:], holes), holes)
    if isinstance(padding, str) and padding != "valid":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    edges = per_dim("padding", 0 if padding == "valid" else padding, dims, weight)
    at_least(0, "negative padding", edges)
    return Sweep(steps, tuple((edge, edge) for edge in edges), holes)


def evenly_bordered(input: Tensor, sweep: Sweep) -> tuple[Tensor, Sweep]:
    """Pad an input where a sweep has borders that are wider on one side, and leave the sweep what is even."""
    if all(before == after for before, after in sweep.borders):
        return input, sweep
    even = tuple((min(border), min(border)) for border in sweep.borders)
    more = [each - min(border) for border in reversed(sweep.borders) for each in border]
    return pad(input, more), replace(sweep, borders=even)


def over(dims: int, name: str, doc: str) -> Callable[..., Any]:
    """Publish a function of batches of so many dimensions, which takes one example without a batch, too."""

    def decorate(convolve: Callable[..., Tensor]) -> Any:
        @functools.wraps(convolve)
        def form(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            check_rank(name, dims, input)
            if input.ndim == dims + 1:
                return convolve(input.unsqueeze(0), *args, **kwargs).squeeze(0)  # type: ignore[no-any-return]
            return convolve(input, *args, **kwargs)

        form.__name__, form.__qualname__, form.__doc__ = name, name, doc
        return composite(method=False)(form)

    return decorate


def convolution_over(dims: int, doc: str) -> Any:
    """Make the function that convolves over so many dimensions."""

    @over(dims, f"conv{dims}d", doc)
    def convolve(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        sweep = sweep_of(dims, weight, stride, padding, dilation, groups)
        check_channels(input, weight, bias, groups)
        check_types(input, weight, bias)
        check_windows(input, weight, sweep)
        check_empty(input)
        if max(sweep.dilation) > 1:
            check_kernel(input, "slow_conv_dilated<>", "int64")
        else:
            check_kernel(input, "compute_columns3d" if dims == 3 else "slow_conv2d_cpu", *INTEGERS)
        input, sweep = evenly_bordered(input, sweep)
        return convolution(input, weight, bias, sweep, groups)  # type: ignore[no-any-return]

    return convolve


def transposed_over(dims: int, doc: str) -> Any:
    """Make the function that convolves over so many dimensions the other way: from windows to what they came from."""

    @over(dims, f"conv_transpose{dims}d", doc)
    def convolve(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Tensor:
        if isinstance(padding, str):
            raise TypeError(f"conv_transpose{dims}d(): argument 'padding' must be tuple of ints, not str")
        sweep = sweep_of(dims, weight, stride, padding, dilation, groups)
        more = per_dim("output_padding", output_padding, dims, weight)
        at_least(0, "negative output_padding", more)
        check_channels(input, weight, bias, groups, transposed=True)
        check_types(input, weight)
        if dims == 3 and bias is not None:  # that of the others is converted
            check_types(input, bias)
        sweep = replace(
            sweep, borders=tuple((edge, edge - extra) for (edge, _), extra in zip(sweep.borders, more, strict=True))
        )
        sizes = transposed_sizes(input.shape[2:], weight.shape[2:], sweep)
        check_transposed(input, weight, sweep, more, sizes)
        check_kernel(input, f"slow_conv_transpose{max(dims, 2)}d_out_cpu", "int64")
        return transposed_convolution(input, weight, bias, sizes, sweep, groups)  # type: ignore[no-any-return]

    return convolve


def transposed_sizes(sizes: Sequence[int], kernel: Sequence[int], sweep: Sweep) -> Steps:
    """Return the sizes of a transposed convolution's result."""
    each = zip(sizes, sweep.stride, sweep.borders, reach(kernel, sweep.dilation), strict=True)
    return tuple((size - 1) * step - sum(border) + span for size, step, border, span in each)


conv1d = convolution_over(1, "Cross-correlate sequences with kernels.")
conv2d = convolution_over(2, "Cross-correlate images with kernels.")
conv3d = convolution_over(3, "Cross-correlate volumes with kernels.")

conv_transpose1d = transposed_over(1, "Lay kernels over each other, one for each element of a sequence.")
conv_transpose2d = transposed_over(2, "Lay kernels over each other, one for each element of an image.")
conv_transpose3d = transposed_over(3, "Lay kernels over each other, one for each element of a volume.")
