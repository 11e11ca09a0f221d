"""Distinct elements, and how often each is there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import composite, op
from assay_reference.core.tensor import Tensor, wrap_dim


def rows_along(input: Array, dim: int) -> Array:
    """Lay out each part along a dimension as a row."""
    rows = np.moveaxis(input, dim, 0)
    return rows.reshape(len(rows), math.prod(rows.shape[1:]))


def begins(rows: Array) -> Array:
    """Return which rows differ from the one before; the first does."""
    differs = np.ones_like(rows[:, 0] if rows.shape[1] else rows.sum(1), dtype=bool)
    differs[1:] = np.any(rows[1:] != rows[:-1], axis=1)
    return differs


def runs(input: Array, rows: Array, order: Array, dim: int) -> tuple[Array, Array, Array]:
    """Return of rows in an order the first of each run of equals, the number of each row's run, and their lengths."""
    first = begins(rows[order])
    inverse = np.empty_like(order)
    inverse[order] = np.cumsum(first) - 1
    kept = order[first]
    return np.take(input, kept, axis=dim), inverse, np.bincount(inverse, minlength=len(kept)).astype(np.int64)


@op(name="_unique2", function=False, method=False)
def distinct(input: Array) -> Any:
    row = input.reshape(-1)
    order = np.argsort(row, kind="stable")
    values, inverse, counts = runs(row, row[:, None], order, 0)
    return values, inverse.reshape(input.shape), counts


@op(name="unique_dim", function=False, method=False)
def distinct_along(input: Array, dim: int) -> Any:
    dim = wrap_dim(dim, input.ndim)
    rows = rows_along(input, dim)
    return runs(input, rows, np.lexsort(rows.T[::-1]), dim)


@op(name="unique_consecutive", function=False, method=False)
def distinct_neighbours(input: Array, dim: int | None) -> Any:
    source = input.reshape(-1) if dim is None else input
    along = 0 if dim is None else wrap_dim(dim, input.ndim)
    order = namespace(input).arange(source.shape[along])
    values, inverse, counts = runs(source, rows_along(source, along), order, along)
    return values, inverse.reshape(input.shape) if dim is None else inverse, counts


def asked_for(found: Any, return_inverse: bool, return_counts: bool) -> Any:
    """Return the values, and what is asked for besides."""
    values, inverse, counts = found
    rest = [each for each, wanted in ((inverse, return_inverse), (counts, return_counts)) if wanted]
    return (values, *rest) if rest else values


@composite(numpy_names=False)
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the distinct elements, or the distinct parts along a dimension, in order.

    What may be returned besides are the index of each element among them, and how often each is there.
    """
    found = distinct(input) if dim is None else distinct_along(input, dim)
    return asked_for(found, return_inverse, return_counts)


@composite(numpy_names=False)
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the first of each run of equal elements, or of equal parts along a dimension."""
    return asked_for(distinct_neighbours(input, dim), return_inverse, return_counts)


@op()
def bincount(input: Array, weights: Array | None = None, minlength: int = 0) -> Array:
    """Count how often each number from 0 on is there, or add up the weights where it is."""
    counts = np.bincount(input, weights, minlength)
    if weights is None:
        return counts.astype(np.int64)
    return counts.astype(weights.dtype if weights.dtype == np.float32 else np.float64)


@bincount.check
def check_counted(input: Tensor, weights: Tensor | None, minlength: int) -> None:
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if input.ndim != 1 or (input < 0).any():
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    if input.dtype.category not in ("bool", "integer"):
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{input.dtype.title}'")
