"""Comparisons of elements, logic, and operations on bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from assay_reference.core import dtypes
from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import Kernel, Number, also_called, composite, elementwise, not_implemented
from assay_reference.core.layouts import strided
from assay_reference.core.op import Elementwise
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import ones_like, zeros, zeros_like

# -- comparison -------------------------------------------------------------------------------------------------------


def nothing(grad: Tensor) -> Tensor:
    """Return zeros, in order in memory."""
    return zeros(tuple(grad.shape), dtype=grad.dtype, device=grad.device)


def comparison(operator: str) -> Callable[[Kernel], Elementwise]:
    """Make an op that compares two elements."""

    def decorate(kernel: Kernel) -> Elementwise:
        refusal = {} if operator in ("eq", "ne") else not_implemented(f"{operator}_cpu", "complex")
        made = elementwise(promotes="same", operator=operator, refuses=refusal, node=node, has_slope=False)(kernel)
        made.vjp(input=nothing, other=nothing)  # where it is done in place
        return made

    def node(input: Any, other: Any) -> str:
        return f"{operator.title()}Backward{int(isinstance(other, Tensor))}"

    return decorate


@comparison("eq")
def eq(input: Array, other: Array | Number) -> Array:
    """Return whether two elements are equal."""
    return np.equal(input, other)


@comparison("ne")
def ne(input: Array, other: Array | Number) -> Array:
    """Return whether two elements differ."""
    return np.not_equal(input, other)


@comparison("lt")
def lt(input: Array, other: Array | Number) -> Array:
    """Return whether an element is less than the other."""
    return np.less(input, other)


@comparison("le")
def le(input: Array, other: Array | Number) -> Array:
    """Return whether an element is at most the other."""
    return np.less_equal(input, other)


@comparison("gt")
def gt(input: Array, other: Array | Number) -> Array:
    """Return whether an element is greater than the other."""
    return np.greater(input, other)


@comparison("ge")
def ge(input: Array, other: Array | Number) -> Array:
    """Return whether an element is at least the other."""
    return np.greater_equal(input, other)


@elementwise(promotes="same", in_place=False, out=None)
def isnan(input: Array) -> Array:
    """Return whether an element is not a number."""
    return input != input


@elementwise(promotes="same", name="isinf", function=False, method=False, in_place=False, out=None)
def is_infinite(input: Array) -> Array:
    return np.isinf(input)


@elementwise(promotes="same", name="isfinite", function=False, method=False, in_place=False, out=None)
def is_finite(input: Array) -> Array:
    return np.isfinite(input)


@composite()
def isinf(input: Tensor) -> Tensor:
    """Return whether an element is infinite."""
    if input.layout is strided and not input.dtype.is_differentiable:
        return zeros_like(input, dtype=dtypes.bool_)
    return is_infinite(input)  # type: ignore[no-any-return]


@composite()
def isfinite(input: Tensor) -> Tensor:
    """Return whether an element is neither infinite nor NaN."""
    if input.layout is strided and not input.dtype.is_differentiable:
        return ones_like(input, dtype=dtypes.bool_)
    return is_finite(input)  # type: ignore[no-any-return]


# -- logic ------------------------------------------------------------------------------------------------------------


@elementwise(promotes="same", has_slope=False)
def logical_and(input: Array, other: Array) -> Array:
    """Return whether both elements are other than zero."""
    return (input != 0) & (other != 0)


@elementwise(promotes="same", has_slope=False)
def logical_or(input: Array, other: Array) -> Array:
    """Return whether either element is other than zero."""
    return (input != 0) | (other != 0)


@elementwise(promotes="same", has_slope=False)
def logical_xor(input: Array, other: Array) -> Array:
    """Return whether just one element is other than zero."""
    return (input != 0) ^ (other != 0)


@elementwise(promotes="same", has_slope=False)
def logical_not(input: Array) -> Array:
    """Return whether an element is zero."""
    return input == 0


def bitwise(operator: str, kernel_name: str) -> Callable[[Kernel], Elementwise]:
    """Make an op on bits, which only integers and truth values have."""

    def decorate(kernel: Kernel) -> Elementwise:
        kinds = ("floating", "complex", "bool") if "shift" in operator else ("floating", "complex")
        refuses = not_implemented(kernel_name, *kinds)
        return elementwise(promotes="same", operator=operator, refuses=refuses)(kernel)

    return decorate


@bitwise("and", "bitwise_and_cpu")
def bitwise_and(input: Array | Number, other: Array | Number) -> Array:
    """Combine bits by 'and'."""
    return np.bitwise_and(input, other)


@bitwise("or", "bitwise_or_cpu")
def bitwise_or(input: Array | Number, other: Array | Number) -> Array:
    """Combine bits by 'or'."""
    return np.bitwise_or(input, other)


@bitwise("xor", "bitwise_xor_cpu")
def bitwise_xor(input: Array | Number, other: Array | Number) -> Array:
    """Combine bits by 'exclusive or'."""
    return np.bitwise_xor(input, other)


@bitwise("lshift", "lshift_cpu")
def bitwise_left_shift(input: Array | Number, other: Array | Number) -> Array:
    """Shift bits to the left."""
    return np.left_shift(input, other)


@bitwise("rshift", "rshift_cpu")
def bitwise_right_shift(input: Array | Number, other: Array | Number) -> Array:
    """Shift bits to the right."""
    return np.right_shift(input, other)


@elementwise(
    promotes="same",
    out="own",
    refuses=not_implemented("bitwise_not_cpu", "floating", "complex"),
)
def bitwise_not(input: Array) -> Array:
    """Invert every bit."""
    return np.invert(input)


@composite(function=False, name="__invert__")
def invert(self: Tensor) -> Any:
    """Invert every bit, as the operator ~."""
    if self.dtype.category not in ("bool", "integer"):
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return bitwise_not(self)


for _name, _of in {
    "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "not_equal": "ne"
}.items():  # fmt: skip
    also_called(_name, _of)
