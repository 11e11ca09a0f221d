"""torchvision.transforms.functional: what transforms do, to an image of Pillow's or to a tensor."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any, Final

import numpy as np

from assay_reference.core.dtypes import get_default_dtype, uint8
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import as_tensor, from_numpy
from assay_reference.torchvision.extras import needed
from assay_reference.torchvision.transforms import images, tensors
from assay_reference.torchvision.transforms.borders import check_border
from assay_reference.torchvision.transforms.interpolation import InterpolationMode, chosen

__all__ = [
    "InterpolationMode",
    "center_crop",
    "crop",
    "get_dimensions",
    "get_image_num_channels",
    "get_image_size",
    "hflip",
    "normalize",
    "pad",
    "resize",
    "resized_crop",
    "to_pil_image",
    "to_tensor",
    "vflip",
]

# Of an image's mode: the element type of its pixels in memory, where that is not a byte.
ELEMENTS: Final = {"I": np.int32, "I;16": np.int16, "I;16B": np.int16, "F": np.float32}
# The mode of an image with one channel, by the element type of its pixels.
OF_ONE_CHANNEL: Final = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}
# The modes of an image by its channels, the plainest first.
OF_CHANNELS: Final = {2: ["LA"], 3: ["RGB", "YCbCr", "HSV"], 4: ["RGBA", "CMYK", "RGBX"]}


def _kind(img: Any) -> ModuleType:
    """Return the module for tensors, or that for images."""
    return tensors if isinstance(img, Tensor) else images


def get_dimensions(img: Any) -> list[int]:
    """Return the channels, the rows and the columns of an image."""
    if not isinstance(img, Tensor) and not images.is_image(img):
        raise TypeError(f"Unexpected type {type(img)}")
    found: list[int] = _kind(img).dimensions(img)
    return found


def get_image_size(img: Any) -> list[int]:
    """Return the columns and the rows of an image."""
    _, rows, columns = get_dimensions(img)
    return [columns, rows]


def get_image_num_channels(img: Any) -> int:
    """Return the number of channels of an image."""
    return get_dimensions(img)[0]


def to_tensor(pic: Any) -> Any:
    """Return an image with the channels first; bytes become fractions of 255."""
    if images.is_image(pic):
        pixels = np.array(pic, ELEMENTS.get(pic.mode, np.uint8)).reshape(pic.height, pic.width, -1)
        if pic.mode == "1":
            pixels *= 255
    elif not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    elif pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    else:
        pixels = pic
    whole = from_numpy(pixels[:, :, None] if pixels.ndim == 2 else pixels).permute(2, 0, 1).contiguous()
    return whole.to(get_default_dtype()).div(255) if whole.dtype == uint8 else whole


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """Return an image of Pillow's; numbers with fractions are taken as fractions of 255."""
    pixels = _channels_last(pic)
    if np.issubdtype(pixels.dtype, np.floating) and mode != "F":
        pixels = (pixels * 255).astype(np.uint8)
    rows, columns, channels = pixels.shape
    chosen_mode = _mode(pixels, channels, mode)
    return needed("PIL.Image").frombytes(chosen_mode, (columns, rows), pixels.tobytes())


def _channels_last(pic: Any) -> np.ndarray[Any, Any]:
    """Return the pixels of a tensor or an array, rows first and channels last."""
    if not isinstance(pic, (Tensor, np.ndarray)):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    whole = pic if pic.ndim == 3 else pic[None] if isinstance(pic, Tensor) else pic[:, :, None]
    channels = whole.shape[0 if isinstance(pic, Tensor) else -1]
    if channels > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    return whole.detach().cpu().numpy().transpose(1, 2, 0) if isinstance(whole, Tensor) else whole


