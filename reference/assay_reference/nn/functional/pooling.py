"""Pooling: one element of each window."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from assay_reference.arrays import Array
from assay_reference.dispatch import FUNCTIONS, op
from assay_reference.nn.functional.windows import Numbers, numbers, padded, windows
from assay_reference.tensor import Tensor

Steps = tuple[int, ...]


@op(name="_max_pool", node="MaxPool2DWithIndicesBackward0", function=False, method=False, returns=("values", "indices"))
def max_pool(input: Array, kernel: Steps, stride: Steps, padding: tuple[Any, ...], dilation: Steps) -> Any:
    count = len(kernel)
    least = -np.inf if input.dtype.kind == "f" else np.iinfo(input.dtype).min
    parts = windows(padded(input, padding, least), kernel, stride, dilation)
    flat = parts.reshape(*parts.shape[:-count], math.prod(kernel))
    chosen = flat.argmax(axis=-1)
    values = np.take_along_axis(flat, chosen[..., None], axis=-1)[..., 0]
    return values, _positions(chosen, input.shape[-count:], kernel, stride, padding, dilation)


def _positions(
    chosen: Array, sizes: Steps, kernel: Steps, stride: Steps, padding: tuple[Any, ...], dilation: Steps
) -> Array:
    """Say where in its plane the chosen element of each window stands."""
    count = len(kernel)
    position = np.zeros_like(chosen)
    for dim, inside in enumerate(np.unravel_index(chosen, kernel)):
        shape = [1] * count
        shape[dim] = chosen.shape[dim - count]
        start = np.arange(chosen.shape[dim - count], like=chosen).reshape(shape) * stride[dim] - padding[dim][0]
        position = position * sizes[dim] + start + inside * dilation[dim]
    return position


def _back(grad: Tensor, input: Tensor, out: Any, kernel: Steps) -> Tensor:
    """Send each gradient to the element that its window chose."""
    lead = input.shape[: -len(kernel)]
    places = math.prod(out[1].shape[-len(kernel) :])
    flat = grad.new_zeros(*lead, math.prod(input.shape[-len(kernel) :]))
    indices, parts = out[1].reshape(*lead, places), grad.reshape(*lead, places)
    return FUNCTIONS["scatter_add"](flat, -1, indices, parts).reshape(input.shape)  # type: ignore[no-any-return]


max_pool.vjp(input=_back)


def _pooled(
    count: int,
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    dilation: Numbers,
    ceil_mode: bool,
) -> Any:
    kernel, edges, holes = numbers(kernel_size, count), numbers(padding, count), numbers(dilation, count)
    steps = kernel if stride is None or stride == () else numbers(stride, count)
    if input.ndim not in (count + 1, count + 2):
        raise RuntimeError(
            f"max_pool{count}d() Expected {count + 1}D or {count + 2}D (batch mode) tensor expected for input, "
            f"but got: {list(input.shape)}"
        )
    if any(edge > length // 2 for edge, length in zip(edges, kernel, strict=True)):
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, but got pad={max(edges)}, "
            f"kernel_size={kernel[0]} and dilation={holes[0]}"
        )
    borders = tuple(map(_borders, input.shape[-count:], kernel, steps, edges, holes, (ceil_mode,) * count))
    return max_pool(input, kernel, steps, borders, holes)


def _borders(length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> tuple[int, int]:
    """Give the border before and after; ceil_mode needs more behind, for a last window that begins inside."""
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    places = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (places - 1) * stride >= length + padding:
        places -= 1
    if places < 1:
        raise RuntimeError(
            "max_pool2d() Expected input's non-batch dimensions to have positive length: Output size is too small"
        )
    return padding, max(padding, (places - 1) * stride + dilation * (kernel - 1) + 1 - length - padding)


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """Take the largest element of each window of a sequence."""
    pooled = _pooled(1, input, kernel_size, stride, padding, dilation, ceil_mode)
    return tuple(pooled) if return_indices else pooled[0]


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """Take the largest element of each window of an image."""
    pooled = _pooled(2, input, kernel_size, stride, padding, dilation, ceil_mode)
    return tuple(pooled) if return_indices else pooled[0]


def max_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """Take the largest element of each window of a volume."""
    pooled = _pooled(3, input, kernel_size, stride, padding, dilation, ceil_mode)
    return tuple(pooled) if return_indices else pooled[0]
