"""torch.nn with the forms of the documented edition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from assay_reference import nn as current
from assay_reference.documented.forms import renamed

Module = current.Module
LPPool2d = renamed(current.LPPool2d, norm_Type="norm_type")
_cpu = Module.cpu


def __getattr__(name: str) -> Any:
    return getattr(current, name)


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


class KLDivLoss(current.KLDivLoss):
    """How far log-probabilities are from the target's probabilities; a weight may be given, if it is none."""

    def __init__(self, weight: None = None, *args: Any, **options: Any) -> None:
        if weight is not None:
            raise TypeError("KLDivLoss has no weight")
        super().__init__(*args, **options)


class ParameterList(current.ParameterList):
    """A list of parameters, which are named so."""

    def __init__(self, parameters: Iterable[Any] | None = None) -> None:
        super().__init__(parameters)


def cpu(self: Module, device_id: Any = None) -> Module:
    """Move to the CPU, whichever device it is."""
    return _cpu(self)


def parameters(self: Module, memo: Any = None, recurse: bool = True) -> Iterator[Any]:
    """Yield the parameters that are not in a set, in which those that are yielded are put."""
    seen = set() if memo is None else memo
    for _, each in self.named_parameters(recurse=recurse):
        if each not in seen:
            seen.add(each)
            yield each


METHODS = {"cpu": cpu, "cuda": renamed(Module.cuda, device_id="device"), "parameters": parameters}
