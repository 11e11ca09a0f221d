"""What a domain proposes: tensors described by dtype, shape, layout and fill, not yet made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

Layout = Literal["contiguous", "transposed", "channels-last", "expanded", "offset", "block", "stepped"]
LAYOUTS: Final[tuple[Layout, ...]] = get_args(Layout)

# `same` is equal to an earlier tensor of the call, `extremes` only infinities, or the ends of an integer type.
FillKind = Literal["plain", "ties", "large", "small", "negative", "wide", "same", "special", "extremes", "given"]


@dataclass(frozen=True, slots=True)
class Fill:
    """How a tensor's elements are chosen: a kind, a seed, and the limits they keep."""

    kind: FillKind = "plain"
    seed: int = 0
    low: float = -math.inf
    high: float = math.inf
    distinct: bool = False
    apart: int = 0  # no element twice within so many of the last dimensions
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
            case "block":
                return row_major(tuple(length + 2 for length in self.shape))
            case "channels-last" if self.ndim > 2:
                first, *rest, channels = row_major((self.shape[0], *self.shape[2:], self.shape[1]))
                return (first, channels, *rest)
            case "expanded" if self.shape and self.shape[0] > 1:
                return (0, *plain[1:])
        return plain

    @property
    def offset(self) -> int:
        """The elements in memory before the first one: of an `offset` tensor three rows, of a `block` one each way."""
        match self.layout:
            case "offset":
                return 3 * (self.strides[0] if self.shape else 1)
            case "block":
                return sum(self.strides)
        return 0


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
