"""Arithmetic of each element, rounding, sign and choice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import (
    Kernel,
    Mask,
    Number,
    Scalar,
    also_called,
    composite,
    elementwise,
    not_implemented,
)
from assay_reference.core.op import Elementwise
from assay_reference.core.recording import UNDERIVED
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import zeros_like
from assay_reference.ops.logic import gt, lt

NUMBERS = (bool, int, float, complex, np.generic, Tensor)

BOOL_MINUS_BOOL = (
    "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator "
    "instead."
)
BOOL_MINUS = (
    "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the "
    "`~` or `logical_not()` operator instead."
)
MINUS_BOOL = (
    "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or "
    "`logical_not()` operator instead."
)
INTEGER_ADDCDIV = (
    "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true "
    "division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * "
    "torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for "
    "float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), "
    "for all dtypes."
)


def category(value: Any) -> str:
    """Return the category of a tensor's type, or of a number's."""
    if isinstance(value, Tensor):
        return value.dtype.category
    return {bool: "bool", int: "integer", float: "floating"}.get(type(value), "complex")


# -- choice by a condition, and complex conjugates, on which gradients rest --------------------------------------------


@elementwise(
    promotes="same",
    out="own",
    name="where",
    function=False,
    method=False,
    in_place=False,
    wraps_numbers=True,
    checks_numbers=True,
)
def choice(condition: Mask, input: Array | Number, other: Array | Number) -> Array:
    return np.where(condition.astype(bool), input, other)


choice.vjp(
    input=lambda grad, condition: choice(condition, grad, 0.0),
    other=lambda grad, condition: choice(condition, 0.0, grad),
)


@choice.check
def check_condition(condition: Tensor, input: Any, other: Any) -> None:
    if condition.dtype.name not in ("bool", "uint8"):
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype.title}"
        )


@composite(method=False)
def where(condition: Any, input: Any = None, other: Any = None, *, out: Any = None) -> Any:
    """Choose from input where the condition holds and from other elsewhere; alone, return where the condition holds."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    return choice(condition, input, other, out=out)


@composite(function=False, name="where")
def where_method(self: Tensor, condition: Tensor, other: Any) -> Any:
    """Keep the elements where the condition holds, and take other's elsewhere."""
    return choice(condition, self, other)


@composite()
def conj(input: Any) -> Any:
    """Return the complex conjugate; what is real is returned as it is."""
    if isinstance(input, Tensor):
        return conj_physical(input) if input.is_complex() else input
    return input.conjugate()


@elementwise(promotes="same", node="ConjBackward0")
def conj_physical(input: Array) -> Array:
    """Return the complex conjugate."""
    return np.conj(input)


conj_physical.vjp(input=lambda grad: conj(grad))


# -- arithmetic -------------------------------------------------------------------------------------------------------


@elementwise(promotes="same", operator="add", wraps_numbers=True)
def add(input: Array | Number, other: Array | Number, *, alpha: Scalar = 1) -> Array:
    """Add other, multiplied by alpha."""
    # Multiplying a complex infinity by 1 gives NaN, in PyTorch too.
    return input + other if alpha == 1 and other.dtype.kind != "c" else input + alpha * other


add.vjp(input=lambda grad: grad, other=lambda grad, alpha: multiplied(grad, alpha))


def multiplied(grad: Tensor, factor: complex) -> Tensor:
    """Multiply by the conjugate of a number; 1 leaves the gradient as it is."""
    return grad if factor == 1 else grad * conj(factor)


@add.check
def check_alpha(input: Any, other: Any, alpha: Any) -> None:
    if type(alpha) is int:
        return
    operands = {category(input), category(other)}
    if isinstance(alpha, bool) and operands != {"bool"}:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and not operands & {"floating", "complex"}:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, complex) and "complex" not in operands:
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    if not isinstance(alpha, (bool, float, complex)):
        raise TypeError(f"add(): argument 'alpha' must be Number, not {type(alpha).__name__}")


