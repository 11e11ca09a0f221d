"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.nn.functional.convolution import same
from assay_reference.nn.functional.windows import numbers
from assay_reference.nn.modules.linear import Weighted
from assay_reference.nn.parameter import Parameter
from assay_reference.ops.creation import empty


class Convolution(Weighted):
    """What convolutions of one, two and three dimensions share."""

    dims: ClassVar[int]
    convolve: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = (
            numbers(each, self.dims) for each in (kernel_size, stride, dilation)
        )
        self.padding: Any = padding if isinstance(padding, str) else numbers(padding, self.dims)
        self.padding_mode = padding_mode
        self._check()
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def _check(self) -> None:
        if self.groups <= 0:
            raise ValueError("groups must be a positive integer")
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ValueError(f"{name} must be divisible by groups")
        if isinstance(self.padding, str) and self.padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {self.padding!r}, should be one of {{'same', 'valid'}}")
        if self.padding == "same" and any(step != 1 for step in self.stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(
                "padding_mode must be one of {'circular', 'replicate', 'zeros', 'reflect'}, but got "
                f"padding_mode='{self.padding_mode}'"
            )

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._borders(), self.padding_mode), 0
        return type(self).convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _borders(self) -> list[int]:
        """Return the border before and after each dimension, the last dimension's first."""
        edges = [0] * self.dims if self.padding == "valid" else self.padding
        pairs = same(self.kernel_size, self.dilation) if self.padding == "same" else [(each, each) for each in edges]
        return [each for pair in reversed(pairs) for each in pair]

    def extra_repr(self) -> str:
        words = [f"{self.in_channels}, {self.out_channels}", f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        if self.padding != (0,) * self.dims:
            words.append(f"padding={self.padding}")
        if self.dilation != (1,) * self.dims:
            words.append(f"dilation={self.dilation}")
        if self.groups != 1:
            words.append(f"groups={self.groups}")
        if self.bias is None:
            words.append("bias=False")
        if self.padding_mode != "zeros":
            words.append(f"padding_mode={self.padding_mode}")
        return ", ".join(words)


class Conv1d(Convolution):
    """A cross-correlation of sequences with learned kernels."""

    dims, convolve = 1, staticmethod(F.conv1d)


class Conv2d(Convolution):
    """A cross-correlation of images with learned kernels."""

    dims, convolve = 2, staticmethod(F.conv2d)


class Conv3d(Convolution):
    """A cross-correlation of volumes with learned kernels."""

    dims, convolve = 3, staticmethod(F.conv3d)
