"""The format of torch.save before PyTorch 1.6: pickles, one after the other, and then the bytes of each storage."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dtypes import dtype
from assay_reference.serialization.errors import Damaged
from assay_reference.serialization.pickles import Source
from assay_reference.serialization.storages import Room, Storages, fill, swap

MAGIC: Final = 0x1950A86A20F9469CFC6C
PROTOCOL: Final = 1001


class Legacy:
    """A file whose storages come after the pickle that names them."""

    def __init__(self, source: Source, room: Room) -> None:
        self.source, self.room = source, room
        self.kinds: dict[str, dtype] = {}

    def storage(self, key: str, kind: dtype, size: int) -> Array:
        """Make the memory of a storage, which is to be filled."""
        if not 0 <= size <= self.source.left:
            raise Damaged(f"Storage {key} is said to have {size} bytes, and {self.source.left} are left.")
        self.room.take(size, f"storage {key}")
        self.kinds[key] = kind
        return np.zeros(size, np.uint8)

    def read_beginning(self, load: Callable[[], Any]) -> None:
        """Read what stands before the pickle: the number of the format, its version, and the sizes of C's types."""
        for what, right in (("magic number; corrupt file?", MAGIC), ("protocol version.", PROTOCOL)):
            found = load()
            if type(found) is not int or found != right:
                raise Damaged(f"Invalid {what}")
        load()

    def fill(self, storages: Storages, keys: Any) -> None:
        """Read the bytes of the storages, in the order of their keys."""
        names = [as_text(each) for each in keys] if type(keys) is list else []
        if not all(type(each) is str for each in names) or sorted(names) != sorted(self.kinds):
            raise Damaged("The storages in it are not those that its pickle names.")
        for key in names:
            size, there = storages.loaded[key].nbytes(), read_count(self.source) * self.kinds[key].itemsize
            if there != size:
                raise Damaged(f"storage has wrong byte size: expected {size} got {there}, for storage {key}.")
            fill_plain(storages.loaded[key].memory, self.source, self.kinds[key], f"storage {key}")


def as_text(value: Any) -> Any:
    """Return a text that Python 2 wrote as bytes."""
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value


def read_count(source: Source) -> int:
    """Read how many elements follow."""
    (count,) = struct.unpack("<q", source.read(8))
    return int(count)


def fill_plain(memory: Array, source: Source, kind: dtype, what: str) -> None:
    """Fill memory with numbers, of which the least significant byte comes first."""
    fill(memory, source.read, what)
    if sys.byteorder == "big":
        swap(memory, kind)
