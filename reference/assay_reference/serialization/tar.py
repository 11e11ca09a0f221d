"""The first format of torch.save: a tar archive of storages, of tensors over them, and of a pickle that names these.

A tensor says neither its type nor whether it requires gradients; the pickle calls it by the number it had in memory.
"""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
from collections.abc import Callable
from typing import Any

import numpy as np

from assay_reference.core.memory import UntypedStorage
from assay_reference.serialization.errors import Damaged, naming_record, shown
from assay_reference.serialization.legacy import as_text, fill_plain, read_count
from assay_reference.serialization.pickles import Source
from assay_reference.serialization.rebuilding import _rebuild_tensor
from assay_reference.serialization.storages import Room, Storages, StorageType, part
from assay_reference.storage import TypedStorage


def read_tar(file: Any, room: Room, unpickle: Callable[..., Any], map_location: Any) -> Any:
    """Read the three records of the archive, each of which needs the one before."""
    reader = _Reader(file, room, unpickle, map_location)
    with naming_record("storages"):
        reader.read_storages()
    with naming_record("tensors"):
        reader.read_tensors()
    with naming_record("pickle"):
        return unpickle(reader.record("pickle"), reader.named)


class _Reader:
    """What has been read of an archive, by the number that it had in memory."""

    def __init__(self, file: Any, room: Room, unpickle: Callable[..., Any], map_location: Any) -> None:
        self.room, self.unpickle = room, unpickle
        self.storages = Storages(lambda *_: np.empty(0), room, map_location)
        self.things: dict[int, Any] = {}
        try:
            self.tar = tarfile.TarFile(fileobj=file)
        except tarfile.TarError as error:
            raise Damaged(f"It cannot be read as a tar archive: {shown(error)}.") from error

    def record(self, name: str) -> Source:
        """Read a record into memory."""
        try:
            found = self.tar.getmember(name)
            self.room.take(found.size, f"the record {name!r}")
            opened = self.tar.extractfile(found)
            content = opened.read() if opened else b""
        except (KeyError, tarfile.TarError, OSError, RecursionError) as error:
            raise Damaged(
                f"It cannot be read as a tar archive, because of the record {name!r}: {shown(error)}."
            ) from error
        return Source(io.BytesIO(content), len(content))

    def read_storages(self) -> None:
        """Read the storages, and then which of them are parts of others."""
        source = self.record("storages")
        for _ in range(self._plain(source)):
            key, location, kind = self._plain(source)
            if not isinstance(kind, StorageType):
                raise pickle.UnpicklingError("A storage has no type in the record 'storages'.")
            count = read_count(source)
            size = count * kind.dtype.itemsize
            if not 0 <= size <= source.left:
                raise Damaged(f"Storage {key} is said to have {size} bytes, and {source.left} are left.")
            self.room.take(size, f"storage {key}")
            memory = np.empty(size, np.uint8)
            fill_plain(memory, source, kind.dtype, f"storage {key}")
            placed = self.storages.placed(UntypedStorage._over(memory), as_text(location))
            self.things[key] = TypedStorage._of(placed, kind.dtype)
        for key, root, offset, count in self._plain(source):
            whole = self.kept(root)
            self.things[key] = TypedStorage._of(part(whole.untyped(), whole.dtype, offset, count), whole.dtype)

    def read_tensors(self) -> None:
        """Read where the tensors lie in their storages."""
        source = self.record("tensors")
        for _ in range(self._plain(source)):
            key, storage, _ = self._plain(source)
            (dimensions,) = struct.unpack("<i4x", source.read(8))
            if dimensions * 16 > source.left or dimensions < 0:
                raise Damaged(f"Tensor {key} is said to have {dimensions} dimensions.")
            *geometry, offset = struct.unpack(f"<{2 * dimensions + 1}q", source.read(16 * dimensions + 8))
            size, stride = geometry[:dimensions], geometry[dimensions:]
            self.things[key] = _rebuild_tensor(self.kept(storage), offset, size, stride)

    def _plain(self, source: Source) -> Any:
        """Read a pickle of numbers and names."""
        return self.unpickle(source, self.kept)

    def named(self, identity: Any) -> Any:
        """Return what the pickle names: what has been read, or the class of a module (its source stands beside it)."""
        return identity[0] if isinstance(identity, list) else self.kept(int(identity))

    def kept(self, key: Any) -> Any:
        """Return what has been read under a number."""
        if key not in self.things:
            raise Damaged(f"Nothing of number {key} has been read before it is needed.")
        return self.things[key]
