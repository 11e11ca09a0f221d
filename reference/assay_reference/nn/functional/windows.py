"""Sliding windows over the last dimensions of an array, as views, and what transposes them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from assay_reference.core.arrays import Array, strided
from assay_reference.ops.creation import integer_sizes

Numbers: TypeAlias = int | Sequence[int]
Steps: TypeAlias = tuple[int, ...]
Borders: TypeAlias = tuple[
    tuple[int, int], ...
]  # how much is put before and after each dimension, or taken from its end

PART: Final = 2**20  # elements of a batch's windows that are laid out at once: few enough for a processor's cache


@dataclass(frozen=True)
class Sweep:
    """How windows move over an input: with steps, over a border, with holes."""

    stride: Steps
    borders: Borders
    dilation: Steps


def numbers(value: Numbers, count: int) -> Steps:
    """Return one number for each dimension: the one number that was given, or the several."""
    if isinstance(value, int):
        return (value,) * count
    return tuple(value) * count if len(value) == 1 else tuple(value)


def expanded(value: Any, count: int) -> tuple[Any, ...]:
    """Return several values: the one again and again, or those of an iterable, however many."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * count


def integers(name: str, option: str, ordinal: int, value: Any, count: int) -> Steps:
    """Return the integers that an option of a function stands for: the one for each dimension, or the several."""
    if isinstance(value, (tuple, list)):
        return integer_sizes(name, value, option=option, ordinal=ordinal)
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(
            f"{name}(): argument '{option}' (position {ordinal}) must be tuple of ints, not {type(value).__name__}"
        )
    return (operator.index(value),) * count


def reach(kernel: Sequence[int], dilation: Sequence[int]) -> Steps:
    """Return the sizes of windows with their holes."""
    return tuple(hole * (length - 1) + 1 for length, hole in zip(kernel, dilation, strict=True))


def window_counts(sizes: Sequence[int], kernel: Sequence[int], sweep: Sweep) -> Steps:
    """Count the windows along each dimension."""
    spans = reach(kernel, sweep.dilation)
    return tuple(
        (size + sum(border) - span) // step + 1
        for size, border, span, step in zip(sizes, sweep.borders, spans, sweep.stride, strict=True)
    )


def bordered(array: Array, borders: Borders, value: Any = 0) -> Array:
    """Put a border around the last dimensions."""
    if not any(map(any, borders)):
        return array
    array = array[(..., *(slice(min(after, 0) or None) for _, after in borders))]
    around = tuple((before, max(after, 0)) for before, after in borders)
    return np.pad(array, ((0, 0),) * (array.ndim - len(borders)) + around, constant_values=value)


def windows(array: Array, kernel: Sequence[int], sweep: Sweep, border: Any = 0) -> Array:
    """View an array (…, *sizes) as its windows (…, *kernel, *counts)."""
    lead = array.ndim - len(kernel)
    counts = window_counts(array.shape[lead:], kernel, sweep)
    array = bordered(array, sweep.borders, border)
    lead_strides, strides = array.strides[:lead], array.strides[lead:]
    inside = (stride * hole for stride, hole in zip(strides, sweep.dilation, strict=True))
    onward = (stride * step for stride, step in zip(strides, sweep.stride, strict=True))
    return strided(array, (*array.shape[:lead], *kernel, *counts), (*lead_strides, *inside, *onward))


def added_up(parts: Array, sizes: Sequence[int], kernel: Sequence[int], sweep: Sweep) -> Array:
    """Add windows (…, *kernel, *counts) up where they come from, (…, *sizes): what transposes `windows`."""
    lead = parts.ndim - 2 * len(kernel)
    wide = [size + before + max(after, 0) for size, (before, after) in zip(sizes, sweep.borders, strict=True)]
    whole = np.zeros_like(parts, shape=(*parts.shape[:lead], *wide))
    for offset in np.ndindex(*kernel):
        begins = [at * hole for at, hole in zip(offset, sweep.dilation, strict=True)]
        steps = zip(begins, parts.shape[lead + len(kernel) :], sweep.stride, strict=True)
        where: Any = (..., *(slice(begin, begin + count * step, step) for begin, count, step in steps))
        whole[where] += parts[(slice(None),) * lead + offset]
    borders = zip(sweep.borders, sizes, strict=True)
    inner: Any = (..., *(slice(before, before + size) for (before, _), size in borders))
    return whole[inner]


def parts_of(batch: int, size: int) -> Iterator[slice]:
    """Cut a batch of examples, whose windows have so many elements each, into parts."""
    step = max(1, PART // max(1, size))
    return (slice(begin, begin + step) for begin in range(0, batch, step))
