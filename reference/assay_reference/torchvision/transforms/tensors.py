"""What transforms do to tensors, whose last dimensions are channels, rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from assay_reference.core.dtypes import bool_, float32, float64, int64, uint8
from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional
from assay_reference.ops.creation import tensor
from assay_reference.torchvision.transforms.borders import four_sides
from assay_reference.torchvision.transforms.interpolation import InterpolationMode

PADDINGS: Final = (int, tuple, list)  # the types of a padding
FILLS: Final = (int, float)
SMOOTH: Final = (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)


def check(img: Any) -> None:
    if img.ndim < 2:
        raise TypeError("Tensor is not a torch image.")


def dimensions(img: Tensor) -> list[int]:
    """Return the channels, the rows and the columns."""
    check(img)
    return [1 if img.ndim == 2 else img.shape[-3], *img.shape[-2:]]


def pad(img: Tensor, padding: int | Sequence[int], fill: float | None, padding_mode: str) -> Any:
    left, top, right, bottom = four_sides(padding)
    if padding_mode == "symmetric":
        return symmetric(img, left, top, right, bottom)
    sides = [left, right, top, bottom]
    if padding_mode == "constant":
        return functional.pad(img, sides, value=float(fill or 0))
    mode = "replicate" if padding_mode == "edge" else padding_mode
    # What is no float32 or float64 is padded in float32, in which large integers are rounded.
    return _alone(img, lambda images: functional.pad(images, sides, mode=mode))


def symmetric(img: Tensor, left: int, top: int, right: int, bottom: int) -> Tensor:
    """Repeat the outermost pixels, mirrored at the edges."""
    if img.ndim not in (3, 4):
        raise RuntimeError("Symmetric padding of N-D tensors are not supported yet")
    kept = img[..., -min(top, 0) : img.shape[-2] + min(bottom, 0), -min(left, 0) : img.shape[-1] + min(right, 0)]
    rows, columns = _mirrored(kept.shape[-2], top, bottom), _mirrored(kept.shape[-1], left, right)
    return kept[..., tensor(rows, dtype=int64)[:, None], tensor(columns, dtype=int64)[None, :]]


def _mirrored(size: int, before: int, after: int) -> list[int]:
    """Return which elements stand side by side, those of the second border counted from the end."""
    return [*reversed(range(before)), *range(size), *(-1 - index for index in range(after))]


def crop(img: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """Cut a part out; what lies outside the image is zero."""
    check(img)
    rows, columns = img.shape[-2:]
    bottom, right = top + height, left + width
    inside = img[..., max(top, 0) : bottom, max(left, 0) : right]
    if top >= 0 and left >= 0 and bottom <= rows and right <= columns:
        return inside
    horizontally = [max(min(right, 0) - left, 0), max(right - max(columns, left), 0)]
    vertically = [max(min(bottom, 0) - top, 0), max(bottom - max(rows, top), 0)]
    return functional.pad(inside, [*horizontally, *vertically])


def resize(img: Tensor, size: Sequence[int], interpolation: InterpolationMode, antialias: bool | None) -> Any:
    is_smooth = interpolation in SMOOTH
    options: dict[str, Any] = {"align_corners": False, "antialias": bool(antialias)} if is_smooth else {}

    def resized(images: Tensor) -> Tensor:
        made = functional.interpolate(images, size=list(size), mode=interpolation.value, **options)
        return made.clamp(0, 255) if interpolation is InterpolationMode.BICUBIC and img.dtype == uint8 else made

    return _alone(img, resized)


def _alone(img: Tensor, change: Any) -> Any:
    """Apply what takes batches of float32 or float64; round where integers are wanted back."""
    images = img.unsqueeze(0) if img.ndim < 4 else img
    computed = change(images if img.dtype in (float32, float64) else images.to(float32))
    made = computed.squeeze(0) if img.ndim < 4 else computed
    is_integral = not img.dtype.is_floating_point and img.dtype != bool_
    return (made.round() if is_integral else made).to(img.dtype)


def hflip(img: Tensor) -> Any:
    check(img)
    return img.flip(-1)


def vflip(img: Tensor) -> Any:
    check(img)
    return img.flip(-2)
