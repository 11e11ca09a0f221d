"""Fractional pooling: the largest element of each window, where windows lie at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import not_implemented, op
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.largest import chosen, largest
from assay_reference.nn.functional.windows import Steps, expanded, integers
from assay_reference.ops.random import rand


def begins(samples: Array, size: int, length: int, count: int) -> Array:
    """Return where windows begin, (…, count), by a sample for each row of them; the last one ends with the input."""
    xp, kind = namespace(samples), samples.dtype.type
    numbers = xp.arange(count).astype(samples.dtype)
    step = kind(size - length) / kind(max(count - 1, 1))
    shifted = ((numbers + samples[..., None]) * step).astype(np.int64) - (samples * step).astype(np.int64)[..., None]
    return xp.where(xp.arange(count) < count - 1, shifted, size - length)


@op(function=False, method=False, name="fractional_max_pool2d", returns=("values", "indices"), keeps_half=True,
    refuses=not_implemented("fractional_max_pool2d_out_frame", "bool", "integer", "complex"))  # fmt: skip
def fractional_max_pool(input: Array, samples: Array, kernel: Steps, counts: Steps) -> Any:
    batch = input if input.ndim == 4 else input[None]
    picks = []
    for dim, (length, count) in enumerate(zip(kernel, counts, strict=True)):
        first = begins(samples[: len(batch), :, 1 - dim], batch.shape[2 + dim], length, count)
        picks.append([first + offset for offset in range(length)])
    return tuple(each.reshape(*input.shape[:-2], *counts) for each in largest(batch, picks))


@fractional_max_pool.vjp
def fractional_max_pool_vjp(grad: Tensor, input: Tensor, indices: Tensor) -> tuple[Tensor, None]:
    return chosen(grad, indices, input.shape, 2), None


def check_windows(input: Tensor, kernel: Sequence[int], counts: Sequence[int]) -> None:
    name = "fractional_max_pool2d"
    for option, several in (("kernel_size", kernel), ("output_size", counts)):
        if len(several) != 2:
            raise RuntimeError(f"{name}: {option} must either be a single Int or tuple of Ints")
    if input.ndim not in (3, 4):
        raise RuntimeError(f"{name}(): Expected 3D or 4D tensor, but got: {list(input.shape)}")
    empty = next((dim for dim in range(1, input.ndim) if not input.shape[dim]), None)
    if empty is not None:
        raise RuntimeError(
            f"{name}(): Expected input to have non-zero size for non-batch dimensions, but got{list(input.shape)} "
            f"with dimension {empty} being empty."
        )
    for what, size, length, count in zip(("height", "width"), input.shape[-2:], kernel, counts, strict=True):
        if count + length - 1 > size:
            raise RuntimeError(f"{name}(): pool {what} {length} too large relative to input {what} {size}")
    if min(counts) < 0:
        shape = [*input.shape[:-2], *counts]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(counts)}: {shape}")


def check_samples(input: Tensor, samples: Tensor) -> None:
    if samples.dtype != input.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if samples.ndim != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {samples.ndim}")
    if samples.shape[0] < (1 if input.ndim == 3 else input.shape[0]):
        raise RuntimeError("Expect _random_samples.size(0) no less then input batch size.")
    if samples.shape[1] != input.shape[-3]:
        raise RuntimeError("Expect _random_samples.size(1) equals to input channel size.")
    if samples.shape[2] != 2:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to 2; got {samples.shape[2]}.")


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Take the largest element of each window of an image; the windows lie at random, as many as are wanted."""
    if output_size is None and output_ratio is None:
        raise ValueError("fractional_max_pool2d requires specifying either an output_size or an output_ratio")
    if output_size is None:
        if len(output_ratio) > 2:
            raise ValueError("fractional_max_pool2d requires output_ratio to either be a single Int or tuple of Ints.")
        ratios = expanded(output_ratio, 2)
        output_size = [int(input.size(-2) * ratios[0]), int(input.size(-1) * ratios[1])]
    if _random_samples is None:
        batch = 1 if input.ndim == 3 else input.size(0)
        _random_samples = rand(batch, input.size(-3), 2, dtype=input.dtype, device=input.device)
    kernel = integers("fractional_max_pool2d", "kernel_size", 2, kernel_size, 2)
    counts = integers("fractional_max_pool2d", "output_size", 3, output_size, 2)
    check_windows(input, kernel, counts)
    check_samples(input, _random_samples)
    values, indices = fractional_max_pool(input, _random_samples, kernel, counts)
    return (values, indices) if return_indices else values
