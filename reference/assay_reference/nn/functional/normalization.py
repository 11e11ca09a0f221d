"""Normalisation."""

from __future__ import annotations

import math

from assay_reference.dtypes import bfloat16, float16, float32
from assay_reference.engine import no_grad
from assay_reference.tensor import Tensor


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
    dims = [dim for dim in range(input.ndim) if dim != 1]
    count = math.prod(input.shape[dim] for dim in dims)
    if training and count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    if training and eps <= 0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    wide = input.to(float32) if input.dtype in (float16, bfloat16) else input
    if training or running_mean is None or running_var is None:
        mean = wide.mean(dims)
        variance = (wide - _column(mean, wide)).square().mean(dims)
        _update(running_mean, mean, momentum)
        _update(running_var, variance * (count / max(count - 1, 1)), momentum)
    else:
        mean, variance = running_mean.to(wide.dtype), running_var.to(wide.dtype)
    result = (wide - _column(mean, wide)) / _column((variance + eps).sqrt(), wide)
    if weight is not None:
        result = result * _column(weight.to(wide.dtype), wide)
    if bias is not None:
        result = result + _column(bias.to(wide.dtype), wide)
    return result.to(input.dtype)  # type: ignore[no-any-return]


def _column(values: Tensor, model: Tensor) -> Tensor:
    """Lay one value a channel out to broadcast along the others."""
    return values.reshape(1, -1, *[1] * (model.ndim - 2))  # type: ignore[no-any-return]


def _update(running: Tensor | None, batch: Tensor, momentum: float) -> None:
    if running is not None:
        with no_grad():
            running.copy_(running * (1 - momentum) + batch.detach().to(running.dtype) * momentum)
