"""torch.cuda.comm: tensors copied to several devices, shared out among them, and brought together."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.cuda.devices import any_index, home, need
from assay_reference.cuda.streams import Stream, stream
from assay_reference.ops.complex_numbers import view_as_real
from assay_reference.ops.joining import cat

__all__ = ["broadcast", "gather", "reduce_add", "scatter"]

MINUS_ONE = 'Using -1 to represent CPU tensor is deprecated. Please use a device object or string instead, e.g., "cpu".'


def broadcast(
    tensor: Tensor, devices: Iterable[Any] | None = None, *, out: Sequence[Tensor] | None = None
) -> list[Tensor]:
    """Copy a tensor to devices, or into tensors there; on the device where it is, it is not copied."""
    tensor = in_pairs(tensor)
    if (devices is None) == (out is None):
        raise RuntimeError(
            f"Exactly one of 'devices' and 'out' must be specified, but got devices={devices} and out={out}"
        )
    if out is None:
        indices = [any_index(each) for each in devices or ()]
        need("_broadcast")
        return [tensor.to(home(check_index(each))) for each in indices]
    need("_broadcast_out")
    for position, each in enumerate(out):
        check_output(position, each)
        if each.shape != tensor.shape:
            raise RuntimeError(
                f"Expected all output tensors to have same shape as the source tensor {list(tensor.shape)}, but output "
                f"tensor at index {position} has shape {list(each.shape)}"
            )
    return [each.copy_(tensor) for each in out]


def scatter(
    tensor: Tensor,
    devices: Iterable[Any] | None = None,
    chunk_sizes: Sequence[int] | None = None,
    dim: int = 0,
    streams: Sequence[Stream | None] | None = None,
    *,
    out: Sequence[Tensor] | None = None,
) -> tuple[Tensor, ...]:
    """Cut a tensor along a dimension, and copy each part to a device, or into a tensor there."""
    tensor = in_pairs(tensor)
    if out is not None:
        for name, given in (("devices", devices), ("chunk_sizes", chunk_sizes)):
            if given is not None:
                raise RuntimeError(f"'{name}' must not be specified when 'out' is specified, but got {name}={given}")
        need("_scatter_out")
        return scatter_out(tensor, out, wrap_dim(dim, tensor.ndim), streams)
    indices = [any_index(each) for each in devices]  # type: ignore[union-attr]  # None is refused so
    need("_scatter")
    if not indices:
        raise RuntimeError("Expected at least one device to scatter to")
    if chunk_sizes is not None and len(chunk_sizes) != len(indices):
        raise RuntimeError(
            "Expected devices and chunk_sizes to be of same length, but got "
            f"len(devices) = {len(indices)} and len(chunk_sizes) = {len(chunk_sizes)}"
        )
    parts: Any = tensor.chunk(len(indices), dim) if chunk_sizes is None else tensor.split(list(chunk_sizes), dim)
    shares = []
    for position, (part, index) in enumerate(zip(parts, indices, strict=False)):
        if index != tensor.get_device():
            with stream(stream_at(position, streams, index)):
                part = part.to(home(check_index(index)))
        shares.append(part)
    return tuple(shares)


def scatter_out(
    tensor: Tensor, out: Sequence[Tensor], dim: int, streams: Sequence[Stream | None] | None
) -> tuple[Tensor, ...]:
    """Copy the parts of a tensor into tensors, whose sizes say where to cut."""
    if not out:
        raise RuntimeError("Expected at least one output tensor to scatter to")
    for position, each in enumerate(out):
        check_output(position, each)
        if each.ndim != tensor.ndim or any(
            one != other for at, (one, other) in enumerate(zip(each.shape, tensor.shape, strict=True)) if at != dim
        ):
            raise RuntimeError(
                f"Output tensor at index {position} has incorrect shape: {list(each.shape)}. Expected same shape "
                f"except for scatter dim {dim} as the source tensor: {list(tensor.shape)}"
            )
    sizes = [each.size(dim) for each in out]
    if sum(sizes) != tensor.size(dim):
        raise RuntimeError(
            f"Total size for output tensors along scatter dim {dim} does not match the source tensor size at dim {dim}"
            f". Expected {tensor.size(dim)}, but got total size {sum(sizes)}"
        )
    for position, (each, part) in enumerate(zip(out, tensor.split(sizes, dim), strict=True)):
        with stream(stream_at(position, streams, each.get_device())):
            each.copy_(part)
    return tuple(out)


def gather(tensors: Iterable[Tensor], dim: int = 0, destination: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Join tensors of any CUDA devices along a dimension, on the current device unless told where."""
    given = [in_pairs(each) for each in tensors]
    if out is not None:
        if destination is not None:
            raise RuntimeError(
                f"'destination' must not be specified when 'out' is specified, but got destination={destination}"
            )
        need("_gather_out")
        shape = shape_together(given, dim)
        if list(out.shape) != shape:
            raise RuntimeError(f"Expected out tensor to have shape {shape}, but got {list(out.shape)}")
        return out.copy_(together(given, dim, out.device))  # type: ignore[no-any-return]
    if isinstance(destination, int) and destination == -1:
        warnings.warn(MINUS_ONE, FutureWarning, stacklevel=2)
    index = any_index(destination, optional=True, allow_cpu=True)
    need("_gather")
    shape_together(given, dim)
    return together(given, dim, home(index))


