"""Activations."""

from __future__ import annotations

import warnings
from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.nn import init
from assay_reference.nn.modules.functional import Functional
from assay_reference.nn.modules.module import Module
from assay_reference.nn.parameter import Parameter
from assay_reference.ops.creation import empty

# -- bent at zero -----------------------------------------------------------------------------------------------------


class ReLU(Functional, function=F.relu):
    """Negative elements set to zero."""


class LeakyReLU(Functional, function=F.leaky_relu):
    """Negative elements multiplied by a small slope."""


class PReLU(Module):
    """Negative elements multiplied by a slope that is learned: one for all, or one a channel."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start every slope alike."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class ELU(Functional, function=F.elu):
    """Elements below zero levelled off by an exponential."""


class SELU(Functional, function=F.selu):
    """Elements below zero levelled off, with the constants that keep mean and variance from layer to layer."""


class CELU(Functional, function=F.celu):
    """Elements below zero levelled off, with the slope 1 at zero."""


# -- cut off ----------------------------------------------------------------------------------------------------------


class Hardtanh(Functional, function=F.hardtanh):
    """Elements kept between two bounds."""

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__(renamed("min_val", min_val, min_value), renamed("max_val", max_val, max_value), inplace)

    def _keep(self, **options: Any) -> None:
        low, high = options["min_val"], options["max_val"]
        if not high > low:
            raise AssertionError(f"max_val ({high}) must be greater than min_val ({low})")
        super()._keep(**options)


def renamed(name: str, value: float, former: float | None) -> float:
    """Return the value of an argument, or the one given by its former name, and warn."""
    if former is None:
        return value
    message = f"keyword argument `{name}ue` is deprecated and renamed to `{name}`"
    warnings.warn(message, FutureWarning, stacklevel=3)
    return former


class ReLU6(Functional, function=F.relu6):
    """Elements kept between 0 and 6."""

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "min_val": 0.0, "max_val": 6.0}  # which PyTorch has in files


class Threshold(Functional, function=F.threshold):
    """Elements that are not above a threshold replaced by a value."""


class Shrink(Functional):
    """What activations that set small elements to zero share: how they are shown."""

    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(Shrink, function=F.softshrink):
    """Elements moved towards zero."""


class Hardshrink(Shrink, function=F.hardshrink):
    """Elements that are near zero set to zero."""


class Hardsigmoid(Functional, function=F.hardsigmoid):
    """A straight line from 0 to 1, between -3 and 3."""

    shown = ()


class Hardswish(Functional, function=F.hardswish):
    """Each element multiplied by its hardsigmoid."""

    shown = ()


# -- smooth -----------------------------------------------------------------------------------------------------------


class Sigmoid(Functional, function=F.sigmoid):
    """The logistic function of each element."""


class LogSigmoid(Functional, function=F.logsigmoid):
    """The logarithm of the logistic function of each element."""


class Tanh(Functional, function=F.tanh):
    """The hyperbolic tangent of each element."""


class Tanhshrink(Functional, function=F.tanhshrink):
    """Each element less its hyperbolic tangent."""


class Softsign(Functional, function=F.softsign):
    """Each element divided by one more than its size."""


class Softplus(Functional, function=F.softplus):
    """The logarithm of one and an exponential, which is zero or the element itself but near zero."""


class GELU(Functional, function=F.gelu):
    """Each element multiplied by the probability that a normal number is less."""


class SiLU(Functional, function=F.silu):
    """Each element multiplied by its sigmoid."""


class Mish(Functional, function=F.mish):
    """Each element multiplied by the tanh of its softplus."""


# -- along a dimension ------------------------------------------------------------------------------------------------


class GLU(Functional, function=F.glu):
    """One half of a tensor multiplied by the sigmoid of the other."""


class AlongOne(Functional):
    """What activations along one dimension share."""

    options = ("dim",)


class Softmax(AlongOne, function=F.softmax):
    """Exponentials scaled to sum to one along a dimension."""


class LogSoftmax(AlongOne, function=F.log_softmax):
    """The logarithm of the softmax along a dimension."""


class Softmin(AlongOne, function=F.softmin):
    """Exponentials of the negated elements scaled to sum to one along a dimension."""


class Softmax2d(Module):
    """The softmax of each pixel over its channels."""

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, -3)
