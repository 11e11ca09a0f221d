"""CUDA devices: how many there are, and which one is current."""

from __future__ import annotations

from typing import Any

from assay_reference.core import devices
from assay_reference.core.arrays import cuda_namespace

NOT_BUILT = "Torch not compiled with CUDA enabled"


def is_available() -> bool:
    """Return whether tensors can be on a CUDA device."""
    return cuda_namespace() is not None


def device_count() -> int:
    """Return how many CUDA devices there are."""
    cupy = cuda_namespace()
    return 0 if cupy is None else int(cupy.cuda.runtime.getDeviceCount())


def present() -> Any:
    """Return CuPy, or raise that there is no CUDA."""
    cupy = cuda_namespace()
    if cupy is None:
        raise AssertionError(NOT_BUILT)
    return cupy


def need(name: str) -> None:
    """Raise, where there is no CUDA, that PyTorch lacks the function of its own that would do the work."""
    if cuda_namespace() is None:
        raise AttributeError(f"module 'torch._C' has no attribute '{name}'")


def any_index(device: Any, *, optional: bool = False, allow_cpu: bool = False) -> Any:
    """Return the number of a device, -1 for the CPU if that is allowed, and the current one's for None if optional."""
    if isinstance(device, str):
        device = devices.device(device)
    index = None
    if isinstance(device, devices.device):
        if device.type == "cpu" and not allow_cpu:
            raise ValueError(f"Expected a non cpu device, but got: {device}")
        index = -1 if device.type == "cpu" else device.index
    elif isinstance(device, int):
        index = device
    if index is None and not optional:
        raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")
    if index is None and is_available():
        return current_device()
    return index


def cuda_index(wanted: Any, *, optional: bool = False) -> Any:
    """Return the number of a CUDA device."""
    if isinstance(wanted, device):
        return wanted.idx
    if isinstance(wanted, str):
        wanted = devices.device(wanted)
    if isinstance(wanted, devices.device) and wanted.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {wanted}")
    return any_index(wanted, optional=optional)


def exchange(index: int) -> int:
    """Make a device the current one, unless its number is negative; return the number of the one before."""
    if index < 0:
        return -1
    if not is_available():
        raise RuntimeError("PyTorch was compiled without CUDA support")
    before = current_device()
    choose(index)
    return before


def choose(index: int) -> None:
    """Make a device the current one."""
    if index >= device_count():
        raise RuntimeError("CUDA error: invalid device ordinal")
    present().cuda.runtime.setDevice(index)


def current_device() -> int:
    """Return the number of the device on which new tensors are made."""
    return int(present().cuda.runtime.getDevice())


def set_device(device: Any) -> None:
    """Make a device the current one, unless its number is negative."""
    index = cuda_index(device)
    if index >= 0:
        need("_cuda_setDevice")
        choose(index)


class device:
    """A device that is the current one inside a `with`; with a negative number, nothing changes."""

    def __init__(self, device: Any) -> None:
        self.idx = cuda_index(device, optional=True)
        self.prev_idx = -1

    def __enter__(self) -> None:
        self.prev_idx = exchange(self.idx)

    def __exit__(self, *error: object) -> None:
        self.idx = exchange(self.prev_idx)


class device_of(device):
    """The device of a tensor or storage, which is the current one inside a `with`; on the CPU, nothing changes."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def synchronize(device: Any = None) -> None:
    """Wait until everything that was started on a device is done."""
    cupy = present()
    with on(device):
        cupy.cuda.runtime.deviceSynchronize()


on = device  # where a parameter has the name


def properties(device: Any) -> dict[str, Any]:
    """Return what CUDA says of a device."""
    cupy = present()
    index = cuda_index(device, optional=True)
    if not 0 <= index < device_count():
        raise AssertionError("Invalid device id")
    found: dict[str, Any] = cupy.cuda.runtime.getDeviceProperties(index)
    return found


def get_device_name(device: Any = None) -> str:
    """Return the name of a device."""
    name = properties(device)["name"]
    return name.decode() if isinstance(name, bytes) else str(name)


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Return the major and the minor version of what a device can do."""
    found = properties(device)
    return found["major"], found["minor"]


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Return whether a device can read the memory of another."""
    cupy = present()
    first, second = cuda_index(device, optional=True), cuda_index(peer_device)
    for index, what in ((first, "device"), (second, "peer device")):
        if not 0 <= index < device_count():
            raise AssertionError(f"Invalid {what} id")
    return bool(cupy.cuda.runtime.deviceCanAccessPeer(first, second))


def current_blas_handle() -> int:
    """Return the address of the handle with which cuBLAS computes on the current device."""
    return int(present().cuda.device.get_cublas_handle())


def home(index: int) -> devices.device:
    """Return the device of a number, -1 being the CPU."""
    return devices.CPU if index == -1 else devices.resolve(devices.device("cuda", index))