@elementwise(
    promotes="same",
    operator="sub",
    wraps_numbers=True,
    node=lambda input, other, alpha: "SubBackward0" if isinstance(input, Tensor) else "RsubBackward1",
)
def sub(input: Array | Number, other: Array | Number, *, alpha: Scalar = 1) -> Array:
    """Subtract other, multiplied by alpha."""
    return input - other if alpha == 1 and other.dtype.kind != "c" else input - alpha * other


sub.vjp(input=lambda grad: grad, other=lambda grad, alpha: multiplied(-grad, alpha))


@sub.check
def check_difference(input: Any, other: Any, alpha: Any) -> None:
    operands = [category(input), category(other)]
    if "bool" in operands:
        raise RuntimeError(BOOL_MINUS_BOOL if operands == ["bool", "bool"] else BOOL_MINUS)
    check_alpha(input, other, alpha)


@composite(function=False, name="__rsub__")
def subtracted_from(self: Tensor, other: Any) -> Any:
    """Subtract the tensor from other."""
    return sub(other, self) if isinstance(other, NUMBERS) else NotImplemented


@elementwise(promotes="same", operator="mul", wraps_numbers=True)
def mul(input: Array | Number, other: Array | Number) -> Array:
    """Multiply."""
    return input * other


mul.vjp(input=lambda grad, other: grad * conj(other), other=lambda grad, input: grad * conj(input))


def promotion_of_quotient(input: Any, other: Any, rounding_mode: str | None) -> Any:
    return "int_to_float" if rounding_mode is None else "same"


@elementwise(
    promotes=promotion_of_quotient,
    operator="truediv",
    wraps_numbers=True,
    node=lambda input, other, rounding_mode: f"DivBackward{2 if rounding_mode else 0}",
)
def div(input: Array | Number, other: Array | Number, *, rounding_mode: str | None = None) -> Array:
    """Divide; round the quotient towards zero ('trunc') or downwards ('floor') on request."""
    if rounding_mode is None:
        return np.true_divide(input, other)
    if input.dtype == bool:
        raise NotImplementedError(f"\"div_{rounding_mode}_cpu\" not implemented for 'Bool'")
    return floored(input, other) if rounding_mode == "floor" else truncated(input, other)


div.vjp(
    input=lambda grad, other, rounding_mode: zeros_like(grad) if rounding_mode else grad / conj(other),
    other=lambda grad, input, other, rounding_mode: (
        zeros_like(grad) if rounding_mode else -grad * conj(input / other / other)
    ),
)


@div.check
def check_rounding_mode(input: Any, other: Any, rounding_mode: Any) -> None:
    if rounding_mode not in (None, "trunc", "floor"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )


@composite(function=False, name="__rtruediv__")
def divided_into(self: Tensor, other: Any) -> Any:
    """Divide other by the tensor: PyTorch multiplies by the reciprocal, which is rounded."""
    return reciprocal(self) * other if isinstance(other, NUMBERS) else NotImplemented


def check_divisor(input: Array, other: Array) -> None:
    """Refuse to divide integers by zero."""
    if other.dtype.kind in "iu" and input.size and np.any(other == 0):
        raise RuntimeError("ZeroDivisionError")


def truncated(input: Array, other: Array) -> Array:
    """Divide, and round towards zero."""
    if other.dtype.kind == "f":
        return np.trunc(input / other)
    check_divisor(input, other)
    return (input - np.fmod(input, other)) // other


def floored(input: Array, other: Array) -> Array:
    """Divide, and round downwards; where the quotient is an integer, it is exact."""
    check_divisor(input, other)
    if other.dtype.kind != "f":
        return np.floor_divide(input, other)
    rest = np.fmod(input, other)
    quotient = (input - rest) / other
    quotient = np.where((rest != 0) & ((rest < 0) != (other < 0)), quotient - 1, quotient)
    floor = np.floor(quotient)
    floor = np.where(quotient - floor > 0.5, floor + 1, floor)
    floor = np.where(quotient == 0, np.copysign(quotient * 0, input / other), floor)
    return np.where(other == 0, input / other, floor)


@elementwise(
    promotes="same",
    operator="floordiv",
    refuses=not_implemented("div_floor_cpu", "bool", "complex"),
)
def floor_divide(input: Array | Number, other: Array | Number) -> Array:
    """Divide, and round downwards."""
    return floored(input, other)


