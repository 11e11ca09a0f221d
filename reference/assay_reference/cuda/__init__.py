"""torch.cuda: what there is of CUDA devices, and which one is current."""

from __future__ import annotations

from typing import Any

from assay_reference.core.arrays import cuda_namespace
from assay_reference.ops.tensor_types import tensor_types
from assay_reference.storage import storage_types

globals().update(tensor_types("torch.cuda"))
globals().update(storage_types("torch.cuda"))


def is_available() -> bool:
    """Return whether tensors can be on a CUDA device."""
    return cuda_namespace() is not None


def device_count() -> int:
    """Count the CUDA devices."""
    cupy = cuda_namespace()
    return 0 if cupy is None else int(cupy.cuda.runtime.getDeviceCount())


def current_device() -> int:
    """Return the number of the device on which new tensors are made."""
    return int(_cupy().cuda.runtime.getDevice())


def set_device(device: Any) -> None:
    """Choose the device on which new tensors are made."""
    _cupy().cuda.runtime.setDevice(_number_of(device))


def synchronize(device: Any = None) -> None:
    """Wait until everything that was started on the device is done."""
    _cupy().cuda.runtime.deviceSynchronize()


def get_device_name(device: Any = None) -> str:
    """Return the name of a device."""
    name = _cupy().cuda.runtime.getDeviceProperties(_number_of(device))["name"]
    return name.decode() if isinstance(name, bytes) else str(name)


def empty_cache() -> None:
    """Give memory that is not in use back to the device; without CUDA there is none."""
    cupy = cuda_namespace()
    if cupy is not None:
        cupy.get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Return how many bytes tensors occupy."""
    cupy = cuda_namespace()
    return 0 if cupy is None else int(cupy.get_default_memory_pool().used_bytes())


def _cupy() -> Any:
    cupy = cuda_namespace()
    if cupy is None:
        raise AssertionError("Torch not compiled with CUDA enabled")
    return cupy


def _number_of(device: Any) -> int:
    if device is None:
        return current_device()
    if isinstance(device, int):
        return device
    index = getattr(device, "index", None)
    return current_device() if index is None else int(index)
