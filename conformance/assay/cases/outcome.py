"""Outcomes: what a backend answered, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from assay.cases.arrays import Host

MissingKind = Literal["op", "dtype", "feature", "device"]


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """A tensor that a backend returned: its elements on the host, its dtype and its device."""

    dtype: str
    array: Host
    device: str = "cpu"
    strides: tuple[int, ...] | None = None  # in elements, where the case asks for them

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception: the names of its classes, most specific first, its message, and where it was raised."""

    classes: tuple[str, ...]
    message: str
    traceback: str = field(default="", compare=False)  # the innermost calls, for people

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

    results: tuple[Any, ...] = ()  # of the call that the case is about, or the values of the looks
    structure: Literal["single", "tuple", "named"] = "single"
    names: tuple[str, ...] = ()
    gradients: Mapping[str, Array | None] = field(default_factory=dict)
    # The gradients of the gradients, by input; those by an upstream gradient under the number of its result.
    second: Mapping[str, Array | None] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()  # arguments whose elements the call changed
    shares: frozenset[str] = frozenset()  # arguments that the result shares memory with, tested in both directions
    returned_self: bool = False  # an in-place or out= call returned the same tensor object
    raised: Raised | None = None
    during: Literal["call", "backward"] = "call"  # the pass in which it was raised
    unsupported: Missing | None = None
    fallback: bool = False  # computed by the implementation of another library
