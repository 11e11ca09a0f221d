"""Normalisation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import op
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.precision import wide
from assay_reference.ops.pointwise import div


def along(values: Tensor | Array, ndim: int) -> Tensor | Array:
    """Lay one value a channel out to broadcast along the other dimensions."""
    return values.reshape(-1, *(1,) * (ndim - 2))


def others(ndim: int) -> tuple[int, ...]:
    """Return the dimensions over which each channel has its statistics."""
    return (0, *range(2, ndim))


@op(function=False, method=False, node="NativeBatchNormBackward0", keeps_strides=True)
def normalized(
    input: Array, weight: Array | None, bias: Array | None, mean: Array, var: Array, eps: float, training: bool,
    running: tuple[Any, ...],
) -> Array:  # fmt: skip
    scale = 1 / np.sqrt(var + input.dtype.type(eps))
    result = (input - along(mean, input.ndim)) * along(scale if weight is None else scale * weight, input.ndim)
    return images_like([input], result if bias is None else result + along(bias, input.ndim))


@normalized.vjp
def normalized_vjp(
    grad: Tensor, input: Tensor, weight: Tensor | None, mean: Tensor, var: Tensor, eps: float, training: bool,
    running: tuple[Tensor | None, ...],
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """Differentiate; in training the statistics depend on the input too, and the running ones are saved unused."""
    ndim, dims = input.ndim, others(input.ndim)
    grad, input = wide(grad), wide(input)
    if training:
        mean = input.mean(dims)
        var = (input - along(mean, ndim)).square().mean(dims)
    scale = along((var + eps) ** -0.5, ndim)
    result = (input - along(mean, ndim)) * scale
    into = grad if weight is None else grad * along(weight, ndim)
    if training:
        into = into - into.mean(dims, keepdim=True) - result * (into * result).mean(dims, keepdim=True)
    return (
        into * scale,
        None if weight is None else (grad * result).sum(dims),
        grad.sum(dims),
        None,
        None,
    )


def check_channels(input: Tensor, **members: Tensor | None) -> None:
    count = input.shape[1] if input.ndim > 1 else 0
    for name, each in members.items():
        if each is not None and each.numel() != count:
            raise RuntimeError(f"{name} should contain {count} elements not {each.numel()}")


def check_types(input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None) -> None:
    if not input.is_floating_point():
        raise NotImplementedError(f"\"batch_norm\" not implemented for '{input.dtype.title}'")
    model = weight if weight is not None else bias if bias is not None else running_mean
    if model is None or model.dtype is input.dtype or (input.dtype.is_half and model.dtype.name == "float32"):
        return
    if running_mean is not None and running_mean.dtype is input.dtype:
        raise RuntimeError(f"mixed dtype (CPU): expect parameter to have scalar type of {input.dtype.title}")
    raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")


def check_variance(running_mean: Tensor | None, running_var: Tensor | None) -> None:
    if running_mean is not None and running_var is not None and running_mean.dtype is not running_var.dtype:
        kinds = f"{running_mean.dtype.title} but found {running_var.dtype.title}"
        raise RuntimeError(f"expected scalar type {kinds}")


def check_statistics(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, training: bool, eps: float
) -> None:
    if training and math.prod(input.shape) == (input.shape[1] if input.ndim > 1 else 0) != 0:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    if training and eps <= 0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    if running_mean is None and not training:
        raise RuntimeError("running_mean must be defined in evaluation mode")


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Shift and scale each channel by the batch's mean and variance, or by the running ones."""
    check_statistics(input, running_mean, running_var, training, eps)
    return by_channel(input, running_mean, running_var, weight, bias, training, momentum, eps)


def by_channel(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """Normalise each channel, with whatever statistics are there."""
    check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    check_types(input, weight, bias, running_mean)
    check_variance(running_mean, running_var)
    mean, var = running_mean, running_var
    if training:
        mean, var = statistics(input)
        keep(running_mean, running_var, mean, var, momentum, input.numel() // max(1, input.shape[1]))
    running = (running_mean, running_var)
    return normalized(input, weight, bias, mean, var, eps, training, running)  # type: ignore[no-any-return]


def statistics(input: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the biased variance of each channel."""
    with no_grad():
        values, dims = wide(input), others(input.ndim)
        mean = values.mean(dims)
        return mean, (values - along(mean, input.ndim)).square().mean(dims)


def keep(
    running_mean: Tensor | None, running_var: Tensor | None, mean: Tensor, var: Tensor, momentum: float, count: int
) -> None:
    """Move the running statistics towards the batch's, the variance towards the unbiased one; no version counts it."""
    if running_mean is None or running_var is None or not count:
        return
    with no_grad():
        running_mean.data.copy_(running_mean * (1 - momentum) + mean * momentum)
        running_var.data.copy_(running_var * (1 - momentum) + var * (momentum * count / (count - 1)))


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Divide by the norm along a dimension; norms are at least eps."""
    divisor = input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input)
    return div(input, divisor, out=out)  # type: ignore[no-any-return]
