"""torchvision.utils: images side by side, and in files."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from assay_reference.core.dtypes import uint8
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.tensor import Tensor
from assay_reference.ops.joining import cat, stack
from assay_reference.torchvision.extras import needed

__all__ = ["make_grid", "save_image"]


@no_grad()
def make_grid(
    tensor: Tensor | list[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Any:
    """Lay images out in rows, as one image."""
    images = _in_color(_batch(tensor))
    if normalize:
        images = _normalized(images, value_range, scale_each)
    if images.size(0) == 1:
        return images.squeeze(0)
    count = images.size(0)
    across = min(nrow, count)
    down = math.ceil(float(count) / across)
    height, width = images.size(2) + padding, images.size(3) + padding
    grid = images.new_full((images.size(1), height * down + padding, width * across + padding), pad_value)
    for index, image in enumerate(images):
        row, column = divmod(index, across)
        rows = grid.narrow(1, row * height + padding, height - padding)
        rows.narrow(2, column * width + padding, width - padding).copy_(image)
    return grid


def _batch(tensor: Any) -> Any:
    """Return a tensor, or a list of tensors as one."""
    if isinstance(tensor, Tensor):
        return tensor
    if not isinstance(tensor, list):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    for each in tensor:
        if not isinstance(each, Tensor):
            raise TypeError(f"tensor or list of tensors expected, got a list containing {type(each)}")
    return stack(tensor, dim=0)


def _in_color(images: Tensor) -> Any:
    """Return images that are numbered, those of one channel as grey in three."""
    if images.ndim == 2:
        images = images.unsqueeze(0)
    if images.ndim == 3:
        images = (cat((images,) * 3, 0) if images.size(0) == 1 else images).unsqueeze(0)
    return cat((images,) * 3, 1) if images.ndim == 4 and images.size(1) == 1 else images


def _normalized(images: Tensor, value_range: Any, scale_each: bool) -> Any:
    """Return images whose numbers are moved from a range, by default their own, to that from 0 to 1."""
    if value_range is not None and not isinstance(value_range, tuple):
        raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
    made = images.clone()
    for part in made if scale_each else (made,):
        low, high = value_range[:2] if value_range is not None else (float(part.min()), float(part.max()))
        part.clamp_(min=low, max=high)
        part.sub_(low).div_(max(high - low, 1e-5))
    return made


@no_grad()
def save_image(tensor: Tensor | list[Tensor], fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """Write a grid of images to a file, numbers from 0 to 1 as bytes."""
    grid = make_grid(tensor, **kwargs)
    levels = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to("cpu", uint8)
    needed("PIL.Image").fromarray(np.ascontiguousarray(levels.numpy())).save(fp, format=format)
