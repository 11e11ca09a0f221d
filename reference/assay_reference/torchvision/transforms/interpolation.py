"""How an image is resized: by torchvision's names, and by Pillow's numbers."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

__all__ = ["InterpolationMode"]


class InterpolationMode(Enum):
    """How the pixels of a resized image are made of those of the image."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


# Pillow's nearest pixel is the exact one. A number stands for the first mode that has it.
PILLOWS: Final = {
    InterpolationMode.NEAREST: 0,
    InterpolationMode.LANCZOS: 1,
    InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3,
    InterpolationMode.BOX: 4,
    InterpolationMode.HAMMING: 5,
    InterpolationMode.NEAREST_EXACT: 0,
}
BY_NUMBER: Final = {number: mode for mode, number in reversed(PILLOWS.items())}


def chosen(interpolation: Any) -> Any:
    """Return the mode that is meant by one of Pillow's numbers; anything else as it is."""
    return BY_NUMBER[interpolation] if isinstance(interpolation, int) else interpolation
