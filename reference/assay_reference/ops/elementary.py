"""Elementary functions of each element: powers, exponentials, angles, and the error function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, special
from assay_reference.core.dispatch import Kernel, Number, also_called, elementwise, not_implemented
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import zeros_like
from assay_reference.ops.pointwise import category, conj, where

# -- powers, exponentials and logarithms ------------------------------------------------------------------------------


def node_of_power(input: Any, exponent: Any) -> str:
    if not isinstance(input, Tensor):
        return "PowBackward2"
    return f"PowBackward{int(isinstance(exponent, Tensor))}"


@elementwise(
    promotes="same",
    operator="pow",
    node=node_of_power,
    counts_numbers=False,
)
def pow(input: Array | Number, exponent: Array | Number) -> Array:
    """Raise to a power."""
    if input.dtype == bool and isinstance(exponent, np.generic) and not isinstance(input, np.generic):
        return np.logical_or(input, np.logical_not(exponent))
    if input.dtype == bool:
        raise NotImplementedError("\"pow\" not implemented for 'Bool'")
    if isinstance(exponent, np.generic) and np.abs(exponent) == 0.5:  # given as a number; differs at -0.0 and -inf
        return np.sqrt(input) if exponent == 0.5 else 1 / np.sqrt(input)
    if input.dtype.kind not in "iu":
        return np.power(input, exponent)
    # 1 / n is an integer for n = 1 and n = -1 alone.
    reciprocal = np.where(exponent % 2 == 0, input * input == 1, (input * input == 1) * input)
    return np.where(exponent < 0, reciprocal, np.power(input, np.maximum(exponent, 0))).astype(input.dtype)


pow.vjp(
    input=lambda grad, input, exponent: power_vjp(grad, input, exponent),
    exponent=lambda grad, out, input, exponent: exponent_vjp(grad, out, input, exponent),
)


@pow.check
def check_exponent(input: Any, exponent: Any) -> None:
    if isinstance(exponent, int) and exponent < 0 and category(input) in ("bool", "integer"):
        raise RuntimeError("Integers to negative integer powers are not allowed.")


def power_vjp(grad: Tensor, input: Any, exponent: Any) -> Any:
    """Differentiate a power with respect to its base; a constant, which is what the power 0 gives, has slope 0."""
    if isinstance(exponent, Tensor):
        return where(exponent == 0, 0.0, grad * conj(exponent * input ** (exponent - 1)))
    return grad * conj(exponent * input ** (exponent - 1)) if exponent else zeros_like(input)


def exponent_vjp(grad: Tensor, out: Tensor, input: Any, exponent: Tensor) -> Any:
    """Differentiate a power with respect to its exponent; 0 to any power but a negative one has slope 0."""
    base = input if isinstance(input, Tensor) else zeros_like(exponent) + input
    at_zero = base == 0 if exponent.is_complex() else (base == 0) & (exponent >= 0)
    return grad * where(at_zero, 0.0, conj(out * log(base)))


def rounded_once(function: Kernel, input: Array) -> Array:
    """Compute float32 in float64: NumPy's float32 functions are up to 4 ulp off."""
    return function(input, dtype=np.float64).astype(input.dtype) if input.dtype == np.float32 else function(input)


@elementwise(promotes="int_to_float")
def exp(input: Array) -> Array:
    """Raise e to the power of each element."""
    return rounded_once(np.exp, input)


exp.vjp(input=lambda grad, out: grad * conj(out))


@elementwise(promotes="int_to_float")
def expm1(input: Array) -> Array:
    """Return exp(x) - 1, exact where x is small."""
    return rounded_once(np.expm1, input)


expm1.vjp(input=lambda grad, out: grad * conj(out + 1))


@elementwise(promotes="int_to_float")
def log(input: Array) -> Array:
    """Return the natural logarithm."""
    return rounded_once(np.log, input)


log.vjp(input=lambda grad, input: grad / conj(input))


@elementwise(promotes="int_to_float")
def log2(input: Array) -> Array:
    """Return the logarithm to base 2."""
    return rounded_once(np.log2, input)


log2.vjp(input=lambda grad, input: grad / conj(input * math.log(2)))


@elementwise(promotes="int_to_float")
def log10(input: Array) -> Array:
    """Return the logarithm to base 10."""
    return rounded_once(np.log10, input)


log10.vjp(input=lambda grad, input: grad / conj(input * math.log(10)))


@elementwise(promotes="int_to_float", node="Log1PBackward0")
def log1p(input: Array) -> Array:
    """Return the natural logarithm of 1 + x, exact where x is small."""
    return rounded_once(np.log1p, input)


log1p.vjp(input=lambda grad, input: grad / conj(1 + input))


@elementwise(promotes="int_to_float")
def sqrt(input: Array) -> Array:
    """Return the square root."""
    return np.sqrt(input)


sqrt.vjp(input=lambda grad, out: grad / conj(2 * out))


@elementwise(promotes="int_to_float")
def rsqrt(input: Array) -> Array:
    """Divide 1 by the square root."""
    return 1 / np.sqrt(input)


rsqrt.vjp(input=lambda grad, out: -0.5 * grad * conj(out**3))