def together(tensors: Sequence[Tensor], dim: int, place: Any) -> Tensor:
    """Join tensors on a device, in the type of the first."""
    first = tensors[0]
    return cat([each.to(place, first.dtype) for each in tensors], dim)  # type: ignore[no-any-return]


def shape_together(tensors: Sequence[Tensor], dim: int) -> list[int]:
    """Return the shape of joined tensors, which must be on CUDA devices and fit."""
    if not tensors:
        raise RuntimeError("Expected at least one tensor to gather from")
    expected = list(tensors[0].shape)
    dim, total = wrap_dim(dim, len(expected)), 0
    for position, each in enumerate(tensors):
        if not each.is_cuda:
            raise RuntimeError(
                "Expected all input tensors to be CUDA tensors, but tensor at index "
                f"{position} has device {each.device}"
            )
        if each.ndim != len(expected):
            raise RuntimeError(
                "Expected all input tensors to have the same number of dimensions, but tensor at index "
                f"{position}has {each.ndim} dimensions, (expected {len(expected)})"
            )
        expected[dim] = each.size(dim)
        if list(each.shape) != expected:
            raise RuntimeError(
                f"Input tensor at index {position} has invalid shape {list(each.shape)}, but expected {expected}"
            )
        total += each.size(dim)
    expected[dim] = total
    return expected


def reduce_add(inputs: Sequence[Tensor], destination: Any = None) -> Tensor:
    """Add tensors, one of which is on the device where the sum is to be, by default the current one."""
    index = any_index(destination, optional=True)
    root = None
    for position, each in enumerate(inputs):
        if each.device.type == "cpu":
            raise AssertionError(f"reduce_add expects all inputs to be on GPUs, but input {position} is on CPU")
        root = position if each.get_device() == index else root
        if each.shape != inputs[0].shape:
            got, expected = ("x".join(map(str, sizes)) for sizes in (each.shape, inputs[0].shape))
            raise ValueError(f"input {position} has invalid size: got {got}, but expected {expected}")
    first = inputs[0 if root is None else root]  # of none there is no first
    if root is None:
        raise RuntimeError("reduce_add expects destination to be on the same GPU with one of the tensors")
    rest = [each.to(first.device) for position, each in enumerate(inputs) if position != root]
    total = first + rest[0] if rest else first
    for each in rest[1:]:
        total.add_(each)
    return total


def in_pairs(tensor: Tensor) -> Tensor:
    """Return complex numbers as pairs of real ones, which is what is copied."""
    return view_as_real(tensor) if tensor.is_complex() else tensor


def check_index(index: int) -> int:
    """Return the number of a device, and refuse a negative one."""
    if index < 0:
        raise RuntimeError(f"Expected non-negative device index, but got {index}")
    return index


def check_output(position: int, tensor: Tensor) -> None:
    """Refuse to write to a tensor on the CPU."""
    if not tensor.is_cuda:
        raise RuntimeError(
            f"Expected all output tensors to be CUDA tensors, but output tensor at index {position} has device "
            f"'{tensor.device}'"
        )


def stream_at(position: int, streams: Sequence[Stream | None] | None, index: int) -> Stream | None:
    """Return the stream in which a part is copied, which must be of the device where it goes; None is the current."""
    found = streams[position] if streams is not None and position < len(streams) else None
    if found is not None and found.device_index != index:
        raise RuntimeError(
            f"Expected the device associated with the stream at index {position} (was {found.device_index}) to match "
            f"the device supplied at that index (expected {index})"
        )
    return found
