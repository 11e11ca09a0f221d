"""A tether: a process that is bound to another dies with it, whatever kills it, where the system offers that."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_SET_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of Linux's prctl


def to_this_process(command: Sequence[str]) -> list[str]:
    """Return a command that runs another one, bound to this process."""
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid()), *command]


def bind(parent: int) -> None:
    """Let this process be killed when its parent dies; exit if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the runner is gone")


if __name__ == "__main__":
    bind(int(sys.argv[1]))
    try:
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.exit(f"cannot start {sys.argv[2]}: {error.strerror}")
