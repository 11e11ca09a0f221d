"""How many threads an operation may use: a number to set and read, as NumPy keeps its own."""

from __future__ import annotations

import os
from typing import Any


class _Threads:
    count = os.cpu_count() or 1


def get_num_threads() -> int:
    """Return the number of threads that one operation may use."""
    return _Threads.count


def set_num_threads(num: Any, /) -> None:
    """Choose the number of threads that one operation may use."""
    if type(num) is not int:
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _Threads.count = num
