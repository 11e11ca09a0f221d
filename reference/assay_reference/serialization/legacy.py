"""The format of torch.save before PyTorch 1.6: pickles, one after the other, and then the bytes of each storage."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dtypes import dtype
from assay_reference.core.memory import UntypedStorage
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
        self.room.take(size)
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
        if type(keys) is not list or not all(type(each) is str for each in keys) or sorted(keys) != sorted(self.kinds):
            raise Damaged("The storages in it are not those that its pickle names.")
        for key in keys:
            self._fill(storages.loaded[key], self.kinds[key])

    def _fill(self, storage: UntypedStorage, kind: dtype) -> None:
        (count,) = struct.unpack("<q", self.source.read(8))
        size = count * kind.itemsize
        if size != storage.nbytes():
            raise Damaged(f"storage has wrong byte size: expected {storage.nbytes()} got {size}.")
        fill(storage.memory, self.source.read)
        if sys.byteorder == "big":
            swap(storage.memory, kind)
