"""torch.nn.init: how parameters start, in place."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from assay_reference.core.generator import Generator
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.tensor import Tensor

Mode: TypeAlias = Literal["fan_in", "fan_out"]


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with uniform numbers of [a, b)."""
    return tensor.uniform_(a, b, generator=generator)  # type: ignore[no-any-return]


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers."""
    return tensor.normal_(mean, std, generator=generator)  # type: ignore[no-any-return]


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value."""
    return tensor.fill_(val)  # type: ignore[no-any-return]


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the recommended factor of the weights before a nonlinearity."""
    match nonlinearity:
        case "linear" | "conv1d" | "conv2d" | "conv3d" | "sigmoid":
            return 1
        case "conv_transpose1d" | "conv_transpose2d" | "conv_transpose3d":
            return 1
        case "tanh":
            return 5.0 / 3
        case "relu":
            return math.sqrt(2.0)
        case "leaky_relu":
            if isinstance(param, bool) or not isinstance(param, (int, float, type(None))):
                raise ValueError(f"negative_slope {param} not a valid number")
            return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
        case "selu":
            return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def fans(tensor: Tensor) -> tuple[int, int]:
    """Count the inputs and the outputs of each unit of a weight."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def xavier_std(tensor: Tensor, gain: float) -> float:
    """Return the deviation that keeps variances alike forwards and backwards."""
    total = sum(fans(tensor))
    return gain * math.sqrt(2.0 / total) if total else 0.0


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with uniform numbers whose range keeps variances alike through a layer (Glorot and Bengio, 2010)."""
    bound = math.sqrt(3.0) * xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers whose deviation keeps variances alike through a layer (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0.0, xavier_std(tensor, gain), generator)


def is_empty(tensor: Tensor) -> bool:
    """Return whether there is nothing to fill, and warn of it."""
    if 0 not in tensor.shape:
        return False
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


def kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """Return the deviation that keeps variances alike in one direction."""
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = fans(tensor)[mode.lower() == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with uniform numbers for layers with rectifiers (He and others, 2015)."""
    if is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normal numbers for layers with rectifiers (He and others, 2015)."""
    if is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, kaiming_std(tensor, a, mode, nonlinearity), generator)


def deprecated(fill: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Offer a function under the name that it had before 2018."""
    old, new = fill.__name__[:-1], fill.__name__

    @functools.wraps(fill)
    def renamed(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=2)
        return fill(*args, **kwargs)

    renamed.__name__ = renamed.__qualname__ = old
    return renamed


uniform, normal, constant = deprecated(uniform_), deprecated(normal_), deprecated(constant_)
xavier_uniform, xavier_normal = deprecated(xavier_uniform_), deprecated(xavier_normal_)
kaiming_uniform, kaiming_normal = deprecated(kaiming_uniform_), deprecated(kaiming_normal_)
