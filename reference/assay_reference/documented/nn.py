"""torch.nn with the forms of the documented edition."""

from __future__ import annotations

from typing import Any

from assay_reference import nn as current


class BeforeOutputPadding:
    """A transposed convolution that takes groups and bias after the padding, by position too."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        **options: Any,
    ) -> None:
        named = {"stride": stride, "padding": padding, "groups": groups, "bias": bias}
        super().__init__(in_channels, out_channels, kernel_size, **named, **options)  # type: ignore[call-arg]


class ConvTranspose1d(BeforeOutputPadding, current.ConvTranspose1d):
    """Learned kernels laid over each other, one for each element of a sequence."""


class ConvTranspose2d(BeforeOutputPadding, current.ConvTranspose2d):
    """Learned kernels laid over each other, one for each element of an image."""


class ConvTranspose3d(BeforeOutputPadding, current.ConvTranspose3d):
    """Learned kernels laid over each other, one for each element of a volume."""


def __getattr__(name: str) -> Any:
    return getattr(current, name)
