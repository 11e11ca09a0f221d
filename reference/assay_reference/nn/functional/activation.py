"""Activations of each element."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array, special
from assay_reference.core.dispatch import Scalar, composite, elementwise, not_implemented, op
from assay_reference.core.dtypes import finfo
from assay_reference.core.op import Elementwise
from assay_reference.core.parameters import bound
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.nn.functional.precision import wide, widened
from assay_reference.ops.elementary import erf, exp
from assay_reference.ops.joining import cat
from assay_reference.ops.pointwise import NO_COMPLEX_CLAMP, where

INPLACE: Final = inspect.Parameter("inplace", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False)


class Activation(Elementwise):
    """A function of each element, whose result takes the element's place on request: `inplace=True`, or else `out=`."""

    def __init__(self, kernel: Callable[..., Any], **options: Any) -> None:
        super().__init__(kernel, promotes="same", **options)
        if not self.takes_out:
            own = self.__signature__.parameters.values()
            self.__signature__ = inspect.Signature([*own, INPLACE])

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if self.takes_out:
            return super().__call__(*args, **kwargs)
        given = bound(self.name, self.__signature__, args, kwargs)
        inplace = given.pop("inplace")
        values = self.bind((), given)
        return self.perform_in_place(values) if inplace else self.perform(values)

    def vjp(self, rule: Callable[..., Any] | None = None, /, **rules: Callable[..., Any]) -> Any:
        """Register the gradient, which half types compute in single precision."""
        return super().vjp(rule, **{name: widened(each) for name, each in rules.items()})


def activation(kernel: str, *also: str, **options: Any) -> Callable[[Callable[..., Any]], Activation]:
    """Make an activation of floating elements and of the categories named; the kernel's name is that of its errors."""
    refused = (each for each in ("bool", "integer", "complex") if each not in also)
    refuses = {**not_implemented(kernel, *refused), **options.pop("refuses", {})}
    return lambda formula: Activation(formula, refuses=refuses, **options)


def in_place(function: Activation) -> Callable[..., Tensor]:
    """Make the function whose name ends in an underscore, which always changes its input."""

    def changing(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs, inplace=True)

    changing.__name__ = changing.__qualname__ = f"{function.name}_"
    changing.__doc__ = function.__doc__
    changing.__signature__ = inspect.signature(function.kernel)  # type: ignore[attr-defined]
    return changing


# -- bent at zero -----------------------------------------------------------------------------------------------------


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Set negative elements to zero."""
    return input.relu_() if inplace else input.relu()  # type: ignore[no-any-return]


def relu_(input: Tensor) -> Tensor:
    """Set negative elements to zero."""
    return relu(input, inplace=True)


@activation("leaky_relu_cpu")
def leaky_relu(input: Array, negative_slope: Scalar = 0.01) -> Array:
    """Multiply negative elements by a small slope."""
    return np.where(input > 0, input, input * negative_slope)


leaky_relu.vjp(input=lambda grad, input, negative_slope: where(input > 0, grad, grad * negative_slope))
leaky_relu_ = in_place(leaky_relu)


@elementwise(
    promotes="same",
    name="_prelu_kernel",
    node="PreluKernelBackward0",
    refuses=not_implemented("prelu_cpu", "bool", "integer", "complex"),
    function=False,
    method=False,
    in_place=False,
    out=None,
)
def prelu_elements(input: Array, weight: Array) -> Array:
    return np.where(input > 0, input, input * weight)


prelu_elements.vjp(
    input=lambda grad, input, weight: where(input > 0, grad, grad * weight),
    weight=lambda grad, input, weight: where(input > 0, 0.0, grad * input),
)


@composite()
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Multiply negative elements by a slope that is learned: one for all, or one a channel."""
    if not isinstance(weight, Tensor):
        raise TypeError(f"prelu(): argument 'weight' (position 2) must be Tensor, not {type(weight).__name__}")
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {input.dtype.title} and {weight.dtype.title}")
    if weight.numel() != 1:
        if not input.ndim:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if weight.numel() != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.numel()} and channel size = {channels}."
            )
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    by_channel = [-1 if dim == 1 else 1 for dim in range(input.ndim)] if input.ndim > 1 else [1] * input.ndim
    return prelu_elements(input, weight.view(by_channel))  # type: ignore[no-any-return]


# -- exponential below zero -------------------------------------------------------------------------------------------

SELU_ALPHA: Final = 1.6732632423543772848170429916717
SELU_SCALE: Final = 1.0507009873554804934193349852946


def exponential(input: Array, alpha: float, scale: float = 1.0, rate: float = 1.0) -> Array:
    """Return a line above zero, and below it an exponential that starts with it and levels off."""
    return np.where(input < 0, np.expm1(input * rate) * (alpha * scale), input * scale)


def exponential_vjp(grad: Tensor, input: Tensor, alpha: float, scale: float = 1.0, rate: float = 1.0) -> Any:
    """Differentiate; the exponential's slope counts at zero, but there it does not change."""
    slope = exp(where(input < 0, input * rate, 0.0)) * (alpha * scale * rate)
    return where(input <= 0, grad * slope, grad * scale)


