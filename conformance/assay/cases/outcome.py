"""Outcomes: what a backend answered, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from assay.cases.arrays import Host

MissingKind = Literal["op", "dtype", "feature", "device"]


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """A tensor that came back: its elements on the host, and what the backend said of it."""

    dtype: str
    array: Host
    device: str = "cpu"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception: the names of its classes, most specific first, and its message."""

    classes: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{self.classes[0]}: {self.message}"


@dataclass(frozen=True, slots=True)
class Missing:
    """What a backend says it does not offer."""

    kind: MissingKind
    message: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a backend answered."""

    results: tuple[Any, ...] = ()  # of the call that the case is about, or else what its looks saw
    structure: Literal["single", "tuple", "named"] = "single"
    names: tuple[str, ...] = ()
    gradients: Mapping[str, Array | None] = field(default_factory=dict)
    second: Mapping[str, Array | None] = field(default_factory=dict)  # the gradients of the gradients
    changed: frozenset[str] = frozenset()  # arguments whose elements the call changed
    shares: frozenset[str] = frozenset()  # arguments that the result shares memory with, seen both ways
    returned_self: bool = False  # an in-place or out= call returned the very tensor
    raised: Raised | None = None
    during: Literal["call", "backward"] = "call"  # when it was raised
    unsupported: Missing | None = None
    fallback: bool = False  # answered through somebody else's implementation
