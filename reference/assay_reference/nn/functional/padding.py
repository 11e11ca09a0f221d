"""Borders around the last dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay_reference.arrays import Array
from assay_reference.dispatch import op
from assay_reference.tensor import Tensor


@op(name="constant_pad_nd", function=False, method=False, keeps_half=True)
def constant_pad(input: Array, borders: tuple[tuple[int, int], ...], value: float) -> Array:
    return np.pad(input, borders, constant_values=value)


constant_pad.vjp(input=lambda grad, input, borders: grad[_inner(borders, input.shape)])


def _inner(borders: Sequence[tuple[int, int]], shape: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(before, before + length) for (before, _), length in zip(borders, shape, strict=True))


def _places(length: int, before: int, after: int, mode: str) -> list[int]:
    """Say which element stands at each place of a bordered dimension."""
    places = range(-before, length + after)
    match mode:
        case "reflect":
            return [abs(each) if each < length else 2 * (length - 1) - each for each in places]
        case "replicate":
            return [min(max(each, 0), length - 1) for each in places]
        case "circular":
            return [each % length for each in places]
    raise NotImplementedError(f"Unrecognised padding mode {mode}")


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Put borders around the last dimensions; `pad` has two numbers a dimension, the last dimension's first."""
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    borders = ((0, 0),) * (input.ndim - len(pairs)) + tuple(reversed(pairs))
    if mode == "constant":
        return constant_pad(input, borders, value or 0.0)  # type: ignore[no-any-return]
    for dim, (before, after) in enumerate(borders):
        if before or after:
            places = _places(input.shape[dim], before, after, mode)
            input = input[(slice(None),) * dim + (places,)]
    return input
