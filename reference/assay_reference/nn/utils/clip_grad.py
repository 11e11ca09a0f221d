"""Gradients kept within limits, in place."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterable
from typing import Any

from assay_reference.core.grad_mode import no_grad
from assay_reference.core.tensor import Tensor
from assay_reference.linalg.norms import vector_norm
from assay_reference.ops.creation import tensor
from assay_reference.ops.joining import stack


def listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """Return a tensor or several as a list."""
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """Return the gradients that parameters have."""
    return [each.grad for each in listed(parameters) if each.grad is not None]


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of all elements of tensors."""
    norm_type = float(norm_type)
    each = listed(tensors)
    if not each:
        return tensor(0.0)
    total = vector_norm(stack([vector_norm(one, norm_type).to(each[0].device) for one in each]), norm_type)
    if error_if_nonfinite and not total.isfinite():
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale gradients of which the norm is known down to a norm, if theirs is greater."""
    grads = gradients(parameters)
    scale = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for each in grads:
        each.mul_(scale.to(each.device))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients of parameters down to a norm, if theirs is greater; return the norm that they had."""
    each = listed(parameters)
    if not each and isinstance(parameters, types.GeneratorType):
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    total = get_total_norm(gradients(each), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(each, max_norm, total, foreach)
    return total


def clip_grad_norm(parameters: Any, max_norm: float, *args: Any, **kwargs: Any) -> Tensor:
    """Clip the norm of gradients, by the name that this had before 2018."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, *args, **kwargs)


@no_grad()
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limit each element of the gradients of parameters to a magnitude."""
    limit = float(clip_value)
    for each in gradients(parameters):
        each.clamp_(min=-limit, max=limit)
