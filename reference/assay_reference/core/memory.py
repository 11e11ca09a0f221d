"""torch.UntypedStorage: the memory that a tensor and its views share, and the count of the writes to it."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from assay_reference.core import devices, shared_memory
from assay_reference.core.arrays import Array, address, placed, strided, to_host
from assay_reference.core.dtypes import dtype, uint8


class Storage:
    """A row of elements in memory: bytes (UntypedStorage), or numbers of one type (TypedStorage)."""

    __slots__ = ()
    is_sparse = False
    filename = None
    _kind: dtype  # of an element

    def untyped(self) -> UntypedStorage:
        """Return the memory itself."""
        raise NotImplementedError

    def _row(self) -> Array:
        return self.untyped().row(self._kind)

    @property
    def device(self) -> devices.device:
        return devices.of_array(self.untyped().array)

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    def get_device(self) -> int | None:
        """Return the number of the CUDA device, or None on the CPU."""
        return self.device.index

    def data_ptr(self) -> int:
        """Return the address of the first element."""
        return address(self.untyped().array)

    def nbytes(self) -> int:
        """Return the size in bytes."""
        return reach(self.untyped().array)

    def element_size(self) -> int:
        """Return the size of an element in bytes."""
        return self._kind.itemsize

    def __len__(self) -> int:
        return self.nbytes() // self._kind.itemsize

    size = __len__

    def resizable(self) -> bool:
        """Return whether the memory may grow and shrink: not if it is NumPy's too, or a part of other memory."""
        return not self.untyped().fixed

    def is_shared(self) -> bool:
        """Return whether other processes can see the memory: they see that of a GPU as it is."""
        return self.is_cuda or shared_memory.of_array(self.untyped().array) is not None

    def share_memory_(self) -> Self:
        """Move the memory to where other processes can see it, and all tensors that share it with it."""
        self.untyped()._share(None)
        return self

    def is_pinned(self, device: Any = None) -> bool:
        """Return whether the memory is locked for quick copies to a device."""
        return False

    def tolist(self) -> list[Any]:
        """Return the elements as Python numbers."""
        elements: list[Any] = to_host(self._row()).astype(self._kind.compute).tolist()
        return elements

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def copy_(self, source: Storage, non_blocking: bool | None = None) -> Any:
        """Overwrite the memory with another storage's, byte for byte."""
        if not isinstance(source, Storage):
            raise TypeError(f"copy_(): argument 'src' (position 1) must be torch.Storage, not {type(source).__name__}")
        ours, theirs = self.untyped().memory, source.untyped().memory
        if ours.size != theirs.size:
            raise RuntimeError(f"size does not match, self was {ours.size} bytes but src was {theirs.size} bytes")
        with self.device.current():
            ours[...] = self.device.xp.asarray(theirs) if self.is_cuda else to_host(theirs)
        return self

    def _element(self, index: Any) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} out of range for storage of size {len(self)}")
        return self._row()[index].astype(self._kind.compute).item()

    def _shown(self, kind: str) -> str:
        """Write the elements, one on a line, and what kind of storage it is."""
        return "\n".join(f" {each}" for each in self.tolist() or [""]) + f"\n[torch.storage.{kind} of size {len(self)}]"


