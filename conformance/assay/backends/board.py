"""A board: memory in which a worker says what it is at work on, and which its runner can read after its death."""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
import time
from typing import Final

BOARD: Final = "ASSAY_BOARD"  # the environment variable by which a worker is told the descriptor of its board
_ENTRY: Final = struct.Struct("=qd")  # the id of a request, and when the work on it began


class Board:
    """A file that two processes have mapped; it holds one entry."""

    def __init__(self, descriptor: int | None = None) -> None:
        """Map the file of a descriptor that another process has passed on; without one, make a file."""
        if descriptor is None:
            descriptor, path = tempfile.mkstemp()
            os.unlink(path)
            os.truncate(descriptor, mmap.PAGESIZE)
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, mmap.PAGESIZE)

    @classmethod
    def of_the_runner(cls) -> Board:
        """Return the board that the runner has passed on to this process; one of its own where there is no runner."""
        passed = os.environ.pop(BOARD, None)
        return cls(None if passed is None else int(passed))

    def begin(self, number: int) -> None:
        """Say that the work on a request begins now."""
        _ENTRY.pack_into(self._memory, 0, number, time.monotonic())

    def read(self) -> tuple[int, float]:
        """Return the id of the request that was begun last, and when; zeros if there was none."""
        number, since = _ENTRY.unpack_from(self._memory)
        return number, since

    def close(self) -> None:
        self._memory.close()
        os.close(self.descriptor)
