"""Convolutions: windows, laid out as the rows of a matrix product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from assay_reference.arrays import Array
from assay_reference.dispatch import op
from assay_reference.nn.functional.windows import Numbers, numbers, padded, scattered, windows
from assay_reference.tensor import Tensor

Steps = tuple[int, ...]


def _columns(input: Array, kernel: Steps, stride: Steps, padding: Steps, dilation: Steps, groups: int) -> Array:
    """Lay the windows of (N, C, *sizes) out as (N, groups, places, C / groups * kernel)."""
    parts = windows(padded(input, [(each, each) for each in padding]), kernel, stride, dilation)
    count, batch, channels = len(kernel), *input.shape[:2]
    places = parts.shape[2 : 2 + count]
    split = parts.reshape(batch, groups, channels // groups, *places, *kernel)
    front = np.moveaxis(split, 2, 2 + count)
    return front.reshape(batch, groups, math.prod(places), channels // groups * math.prod(kernel))


def _grouped(weight: Array, groups: int) -> Array:
    """Lay a weight of (O, C / groups, *kernel) out as (groups, O / groups, C / groups * kernel)."""
    return weight.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))


def _rows(grad: Array, groups: int) -> Array:
    """Lay what flows into (N, O, *places) out as (N, groups, O / groups, places)."""
    return grad.reshape(len(grad), groups, grad.shape[1] // groups, math.prod(grad.shape[2:]))


@op(name="_convolution", node="ConvolutionBackward0", function=False, method=False)
def convolve(input: Array, weight: Array, stride: Steps, padding: Steps, dilation: Steps, groups: int) -> Array:
    kernel = weight.shape[2:]
    sizes = [each + 2 * edge for each, edge in zip(input.shape[2:], padding, strict=True)]
    places = tuple(
        (size - hole * (length - 1) - 1) // step + 1
        for size, length, step, hole in zip(sizes, kernel, stride, dilation, strict=True)
    )
    columns = _columns(input, kernel, stride, padding, dilation, groups)
    rows = _grouped(weight, groups) @ columns.swapaxes(-1, -2)
    return rows.reshape(len(input), weight.shape[0], *places)


@op(name="_convolution_input", function=False, method=False)
def convolve_input(
    grad_output: Array, weight: Array, sizes: Steps, stride: Steps, padding: Steps, dilation: Steps, groups: int
) -> Array:
    """Send a gradient back to the input of a convolution: a transposed convolution."""
    kernel, places = weight.shape[2:], grad_output.shape[2:]
    columns = _rows(grad_output, groups).swapaxes(-1, -2) @ _grouped(weight, groups)
    split = columns.reshape(len(grad_output), groups, *places, weight.shape[1], *kernel)
    front = np.moveaxis(split, 2 + len(places), 2)
    front = front.reshape(len(grad_output), groups * weight.shape[1], *places, *kernel)
    wide = [size + 2 * edge for size, edge in zip(sizes, padding, strict=True)]
    whole = scattered(front, wide, kernel, stride, dilation)
    inner = tuple(slice(edge, edge + size) for edge, size in zip(padding, sizes, strict=True))
    return whole[(..., *inner)].copy()


@op(name="_convolution_weight", function=False, method=False)
def convolve_weight(
    grad_output: Array, input: Array, kernel: Steps, stride: Steps, padding: Steps, dilation: Steps, groups: int
) -> Array:
    """Send a gradient back to the weight of a convolution."""
    columns = _columns(input, kernel, stride, padding, dilation, groups)
    sums = (_rows(grad_output, groups) @ columns).sum(axis=0)
    return sums.reshape(grad_output.shape[1], input.shape[1] // groups, *kernel)


# Each of the three is linear in both operands, and the gradients of each are the other two.
convolve.vjp(
    input=lambda grad, input, weight, stride, padding, dilation, groups: convolve_input(
        grad, weight, input.shape[2:], stride, padding, dilation, groups
    ),
    weight=lambda grad, input, weight, stride, padding, dilation, groups: convolve_weight(
        grad, input, weight.shape[2:], stride, padding, dilation, groups
    ),
)
convolve_input.vjp(
    grad_output=lambda grad, weight, stride, padding, dilation, groups: convolve(
        grad, weight, stride, padding, dilation, groups
    ),
    weight=lambda grad, grad_output, weight, stride, padding, dilation, groups: convolve_weight(
        grad_output, grad, weight.shape[2:], stride, padding, dilation, groups
    ),
)
convolve_weight.vjp(
    grad_output=lambda grad, input, stride, padding, dilation, groups: convolve(
        input, grad, stride, padding, dilation, groups
    ),
    input=lambda grad, grad_output, input, stride, padding, dilation, groups: convolve_input(
        grad_output, grad, input.shape[2:], stride, padding, dilation, groups
    ),
)


def _convolution(
    name: str,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Numbers,
    padding: Any,
    dilation: Numbers,
    groups: int,
) -> Tensor:
    count = weight.ndim - 2
    unbatched = input.ndim == count + 1
    if not unbatched and input.ndim != count + 2:
        raise RuntimeError(
            f"Expected {count + 1}D (unbatched) or {count + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}"
        )
    batch = input.unsqueeze(0) if unbatched else input
    steps, holes, kernel = numbers(stride, count), numbers(dilation, count), weight.shape[2:]
    batch, edges = _padded(batch, padding, kernel, steps, holes)
    _check(batch, weight, edges, holes, groups)
    result = convolve(batch, weight, steps, edges, holes, groups)
    if bias is not None:
        result = result + bias.reshape(1, -1, *[1] * count)
    return result.squeeze(0) if unbatched else result  # type: ignore[no-any-return]


def _padded(input: Tensor, padding: Any, kernel: Sequence[int], stride: Steps, dilation: Steps) -> tuple[Tensor, Steps]:
    """Read the padding; one that differs on the two sides is put around the input at once."""
    count = len(kernel)
    if padding == "valid":
        return input, (0,) * count
    if padding != "same":
        return input, numbers(padding, count)
    if any(each != 1 for each in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [hole * (length - 1) for hole, length in zip(dilation, kernel, strict=True)]
    if all(each % 2 == 0 for each in totals):
        return input, tuple(each // 2 for each in totals)
    from assay_reference.nn.functional.padding import pad

    borders = [edge for each in reversed(totals) for edge in (each // 2, each - each // 2)]
    return pad(input, borders), (0,) * count


def _check(input: Tensor, weight: Tensor, padding: Steps, dilation: Steps, groups: int) -> None:
    if input.dtype is not weight.dtype:
        raise RuntimeError(
            f"Input type ({input.dtype.title}) and weight type ({weight.dtype.title}) should be the same"
        )
    if input.shape[1] != weight.shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{weight.shape[1] * groups} channels, but got {input.shape[1]} channels instead"
        )
    sizes = [size + 2 * edge for size, edge in zip(input.shape[2:], padding, strict=True)]
    reach = [hole * (length - 1) + 1 for hole, length in zip(dilation, weight.shape[2:], strict=True)]
    if any(size < least for size, least in zip(sizes, reach, strict=True)):
        shown = [" x ".join(map(str, each)) for each in (sizes, reach)]
        raise RuntimeError(
            f"Calculated padded input size per channel: ({shown[0]}). Kernel size: ({shown[1]}). "
            "Kernel size can't be greater than actual input size"
        )


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate sequences with kernels."""
    return _convolution("conv1d", input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate images with kernels."""
    return _convolution("conv2d", input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate volumes with kernels."""
    return _convolution("conv3d", input, weight, bias, stride, padding, dilation, groups)
