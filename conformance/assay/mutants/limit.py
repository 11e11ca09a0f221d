"""How long a mutated program may take: one that waits for what no longer comes is given up."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_AGAIN: Final = 1.0  # seconds after which whoever swallowed the exception gets it again


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the main thread after so many seconds, and end what processes were started meanwhile."""

    def give_up(number: int, frame: Any) -> None:
        raise TimeoutError(f"not done within {seconds:g} s")

    before = set(multiprocessing.active_children())
    handler = signal.signal(signal.SIGALRM, give_up)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
        for process in set(multiprocessing.active_children()) - before:
            process.kill()
            process.join()
