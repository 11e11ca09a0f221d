"""The memory of the tensors in a file, and how much of it a file may ask for."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import numpy as np

from assay_reference.core import devices, dtypes
from assay_reference.core.arrays import Array, namespace
from assay_reference.core.memory import Storage, UntypedStorage
from assay_reference.serialization.errors import Damaged
from assay_reference.storage import TYPED_FORMS, TypedStorage

MOST: Final = 8  # times its own size, that a file may take up in memory with its records
PIECE: Final = 2**20  # bytes that are read at once
NO_CUDA: Final = (
    "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running on "
    "a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your storages to the CPU."
)


@dataclass(frozen=True)
class StorageType:
    """What files call a storage by: the class that storages of an element type once had."""

    dtype: dtypes.dtype


class Room:
    """How many bytes a file may still take up."""

    def __init__(self, size: int) -> None:
        self.size, self.left = size, MOST * size

    def take(self, count: int, what: str) -> None:
        """Take some of the room, before the memory is allocated."""
        self.left -= count
        if self.left < 0:
            raise Damaged(f"With {what} it would take up more than {MOST} times the {self.size} bytes that it has.")


def fill(memory: Array, read: Callable[[int], bytes], what: str) -> None:
    """Fill memory piece by piece, so that there is no second copy of all of it."""
    for start in range(0, memory.size, PIECE):
        wanted = min(PIECE, memory.size - start)
        piece = read(wanted)
        if len(piece) < wanted:
            raise Damaged(f"Of {what}, {memory.size} bytes are to follow, but it ends after {start + len(piece)}.")
        memory[start : start + wanted] = namespace(memory).asarray(np.frombuffer(piece, np.uint8))


def swap(memory: Array, kind: dtypes.dtype) -> None:
    """Reverse the bytes of each number; a complex one is two."""
    size = kind.itemsize // 2 if kind.is_complex else kind.itemsize
    memory.view(f"u{size}").byteswap(inplace=True)


class Storages:
    """The storages of a file: each is made when the pickle first names it, and has its bytes when all has been read."""

    def __init__(self, make: Callable[[str, dtypes.dtype, int], Array], room: Room, map_location: Any) -> None:
        self.make, self.room, self.map_location = make, room, map_location
        self.loaded: dict[str, UntypedStorage] = {}
        self.parts: dict[str, UntypedStorage] = {}
        self.mirrors: dict[tuple[UntypedStorage, dtypes.dtype, bool, bool], UntypedStorage] = {}
        self.later: list[Callable[[], Any]] = []  # what needs the bytes

    def load(self, identity: Any) -> TypedStorage:
        """Return the storage that a pickle names."""
        match identity:
            case (str("storage"), StorageType(dtype=kind), str(key), str(location), int(count), *view):
                whole = self._storage(key, kind, count * kind.itemsize, location)
                return TypedStorage._of(self._part(whole, kind, view) if any(view) else whole, kind)
            case _:
                raise pickle.UnpicklingError("A persistent id does not name a storage, its type, device and size.")

    def _storage(self, key: str, kind: dtypes.dtype, size: int, location: str) -> UntypedStorage:
        if key not in self.loaded:
            self.loaded[key] = self.placed(UntypedStorage._over(self.make(key, kind, size)), location)
        storage = self.loaded[key]
        if storage.nbytes() != size:
            raise Damaged(f"Storage {key} is said to have {size} bytes, but it has {storage.nbytes()}.")
        return storage

    def _part(self, whole: UntypedStorage, kind: dtypes.dtype, view: Any) -> UntypedStorage:
        """Return the part of a storage that another is a view of, as files before PyTorch 0.4 have it."""
        match view:
            case [(str(key), int(offset), int(count))]:
                if key not in self.parts:
                    self.parts[key] = part(whole, kind, offset, count)
                return self.parts[key]
            case _:
                raise pickle.UnpicklingError("A view of a storage is not a key, an offset and a size.")

    def placed(self, storage: UntypedStorage, location: str) -> UntypedStorage:
        """Bring a storage to its device, or to that of map_location."""
        wanted, place = self.map_location, cast(Any, location)
        if isinstance(wanted, dict):
            place = wanted.get(location, location)
        elif isinstance(wanted, (str, bytes, devices.device)):
            place = str(wanted) if isinstance(wanted, devices.device) else wanted
        elif wanted is not None and (placed := wanted(storage, location)) is not None:
            if not isinstance(placed, Storage):
                raise TypeError(f"{TYPED_FORMS}Argument 'wrap_storage' must be UntypedStorage, but got {type(placed)}")
            return placed.untyped()
        device = _available(place)
        return storage if device.type == "cpu" else storage.cuda(device)

    def mirrored(self, storage: TypedStorage, *, conj: bool, neg: bool) -> TypedStorage:
        """Return the conjugates of a storage's elements, or their negatives, or both: what PyTorch puts off."""
        kind, memory = storage.dtype, storage.untyped()
        if (memory, kind, conj, neg) not in self.mirrors:
            self.room.take(memory.nbytes(), "what it puts off")
            self.mirrors[memory, kind, conj, neg] = memory.clone()
            self.later.append(partial(_mirror, self.mirrors[memory, kind, conj, neg].row(kind), storage, conj, neg))
        return TypedStorage._of(self.mirrors[memory, kind, conj, neg], kind)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let the functions that rebuild tensors find the storages."""
        token = current.set(self)
        try:
            yield
        finally:
            current.reset(token)

    def finish(self) -> None:
        """Do what had to wait until all storages have their bytes."""
        for each in self.later:
            try:
                each()
            except RuntimeError as error:
                raise Damaged(f"{error}.") from error.__cause__


def part(whole: UntypedStorage, kind: dtypes.dtype, offset: int, count: int) -> UntypedStorage:
    """Return a part of a storage, which shares its memory."""
    start, end = offset * kind.itemsize, (offset + count) * kind.itemsize
    if not 0 <= start <= end <= whole.nbytes():
        raise Damaged(f"Elements {offset} to {offset + count} of a storage of {len(whole)} bytes are not there.")
    return whole[start:end]  # type: ignore[no-any-return]


current: Final[ContextVar[Storages]] = ContextVar("current")  # of the file that is read


def _mirror(row: Array, source: TypedStorage, conj: bool, neg: bool) -> None:
    row[...] = source._row()
    for function in [np.conj] * conj + [np.negative] * neg:
        function(row, out=row)


def _available(location: Any) -> devices.device:
    """Return a device that is here."""
    if not isinstance(location, str):
        raise TypeError(f"expected string or bytes-like object, got '{type(location).__name__}'")
    try:
        device = devices.resolve(location)
        if device.type == "cpu" and location != "cpu":
            raise RuntimeError("the CPU has no number")
    except AssertionError:
        raise RuntimeError(NO_CUDA) from None
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise RuntimeError(
            "don't know how to restore data location of torch.storage.UntypedStorage (tagged with "
            f"{location}): {error}. Use torch.load with map_location='cpu'."
        ) from error
    return device
