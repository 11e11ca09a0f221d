"""Warnings that are issued once."""

from __future__ import annotations

import warnings
from functools import cache


@cache
def warn_once(message: str) -> None:
    """Warn whoever called the caller, the first time only."""
    warnings.warn(message, UserWarning, stacklevel=3)
