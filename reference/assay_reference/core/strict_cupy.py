"""A strict stand-in for CuPy, for machines without a GPU.

Its arrays are NumPy's inside, and refuse what CuPy's refuse: to become NumPy's without being asked (`.get()`), and to
meet NumPy's arrays in an operation, or those of another device. There are two devices, of which one is current in each
thread; what is computed, is computed there. Code that runs on it makes no hidden trip to the CPU.
"""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

IMPLICIT = (
    "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
)
# Functions of NumPy that CuPy does not have.
ABSENT = frozenset({"frompyfunc", "nditer", "errstate", "ma", "char", "rec", "matrix", "memmap", "vectorize"})

bool_, int8, int16, int32, int64 = np.bool_, np.int8, np.int16, np.int32, np.int64
uint8, float16, float32, float64 = np.uint8, np.float16, np.float32, np.float64
complex64, complex128, newaxis = np.complex64, np.complex128, None


DEVICES = 2


class _Current(threading.local):
    """The number of the device on which a thread computes, and the stream of each, where it is not the first."""

    def __init__(self) -> None:
        self.device = 0
        self.streams: dict[int, Stream] = {}


_current = _Current()


class CUDARuntimeError(RuntimeError):
    """What CUDA refuses."""


class Device:
    """A device, which is current inside a `with`."""

    def __init__(self, device: int | None = None) -> None:
        self.id = _current.device if device is None else device
        self._before: list[int] = []

    def __enter__(self) -> Device:
        self._before.append(_current.device)
        cuda.runtime.setDevice(self.id)
        return self

    def __exit__(self, *error: object) -> None:
        cuda.runtime.setDevice(self._before.pop())


class _Memory:
    """Where an array's memory starts."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.ptr = array.__array_interface__["data"][0]


class ndarray:
    """An array that behaves as if it were on a GPU."""

    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, host: Any, device: int | None = None) -> None:
        object.__setattr__(self, "_host", np.asarray(host))
        object.__setattr__(self, "_number", _current.device if device is None else device)
        _pool.hold(self._host, self._number)

    @property
    def device(self) -> Device:
        return Device(self._number)

    def get(self) -> np.ndarray[Any, Any]:
        """Bring the array to the CPU."""
        host: np.ndarray[Any, Any] = self._host.copy()
        return host

    @property
    def data(self) -> _Memory:
        return _Memory(self._host)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(IMPLICIT)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _on_device(getattr(ufunc, method), *inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function.__name__ in ABSENT:
            return NotImplemented
        return _on_device(function, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__array"):  # the protocols by which NumPy would take the memory
            raise AttributeError(name)
        value = getattr(self._host, name)
        if callable(value):
            return lambda *args, **kwargs: _on_device(value, *args, owner=self, **kwargs)
        return _to_device(value, self)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._host, name, value)

    def __getitem__(self, index: Any) -> Any:
        return _to_device(self._host[_index_to_host(index)], _elsewhere((self, index)), even_numbers=True)

    def __setitem__(self, index: Any, value: Any) -> None:
        _refuse(_elsewhere((self, index, value)))
        self._host[_index_to_host(index)] = _to_host(value)

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Any:
        return (self[index] for index in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._host)

    def __int__(self) -> int:
        return int(self._host)

    def __float__(self) -> float:
        return float(self._host)

    def __complex__(self) -> complex:
        return complex(self._host)

    def __repr__(self) -> str:
        return repr(self._host)


def _to_host(value: Any) -> Any:
    """Return what is inside the stand-in's arrays; refuse NumPy's, which are not on the device."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, (tuple, list)):
        return type(value)(map(_to_host, value)) if type(value) in (tuple, list) else value
    return value


def _index_to_host(index: Any) -> Any:
    if isinstance(index, (list, np.ndarray)) and np.asarray(index).ndim:
        raise IndexError("arrays used as indices must be on the device")
    return _to_host(index)


def _arrays(values: Any) -> Iterator[ndarray]:
    """Yield the arrays in nested sequences."""
    for each in values:
        if isinstance(each, ndarray):
            yield each
        elif isinstance(each, (tuple, list)):
            yield from _arrays(each)


def _elsewhere(values: Any) -> ndarray | None:
    """Return the first array that is on another device than the current one."""
    return next((each for each in _arrays(values) if each._number != _current.device), None)


def _refuse(array: ndarray | None) -> None:
    """Refuse to compute with an array of another device."""
    if array is not None:
        raise ValueError(
            f"The device where the array resides ({array._number}) is different from the current device "
            f"({_current.device})."
        )


def _to_device(value: Any, elsewhere: ndarray | None = None, *, even_numbers: bool = False) -> Any:
    """Put what NumPy returned on the current device; of an array elsewhere, only a view is no computation."""
    if isinstance(value, np.ndarray) or (isinstance(value, np.generic) and even_numbers):
        if elsewhere is None:
            return ndarray(value)
        if not isinstance(value, np.ndarray) or (value.size and not np.may_share_memory(value, elsewhere._host)):
            _refuse(elsewhere)
        return ndarray(value, elsewhere._number)
    if type(value) in (tuple, list):
        return type(value)(_to_device(each, elsewhere, even_numbers=even_numbers) for each in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_to_device(each, elsewhere, even_numbers=even_numbers) for each in value))
    if value is None:
        _refuse(elsewhere)  # it wrote
    return value


def _on_device(function: Callable[..., Any], *args: Any, owner: ndarray | None = None, **kwargs: Any) -> Any:
    """Call a function of NumPy's on what is inside; CuPy gives 0-d arrays where NumPy gives numbers."""
    elsewhere = _elsewhere((owner, *args, *kwargs.values()))
    result = function(*map(_to_host, args), **{name: _to_host(value) for name, value in kwargs.items()})
    return _to_device(result, elsewhere, even_numbers=function.__name__ not in ("item", "tolist"))


