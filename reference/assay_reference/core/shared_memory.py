"""Memory that processes share: a file without a name, which is handed over open, or one that is opened by its name."""

from __future__ import annotations

import mmap
import os
import secrets
import sys
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import reduction, resource_tracker, util
from pathlib import Path
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array, address

STRATEGIES: Final = ("file_descriptor", "file_system")
# Where the system keeps shared memory: Python's resource tracker removes there what killed processes leave behind.
_SYSTEM: Final = Path("/dev/shm")
# A mapping would keep another descriptor of the file open.
_OPTIONS: Final[dict[str, Any]] = {"trackfd": False} if sys.version_info >= (3, 13) else {}


class Strategy:
    """How memory is shared from now on."""

    current = STRATEGIES[0]

    @classmethod
    def choose(cls, name: str) -> None:
        """Choose another way; all processes that follow have one tracker of names in common."""
        cls.current = name
        if name == "file_system":
            resource_tracker.ensure_running()


class SharedMemory(mmap.mmap):
    """A file in memory, which is kept open so that it can be handed on."""

    descriptor: int
    address: int

    @classmethod
    def over(cls, descriptor: int, length: int) -> Any:
        """Map an open file."""
        memory = cls(descriptor, length, **_OPTIONS)
        memory.descriptor = descriptor
        return memory

    def handle(self) -> Any:
        """Return what stands for the memory in a message."""
        raise NotImplementedError


class UnnamedMemory(SharedMemory):
    """A file without a name, which is gone with the last process that has it open."""

    @classmethod
    def of(cls, descriptor: int) -> UnnamedMemory:
        """Map an open file, and close it with the memory."""
        memory: UnnamedMemory = cls.over(descriptor, os.fstat(descriptor).st_size)
        weakref.finalize(memory, os.close, descriptor).atexit = False
        return memory

    @classmethod
    def create(cls, length: int) -> UnnamedMemory:
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("assay")
        else:
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        os.truncate(descriptor, length)
        return cls.of(descriptor)

    def handle(self) -> _OpenFile:
        return _OpenFile(self.descriptor)


class NamedMemory(SharedMemory):
    """A file with a name, which is gone with the last process that uses it and the last message that names it.

    Who came and who went stands in the file itself, behind the memory, as + and -: any number of processes can write to
    the end of a file at once, without a lock that one of them may die with.
    """

    path: Path

    @classmethod
    def of(cls, path: Path, length: int, flags: int = 0) -> NamedMemory:
        """Map a file of a name, in which this process is counted already."""
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o600)
        if flags:
            os.truncate(descriptor, length)
            os.write(descriptor, b"+")
        memory: NamedMemory = cls.over(descriptor, length)
        memory.path = path
        # Not before the queues have sent what they have, which is at -5.
        util.Finalize(memory, _leave, (descriptor, length, path), exitpriority=-10)
        return memory

    @classmethod
    def create(cls, length: int) -> NamedMemory:
        folder = _SYSTEM if _SYSTEM.is_dir() else Path(tempfile.gettempdir())
        path = folder / f"assay_{os.getpid()}_{secrets.token_hex(8)}"
        memory = cls.of(path, length, os.O_CREAT | os.O_EXCL)
        _track(path, resource_tracker.register)
        return memory

    def handle(self) -> _Name:
        os.write(self.descriptor, b"+")
        return _Name(self.path, len(self))


def _leave(descriptor: int, length: int, path: Path) -> None:
    """Count one less, and remove the name after the last."""
    os.write(descriptor, b"-")
    record = os.pread(descriptor, os.fstat(descriptor).st_size - length, length)
    os.close(descriptor)
    if record.count(b"+") == record.count(b"-"):
        with suppress(FileNotFoundError):
            path.unlink()
            _track(path, resource_tracker.unregister)


def _track(path: Path, change: Callable[[str, str], object]) -> None:
    if path.parent == _SYSTEM:
        change(f"/{path.name}", "shared_memory")


class _OpenFile:
    """An open file in a message."""

    def __init__(self, descriptor: int) -> None:
        self.duplicate = reduction.DupFd(descriptor)

    def open(self) -> SharedMemory:
        """Open what arrived."""
        return UnnamedMemory.of(self.duplicate.detach())


class _Name:
    """The name of a file in a message."""

    def __init__(self, path: Path, length: int) -> None:
        self.path, self.length = path, length

    def open(self) -> SharedMemory:
        """Open what is named; the message's place in the count is this process's from now on."""
        return NamedMemory.of(self.path, self.length)


# The arrays over all memory that this process shares, by the number of the file.
_known: Final[weakref.WeakValueDictionary[tuple[int, int], Array]] = weakref.WeakValueDictionary()


def allocate(size: int) -> Array:
    """Allocate bytes that can be shared."""
    kind = UnnamedMemory if Strategy.current == "file_descriptor" else NamedMemory
    array = _array(kind.create(max(size, 1)))  # there is no file to map that is empty
    return array if size else array[:0]


def opened(handle: Any) -> Array:
    """Return the bytes that a message hands over: the same array as long as there is one."""
    return _array(handle.open())


def _array(memory: SharedMemory) -> Array:
    array = np.ndarray((len(memory),), np.uint8, memory)
    memory.address = address(array)
    status = os.fstat(memory.descriptor)
    return _known.setdefault((status.st_dev, status.st_ino), array)


def of_array(array: Array) -> SharedMemory | None:
    """Return the shared memory that starts with an array, or None."""
    memory: Any = array
    while memory is not None and not isinstance(memory, SharedMemory):
        memory = getattr(memory, "base", None)
    return memory if memory is not None and memory.address == address(array) else None
