"""Functions of each element."""

from __future__ import annotations

import numpy as np

from assay_reference.arrays import Array
from assay_reference.dispatch import Number, elementwise


@elementwise(promotes="same", operator="add")
def add(input: Array | Number, other: Array | Number, *, alpha: Number = 1) -> Array:
    """Add other, multiplied by alpha."""
    return input + other if alpha == 1 else input + alpha * other


add.vjp(input=lambda grad: grad, other=lambda grad, alpha: grad * alpha)


@elementwise(promotes="same", operator="mul")
def mul(input: Array | Number, other: Array | Number) -> Array:
    """Multiply."""
    return input * other


mul.vjp(input=lambda grad, other: grad * other, other=lambda grad, input: grad * input)


@elementwise(promotes="int_to_float")
def exp(input: Array) -> Array:
    """Raise e to the power of each element."""
    return np.exp(input)


exp.vjp(input=lambda grad, out: grad * out)


@elementwise(promotes="same")
def relu(input: Array) -> Array:
    """Replace what is negative by zero."""
    # NaN <= 0 is false, so NaN passes through.
    return np.where(input <= 0, input * 0, input)


relu.vjp(input=lambda grad, out: grad * (out > 0))