@elementwise(promotes="int_to_float")
def sigmoid(input: Array) -> Array:
    """Return 1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-input))


sigmoid.vjp(input=lambda grad, out: grad * conj((1 - out) * out))

# -- trigonometric and hyperbolic functions, and their inverses -------------------------------------------------------


@elementwise(promotes="int_to_float")
def sin(input: Array) -> Array:
    """Return the sine."""
    return rounded_once(np.sin, input)


@elementwise(promotes="int_to_float")
def cos(input: Array) -> Array:
    """Return the cosine."""
    return rounded_once(np.cos, input)


sin.vjp(input=lambda grad, input: grad * conj(cos(input)))
cos.vjp(input=lambda grad, input: -grad * conj(sin(input)))


@elementwise(promotes="int_to_float")
def tan(input: Array) -> Array:
    """Return the tangent."""
    return rounded_once(np.tan, input)


tan.vjp(input=lambda grad, out: grad * conj(1 + out * out))


@elementwise(promotes="int_to_float")
def asin(input: Array) -> Array:
    """Return the angle whose sine each element is."""
    return rounded_once(np.arcsin, input)


asin.vjp(input=lambda grad, input: grad * conj(rsqrt(1 - input * input)))


@elementwise(promotes="int_to_float")
def acos(input: Array) -> Array:
    """Return the angle whose cosine each element is."""
    return rounded_once(np.arccos, input)


acos.vjp(input=lambda grad, input: -grad * conj(rsqrt(1 - input * input)))


@elementwise(promotes="int_to_float")
def atan(input: Array) -> Array:
    """Return the angle whose tangent each element is."""
    return rounded_once(np.arctan, input)


atan.vjp(input=lambda grad, input: grad / conj(1 + input * input))


@elementwise(promotes="int_to_float", refuses=not_implemented("atan2_cpu", "complex"))
def atan2(input: Array, other: Array) -> Array:
    """Return the angle of the point (other, input), in all four quadrants."""
    exact = np.float64 if input.dtype == np.float32 else None
    return np.arctan2(input, other, dtype=exact).astype(input.dtype)


atan2.vjp(
    input=lambda grad, input, other: grad * atan2_slope(other, input, other),
    other=lambda grad, input, other: grad * -atan2_slope(input, input, other),
)


def atan2_slope(side: Tensor, input: Tensor, other: Tensor) -> Any:
    """Return side / (input² + other²), and 0 at the origin."""
    squared = input * input + other * other
    return where(squared == 0, 0.0, side / squared)


@elementwise(promotes="int_to_float")
def sinh(input: Array) -> Array:
    """Return the hyperbolic sine."""
    return rounded_once(np.sinh, input)


@elementwise(promotes="int_to_float")
def cosh(input: Array) -> Array:
    """Return the hyperbolic cosine."""
    return rounded_once(np.cosh, input)


sinh.vjp(input=lambda grad, input: grad * conj(cosh(input)))
cosh.vjp(input=lambda grad, input: grad * conj(sinh(input)))


@elementwise(promotes="int_to_float")
def tanh(input: Array) -> Array:
    """Return the hyperbolic tangent."""
    return np.tanh(input)


tanh.vjp(input=lambda grad, out: grad * conj(1 - out * out))

# -- the error function -----------------------------------------------------------------------------------------------


@elementwise(promotes="int_to_float", refuses=not_implemented("erf_vml_cpu", "complex"))
def erf(input: Array) -> Array:
    """Return the error function."""
    return special(input).erf(input)


erf.vjp(input=lambda grad, input: grad * (2 / math.sqrt(math.pi)) * exp(-(input * input)))


@elementwise(promotes="int_to_float", refuses=not_implemented("erfinv_vml_cpu", "complex"))
def erfinv(input: Array) -> Array:
    """Return the inverse of the error function."""
    return np.copysign(special(input).erfinv(input), input)  # SciPy loses the sign of zero


erfinv.vjp(input=lambda grad, out: grad * (math.sqrt(math.pi) / 2) * exp(out * out))


@elementwise(promotes="int_to_float", name="polygamma", function=False, method=False)
def _trigamma(input: Array) -> Array:
    return special(input).polygamma(1, input).astype(input.dtype)


@elementwise(promotes="int_to_float", refuses=not_implemented("digamma", "complex"))
def digamma(input: Array) -> Array:
    """Return the derivative of the gamma function's logarithm."""
    return np.where(input == 0, -np.copysign(np.inf, input), special(input).digamma(input)).astype(input.dtype)


digamma.vjp(input=lambda grad, input: grad * _trigamma(input))


@elementwise(promotes="int_to_float", refuses=not_implemented("lgamma_vml_cpu", "complex"))
def lgamma(input: Array) -> Array:
    """Return the logarithm of the gamma function's absolute value."""
    return special(input).gammaln(np.where(input == -np.inf, -input, input))  # SciPy has -inf there


lgamma.vjp(input=lambda grad, input: grad * digamma(input))

for _name, _of in {"arccos": "acos", "arcsin": "asin", "arctan": "atan", "arctan2": "atan2"}.items():
    also_called(_name, _of)