def node_of_remainder(input: Any, other: Any) -> str:
    return f"RemainderBackward{int(isinstance(other, Tensor))}" if isinstance(input, Tensor) else UNDERIVED


@elementwise(
    promotes="same",
    operator="mod",
    refuses=not_implemented("remainder_cpu", "bool", "complex"),
    node=node_of_remainder,
)
def remainder(input: Array | Number, other: Array | Number) -> Array:
    """Return the remainder of a division that rounds downwards, which has the sign of other."""
    check_divisor(input, other)
    rest = np.fmod(input, other)
    return np.where((rest != 0) & ((rest < 0) != (other < 0)), rest + other, rest)


remainder.vjp(
    input=lambda grad: grad, other=lambda grad, input, other: -grad * div(input, other, rounding_mode="floor")
)


@elementwise(
    promotes="same",
    refuses=not_implemented("fmod_cpu", "bool", "complex"),
    node=lambda input, other: f"FmodBackward{int(isinstance(other, Tensor))}",
)
def fmod(input: Array, other: Array | Number) -> Array:
    """Return the remainder of a division that rounds towards zero, which has the sign of input."""
    check_divisor(input, other)
    return np.fmod(input, other)


fmod.vjp(input=lambda grad: grad, other=lambda grad, input, other: -grad * div(input, other, rounding_mode="trunc"))


@elementwise(promotes="same", out="own", operator="neg", refuses={"bool": RuntimeError(MINUS_BOOL)})
def neg(input: Array) -> Array:
    """Change the sign."""
    return -input


neg.vjp(input=lambda grad: -grad)


@elementwise(promotes="int_to_float")
def reciprocal(input: Array) -> Array:
    """Divide 1 by each element."""
    return 1 / input


reciprocal.vjp(input=lambda grad, out: -grad * conj(out * out))


SCALED_BEFORE = ("input", "value", "tensor1", "tensor2")


@elementwise(promotes="same", refuses=not_implemented("addcmul_cpu_out", "bool"), former=SCALED_BEFORE)
def addcmul(input: Array, tensor1: Array, tensor2: Array, *, value: Scalar = 1) -> Array:
    """Add a product, multiplied by value."""
    return input + value * tensor1 * tensor2


addcmul.vjp(
    input=lambda grad: grad,
    tensor1=lambda grad, tensor2, value: grad * conj(tensor2 * value),
    tensor2=lambda grad, tensor1, value: grad * conj(tensor1 * value),
)


@elementwise(promotes="same", former=SCALED_BEFORE)
def addcdiv(input: Array, tensor1: Array, tensor2: Array, *, value: Scalar = 1) -> Array:
    """Add a quotient, multiplied by value."""
    return input + value * tensor1 / tensor2


addcdiv.vjp(
    input=lambda grad: grad,
    tensor1=lambda grad, tensor2, value: grad * conj(value / tensor2),
    tensor2=lambda grad, tensor1, tensor2, value: -grad * conj(value * tensor1 / (tensor2 * tensor2)),
)


@addcdiv.check
def check_quotient(input: Tensor, tensor1: Tensor, tensor2: Tensor, value: Any) -> None:
    if not {category(tensor1), category(tensor2)} & {"floating", "complex"}:
        raise RuntimeError(INTEGER_ADDCDIV)


@elementwise(
    promotes="same",
    in_place=False,
    out=lambda input: "castable" if input.is_complex() else "own",
    operator="abs",
    refuses=not_implemented("abs_cpu", "bool"),
)
def abs(input: Array) -> Array:
    """Return the absolute value."""
    return np.abs(input)


@composite()
def abs_(input: Tensor) -> Tensor:
    """Replace each element by its absolute value."""
    if input.is_complex():
        raise RuntimeError("In-place abs is not supported for complex tensors.")
    return abs.perform_in_place([input])


@elementwise(promotes="same", node="PowBackward0")
def square(input: Array) -> Array:
    """Multiply each element by itself."""
    return np.square(input) if input.dtype != bool else input.astype(np.int64)


square.vjp(input=lambda grad, input: grad * conj(2 * input))

