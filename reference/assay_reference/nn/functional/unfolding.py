"""Windows of images as columns, and images added up from such columns."""

from __future__ import annotations

import math
from typing import Any

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import op
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.windows import (
    Numbers,
    Steps,
    Sweep,
    added_up,
    numbers,
    window_counts,
    windows,
)


@op(name="im2col", function=False, method=False, node="Im2ColBackward0")
def columns_of(input: Array, kernel: Steps, sweep: Sweep) -> Array:
    """Lay out the windows of images (…, channels, height, width) as columns."""
    *batch, channels, _, _ = input.shape
    swept = windows(input, kernel, sweep)
    return swept.reshape(*batch, channels * math.prod(kernel), math.prod(swept.shape[-2:])).copy()


@op(name="col2im", function=False, method=False, node="Col2ImBackward0")
def images_of(input: Array, sizes: Steps, kernel: Steps, sweep: Sweep) -> Array:
    """Add the columns up where they come from."""
    *batch, rows, _ = input.shape
    counts = window_counts(sizes, kernel, sweep)
    return added_up(input.reshape(*batch, rows // math.prod(kernel), *kernel, *counts), sizes, kernel, sweep).copy()


columns_of.vjp(input=lambda grad, shape, kernel, sweep: images_of(grad, tuple(shape[-2:]), kernel, sweep))
images_of.vjp(input=lambda grad, kernel, sweep: columns_of(grad, kernel, sweep))


def swept(kernel_size: Numbers, dilation: Numbers, padding: Numbers, stride: Numbers) -> tuple[Steps, Sweep]:
    """Read how windows move over images."""
    kernel, holes, borders, steps = (numbers(each, 2) for each in (kernel_size, dilation, padding, stride))
    for name, each in (("kernel size", kernel), ("dilation", holes), ("stride", steps)):
        if min(each) <= 0:
            shown = f"{name}_height: {each[0]} {name}_width: {each[1]}".replace("kernel size", "kernel")
            raise RuntimeError(f"{name} should be greater than zero, but got {shown}")
    return kernel, Sweep(steps, tuple((edge, edge) for edge in borders), holes)


def unfold(
    input: Tensor, kernel_size: Numbers, dilation: Numbers = 1, padding: Numbers = 0, stride: Numbers = 1
) -> Tensor:
    """Lay out what lies under a kernel, at each place where it may be, as a column."""
    kernel, sweep = swept(kernel_size, dilation, padding, stride)
    check_images(input)
    counts = window_counts(input.shape[-2:], kernel, sweep)
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size ({', '.join(map(str, input.shape[-2:]))}), kernel_size={show(kernel)}, "
            f"dilation={show(sweep.dilation)}, padding={show(edges(sweep))}, calculated shape of the array of sliding "
            f"blocks as {show(counts)}, but its components must be at least one."
        )
    return columns_of(input, kernel, sweep)  # type: ignore[no-any-return]


def check_images(input: Tensor) -> None:
    """Refuse what is neither an image nor a batch of them."""
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(input.shape)}"
        )


def edges(sweep: Sweep) -> Steps:
    return tuple(before for before, _ in sweep.borders)


def show(values: Any) -> str:
    return f"({', '.join(map(str, values))})"


def fold(
    input: Tensor,
    output_size: Numbers,
    kernel_size: Numbers,
    dilation: Numbers = 1,
    padding: Numbers = 0,
    stride: Numbers = 1,
) -> Tensor:
    """Add up images from columns, each of which is what lies under a kernel at one place."""
    kernel, sweep = swept(kernel_size, dilation, padding, stride)
    sizes = numbers(output_size, 2)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    rows, found = input.shape[-2:]
    if rows % math.prod(kernel):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={rows} and kernel_size={show(kernel)}."
        )
    counts = window_counts(sizes, kernel, sweep)
    if math.prod(counts) != found or min(counts) < 1:
        raise RuntimeError(
            f"Given output_size={show(sizes)}, kernel_size={show(kernel)}, dilation={show(sweep.dilation)}, "
            f"padding={show(edges(sweep))}, stride={show(sweep.stride)}, expected size of input's dimension 2 to match "
            f"the calculated number of sliding blocks {counts[0]} * {counts[1]} = {math.prod(counts)}, but got "
            f"input.size(2)={found}."
        )
    return images_of(input, sizes, kernel, sweep)  # type: ignore[no-any-return]
