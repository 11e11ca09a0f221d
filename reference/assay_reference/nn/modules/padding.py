"""Borders around the last dimensions."""

from __future__ import annotations

from typing import Any, ClassVar

from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.nn.functional.windows import Numbers, numbers
from assay_reference.nn.modules.module import Module


class Padding(Module):
    """What borders share: how wide they are, and a repr; a class names how many dimensions have them, and the mode."""

    dims: ClassVar[int]
    mode: ClassVar[str]

    def __init_subclass__(cls, *, dims: int = 0, mode: str = "") -> None:
        super().__init_subclass__()
        if dims:
            cls.dims, cls.mode = dims, mode

    def __init__(self, padding: Numbers) -> None:
        super().__init__()
        self.padding = numbers(padding, 2 * self.dims)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class ReflectionPad1d(Padding, dims=1, mode="reflect"):
    """Borders of sequences that mirror what is inside, but for the outermost elements."""


class ReflectionPad2d(Padding, dims=2, mode="reflect"):
    """Borders of images that mirror what is inside, but for the outermost elements."""


class ReflectionPad3d(Padding, dims=3, mode="reflect"):
    """Borders of volumes that mirror what is inside, but for the outermost elements."""


class ReplicationPad1d(Padding, dims=1, mode="replicate"):
    """Borders of sequences that repeat the outermost elements."""


class ReplicationPad2d(Padding, dims=2, mode="replicate"):
    """Borders of images that repeat the outermost elements."""


class ReplicationPad3d(Padding, dims=3, mode="replicate"):
    """Borders of volumes that repeat the outermost elements."""


class CircularPad1d(Padding, dims=1, mode="circular"):
    """Borders of sequences that go on at the other end."""


class CircularPad2d(Padding, dims=2, mode="circular"):
    """Borders of images that go on at the other end."""


class CircularPad3d(Padding, dims=3, mode="circular"):
    """Borders of volumes that go on at the other end."""


class Constant(Padding):
    """What borders of one value share."""

    def __init__(self, padding: Numbers, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(Constant, dims=1, mode="constant"):
    """Borders of sequences of one value."""


class ConstantPad2d(Constant, dims=2, mode="constant"):
    """Borders of images of one value."""


class ConstantPad3d(Constant, dims=3, mode="constant"):
    """Borders of volumes of one value."""


class Zeros(Padding):
    """What borders of zeros share."""

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "value": 0.0}  # which PyTorch has in files


class ZeroPad1d(Zeros, dims=1, mode="constant"):
    """Borders of sequences of zeros."""


class ZeroPad2d(Zeros, dims=2, mode="constant"):
    """Borders of images of zeros."""


class ZeroPad3d(Zeros, dims=3, mode="constant"):
    """Borders of volumes of zeros."""
