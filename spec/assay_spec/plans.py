"""What a domain proposes: tensors described by dtype, shape, layout and fill, not yet made."""

from __future__ import annotations

import math
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


class Absent:
    """An argument left out of the call, so that its default counts."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
