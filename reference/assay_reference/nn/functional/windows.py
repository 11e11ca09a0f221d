"""Sliding windows over the last dimensions of an array, as views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from assay_reference.arrays import Array, namespace

Numbers = int | Sequence[int]


def numbers(value: Numbers, count: int) -> tuple[int, ...]:
    """Give one number for each dimension: the one number that was given, or the several."""
    if isinstance(value, int):
        return (value,) * count
    return tuple(value) * count if len(value) == 1 else tuple(value)


def padded(array: Array, padding: Sequence[tuple[int, int]], value: Any = 0) -> Array:
    """Put a border around the last dimensions."""
    if not any(map(any, padding)):
        return array
    borders = [(0, 0)] * (array.ndim - len(padding)) + list(padding)
    return np.pad(array, borders, constant_values=value)


def places(length: int, kernel: int, stride: int, dilation: int) -> int:
    """Count the windows along a dimension."""
    return (length - dilation * (kernel - 1) - 1) // stride + 1


def windows(array: Array, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Array:
    """View an array of shape (…, *sizes) as its windows, of shape (…, *places, *kernel)."""
    count = len(kernel)
    lead, sizes = array.shape[:-count], array.shape[-count:]
    counts = tuple(map(places, sizes, kernel, stride, dilation))
    steps = array.strides[-count:]
    moved = tuple(step * each for step, each in zip(steps, stride, strict=True))
    inside = tuple(step * each for step, each in zip(steps, dilation, strict=True))
    return namespace(array).lib.stride_tricks.as_strided(
        array, (*lead, *counts, *kernel), (*array.strides[:-count], *moved, *inside)
    )


def scattered(
    parts: Array, sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Array:
    """Add windows of shape (…, *places, *kernel) up where they came from: what transposes `windows`."""
    count = len(kernel)
    counts = parts.shape[-2 * count : -count]
    whole = np.zeros_like(parts, shape=(*parts.shape[: -2 * count], *sizes))
    for offset in np.ndindex(*kernel):
        where = tuple(
            slice(at * hole, at * hole + step * (length - 1) + 1, step)
            for at, hole, step, length in zip(offset, dilation, stride, counts, strict=True)
        )
        whole[(..., *where)] += parts[(..., *offset)]
    return whole
