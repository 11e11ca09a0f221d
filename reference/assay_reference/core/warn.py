"""Warnings, which name the line of the program that called the reference."""

from __future__ import annotations

import sys
import warnings
from functools import cache
from typing import Final

_PACKAGE: Final = __name__.partition(".")[0]


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn the program that called, however many of the reference's own functions lie between."""
    warnings.warn(message, category, stacklevel=_depth() + 1)


@cache
def warn_once(message: str) -> None:
    """Warn the program that called, the first time only."""
    warn(message)


def _depth() -> int:
    """Return how many frames above the caller's the program is, or the outermost frame."""
    depth, frame = 1, sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        depth, frame = depth + 1, frame.f_back
    return depth
