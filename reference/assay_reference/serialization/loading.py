"""torch.load: PyTorch's formats, new and old, read so that a file can neither run code nor take up memory at will.

What a file may take up: 8 bytes for each of its own with what its records unpack to, and 100 for each byte of its
pickle, which is no longer than the file, with the objects that the pickle stands for. More is refused before memory
is allocated.

`weights_only=False` promises less: archive and storages are read with the same care, but the pickle is read by Python,
which runs whatever the file says.
"""

from __future__ import annotations

import io
import os
import pickle
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from assay_reference.serialization.archive import BEGINNING, Archive
from assay_reference.serialization.errors import UNSAFE, naming, naming_record
from assay_reference.serialization.legacy import Legacy, as_text
from assay_reference.serialization.names import found, is_pytorchs, translated
from assay_reference.serialization.pickles import Source, Unpickler
from assay_reference.serialization.rebuilding import _KNOWN, _VALUES
from assay_reference.serialization.storages import Room, Storages
from assay_reference.serialization.tar import read_tar

TAR: Final = slice(257, 262)  # where a tar archive says that it is one
NOT_SEEKABLE: Final = (
    "You can only torch.load from a file that is seekable. Please pre-load the data into a buffer like io.BytesIO and "
    "try to load from it instead."
)
Loader = Callable[[Source, Callable[[Any], Any]], Any]
PureUnpickler: Any = pickle._Unpickler


class Opcodes(dict[int, Any]):
    """What Python does for each opcode."""

    def __missing__(self, code: int) -> Any:
        raise pickle.UnpicklingError(f"invalid load key, {bytes([code])!r}.")


class Careful(PureUnpickler):  # type: ignore[misc]
    """Python's own unpickler in Python: the fast one allocates memory for whatever number a damaged file counts to."""

    dispatch = Opcodes(PureUnpickler.dispatch)


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what `save`, or PyTorch's, wrote; refuse anything but tensors and plain containers unless it is trusted."""
    if weights_only is None:
        weights_only = pickle_module is None
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if weights_only and pickle_load_args:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", UserWarning, stacklevel=2)
    unpickle = (
        _unpickle
        if weights_only
        else _trusting(pickle_module.Unpickler if pickle_module else Careful, pickle_load_args)
    )
    if mmap and not isinstance(f, str | os.PathLike):
        raise ValueError("f must be a file path in order to use the mmap argument")
    with naming(name_of(f), weights_only), opened(f) as file:
        return _read(file, unpickle, map_location, weights_only, f if mmap else None)


# -- the file ---------------------------------------------------------------------------------------------------------


def name_of(f: Any) -> str:
    """Return what messages call a file."""
    return os.fsdecode(f) if isinstance(f, (str, os.PathLike)) else str(getattr(f, "name", f"<{type(f).__name__}>"))


@contextmanager
def opened(f: Any) -> Iterator[Any]:
    """Open a path, or check a file that is open."""
    if not isinstance(f, (str, os.PathLike)):
        yield _seekable(f)
    elif stat.S_ISFIFO(os.stat(f).st_mode):  # to open it would be to wait for someone who writes
        raise io.UnsupportedOperation(f"it is a pipe. {NOT_SEEKABLE}")
    else:
        with open(f, "rb") as file:
            yield _seekable(file)


def _seekable(file: Any) -> Any:
    try:
        file.seek(file.tell())
    except (AttributeError, io.UnsupportedOperation) as error:
        raise type(error)(f"{error}. {NOT_SEEKABLE}") from None
    return file


def size_of(file: Any) -> int:
    """Return how many bytes there are from here to a file's end."""
    start = file.tell()
    file.seek(0, io.SEEK_END)
    size: int = file.tell() - start
    file.seek(start)
    return size


def _read(file: Any, unpickle: Loader, map_location: Any, weights_only: bool, mapped: Any) -> Any:
    """Find out the format, which lasts from here to the file's end, and read it."""
    start, size = file.tell(), size_of(file)
    head = file.read(min(size, TAR.stop))
    file.seek(start)
    if isinstance(head, str):
        raise TypeError("It is open as text: open it with mode 'rb'.")
    if not head:
        raise EOFError("It is empty.")
    if head.startswith(BEGINNING):
        return _read_archive(file, Room(size), unpickle, map_location, weights_only, mapped)
    if mapped is not None:
        raise RuntimeError(
            f"mmap can only be used with files saved with `torch.save({os.fsdecode(mapped)}, "
            "_use_new_zipfile_serialization=True), please torch.save your checkpoint with this option in order to use "
            "mmap."
        )
    if head[TAR] == b"ustar" and weights_only:
        raise RuntimeError(f"Cannot use ``weights_only=True`` with files saved in the legacy .tar format. {UNSAFE}")
    if head[TAR] == b"ustar":
        return read_tar(file, Room(size), unpickle, map_location)
    if not head.startswith((pickle.PROTO, pickle.LONG)):  # of protocol 2, or of those before it
        raise pickle.UnpicklingError(f"It begins with {head[:4]!r}, and is neither a zip archive nor a pickle.")
    return _read_legacy(Source(file, size), Room(size), unpickle, map_location)


def _read_archive(file: Any, room: Room, unpickle: Loader, map_location: Any, weights_only: bool, mapped: Any) -> Any:
    archive = Archive(file, room, mapped)
    if "constants.pkl" in archive.records and weights_only:
        raise RuntimeError(
            f"Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``. {UNSAFE}"
        )
    if "constants.pkl" in archive.records:
        raise RuntimeError("It is a program in TorchScript, which the reference does not read: save a state_dict.")
    storages = Storages(archive.storage, room, map_location)
    with storages.in_use(), naming_record("data.pkl"):
        made = unpickle(archive.pickle(), storages.load)
        storages.finish()
    return made


def _read_legacy(source: Source, room: Room, unpickle: Loader, map_location: Any) -> Any:
    legacy = Legacy(source, room)
    storages = Storages(legacy.storage, room, map_location)
    with storages.in_use():
        legacy.read_beginning(lambda: unpickle(source, storages.load))
        made = unpickle(source, storages.load)
        legacy.fill(storages, unpickle(source, storages.load))
        storages.finish()
    return made


# -- the pickle -------------------------------------------------------------------------------------------------------


def _unpickle(source: Source, persistent_load: Callable[[Any], Any]) -> Any:
    return Unpickler(source, _KNOWN, _VALUES, persistent_load).load()


def _trusting(unpickler: Any, options: dict[str, Any]) -> Loader:
    """Return a function that reads a pickle with Python's own means, and PyTorch's names as the reference's."""

    class Trusting(unpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            if not is_pytorchs(module):
                return super().find_class(module, name)
            known = {**_VALUES, **_KNOWN}.get((module, name))
            return known or found(module, name) or super().find_class(translated(module), name)

    def unpickle(source: Source, persistent_load: Callable[[Any], Any]) -> Any:
        reader = Trusting(source, **{"encoding": "utf-8", **options})
        reader.persistent_load = partial(_persistent, persistent_load)
        return reader.load()

    return unpickle


def _persistent(load: Callable[[Any], Any], identity: Any) -> Any:
    """Return what lies outside the pickle, or the class of a module; Python 2 wrote the text in it as bytes."""
    if not isinstance(identity, tuple):
        return load(as_text(identity))
    parts = [as_text(each) for each in identity]
    return parts[1] if parts[0] == "module" else load(parts)