# -- rounding ---------------------------------------------------------------------------------------------------------


def rounding(kernel: Kernel) -> Elementwise:
    """Make an op that rounds to integers, and returns integers as they are."""
    name = kernel.__name__
    refuses = {
        **not_implemented(f"{name}_vml_cpu", "bool"),
        "complex": NotImplementedError(f"{name} is not supported for complex inputs"),
    }
    made = elementwise(promotes="same", out="own", refuses=refuses)(kernel)
    made.vjp(input=lambda grad: zeros_like(grad))
    return made


@rounding
def floor(input: Array) -> Array:
    """Round downwards."""
    return np.floor(input) if input.dtype.kind == "f" else input


@rounding
def ceil(input: Array) -> Array:
    """Round upwards."""
    return np.ceil(input) if input.dtype.kind == "f" else input


@rounding
def trunc(input: Array) -> Array:
    """Round towards zero."""
    return np.trunc(input) if input.dtype.kind == "f" else input


@elementwise(promotes="same", out="own", refuses=not_implemented("frac_cpu", "bool", "integer", "complex"))
def frac(input: Array) -> Array:
    """Return the fractional part, which rounding towards zero takes away."""
    return input - np.trunc(input)


frac.vjp(input=lambda grad: grad)


@elementwise(
    promotes="same",
    out="own",
    refuses=not_implemented("round_vml_cpu", "bool", "complex"),
    node=lambda input, decimals: f"RoundBackward{int(decimals != 0)}",
)
def round(input: Array, *, decimals: int = 0) -> Array:
    """Round to so many decimals, and halves to the even neighbour."""
    if decimals == 0:
        return np.rint(input) if input.dtype.kind == "f" else input
    scale = input.dtype.type(10.0 ** np.abs(decimals))
    return np.rint(input * scale) / scale if decimals > 0 else np.rint(input / scale) * scale


round.vjp(input=lambda grad: zeros_like(grad))


@round.check
def check_decimals(input: Tensor, decimals: int) -> None:
    if decimals and input.dtype.category == "integer":
        raise NotImplementedError(f"\"round_cpu\" not implemented for '{input.dtype.title}'")


# -- sign and choice --------------------------------------------------------------------------------------------------

NO_COMPLEX_SIGN = "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
NO_COMPLEX_CLAMP = "clamp is not supported for complex types"


@elementwise(promotes="same", out="own", refuses={"complex": NotImplementedError(NO_COMPLEX_SIGN)})
def sign(input: Array) -> Array:
    """Return 1, 0 or -1; NaN has no sign, and gives 0."""
    if input.dtype == bool:
        return input
    return (input > 0).astype(input.dtype) - (input < 0).astype(input.dtype)


sign.vjp(input=lambda grad: zeros_like(grad))


@elementwise(promotes="same", out="own")
def sgn(input: Array) -> Array:
    """Return the sign; of a complex number, the number of absolute value 1 in its direction."""
    if input.dtype.kind != "c":
        return sign.kernel(input)
    size = np.abs(input)
    return np.where(size == 0, 0, input / size).astype(input.dtype)


abs.vjp(input=lambda grad, input: grad * sgn(input))


@sgn.vjp
def sgn_vjp(grad: Tensor, input: Tensor, out: Tensor) -> Tensor:
    if not input.is_complex():
        return zeros_like(grad)
    along = (grad * conj(out)).real
    turned: Tensor = where(input == 0, 0.0, (grad - out * along) / input.abs())
    return turned


def extremes(kind: np.dtype[Any]) -> tuple[float, float]:
    """Return bounds of all elements of a type."""
    if kind.kind == "f":
        return -math.inf, math.inf
    info = np.iinfo(kind)
    return int(info.min), int(info.max)


