"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.nn.functional.convolution import same, transposed_sizes
from assay_reference.nn.functional.windows import Steps, Sweep, numbers
from assay_reference.nn.modules.linear import Weighted
from assay_reference.nn.parameter import Parameter
from assay_reference.ops.creation import empty


class _ConvNd(Weighted):
    """What convolutions and transposed ones share, in one, two and three dimensions."""

    dims: ClassVar[int]
    convolve: ClassVar[Callable[..., Tensor]]
    transposed: ClassVar[bool]

    def _keep(
        self,
        channels: tuple[int, int],
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        padding_mode: str,
    ) -> None:
        """Keep the options as attributes, or raise what is wrong with them."""
        (self.in_channels, self.out_channels), self.groups, self.padding_mode = channels, groups, padding_mode
        self.kernel_size, self.stride, self.dilation, self.output_padding = (
            numbers(each, self.dims) for each in (kernel_size, stride, dilation, output_padding)
        )
        named = isinstance(padding, str) and not self.transposed
        self.padding: Any = padding if named else numbers(padding, self.dims)
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % groups:
                raise ValueError(f"{name} must be divisible by groups")

    def _start(self, bias: bool, device: Any, dtype: Any) -> None:
        """Make the parameters, and draw them."""
        first, second = (self.in_channels, self.out_channels)[:: 1 if self.transposed else -1]
        shape = (first, second // self.groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        there = Parameter(empty(self.out_channels, device=device, dtype=dtype)) if bias else None
        self.register_parameter("bias", there)
        self.reset_parameters()

    def __getstate__(self) -> dict[str, Any]:
        """Return what files have: in PyTorch's, the borders stand as `pad` takes them besides."""
        borders = {"same": same(self.kernel_size, self.dilation), "valid": ((0, 0),) * self.dims}.get(
            self.padding, tuple(zip(self.padding, self.padding, strict=True))
        )
        reversed_padding = [each for border in reversed(borders) for each in border]
        return {
            **vars(self),
            "transposed": self.transposed,
            "_reversed_padding_repeated_twice": reversed_padding,
        }

    def extra_repr(self) -> str:
        words = [f"{self.in_channels}, {self.out_channels}", f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        usual = {"padding": 0, "dilation": 1, "output_padding": 0}
        words += [
            f"{name}={getattr(self, name)}"
            for name, each in usual.items()
            if getattr(self, name) != (each,) * self.dims
        ]
        if self.groups != 1:
            words.append(f"groups={self.groups}")
        if self.bias is None:
            words.append("bias=False")
        if self.padding_mode != "zeros":
            words.append(f"padding_mode={self.padding_mode}")
        return ", ".join(words)


class Convolution(_ConvNd):
    """What convolutions share."""

    transposed = False

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
        self._keep((in_channels, out_channels), kernel_size, stride, padding, dilation, 0, groups, padding_mode)
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
        if padding == "same" and any(step != 1 for step in self.stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(
                "padding_mode must be one of {'circular', 'replicate', 'zeros', 'reflect'}, but got "
                f"padding_mode='{padding_mode}'"
            )
        self._start(bias, device, dtype)

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


class _ConvTransposeNd(_ConvNd):
    """What transposed convolutions share."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        channels = in_channels, out_channels
        self._keep(channels, kernel_size, stride, padding, dilation, output_padding, groups, padding_mode)
        self._start(bias, device, dtype)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        more = self.output_padding if output_size is None else self._output_padding(input, output_size)
        return type(self).convolve(
            input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation
        )

    def _output_padding(self, input: Tensor, output_size: Sequence[int]) -> Steps:
        """Return by how much the result is to be larger than the smallest from which the input may have come."""
        lead = input.ndim - self.dims
        wanted = output_size[lead:] if len(output_size) == input.ndim else output_size
        if len(wanted) != self.dims:
            raise ValueError(
                f"ConvTranspose{self.dims}D: for {input.ndim}D input, output_size must have {self.dims} or "
                f"{input.ndim} elements (got {len(output_size)})"
            )
        sweep = Sweep(self.stride, tuple((each, each) for each in self.padding), self.dilation)
        least = transposed_sizes(input.shape[lead:], self.kernel_size, sweep)
        most = tuple(size + step - 1 for size, step in zip(least, self.stride, strict=True))
        if any(not low <= size <= high for low, size, high in zip(least, wanted, most, strict=True)):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {list(least)} to {list(most)} (for "
                f"an input of {input.shape[2:]})"
            )
        return tuple(size - low for size, low in zip(wanted, least, strict=True))


class Conv1d(Convolution):
    """A cross-correlation of sequences with learned kernels."""

    dims, convolve = 1, staticmethod(F.conv1d)


class Conv2d(Convolution):
    """A cross-correlation of images with learned kernels."""

    dims, convolve = 2, staticmethod(F.conv2d)


class Conv3d(Convolution):
    """A cross-correlation of volumes with learned kernels."""

    dims, convolve = 3, staticmethod(F.conv3d)


class ConvTranspose1d(_ConvTransposeNd):
    """Learned kernels laid over each other, one for each element of a sequence."""

    dims, convolve = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTransposeNd):
    """Learned kernels laid over each other, one for each element of an image."""

    dims, convolve = 2, staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTransposeNd):
    """Learned kernels laid over each other, one for each element of a volume."""

    dims, convolve = 3, staticmethod(F.conv_transpose3d)
