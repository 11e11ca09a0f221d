"""The zip archives that torch.save writes: a pickle, and a record of bytes for each storage."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dtypes import dtype
from assay_reference.serialization.errors import Damaged, shown
from assay_reference.serialization.options import LoadEndianness, get_default_load_endianness
from assay_reference.serialization.pickles import Source
from assay_reference.serialization.storages import Room, fill, swap

BEGINNING: Final = b"PK\x03\x04"
VERSIONS: Final = range(1, 11)
ENCRYPTED: Final = 1  # a flag of records
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # PyTorch stores, and reads both


class Archive:
    """The records of an archive, which lie in one folder, and each once."""

    def __init__(self, file: Any, room: Room, path: Any = None) -> None:
        self.room = room
        self.mapped: Any = None if path is None else np.asarray(np.memmap(path, np.uint8, "c"))
        with _read_with_care("its directory"):
            self.zip = zipfile.ZipFile(file)
        entries = self.zip.infolist()
        root = entries[0].filename.partition("/")[0] + "/" if entries else ""
        self.records = {each.filename.removeprefix(root): each for each in entries}
        if len(self.records) < len(entries) or not all(each.filename.startswith(root) for each in entries):
            raise Damaged("The records of the archive do not lie in one folder, each once.")
        self._check_version()
        self.order = self._byte_order()

    def _check_version(self) -> None:
        version = self.read("version").rstrip()
        if not (version.isdigit() and len(version) < 3 and int(version) in VERSIONS):
            raise Damaged(
                f"Its format is of version {version[:20]!r}, and only {VERSIONS[0]} to {VERSIONS[-1]} are known."
            )

    def _byte_order(self) -> str:
        if "byteorder" not in self.records:
            return (get_default_load_endianness() or LoadEndianness.LITTLE).order
        order = self.read("byteorder").decode("ascii", "replace")
        if order not in ("little", "big"):
            raise ValueError(f"Unknown endianness type: {order[:20]}")
        return order

    def pickle(self) -> Source:
        """Open the pickle, which may not be longer than the file: for each of its bytes there may be an object."""
        content = self.read("data.pkl")
        if len(content) > self.room.size:
            raise Damaged(f"Its pickle has {len(content)} bytes, and all of the file {self.room.size}.")
        return Source(io.BytesIO(content), len(content))

    def storage(self, key: str, kind: dtype, size: int) -> Array:
        """Read the bytes of a storage, which must be as many as its elements have."""
        name = f"data/{key}"
        there = self._entry(name).file_size
        if there != size:
            raise Damaged(
                f"{name}: record size ({there} bytes) does not match expected size ({size} bytes = "
                f"{size // kind.itemsize} elements * {kind.itemsize} bytes/element) for dtype {kind.title}."
            )
        memory = self._memory(name) if self.mapped is None else self._mapping(name)
        if self.order != sys.byteorder:
            swap(memory, kind)
        return memory

    def read(self, name: str) -> bytes:
        """Read a record."""
        return bytes(self._memory(name).data)

    def _entry(self, name: str) -> zipfile.ZipInfo:
        if name not in self.records:
            raise Damaged(f"It has no record {name!r}.")
        return self.records[name]

    def _memory(self, name: str) -> Array:
        entry = self._entry(name)
        if entry.compress_type not in METHODS:
            raise Damaged(f"The record {name!r} is compressed in a way that PyTorch does not know.")
        if entry.flag_bits & ENCRYPTED:
            raise Damaged(f"The record {name!r} is encrypted.")
        self.room.take(entry.file_size, f"the record {name!r}")
        memory = np.empty(entry.file_size, np.uint8)
        if not entry.CRC:  # PyTorch was told not to compute it
            entry.CRC = None  # type: ignore[assignment]
        with _read_with_care(f"the record {name!r}"), self.zip.open(entry) as record:
            fill(memory, record.read, f"the record {name!r}")
        return memory

    def _mapping(self, name: str) -> Array:
        """Return where a record lies in the file, which the system reads when it is needed."""
        entry = self._entry(name)
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & ENCRYPTED:
            raise Damaged(f"The record {name!r} is compressed or encrypted, and cannot be mapped.")
        with _read_with_care(f"the record {name!r}"):
            self.zip.open(entry).close()  # which checks what stands before it
        lengths = self.mapped[entry.header_offset + 26 : entry.header_offset + 30].tobytes()
        start = entry.header_offset + 30 + sum(struct.unpack("<HH", lengths))
        if start + entry.file_size > self.mapped.size:
            raise Damaged(f"The record {name!r} does not end within the file.")
        return self.mapped[start : start + entry.file_size]


@contextmanager
def _read_with_care(what: str) -> Iterator[None]:
    """Say of what is wrong in an archive that it is damaged."""
    try:
        yield
    except (
        zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError, OverflowError, ValueError
    ) as error:  # fmt: skip
        raise Damaged(f"It cannot be read as a zip archive, because of {what}: {shown(error)}.") from error
