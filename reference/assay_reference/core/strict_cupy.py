"""A strict stand-in for CuPy, for machines without a GPU.

Its arrays are NumPy's inside, and refuse what CuPy's refuse: to become NumPy's without being asked (`.get()`), and to
meet NumPy's arrays in an operation. Code that runs on it makes no hidden trip to the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
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


class _Device:
    """The only device."""

    id = 0


class _Memory:
    """Where an array's memory starts."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.ptr = array.__array_interface__["data"][0]


class ndarray:
    """An array that behaves as if it were on a GPU."""

    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]
    device = _Device()

    def __init__(self, host: Any) -> None:
        self._host = np.asarray(host)

    def get(self) -> np.ndarray[Any, Any]:
        """Bring the array to the CPU."""
        return self._host.copy()

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
            return lambda *args, **kwargs: _on_device(value, *args, **kwargs)
        return _to_device(value)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self if name == "_host" else self._host, name, value)

    def __getitem__(self, index: Any) -> Any:
        return _to_device(self._host[_index_to_host(index)], even_numbers=True)

    def __setitem__(self, index: Any, value: Any) -> None:
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


def _to_device(value: Any, *, even_numbers: bool = False) -> Any:
    if isinstance(value, np.ndarray) or (isinstance(value, np.generic) and even_numbers):
        return ndarray(value)
    if type(value) in (tuple, list):
        return type(value)(_to_device(each, even_numbers=even_numbers) for each in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_to_device(each, even_numbers=even_numbers) for each in value))
    return value


def _on_device(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function of NumPy's on what is inside; CuPy gives 0-d arrays where NumPy gives numbers."""
    result = function(*map(_to_host, args), **{name: _to_host(value) for name, value in kwargs.items()})
    return _to_device(result, even_numbers=function.__name__ not in ("item", "tolist"))


def _operator(name: str) -> Callable[..., Any]:
    def operator(self: ndarray, *others: Any) -> Any:
        if any(isinstance(each, np.ndarray) for each in others):
            raise TypeError(f"Unsupported type {np.ndarray}")
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
    """Bring an array to the device; nothing else takes NumPy's arrays."""
    host = value._host if isinstance(value, ndarray) else np.array(value)
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
            return _on_device(np.lib.stride_tricks.as_strided, x, shape, strides)


class cuda:
    """The parts of cupy.cuda that the reference uses."""

    class runtime:
        """One device, which does its work at once."""

        @staticmethod
        def getDeviceCount() -> int:
            return 1

        @staticmethod
        def getDevice() -> int:
            return 0

        @staticmethod
        def setDevice(device: int) -> None:
            if device != 0:
                raise RuntimeError("CUDA error: invalid device ordinal")

        @staticmethod
        def deviceSynchronize() -> None:
            pass

        @staticmethod
        def getDeviceProperties(device: int) -> dict[str, Any]:
            return {"name": b"strict stand-in"}


class _Pool:
    def free_all_blocks(self) -> None:
        pass

    def used_bytes(self) -> int:
        return 0


def get_default_memory_pool() -> _Pool:
    """Return the pool of memory, which has nothing to keep."""
    return _Pool()