@elementwise(
    promotes="same",
    out=lambda input, min, max: "castable" if isinstance(min, Tensor) or isinstance(max, Tensor) else "own",
    refuses={"complex": NotImplementedError(NO_COMPLEX_CLAMP)},
    counts_numbers=False,
    node=lambda input, min, max: f"ClampBackward{0 if isinstance(min, Tensor) or isinstance(max, Tensor) else 1}",
)
def clamp(input: Array, min: Array | Number | None = None, max: Array | Number | None = None) -> Array:
    """Keep each element between min and max; where they cross, max wins."""
    if input.dtype == bool and any(isinstance(bound, np.generic) for bound in (min, max)):
        which = "_max" if min is None else "_min" if max is None else ""
        raise NotImplementedError(f"\"clamp{which}_scalar_cpu\" not implemented for 'Bool'")
    if input.dtype == bool:  # which NumPy does not clip
        bounded = input if min is None else input | min
        return bounded if max is None else bounded & max
    lowest, highest = extremes(input.dtype)
    # With both bounds NumPy keeps -0.0 at a bound of 0.0.
    bounded = np.clip(input, lowest if min is None else min, highest if max is None else max)
    for bound in (min, max):
        if bound is not None and (bound != bound).any():  # a bound that is NaN wins
            bounded = np.where(bound != bound, bound, bounded)
    return bounded


clamp.vjp(
    input=lambda grad, input, min, max: where(is_between(input, min, max), grad, 0.0),
    min=lambda grad, input, min, max: where((input < min) & (True if max is None else min < max), grad, 0.0),
    max=lambda grad, input, min, max: where((input > max) | (False if min is None else max < min), grad, 0.0),
)


def is_between(value: Tensor, min: Any, max: Any) -> Any:
    """Return where a value is within the bounds that there are."""
    if min is None or max is None:
        return value <= max if min is None else value >= min
    return (value >= min) & (value <= max)


@clamp.check
def check_bounds(input: Any, min: Any, max: Any) -> None:
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if min is not None and max is not None and isinstance(min, Tensor) != isinstance(max, Tensor):
        kinds = ", ".join(type(each).__name__ for each in (input, min, max))
        raise TypeError(f"clamp() received an invalid combination of arguments - got ({kinds})")


@elementwise(promotes="same", out=None, refuses={"bool": RuntimeError("Boolean inputs not supported for relu"),
                                       "complex": NotImplementedError(NO_COMPLEX_CLAMP)})  # fmt: skip
def relu(input: Array) -> Array:
    """Replace what is negative by zero."""
    # NaN < 0 and -0.0 < 0 are false, so both pass through.
    return np.where(input < 0, input.dtype.type(0), input)


@elementwise(promotes="same", name="threshold_backward", function=False, method=False, in_place=False, out=None)
def relu_slope(gradient: Array, result: Array) -> Array:
    return np.where(result <= 0, gradient.dtype.type(0), gradient)


relu_slope.vjp(gradient=lambda grad, result: relu_slope(grad, result), result=lambda grad: zeros_like(grad))
relu.vjp(input=lambda grad, out: relu_slope(grad, out))


# -- the larger and the smaller ----------------------------------------------------------------------------------------


def extremum(kernel: Kernel) -> Elementwise:
    """Make an op that chooses one of two elements; equal elements share the gradient, and NaN lets it through."""
    name = kernel.__name__
    refusal = RuntimeError(f"{name} not implemented for complex tensors.")
    made = elementwise(promotes="same", in_place=False, refuses={"complex": refusal})(kernel)
    loses = lt if name == "maximum" else gt

    def share(grad: Tensor, mine: Tensor, theirs: Tensor) -> Any:
        return where(loses(mine, theirs), 0.0, where(mine == theirs, grad / 2, grad))

    made.vjp(
        input=lambda grad, input, other: share(grad, input, other),
        other=lambda grad, input, other: share(grad, other, input),
    )
    return made


@extremum
def maximum(input: Array, other: Array) -> Array:
    """Return the larger of two elements, or NaN if either is."""
    return np.maximum(input, other)


@extremum
def minimum(input: Array, other: Array) -> Array:
    """Return the smaller of two elements, or NaN if either is."""
    return np.minimum(input, other)


for _name, _of in {
    "absolute": "abs", "clip": "clamp", "divide": "div", "true_divide": "div", "fix": "trunc", "multiply": "mul",
    "negative": "neg", "subtract": "sub",
}.items():  # fmt: skip
    also_called(_name, _of)
