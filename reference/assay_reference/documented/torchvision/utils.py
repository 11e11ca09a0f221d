"""torchvision.utils with the forms of the documented edition."""

from __future__ import annotations

from typing import Any

from assay_reference.documented.forms import renamed
from assay_reference.torchvision import utils as current

make_grid = renamed(current.make_grid, range="value_range")


def __getattr__(name: str) -> Any:
    return getattr(current, name)


def save_image(
    tensor: Any,
    filename: Any,
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    range: Any = None,
    scale_each: bool = False,
) -> None:
    """Write a grid of images to a file, with the options of the grid by position too."""
    current.save_image(
        tensor,
        filename,
        nrow=nrow,
        padding=padding,
        normalize=normalize,
        value_range=range,
        scale_each=scale_each,
    )
