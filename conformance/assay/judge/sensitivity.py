"""Sensitivity: inputs changed a little, and how far the oracle's answer moves with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from assay.cases.arrays import Host, host_dtype, wide
from assay.cases.case import TensorValue
from assay.judge.floats import eps_of, tiny_of
from assay_spec import dtypes

_TAME: Final = 2.0**256  # squares of less than this are finite in float64
_STEPS: Final = 8.0  # sqrt of the count of terms at which partial sums lose as much as terms


def perturbed(value: TensorValue, source: np.random.Generator, *, inwards: bool = False) -> TensorValue:
    """Return a tensor every element of which has moved by up to eps of itself, one to two ulp, up or down.

    What moves inwards alone comes nearer to zero.
    """
    if not dtypes.has_fractions(value.dtype):
        return value
    if 0 in value.strides:
        value = TensorValue.of(value.array(), value.dtype, requires_grad=value.requires_grad)  # each element by itself
    # Nothing is wider than float64: there it takes twice as much to be sure of a difference.
    reach = eps_of(value.dtype) * (2 if eps_of(value.dtype) < 1e-15 else 1)
    steps = source.uniform(-reach, reach, size=value.buffer.shape)
    steps = -np.abs(steps) if inwards else steps
    target = wide(value.dtype)
    still = value.buffer.astype(target)
    with np.errstate(over="ignore"):
        moved = still * (1 + steps)
    return value.holding(np.where(np.isfinite(moved), moved, still), target)  # the largest float64 can only move down


def absolute(value: TensorValue) -> TensorValue:
    """Return a tensor of the sizes of another's elements."""
    if not dtypes.has_fractions(value.dtype):
        return value
    sizes = np.where(np.isfinite(value.buffer), np.abs(value.buffer), 0)  # an infinite term has no size to bound
    return value.holding(sizes.astype(value.buffer.dtype))


def tamed(value: TensorValue) -> TensorValue:
    """Return a tensor with 1 for elements that are infinite, or so large that an intermediate step may overflow."""
    if not dtypes.has_fractions(value.dtype):
        return value
    wild = np.abs(value.buffer.astype(host_dtype(wide(value.dtype)))) > _TAME
    return value.holding(np.where(wild, np.ones_like(value.buffer), value.buffer))


def subnormals(value: TensorValue) -> Host:
    """Mark the subnormals in a tensor's memory."""
    if not dtypes.has_fractions(value.dtype):
        return np.zeros(value.buffer.shape, dtype=bool)
    return np.asarray((value.buffer != 0) & (np.abs(value.buffer) < tiny_of(value.dtype)))


def flushed(value: TensorValue) -> TensorValue:
    """Return a tensor with 0 for subnormal elements."""
    return value.holding(np.where(subnormals(value), np.zeros_like(value.buffer), value.buffer))


def sensitivity(answer: Host, moved: Sequence[Host], summands: float) -> Host:
    """Return how far an answer moves: the root of the mean square, over answers for perturbed inputs."""
    with np.errstate(invalid="ignore", over="ignore"):
        distances = [np.abs(each - answer) for each in moved]
    # Near an integral exponent a negative base has no power at all: its movement there says nothing.
    distances = [np.where(np.isfinite(each), each, 0.0) for each in distances]
    # Each step of a sum rounds a partial sum, not a term: that error grows faster than the movement of the terms.
    growth = 1 + math.sqrt(summands) / _STEPS
    # hypot avoids squares that overflow.
    return np.asarray(growth * np.hypot.reduce(distances, axis=0) / math.sqrt(len(moved)))


def distance(left: Host, right: Host) -> Host:
    """Return how far apart two answers are: not at all where they are the same NaN or infinity."""
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    with np.errstate(invalid="ignore"):
        return np.where(same, 0.0, np.nan_to_num(np.abs(left - right), nan=math.inf, posinf=math.inf))
