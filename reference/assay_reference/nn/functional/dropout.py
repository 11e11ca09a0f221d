"""Dropout."""

from __future__ import annotations

import math
import warnings
from typing import Final

from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.activation import SELU_ALPHA, SELU_SCALE
from assay_reference.ops.creation import empty_like, zeros

SATURATION: Final = SELU_ALPHA * SELU_SCALE  # what SELU levels off at, below zero


def check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def noise_like(input: Tensor, by_channel: bool) -> Tensor:
    """Make a tensor to draw into: a number for each element, or for each channel of each example."""
    if not by_channel:
        return empty_like(input.detach())
    if input.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return input.new_empty((*input.shape[:2], *(1,) * (input.ndim - 2)))  # type: ignore[no-any-return]


def dropped(
    input: Tensor, p: float, training: bool, inplace: bool, *, by_channel: bool = False, saturated: bool = False
) -> Tensor:
    """Drop elements or channels with probability p: to zero, or to where SELU saturates; the mean is kept."""
    check_probability(p)
    if not training or p == 0 or not input.numel():
        return input
    shift = None
    if p == 1:
        noise = zeros((), dtype=input.dtype, device=input.device)
    else:
        noise = noise_like(input, by_channel).bernoulli_(1 - p)
        if saturated:
            scale = 1 / math.sqrt((SATURATION**2 * p + 1) * (1 - p))
            shift = noise.add(-1).mul_(SATURATION * scale).add_(SATURATION * scale * p)
            noise.mul_(scale)
        else:
            noise.div_(1 - p)
    product: Tensor = input.mul_(noise) if inplace else input * noise
    if shift is None:
        return product
    return product.add_(shift) if inplace else product + shift  # type: ignore[no-any-return]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero elements with probability p, and scale the others up to keep the mean."""
    return dropped(input, p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Set elements to where SELU saturates with probability p, and keep mean and variance."""
    return dropped(input, p, training, inplace, saturated=True)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Set channels to where SELU saturates with probability p, and keep mean and variance."""
    return dropped(input, p, training, inplace, by_channel=True, saturated=True)


def of_channels(input: Tensor, p: float, training: bool, inplace: bool, batched: bool) -> Tensor:
    """Drop channels of a batch, or of one example."""
    if batched:
        return dropped(input, p, training, inplace, by_channel=True)
    result: Tensor = dropped(input.unsqueeze(0), p, training, inplace, by_channel=True).squeeze(0)
    return input if inplace else result


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero channels of sequences with probability p, and scale the others up to keep the mean."""
    check_probability(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Note that dropout1d exists to "
            "provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional "
            "batch dimension (i.e. 2D or 3D inputs)."
        )
    return of_channels(input, p, training, inplace, batched=input.ndim == 3)


def warn_of_dims(name: str, ndim: int, spatial: int) -> None:
    """Warn of an input that has other dimensions than a channel's, with a batch or without."""
    if ndim not in (spatial + 1, spatial + 2):
        warnings.warn(
            f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will result in an error in a future "
            "release. To retain the behavior and silence this warning, please use dropout instead. Note that "
            f"{name} exists to provide channel-wise dropout on inputs with {spatial} spatial dimensions, a channel "
            f"dimension, and an optional batch dimension (i.e. {spatial + 1}D or {spatial + 2}D inputs).",
            stacklevel=3,
        )


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero channels of images with probability p, and scale the others up to keep the mean."""
    check_probability(p)
    warn_of_dims("dropout2d", input.ndim, 2)
    if input.ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return of_channels(input, p, training, inplace, batched=True)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero channels of volumes with probability p, and scale the others up to keep the mean."""
    check_probability(p)
    warn_of_dims("dropout3d", input.ndim, 3)
    return of_channels(input, p, training, inplace, batched=input.ndim == 5)
