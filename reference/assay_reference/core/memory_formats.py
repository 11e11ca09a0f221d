"""Memory formats: how callers say in which order the elements of a tensor are to lie in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from assay_reference.core.arrays import contiguous_strides
from assay_reference.core.layouts import Packed
from assay_reference.core.strides import (
    Strides,
    channels_last_strides,
    has_channels_innermost,
    is_channels_last,
    strides_of_copy,
)


class memory_format:
    """The order in which the elements of a tensor lie in memory: of the dimensions, channels innermost, or kept."""

    def __init__(self, name: str, title: str, ndim: int | None = None) -> None:
        self.name = name
        self.title = title  # what messages call it
        self.ndim = ndim  # of the only tensors that can have it

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


contiguous_format: Final = memory_format("contiguous_format", "Contiguous")
preserve_format: Final = memory_format("preserve_format", "Preserve")
channels_last: Final = memory_format("channels_last", "ChannelsLast", 4)
channels_last_3d: Final = memory_format("channels_last_3d", "ChannelsLast3d", 5)


def check_memory_format(name: str, given: Any, *, optional: bool = True) -> None:
    """Refuse what is no memory format, or None where one must be given."""
    if not (isinstance(given, memory_format) or (optional and given is None)):
        raise TypeError(f"{name}(): argument 'memory_format' must be torch.memory_format, not {type(given).__name__}")


def strides_in_format(wanted: memory_format, shape: Sequence[int], itemsize: int) -> Strides:
    """Return the strides of a new tensor that has a format other than torch.preserve_format."""
    if wanted.ndim is None:
        return contiguous_strides(shape, itemsize)
    if len(shape) != wanted.ndim:
        raise RuntimeError(f"required rank {wanted.ndim} tensor to use {wanted.name} format")
    return channels_last_strides(shape, itemsize)


def strides_of_copy_in(wanted: memory_format | None, array: Any, itemsize: int) -> Strides:
    """Return the strides of a copy in a format, which is that of the array if nothing else is wanted."""
    if wanted is None or wanted is preserve_format:
        return strides_of_copy(array, itemsize)
    return strides_in_format(wanted, array.shape, itemsize)


def format_of(array: Any) -> memory_format:
    """Return the format that an array's strides suggest, though there be gaps."""
    if isinstance(array, Packed) or not has_channels_innermost(array):
        return contiguous_format
    return channels_last if array.ndim == channels_last.ndim else channels_last_3d


def is_in_format(array: Any, wanted: memory_format) -> bool:
    """Return whether an array lies in memory without gaps, in the order of a format."""
    if wanted.ndim is None or isinstance(array, Packed):
        return bool(array.flags.c_contiguous)
    return array.ndim == wanted.ndim and is_channels_last(array)
