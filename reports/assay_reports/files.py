"""Writing files so that nobody ever finds half of one, and no two runs write the same one."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path


def opened_alone(path: Path) -> int:
    """Open a file for this process alone and return its descriptor; raise BlockingIOError where another has it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise
        except OSError:
            pass  # a file system without locks
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return descriptor
        os.close(descriptor)  # meanwhile another process has put a file in its place


def replaced(path: Path, text: str) -> int:
    """Write a text beside a file, then put it in the file's place; return its descriptor, for this process alone.

    A full disk or a crash leaves the file as it was.
    """
    path = path.resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = opened_alone(beside)
    try:
        os.ftruncate(descriptor, 0)
        with suppress(FileNotFoundError):
            os.fchmod(descriptor, path.stat().st_mode & 0o777)
        append(descriptor, text)
        os.fsync(descriptor)
        os.replace(beside, path)
    except BaseException:
        os.close(descriptor)
        beside.unlink(missing_ok=True)
        raise
    return descriptor


def append(descriptor: int, text: str) -> None:
    """Add a text at the end of a file, all of it or nothing; a lone surrogate is written as its escape."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    rest = memoryview(text.encode("utf-8", "backslashreplace"))
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        os.ftruncate(descriptor, end)
        raise
