"""Channels made pixels, and pixels channels."""

from __future__ import annotations

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import op
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor


@op(method=False, keeps_half=True, keeps_strides=True)
def pixel_shuffle(input: Array, upscale_factor: int) -> Array:
    """Lay out groups of channels as the pixels of larger images."""
    *lead, channels, height, width = input.shape
    factor, dims = upscale_factor, len(lead)
    parts = input.reshape(*lead, channels // factor**2, factor, factor, height, width)
    order = (*range(dims + 1), dims + 3, dims + 1, dims + 4, dims + 2)
    images = parts.transpose(order).copy().reshape(*lead, channels // factor**2, height * factor, width * factor)
    return images_like([input], images)


@op(method=False, keeps_half=True, keeps_strides=True)
def pixel_unshuffle(input: Array, downscale_factor: int) -> Array:
    """Lay out the pixels of each square as channels of smaller images."""
    *lead, channels, height, width = input.shape
    factor, dims = downscale_factor, len(lead)
    parts = input.reshape(*lead, channels, height // factor, factor, width // factor, factor)
    order = (*range(dims + 1), dims + 2, dims + 4, dims + 1, dims + 3)
    images = parts.transpose(order).copy().reshape(*lead, channels * factor**2, height // factor, width // factor)
    return images_like([input], images)


pixel_shuffle.vjp(input=lambda grad, upscale_factor: pixel_unshuffle(grad, upscale_factor))
pixel_unshuffle.vjp(input=lambda grad, downscale_factor: pixel_shuffle(grad, downscale_factor))


def check_factor(name: str, argument: str, input: Tensor, factor: int) -> None:
    """Refuse a factor that is no positive integer, and what has no channels."""
    if type(factor) is not int:
        kind = type(factor).__name__
        raise TypeError(f"{name}(): argument '{argument}' (position 2) must be int, not {kind}")
    if input.ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {argument}, but got {factor}")


@pixel_shuffle.check
def check_channels(input: Tensor, upscale_factor: int) -> None:
    check_factor("pixel_shuffle", "upscale_factor", input, upscale_factor)
    if input.shape[-3] % upscale_factor**2:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={input.shape[-3]} is not divisible by {upscale_factor**2}"
        )


@pixel_unshuffle.check
def check_squares(input: Tensor, downscale_factor: int) -> None:
    check_factor("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    for word, dim in (("height", -2), ("width", -1)):
        if input.shape[dim] % downscale_factor:
            raise RuntimeError(
                f"pixel_unshuffle expects {word} to be divisible by downscale_factor, but "
                f"input.size({dim})={input.shape[dim]} is not divisible by {downscale_factor}"
            )
