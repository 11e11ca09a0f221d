"""Tensors compared as wholes."""

from __future__ import annotations

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import composite, elementwise
from assay_reference.core.tensor import Tensor


@composite()
def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape and elements."""
    if not isinstance(other, Tensor):
        raise TypeError(f"equal(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
    return input.shape == other.shape and bool((input == other).all())


@elementwise(promotes="same", in_place=False, out=None)
def isclose(input: Array, other: Array, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Return whether elements differ by no more than atol and rtol times the other."""
    same = input == other
    if equal_nan:
        same = same | ((input != input) & (other != other))
    if input.dtype.kind in "biu":
        input, other = input.astype(np.float64), other.astype(np.float64)
    distance = np.abs(input - other)
    return same | (np.isfinite(distance) & (distance <= atol + np.abs(rtol * other)))


@isclose.check
def check_close(input: Tensor, other: Tensor, rtol: float, atol: float, equal_nan: bool) -> None:
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.title} did not match {other.dtype.title}")
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value}")


@composite()
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Return whether all elements differ by no more than atol and rtol times the other."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())
