"""Plain data by its content: hashed the same on every machine, compared to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from assay.cases.arrays import Host


def fingerprint(value: Any) -> str:
    """Hash a case (or any plain data) by content, the same on every machine."""
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()[:12]


def same(first: Any, second: Any) -> bool:
    """Return whether two pieces of plain data are equal to the bit, NaN to NaN."""
    if first is second:
        return True
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return (first.dtype, first.shape) == (second.dtype, second.shape) and (
            first.tobytes() == second.tobytes() or _same_but_for_nans(first, second)
        )
    if is_dataclass(first):
        return all(
            same(getattr(first, each.name), getattr(second, each.name)) for each in fields(first) if each.compare
        )
    if isinstance(first, Mapping):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (tuple, list)):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second) or (first != first and second != second)


def _same_but_for_nans(first: Host, second: Host) -> bool:
    """Return whether arrays are equal to the bit, whatever the sign and payload of their NaNs."""
    if first.dtype.kind == "c":
        return same(first.real, second.real) and same(first.imag, second.imag)
    numbers = first == first
    return np.array_equal(numbers, second == second) and first[numbers].tobytes() == second[numbers].tobytes()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        digest.update(f"<{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif is_dataclass(value) and not isinstance(value, type):
        digest.update(type(value).__name__.encode())
        for each in fields(value):
            _feed(digest, getattr(value, each.name))
    elif isinstance(value, Mapping):
        for key in value:
            _feed(digest, key)
            _feed(digest, value[key])
    elif isinstance(value, (list, tuple)):
        digest.update(f"[{len(value)}".encode())
        for each in value:
            _feed(digest, each)
    elif isinstance(value, frozenset):
        _feed(digest, sorted(value))
    else:
        digest.update(f"|{type(value).__name__}:{value!r}".encode())