def _operator(name: str) -> Callable[..., Any]:
    def operator(self: ndarray, *others: Any) -> Any:
        if any(isinstance(each, np.ndarray) for each in others):
            raise TypeError(f"Unsupported type {np.ndarray}")
        _refuse(_elsewhere((self, *others)))
        result = getattr(self._host, name)(*map(_to_host, others))
        if result is NotImplemented or result is self._host:
            return self if result is self._host else result
        return _to_device(result, even_numbers=True)

    return operator


for _name in [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
]:
    for _form in (f"__{_name}__", f"__r{_name}__", f"__i{_name}__"):
        setattr(ndarray, _form, _operator(_form))
for _name in ["eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"]:
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))


def asnumpy(array: Any) -> Any:
    """Bring an array to the CPU."""
    return array.get()


def asarray(value: Any, dtype: Any = None) -> Any:
    """Bring an array to the current device; nothing else takes NumPy's arrays, or those of another device."""
    stays = isinstance(value, ndarray) and value._number == _current.device
    host = value._host if stays else np.array(value._host if isinstance(value, ndarray) else value)
    return ndarray(host if dtype is None else host.astype(dtype))


array = asarray


def __getattr__(name: str) -> Any:
    if name in ABSENT or name.startswith("_"):
        raise AttributeError(f"module 'cupy' has no attribute '{name}'")
    function = getattr(np, name)
    if isinstance(function, type) or not callable(function):
        return function
    return lambda *args, **kwargs: _on_device(function, *args, **kwargs)


class lib:
    """The part of cupy.lib that the reference uses."""

    class stride_tricks:
        """Views with other strides."""

        @staticmethod
        def as_strided(x: ndarray, shape: Any, strides: Any) -> Any:
            return ndarray(np.lib.stride_tricks.as_strided(x._host, shape, strides), x._number)


class Stream:
    """A queue of work on a device, all of which is done at once."""

    null: Stream
    _numbers = itertools.count(1)

    def __init__(self, *, null: bool = False, non_blocking: bool = False, priority: int | None = None) -> None:
        self.ptr = 0 if null else 16 * next(Stream._numbers)
        self.device_id = -1 if null else _current.device
        self.priority = priority or 0
        self.done = True

    def use(self) -> Stream:
        """Make it the current stream of the current device."""
        if self.device_id not in (-1, _current.device):
            raise CUDARuntimeError("the stream is of another device")
        _current.streams[_current.device] = self
        return self

    def synchronize(self) -> None:
        pass

    def wait_event(self, event: Event) -> None:
        pass


Stream.null = Stream(null=True)


class Event:
    """A point in a stream."""

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        self.ptr = 16 * next(Stream._numbers)
        self.done = True
        self.disable_timing = disable_timing
        self.recorded = 0

    def record(self, stream: Stream | None = None) -> None:
        self.recorded = time.perf_counter_ns()

    def synchronize(self) -> None:
        pass


def _current_stream(device_id: int | None = None) -> Stream:
    """Return the stream on which a device is given work."""
    return _current.streams.get(_current.device if device_id is None else device_id, Stream.null)


def _elapsed_time(start: Event, end: Event) -> float:
    """Return how many milliseconds lie between two events."""
    if start.disable_timing or end.disable_timing:
        raise CUDARuntimeError("cudaErrorInvalidResourceHandle: invalid resource handle")
    return (end.recorded - start.recorded) / 1e6


class cuda:
    """The parts of cupy.cuda that the reference uses."""

    Device, Stream, Event = Device, Stream, Event

    get_current_stream, get_elapsed_time = staticmethod(_current_stream), staticmethod(_elapsed_time)

    class device:
        """Devices, and handles of libraries on them."""

        @staticmethod
        def get_cublas_handle() -> int:
            return 4096 * (1 + _current.device)

    class runtime:
        """Two devices, which do their work at once."""

        CUDARuntimeError = CUDARuntimeError

        @staticmethod
        def getDeviceCount() -> int:
            return DEVICES

        @staticmethod
        def getDevice() -> int:
            return _current.device

        @staticmethod
        def setDevice(device: int) -> None:
            if not 0 <= device < DEVICES:
                raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
            _current.device = device

        @staticmethod
        def deviceSynchronize() -> None:
            pass

        @staticmethod
        def deviceCanAccessPeer(device: int, peer: int) -> bool:
            return device != peer

        @staticmethod
        def getDeviceProperties(device: int) -> dict[str, Any]:
            return {"name": b"strict stand-in", "major": 0, "minor": 0}


class _Pool:
    """The memory that arrays occupy on each device, in blocks of 512 bytes; what is let go of is free at once."""

    def __init__(self) -> None:
        self._used = dict.fromkeys(range(DEVICES), 0)
        self._held: set[int] = set()

    def hold(self, array: Any, device: int) -> None:
        """Count the memory under an array, once, until nothing holds it."""
        while getattr(array, "base", None) is not None:
            array = array.base
        if id(array) not in self._held and isinstance(array, np.ndarray):
            size = -(-array.nbytes // 512) * 512
            self._held.add(id(array))
            self._used[device] += size
            weakref.finalize(array, self._let_go, id(array), device, size)

    def _let_go(self, array: int, device: int, size: int) -> None:
        self._held.discard(array)
        self._used[device] -= size

    def free_all_blocks(self) -> None:
        pass

    def used_bytes(self) -> int:
        return self._used[_current.device]


_pool = _Pool()


def get_default_memory_pool() -> _Pool:
    """Return the pool of memory, of which each device has its part."""
    return _pool