@activation("elu_cpu")
def elu(input: Array, alpha: Scalar = 1.0) -> Array:
    """Let elements below zero level off at -alpha."""
    return exponential(input, alpha)


elu.vjp(input=lambda grad, input, alpha: exponential_vjp(grad, input, alpha))
elu_ = in_place(elu)


@activation("elu_cpu", node="EluBackward0")
def selu(input: Array) -> Array:
    """Let elements below zero level off, with the constants that keep mean and variance from layer to layer."""
    return exponential(input, SELU_ALPHA, SELU_SCALE)


selu.vjp(input=lambda grad, input: exponential_vjp(grad, input, SELU_ALPHA, SELU_SCALE))
selu_ = in_place(selu)


@activation("elu_cpu")
def celu(input: Array, alpha: Scalar = 1.0) -> Array:
    """Let elements below zero level off at -alpha, with the slope 1 at zero whatever alpha."""
    return exponential(input, alpha, rate=1 / alpha)


@celu.check
def check_alpha(input: Tensor, alpha: float) -> None:
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")


celu.vjp(input=lambda grad, input, alpha: exponential_vjp(grad, input, alpha, rate=1 / alpha))
celu_ = in_place(celu)

# -- cut off ----------------------------------------------------------------------------------------------------------


@activation(
    "hardtanh_cpu",
    "integer",
    refuses={
        "bool": RuntimeError("Bool inputs not supported for hardtanh"),
        "complex": NotImplementedError(NO_COMPLEX_CLAMP),
    },
)
def hardtanh(input: Array, min_val: Scalar = -1.0, max_val: Scalar = 1.0) -> Array:
    """Keep elements between two bounds."""
    return np.where(input < min_val, min_val, np.where(input > max_val, max_val, input))


@hardtanh.check
def check_bounds(input: Tensor, min_val: float, max_val: float) -> None:
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if input.dtype.name == "uint8" and min_val < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")


hardtanh.vjp(
    input=lambda grad, input, min_val, max_val: where((input <= min_val) | (input >= max_val), 0.0, grad),
)
hardtanh_ = in_place(hardtanh)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Keep elements between 0 and 6."""
    return hardtanh(input, 0.0, 6.0, inplace)  # type: ignore[no-any-return]


@activation("threshold_cpu", "integer")
def threshold(input: Array, threshold: Scalar, value: Scalar) -> Array:
    """Replace elements that are not above a threshold by a value."""
    return np.where(input <= threshold, value, input)


threshold.vjp(input=lambda grad, input, threshold: where(input <= threshold, 0.0, grad))
threshold_ = in_place(threshold)


@activation("softshrink_check", out="own")
def softshrink(input: Array, lambd: Scalar = 0.5) -> Array:
    """Move elements towards zero, and set to zero those that are near it."""
    return np.where(input > lambd, input - lambd, np.where(input < -lambd, input + lambd, input * 0))


@softshrink.check
def check_lambda(input: Tensor, lambd: float) -> None:
    if input.dtype.is_floating_point and not 0 <= lambd <= finfo(input.dtype).max:
        raise RuntimeError(
            f"lambda must be in range [0, {finfo(input.dtype).max:g}] for input dtype {input.dtype.title}, "
            f"but found {lambd:g}"
        )


@elementwise(
    promotes="same",
    in_place=False,
    out="own",
    refuses=not_implemented("hardshrink_cpu", "bool", "integer", "complex"),
)
def hardshrink(input: Array, lambd: Scalar = 0.5) -> Array:
    """Set elements that are near zero to zero."""
    return np.where((input >= -lambd) & (input <= lambd), input.dtype.type(0), input)


def shrunk_vjp(grad: Tensor, input: Tensor, lambd: float) -> Any:
    return where((input >= -lambd) & (input <= lambd), 0.0, grad)


softshrink.vjp(input=shrunk_vjp)
hardshrink.vjp(input=shrunk_vjp)


@activation("hardsigmoid_cpu")
def hardsigmoid(input: Array) -> Array:
    """Rise from 0 to 1 in a straight line, between -3 and 3."""
    return np.clip(input + 3, 0, 6) / 6


@activation("hardsigmoid_backward_cpu", "integer", "complex", name="hardsigmoid_backward")
def hardsigmoid_slope(grad: Array, input: Array) -> Array:
    return np.where((input > -3) & (input < 3), grad / 6, grad.dtype.type(0))


hardsigmoid.vjp(input=lambda grad, input: hardsigmoid_slope(grad, input))  # which cannot be differentiated again


@activation("hardswish_cpu")
def hardswish(input: Array) -> Array:
    """Multiply each element by its hardsigmoid."""
    return input * np.clip(input + 3, 0, 6) / 6


hardswish.vjp(
    input=lambda grad, input: where(input <= -3, 0.0, where(input < 3, grad * (input / 3 + 0.5), grad)),
)

# -- smooth -----------------------------------------------------------------------------------------------------------


def cubic(input: Any) -> Any:
    """Return the argument at which the logistic function comes near to the normal distribution's."""
    return math.sqrt(8 / math.pi) * (input + 0.044715 * input**3)


