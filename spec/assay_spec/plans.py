"""What a domain proposes: tensors described by dtype, shape, layout and fill, not yet made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Layout = Literal["contiguous", "transposed", "stepped", "offset", "expanded"]
LAYOUTS: Final[tuple[Layout, ...]] = ("contiguous", "transposed", "stepped", "offset", "expanded")

FillKind = Literal["plain", "ties", "large", "small", "special", "given"]


@dataclass(frozen=True, slots=True)
class Fill:
    """How a tensor's elements are chosen: a kind, a seed, and the limits they keep."""

    kind: FillKind = "plain"
    seed: int = 0
    low: float = -math.inf
    high: float = math.inf
    distinct: bool = False
    nonzero: bool = False
    invertible: bool = False  # the last two dimensions are matrices with a heavy diagonal
    given: Any = None


@dataclass(frozen=True, slots=True)
class TensorPlan:
    """One tensor argument of a call."""

    dtype: str
    shape: tuple[int, ...]
    layout: Layout = "contiguous"
    fill: Fill = field(default=Fill())

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    @property
    def strides(self) -> tuple[int, ...]:
        """The strides, in elements, that the layout gives the shape."""
        plain = row_major(self.shape)
        match self.layout:
            case "transposed":
                return row_major(self.shape[::-1])[::-1]
            case "stepped":
                return tuple(2 * step for step in plain)
            case "expanded" if self.shape and self.shape[0] > 1:
                return (0, *plain[1:])
        return plain


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, in elements, of a tensor whose last dimension varies fastest."""
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= max(length, 1)
    return tuple(reversed(strides))


@dataclass(frozen=True, slots=True)
class Slice:
    """The slice of an index, as plain data."""

    start: int | None = None
    stop: int | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """An object that an earlier step makes: a sampler for a loader, an optimizer for a scheduler."""

    target: str
    arguments: Mapping[str, Any]


class Absent:
    """An argument left out of the call, so that its default counts."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
