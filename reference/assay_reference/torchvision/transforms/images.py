"""What transforms do to Pillow's images."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from numbers import Number
from typing import Any, Final

import numpy as np

from assay_reference.torchvision.extras import needed
from assay_reference.torchvision.transforms.borders import four_sides
from assay_reference.torchvision.transforms.interpolation import PILLOWS, InterpolationMode

PADDINGS: Final = (Number, tuple, list)  # the types of a padding
FILLS: Final = (Number, tuple, list)
MIRRORED_LEFT_AND_RIGHT: Final = 0
MIRRORED_TOP_AND_BOTTOM: Final = 1


def is_image(value: Any) -> bool:
    """Return whether a value is one of Pillow's images, of which there are none before Pillow is imported."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def check(img: Any) -> None:
    if not is_image(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")


def dimensions(img: Any) -> list[int]:
    """Return the channels, the rows and the columns."""
    return [len(img.getbands()), img.height, img.width]


def pad(img: Any, padding: Any, fill: Any, padding_mode: str) -> Any:
    if padding_mode == "constant":
        border = tuple(padding) if isinstance(padding, list) else padding
        return needed("PIL.ImageOps").expand(img, border, color(img, fill))
    left, top, right, bottom = four_sides(padding)
    kept = img.crop((-min(left, 0), -min(top, 0), img.width + min(right, 0), img.height + min(bottom, 0)))
    pixels = np.asarray(kept)
    borders = [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0)]
    # From here on the image has the mode that its array suggests: one in HSV becomes RGB.
    padded = needed("PIL.Image").fromarray(np.pad(pixels, borders[: pixels.ndim], mode=padding_mode))  # type: ignore[call-overload]
    if img.mode == "P":
        padded.putpalette(img.getpalette())
    return padded


def color(img: Any, fill: float | Sequence[float] | None) -> Any:
    """Return what a border is filled with as Pillow takes it."""
    bands = len(img.getbands())
    given = tuple(fill) if isinstance(fill, (tuple, list)) else (fill or 0,)
    if len(given) == 1:
        given = given * bands
    if len(given) != bands:
        raise ValueError(
            "The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(given)} != {bands})"
        )
    levels = given if img.mode == "F" else tuple(map(int, given))
    return levels if bands > 1 else levels[0]


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    check(img)
    return img.crop((left, top, left + width, top + height))


def resize(img: Any, size: Sequence[int], interpolation: InterpolationMode) -> Any:
    return img.resize(tuple(reversed(size)), PILLOWS[interpolation])


def hflip(img: Any) -> Any:
    check(img)
    return img.transpose(MIRRORED_LEFT_AND_RIGHT)


def vflip(img: Any) -> Any:
    check(img)
    return img.transpose(MIRRORED_TOP_AND_BOTTOM)