@activation("GeluKernelImpl", out="own")
def gelu(input: Array, *, approximate: str = "none") -> Array:
    """Multiply each element by the probability that a normal number is less: exactly, or by way of tanh."""
    return input * (special(input).ndtr(input) if approximate == "none" else 1 / (1 + np.exp(-cubic(input))))


@gelu.check
def check_approximation(input: Tensor, approximate: str) -> None:
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")


def gelu_vjp(grad: Tensor, input: Tensor, approximate: str) -> Any:
    if approximate == "none":
        density = exp(input * input / -2) / math.sqrt(2 * math.pi)
        return grad * ((1 + erf(input / math.sqrt(2))) / 2 + input * density)
    exponent = cubic(input)
    slope = math.sqrt(8 / math.pi) * (1 + 3 * 0.044715 * input * input)
    return grad * sigmoid(exponent) * (1 + input * sigmoid(-exponent) * slope)


gelu.vjp(input=gelu_vjp)


@activation("silu_cpu", "complex")
def silu(input: Array) -> Array:
    """Multiply each element by its sigmoid."""
    return input / (1 + np.exp(-input))


def silu_vjp(grad: Tensor, input: Tensor) -> Any:
    part = sigmoid(input)
    return grad * part * (1 + input * (1 - part))


@silu.check
def check_silu(input: Tensor) -> None:
    if input.is_complex() and input.requires_grad:
        raise RuntimeError("silu does not support automatic differentiation for outputs with complex dtype.")


silu.vjp(input=silu_vjp)


def log_of_one_and_exp(input: Array) -> Array:
    """Return log(1 + exp(x)) without overflow."""
    return np.maximum(input, 0) + np.log1p(np.exp(-np.abs(input)))


@activation("mish_cpu")
def mish(input: Array) -> Array:
    """Multiply each element by the tanh of its softplus."""
    return input * np.tanh(log_of_one_and_exp(input))


def mish_vjp(grad: Tensor, input: Tensor) -> Any:
    bend = tanh(softplus(input))
    return grad * (bend + input * (1 - bend * bend) * sigmoid(input))


mish.vjp(input=mish_vjp)


@activation("softplus_cpu", out="own")
def softplus(input: Array, beta: Scalar = 1.0, threshold: Scalar = 20.0) -> Array:
    """Return log(1 + exp(beta x)) / beta, and the element itself where beta x is above the threshold."""
    scaled = input * beta
    return np.where(scaled > threshold, input, log_of_one_and_exp(scaled) / beta)


def softplus_vjp(grad: Tensor, input: Tensor, beta: float, threshold: float) -> Any:
    """Differentiate; the sigmoid's slope counts at the threshold, but there it does not change."""
    scaled = input * beta
    slope = sigmoid(where(scaled < threshold, scaled, float(threshold)))
    return where(scaled > threshold, grad, grad * slope)


softplus.vjp(input=softplus_vjp)


@activation("log_sigmoid_cpu", node="LogSigmoidBackward0", out="own", keeps_strides=False)
def logsigmoid(input: Array) -> Array:
    """Return the logarithm of the sigmoid."""
    return np.minimum(input, 0) - np.log1p(np.exp(-np.abs(input)))


logsigmoid.vjp(input=lambda grad, input: grad * sigmoid(-input))


def softsign(input: Tensor) -> Tensor:
    """Divide each element by one more than its size."""
    return input / (input.abs() + 1)  # type: ignore[no-any-return]


def tanhshrink(input: Tensor) -> Tensor:
    """Subtract its tanh from each element."""
    return input - input.tanh()  # type: ignore[no-any-return]


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x))."""
    return input.sigmoid()  # type: ignore[no-any-return]


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent."""
    return input.tanh()  # type: ignore[no-any-return]


# -- gated ------------------------------------------------------------------------------------------------------------


@op(
    name="glu",
    refuses=not_implemented("glu_cpu", "bool", "integer", "complex"),
    keeps_strides=True,
    function=False,
    method=False,
)
def gated(input: Array, dim: int) -> Array:
    value, gate = np.split(input, 2, axis=dim)
    return value / (1 + np.exp(-gate))


@gated.vjp
def gated_vjp(grad: Tensor, input: Tensor, dim: int) -> Any:
    grad = wide(grad)
    value, gate = wide(input).chunk(2, dim)
    opened = sigmoid(gate)
    return cat([grad * opened, grad * value * opened * (1 - opened)], dim)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Multiply one half of a tensor by the sigmoid of the other."""
    if not input.ndim:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = wrap_dim(dim, input.ndim)
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}")
    gated.check_accepted(input.dtype)  # of no elements too
    return gated(input, dim)  # type: ignore[no-any-return]
