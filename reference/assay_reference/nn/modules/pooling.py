"""Pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.nn.functional.windows import numbers
from assay_reference.nn.modules.module import Module


class MaxPool(Module):
    """What poolings by the largest element share."""

    pool: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        return type(self).pool(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class MaxPool1d(MaxPool):
    """The largest element of each window of a sequence."""

    pool = staticmethod(F.max_pool1d)


class MaxPool2d(MaxPool):
    """The largest element of each window of an image."""

    pool = staticmethod(F.max_pool2d)


class MaxPool3d(MaxPool):
    """The largest element of each window of a volume."""

    pool = staticmethod(F.max_pool3d)


class AvgPool(Module):
    """What poolings by the average share."""

    pool: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        result: Tensor = type(self).pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )
        return result

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(AvgPool):
    """The average of each window of a sequence."""

    pool = staticmethod(F.avg_pool1d)

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        kernel = numbers(kernel_size, 1)
        steps = kernel if stride is None else numbers(stride, 1)
        super().__init__(kernel, steps, numbers(padding, 1), ceil_mode, count_include_pad)


class AvgPool2d(AvgPool):
    """The average of each window of an image."""

    pool = staticmethod(F.avg_pool2d)


class AvgPool3d(AvgPool):
    """The average of each window of a volume."""

    pool = staticmethod(F.avg_pool3d)
