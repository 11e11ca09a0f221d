"""torch.cuda: what there is of CUDA devices, which one is current, and what is done there."""

from __future__ import annotations

from typing import Any

from assay_reference.core.arrays import cuda_namespace
from assay_reference.cuda import comm
from assay_reference.cuda.devices import (
    can_device_access_peer,
    current_blas_handle,
    current_device,
    device,
    device_count,
    device_of,
    get_device_capability,
    get_device_name,
    is_available,
    on,
    set_device,
    synchronize,
)
from assay_reference.cuda.streams import (
    Event,
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    set_stream,
    stream,
)
from assay_reference.ops.tensor_types import tensor_types
from assay_reference.storage import storage_types

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "can_device_access_peer",
    "comm",
    "current_blas_handle",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "device_of",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "is_available",
    "memory_allocated",
    "set_device",
    "set_stream",
    "stream",
    "synchronize",
]

globals().update(tensor_types("torch.cuda"))
globals().update(storage_types("torch.cuda"))


def empty_cache() -> None:
    """Give memory that is not in use back to the device; without CUDA there is none."""
    cupy = cuda_namespace()
    if cupy is not None:
        cupy.get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Return how many bytes tensors occupy on a device, by default the current one."""
    cupy = cuda_namespace()
    if cupy is None:
        return 0
    with on(device):
        return int(cupy.get_default_memory_pool().used_bytes())