class UntypedStorage(Storage):
    """The memory behind a tensor and all its views, as bytes."""

    __slots__ = ("array", "fixed", "inference", "version")
    _kind = uint8

    array: Array  # keeps the memory alive, and says where it starts
    version: int
    inference: bool
    fixed: bool  # whether it must stay where it is: NumPy knows the memory too, or it is a part of other

    def __init__(self, size: int | Sequence[int] = 0, *, device: Any = None) -> None:
        target = devices.resolve(device)
        array = np.empty(checked_size(size), np.uint8) if isinstance(size, (int, np.integer)) else _bytes(size)
        with target.current():
            self.array, self.version, self.inference, self.fixed = target.xp.asarray(array), 0, False, False

    @classmethod
    def _over(cls, array: Array, inference: bool = False, fixed: bool = False) -> UntypedStorage:
        """Make a storage of the memory of an array."""
        storage = cls.__new__(cls)
        storage.array = array
        storage.version = 0
        storage.inference = inference
        storage.fixed = fixed
        return storage

    def untyped(self) -> UntypedStorage:
        """Return the storage itself."""
        return self

    @property
    def memory(self) -> Array:
        """All bytes, in a row."""
        if not self.array.size:
            return strided(self.array, (0,), (self.array.itemsize,)).view(np.uint8)
        if self.array.dtype == np.uint8 and self.array.strides == (1,):
            return self.array
        # The array that the storage began with may be strided itself; its memory is what lies under it.
        first = strided(self.array, (1,), (self.array.itemsize,)).view(np.uint8)
        return strided(first, (reach(self.array),), (1,))

    def row(self, kind: dtype) -> Array:
        """Show the memory as a row of numbers of a type."""
        return self.memory[: self.nbytes() // kind.itemsize * kind.itemsize].view(kind.numpy)

    def section(self, kind: dtype, offset: int, size: Sequence[int], steps: Sequence[int]) -> Array:
        """Show a part of the memory, which grows where it is too short; the offset and the steps count elements."""
        end = offset + 1 + sum((length - 1) * step for length, step in zip(size, steps, strict=True))
        if math.prod(size) and end * kind.itemsize > self.nbytes():
            self.resize_(end * kind.itemsize)
        strides = [step * kind.itemsize for step in steps]
        if math.prod(size) and not self.is_cuda:  # NumPy checks it once more, and keeps nothing but the memory
            return np.ndarray(size, kind.numpy, self.memory, offset * kind.itemsize, strides)
        return placed(self.row(kind), offset * kind.itemsize, size, strides)

    def offset_of(self, array: Array) -> int:
        """Return how many elements into this memory an array starts."""
        return (address(array) - address(self.array)) // int(array.itemsize)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return UntypedStorage._over(self.memory[_unstepped(index)], fixed=True)
        if not isinstance(index, int):
            raise TypeError(f"can't index a torch.UntypedStorage with {type(index).__name__}")
        return self._element(index)

    def __setitem__(self, index: int | slice, value: int) -> None:
        if not isinstance(index, (int, slice)):
            raise RuntimeError(f"can't index a torch.UntypedStorage with {type(index).__name__}")
        if not isinstance(value, int):
            raise RuntimeError(f"can only set storage content with a int types, but got {type(value).__name__} instead")
        if isinstance(index, int) and not 0 <= index < len(self):
            raise RuntimeError("out of bounds")
        with self.device.current():
            self.memory[_unstepped(index) if isinstance(index, slice) else index] = value % 256

    def fill_(self, value: int) -> UntypedStorage:
        """Overwrite all bytes."""
        if not isinstance(value, int):
            raise RuntimeError(f"fill_ expects int, but got {type(value).__name__}")
        with self.device.current():
            self.memory[...] = value % 256
        return self

    def resize_(self, size: int) -> UntypedStorage:
        """Change the size; memory that grows moves, and all tensors that share it with it."""
        size, present = checked_size(size), self.memory
        if self.fixed:
            raise RuntimeError("Trying to resize storage that is not resizable")
        if size <= present.size:
            self.array = present[:size]
            return self
        with self.device.current():
            moved = self.device.xp.empty(size, np.uint8)
            moved[: present.size] = present
        self._move(moved, _tensors_over(self))
        return self

    def _move(self, moved: Array, tensors: Sequence[Any]) -> None:
        """Let tensors have their elements at the same places of other memory."""
        begin = address(self.array)
        for tensor in tensors:
            start = address(tensor._array) - begin
            if start + reach(tensor._array) <= moved.size:
                tensor._array = _placed_like(tensor._array, moved, start)
                tensor._storage.array = moved
        self.array = moved

    def _share(self, tensors: Sequence[Any] | None) -> None:
        """Move to shared memory, together with the tensors over this memory, if they are known."""
        if not self.is_shared():
            moved = shared_memory.allocate(self.nbytes())
            moved[...] = self.memory
            self._move(moved, _tensors_over(self) if tensors is None else tensors)

    def clone(self) -> UntypedStorage:
        """Copy the memory."""
        with self.device.current():
            return UntypedStorage._over(self.memory.copy())

    def cpu(self) -> UntypedStorage:
        """Bring the memory to the CPU; what is there already is not copied."""
        return UntypedStorage._over(self.memory.get()) if self.is_cuda else self

    def cuda(self, device: Any = None, non_blocking: bool = False) -> UntypedStorage:
        """Bring the memory to a CUDA device; what is there already is not copied."""
        wanted = devices.resolve("cuda" if device is None else device)
        if self.device == wanted:
            return self
        with wanted.current():
            return UntypedStorage._over(wanted.xp.asarray(self.memory))

    def type(self) -> str:
        """Name the kind of storage."""
        return "torch.storage.UntypedStorage"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self.array is other.array

    def __hash__(self) -> int:
        return id(self.array)

    def __repr__(self) -> str:
        return self._shown(f"UntypedStorage(device={self.device})")


def reach(array: Array) -> int:
    """Count the bytes from an array's first element to the end of its last."""
    if not array.size:
        return 0
    last = sum((length - 1) * step for length, step in zip(array.shape, array.strides, strict=True))
    return int(last + array.itemsize)


def _tensors_over(storage: UntypedStorage) -> list[Any]:
    """Find the tensors that share memory: by Python's own references, since a list of them would cost every op."""
    # The data of a tensor has a storage of its own, whose writes are counted apart.
    storages = [each for each in gc.get_referrers(storage.array) if isinstance(each, UntypedStorage)]
    holders = gc.get_referrers(*storages)
    owners = gc.get_referrers(*(each for each in holders if isinstance(each, dict)))
    owned = {id(each) for each in storages}
    return list({id(each): each for each in holders + owners if id(getattr(each, "_storage", None)) in owned}.values())


def share(tensor: Any) -> None:
    """Move a tensor's memory to where other processes can see it."""
    alone = _references(tensor) == _ALONE
    tensor._storage._share([tensor] if alone else None)


def _references(tensor: Any) -> tuple[int, int]:
    """Count the references to a tensor's storage, and to its array."""
    return sys.getrefcount(tensor._storage), sys.getrefcount(tensor._array)


def _placed_like(array: Array, memory: Array, start: int) -> Array:
    """Show memory, from a byte on, as an array of the same type, shape and strides as another."""
    row = memory[: memory.size // array.itemsize * array.itemsize].view(array.dtype)
    return placed(row, start, array.shape, array.strides)


def checked_size(size: Any) -> int:
    """Refuse what cannot be the size of memory."""
    if not hasattr(size, "__index__"):
        raise RuntimeError(f"resize_ expects an int, but got {type(size).__name__}")
    if size < 0:
        raise RuntimeError(f"alloc_cpu() seems to have been called with negative number: {size % 2**64}")
    return int(size)


def _bytes(values: Any) -> Array:
    """Read bytes from a sequence of integers."""
    kind = type(values).__name__
    if not isinstance(values, Sequence):
        raise RuntimeError(f"torch.UntypedStorage(): Expected a sequence type, but got {kind}")
    for each in values:
        if not isinstance(each, int):
            raise RuntimeError(
                f"torch.UntypedStorage(): tried to construct a storage from a sequence ({kind}), but one of the items "
                f"was of type {type(each).__name__} instead of int"
            )
    return np.array([each % 256 for each in values], np.uint8)


def _unstepped(index: slice) -> slice:
    if index.step not in (None, 1):
        raise RuntimeError(f"Trying to slice with a step of {index.step}, but only a step of 1 is supported")
    return index


class _Alone:
    """What a tensor has that shares its memory with no other, as Python's own count says."""

    def __init__(self) -> None:
        self._array = np.empty(1)
        self._storage = UntypedStorage._over(self._array)


_ALONE = _references(_Alone())
