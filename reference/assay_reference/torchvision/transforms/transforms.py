"""The transforms as objects, which keep their options and draw their random numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from numbers import Number
from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.nn import Module
from assay_reference.ops.creation import empty, tensor
from assay_reference.ops.elementary import exp, log
from assay_reference.ops.random import rand, randint
from assay_reference.torchvision.transforms import functional, images
from assay_reference.torchvision.transforms.borders import check_border
from assay_reference.torchvision.transforms.functional import InterpolationMode
from assay_reference.torchvision.transforms.interpolation import chosen


def shown(transform: object, **options: Any) -> str:
    return f"{type(transform).__name__}({', '.join(f'{name}={value}' for name, value in options.items())})"


class Compose:
    """Several transforms, one after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"{type(self).__name__}({lines}\n)"


class ToTensor:
    """An image as a tensor, its bytes as fractions of 255."""

    def __call__(self, pic: Any) -> Any:
        return functional.to_tensor(pic)

    def __repr__(self) -> str:
        return shown(self)


class ToPILImage:
    """A tensor or an array as an image of Pillow's."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        return functional.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return shown(self) if self.mode is None else shown(self, mode=self.mode)


class Lambda:
    """Any function as a transform."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return shown(self)


class Normalize(Module):
    """The channels of a tensor with a mean taken off, divided by a standard deviation."""

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor: Tensor) -> Any:
        return functional.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return shown(self, mean=self.mean, std=self.std)


class Resize(Module):
    """An image in another size."""

    def __init__(
        self,
        size: Any,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size, self.max_size = size, max_size
        self.interpolation: Any = chosen(interpolation)
        self.antialias = antialias

    def forward(self, img: Any) -> Any:
        return functional.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        return shown(
            self,
            size=self.size,
            interpolation=self.interpolation.value,
            max_size=self.max_size,
            antialias=self.antialias,
        )


class CenterCrop(Module):
    """The middle of an image."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = rows_and_columns(size)

    def forward(self, img: Any) -> Any:
        return functional.center_crop(img, self.size)

    def __repr__(self) -> str:
        return shown(self, size=self.size)


class Pad(Module):
    """An image with a border."""

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        if not isinstance(padding, images.PADDINGS):
            raise TypeError("Got inappropriate padding arg")
        if not isinstance(fill, images.FILLS):
            raise TypeError("Got inappropriate fill arg")
        check_border(padding, padding_mode)
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img: Any) -> Any:
        return functional.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return shown(self, padding=self.padding, fill=self.fill, padding_mode=self.padding_mode)


class RandomCrop(Module):
    """A part of an image, anywhere."""

    @staticmethod
    def get_params(img: Any, output_size: Sequence[int]) -> tuple[int, int, int, int]:
        """Return the top, the left, the height and the width of a part."""
        _, rows, columns = functional.get_dimensions(img)
        height, width = output_size
        if rows < height or columns < width:
            raise ValueError(f"Required crop size {(height, width)} is larger than input image size {(rows, columns)}")
        if (height, width) == (rows, columns):
            return 0, 0, rows, columns
        return *placed(rows, columns, height, width), height, width

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = tuple(rows_and_columns(size))
        self.padding, self.pad_if_needed = padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    def forward(self, img: Any) -> Any:
        if self.padding is not None:
            img = functional.pad(img, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            _, rows, columns = functional.get_dimensions(img)
            height, width = self.size
            for border in ([max(width - columns, 0), 0], [0, max(height - rows, 0)]):
                img = functional.pad(img, border, self.fill, self.padding_mode) if any(border) else img
        return functional.crop(img, *self.get_params(img, self.size))

    def __repr__(self) -> str:
        return shown(self, size=self.size, padding=self.padding)


class RandomHorizontalFlip(Module):
    """An image that is now and then mirrored."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return functional.hflip(img) if rand(1) < self.p else img

    def __repr__(self) -> str:
        return shown(self, p=self.p)


class RandomResizedCrop(Module):
    """A part of an image, of any size and shape and anywhere, resized."""

    def __init__(
        self,
        size: Any,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = rows_and_columns(size)
        if not isinstance(scale, Sequence):
            raise TypeError("Scale should be a sequence")
        if not isinstance(ratio, Sequence):
            raise TypeError("Ratio should be a sequence")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=2)
        self.interpolation: Any = chosen(interpolation)
        self.antialias, self.scale, self.ratio = antialias, scale, ratio

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """Return the top, the left, the height and the width of a part; the largest in the middle if none fits."""
        _, rows, columns = functional.get_dimensions(img)
        shapes = log(tensor(ratio))
        for _ in range(10):
            area = rows * columns * empty(1).uniform_(scale[0], scale[1]).item()
            shape = exp(empty(1).uniform_(shapes[0].item(), shapes[1].item())).item()
            width, height = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
            if 0 < width <= columns and 0 < height <= rows:
                return *placed(rows, columns, height, width), height, width
        height, width = rows, columns
        if columns / rows < min(ratio):
            height = round(columns / min(ratio))
        elif columns / rows > max(ratio):
            width = round(rows * max(ratio))
        return (rows - height) // 2, (columns - width) // 2, height, width

    def forward(self, img: Any) -> Any:
        part = self.get_params(img, self.scale, self.ratio)
        return functional.resized_crop(img, *part, self.size, self.interpolation, antialias=self.antialias)

    def __repr__(self) -> str:
        return shown(
            self,
            size=self.size,
            scale=tuple(round(each, 4) for each in self.scale),
            ratio=tuple(round(each, 4) for each in self.ratio),
            interpolation=self.interpolation.value,
            antialias=self.antialias,
        )


def rows_and_columns(size: Any) -> Any:
    """Return a size of two numbers, where one stands for both."""
    if isinstance(size, Number):
        return int(size), int(size)  # type: ignore[call-overload]
    if len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    return size


def placed(rows: int, columns: int, height: int, width: int) -> tuple[int, int]:
    """Return the top and the left of a part that lies anywhere within an image."""
    top, left = (randint(0, room + 1, size=(1,)).item() for room in (rows - height, columns - width))
    return top, left
