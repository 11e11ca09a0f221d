"""The largest element of each window, for windows of any kind, and the gradient that it has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import zeros

Pick: TypeAlias = slice | Array  # the positions along a dimension of one element of each window; or for each channel


def picked(array: Array, pick: Pick, dim: int) -> Array:
    """Return the elements at some positions along a dimension, which is counted from the last."""
    behind = -1 - dim
    if isinstance(pick, slice) or pick.ndim == 1:
        return array[(..., pick, *(slice(None),) * behind)]
    *lead, count = pick.shape
    between = array.ndim - pick.ndim - behind
    return np.take_along_axis(array, pick.reshape(*lead, *(1,) * between, count, *(1,) * behind), axis=dim)


def largest(input: Array, picks: Sequence[Sequence[Pick]]) -> tuple[Array, Array]:
    """Return the largest element of each window and its index; of equal ones the first, of NaNs the last.

    `picks` has for each of the last dimensions the positions of the windows' first elements, of their second ones, and
    so on; a window may name an element twice. An index counts the elements of these dimensions in a row.
    """
    sizes = input.shape[-len(picks) :]
    plane = namespace(input).arange(math.prod(sizes)).reshape(sizes)
    values, indices = input, np.broadcast_to(plane, input.shape)
    for dim in range(-1, -1 - len(picks), -1):  # the last one first: its elements are the next in a window
        first, *others = picks[dim]
        best, where = picked(values, first, dim), picked(indices, first, dim)
        for each in others:
            candidates = picked(values, each, dim)
            better = (candidates > best) | (candidates != candidates)
            best, where = np.where(better, candidates, best), np.where(better, picked(indices, each, dim), where)
        values, indices = best, where
    if all(len(each) == 1 for each in picks):
        values, indices = values.copy(), indices.copy()
    return values, indices


def chosen(grad: Tensor, indices: Tensor, shape: Sequence[int], dims: int) -> Tensor:
    """Send gradients to the elements that were chosen, which several windows may have in common."""
    lead = shape[: len(shape) - dims]
    flat = zeros(*lead, math.prod(shape[-dims:]), dtype=grad.dtype, device=grad.device)
    row = (*lead, math.prod(indices.shape[-dims:]))
    return flat.scatter_add(-1, indices.reshape(row), grad.reshape(row)).reshape(shape)  # type: ignore[no-any-return]
