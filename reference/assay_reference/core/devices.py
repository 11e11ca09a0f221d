"""Devices: where a tensor's memory is, and which array module computes there."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import cuda_namespace
from assay_reference.core.layouts import Packed

TYPES: Final = (
    "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, hpu, "
    "mtia, privateuseone"
)


class device:
    """A device that holds tensors: the CPU, or a CUDA device with its number; others can only be named."""

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __init__(self, type: str | int | device, index: int | None = None) -> None:
        if isinstance(type, device):
            self.type, self.index = type.type, type.index
            return
        if isinstance(type, int) and cuda_namespace() is None:
            raise RuntimeError("Cannot access accelerator device when none is available.")
        name, _, number = f"cuda:{type}".partition(":") if isinstance(type, int) else type.partition(":")
        if name not in TYPES.split(", "):
            raise RuntimeError(f"Expected one of {TYPES} device type at start of device string: {name}")
        if (":" in str(type) or number) and not (number.isdecimal() and str(int(number)) == number):
            raise RuntimeError(f"Invalid device string: '{type}'")
        if number and index is not None:
            raise RuntimeError(f"type (string) must not include an index because index was passed explicitly: {type}")
        if index is not None and index < 0:
            raise RuntimeError("Device index must not be negative")
        self.type = name
        self.index = int(number) if number else index

    @property
    def xp(self) -> Any:
        """The module of arrays on this device: NumPy, or CuPy."""
        return np if self.type == "cpu" else cuda_namespace()

    def current(self) -> AbstractContextManager[Any]:
        """Compute on this device, if it is not the CPU: CuPy computes on the current one, wherever the arrays are."""
        if self.type == "cpu":
            return HERE
        return cuda_namespace().cuda.Device(self.index)  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (")" if self.index is None else f", index={self.index})")

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type,) if self.index is None else (self.type, self.index)


HERE: Final = nullcontext()
CPU: Final = device("cpu")


class _Default:
    """The device of tensors for which nothing else decides."""

    device = CPU


def set_default_device(device: device | str | int | None) -> None:
    """Choose the device of tensors for which nothing else decides; None is the CPU."""
    _Default.device = CPU if device is None else resolve(device)


def get_default_device() -> device:
    """Return the device of tensors for which nothing else decides."""
    return _Default.device


def resolve(wanted: device | str | int | None) -> device:
    """Return the device that an argument means, and refuse one that is not available."""
    if wanted is None:
        return _Default.device
    if wanted is CPU:
        return CPU
    wanted = device(wanted)
    if wanted.type == "cpu":
        return CPU
    if wanted.type != "cuda":
        raise RuntimeError(f"PyTorch is not linked with support for {wanted.type} devices")
    cupy = cuda_namespace()
    if cupy is None:
        raise AssertionError("Torch not compiled with CUDA enabled")
    if wanted.index is None:
        return device("cuda", cupy.cuda.runtime.getDevice())
    if wanted.index >= cupy.cuda.runtime.getDeviceCount():
        raise RuntimeError("CUDA error: invalid device ordinal")
    return wanted


def of_array(array: Any) -> device:
    """Return the device on which an array lives."""
    if isinstance(array, (np.ndarray, np.generic)):
        return CPU
    return of_array(array.values) if isinstance(array, Packed) else device("cuda", array.device.id)