def _mode(pixels: np.ndarray[Any, Any], channels: int, mode: str | None) -> str:
    """Return the mode that is asked for, if it suits the pixels, or the plainest that does."""
    if channels == 1:
        due = OF_ONE_CHANNEL.get(str(pixels.dtype))
        if mode is not None and mode != due:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {np.dtype}. Should be {due}")
        mode = due
    else:
        suitable = OF_CHANNELS.get(channels, OF_CHANNELS[3])
        if mode is not None and mode not in suitable:
            raise ValueError(f"Only modes {suitable} are supported for {channels}D inputs")
        if mode is None and pixels.dtype == np.uint8:
            mode = suitable[0]
    if mode is None:
        raise TypeError(f"Input type {pixels.dtype} is not supported")
    return mode


def normalize(tensor: Tensor, mean: Any, std: Any, inplace: bool = False) -> Any:
    """Subtract a mean from each channel, and divide by a standard deviation."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    tensors.check(tensor)
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.size()}"
        )
    centre, spread = (as_tensor(each, dtype=tensor.dtype, device=tensor.device) for each in (mean, std))
    if (spread == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    changed = tensor if inplace else tensor.clone()
    return changed.sub_(_of_channels(centre)).div_(_of_channels(spread))


def _of_channels(numbers: Tensor) -> Tensor:
    """Return numbers so that they stand before the rows and the columns."""
    return numbers.view(-1, 1, 1) if numbers.ndim == 1 else numbers


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """Put a border around an image."""
    kind = _kind(img)
    kind.check(img)
    if not isinstance(padding, kind.PADDINGS):
        raise TypeError("Got inappropriate padding arg")
    if fill is not None and not isinstance(fill, kind.FILLS):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    check_border(padding, padding_mode)
    return kind.pad(img, padding, fill, padding_mode)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """Cut a part out of an image; what lies outside the image is black."""
    return _kind(img).crop(img, top, left, height, width)


def center_crop(img: Any, output_size: Any) -> Any:
    """Cut the middle out of an image, which a black border makes larger if it is too small."""
    size = [int(output_size)] if isinstance(output_size, int | float) else output_size
    height, width = [*size, *size] if isinstance(size, (list, tuple)) and len(size) == 1 else size
    _, rows, columns = get_dimensions(img)
    if width > columns or height > rows:
        across, down = max(width - columns, 0), max(height - rows, 0)
        img = pad(img, [across // 2, down // 2, (across + 1) // 2, (down + 1) // 2])
        _, rows, columns = get_dimensions(img)
    return crop(img, round((rows - height) / 2), round((columns - width) / 2), height, width)


def resize(
    img: Any,
    size: Any,
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """Resize an image to rows and columns, or so that its smaller edge has a length."""
    mode = chosen(interpolation)
    if not isinstance(mode, InterpolationMode):
        raise TypeError(
            "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant"
        )
    wanted = [size] if isinstance(size, int) else size
    if len(wanted) not in (1, 2):
        raise ValueError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(wanted)} element tuple/list")
    if max_size is not None and len(wanted) == 2:
        raise ValueError(
            "max_size should only be passed if size specifies the length of the smaller edge, i.e. size should be an "
            "int or a sequence of length 1 in torchscript mode."
        )
    _, rows, columns = get_dimensions(img)
    target = list(wanted) if len(wanted) == 2 else scaled(rows, columns, wanted, max_size)
    if target == [rows, columns]:
        return img
    if isinstance(img, Tensor):
        return tensors.resize(img, target, mode, antialias)
    if antialias is False:
        warnings.warn(
            "Anti-alias option is always applied for PIL Image input. Argument antialias is ignored.", stacklevel=2
        )
    return images.resize(img, target, mode)


def scaled(rows: int, columns: int, wanted: Any, max_size: int | None) -> list[int]:
    """Return the size of an image whose smaller edge has a length, unless the longer one would be too long."""
    short, long = sorted((rows, columns))
    new_short, new_long = wanted[0], int(wanted[0] * long / short)
    if max_size is not None:
        if max_size <= new_short:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge "
                f"size = {wanted}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return [new_short, new_long] if rows <= columns else [new_long, new_short]


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """Cut a part out of an image, and resize it."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img: Any) -> Any:
    """Mirror an image left and right."""
    return _kind(img).hflip(img)


def vflip(img: Any) -> Any:
    """Mirror an image top and bottom."""
    return _kind(img).vflip(img)
