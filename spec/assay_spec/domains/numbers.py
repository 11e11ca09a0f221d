"""Numbers, and whatever else is one of a list of values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assay_spec.domains.base import Domain, Draw, Focus
from assay_spec.domains.draws import booleans, integers, sampled
from assay_spec.expression import ExpressionError


@dataclass(frozen=True)
class Integers(Domain):
    """Integers between two limits, both included."""

    low: int
    high: int
    plain: int | None = None

    def walk(self, focus: Focus) -> Iterator[int]:
        middle = self.plain if self.plain is not None else (self.low + self.high + 1) // 2
        yield from dict.fromkeys(each for each in (middle, self.high, self.low, self.low + 1) if self.holds(each))

    def draw(self, draw: Draw, focus: Focus) -> int:
        if self.low > self.high:
            raise ExpressionError(f"there is no {self.describe().removeprefix('an ')}")
        return int(draw(integers(self.low, self.high)))

    def invalid(self) -> Iterator[int]:
        yield self.low - 1
        yield self.high + 1

    def describe(self) -> str:
        return f"an integer from {self.low} to {self.high}"

    def holds(self, value: Any) -> bool:
        return type(value) is int and self.low <= value <= self.high


@dataclass(frozen=True)
class Numbers(Domain):
    """Python numbers: integers, fractions, or both; all are exact in every floating dtype."""

    low: float = -math.inf
    high: float = math.inf
    integral: bool = True
    fractional: bool = True
    special: bool = True

    def walk(self, focus: Focus) -> Iterator[Any]:
        yield from self._values()
        if focus.on("special") and self.special and self.fractional:
            yield from (value for value in (math.inf, -math.inf) if self.low <= value <= self.high)
            if math.inf in (self.high, -self.low):
                yield math.nan

    def draw(self, draw: Draw, focus: Focus) -> Any:
        low = max(self.low, min(-8, self.high - 8))
        high = min(self.high, max(8, self.low + 8))
        integral = self.integral and math.ceil(low) <= math.floor(high)
        eighths = self.fractional and math.ceil(low * 8) <= math.floor(high * 8)
        if eighths and (not integral or draw(booleans())):
            return draw(integers(math.ceil(low * 8), math.floor(high * 8))) / 8
        if integral:
            return draw(integers(math.ceil(low), math.floor(high)))
        values = self._values()
        if not values:
            raise ExpressionError(f"there is no {self.describe().removeprefix('an ').removeprefix('a ')}")
        return draw(sampled(values))

    def describe(self) -> str:
        word = "a number" if self.integral and self.fractional else "an integer" if self.integral else "a float"
        limits = (self.low, self.high) != (-math.inf, math.inf)
        return f"{word} in [{self.low:g}, {self.high:g}]" if limits else word

    def holds(self, value: Any) -> bool:
        typed = (type(value) is int and self.integral) or (type(value) is float and self.fractional)
        return typed and self.low <= value <= self.high

    def _values(self) -> list[Any]:
        integral = [2, -3, 0, 1] if self.integral else []
        parts = [0.5, -1.5, 2.0, 0.0] if self.fractional else []
        bounds = [each for each in (self.low, self.high) if math.isfinite(each)]
        typed = [float(each) if self.fractional else int(each) for each in bounds]
        inside = (each for each in (*integral, *parts, *typed) if self.low <= each <= self.high)
        return list({(type(each), each): each for each in inside}.values())


@dataclass(frozen=True)
class Choice(Domain):
    """One of some values."""

    values: tuple[Any, ...]

    def walk(self, focus: Focus) -> Iterator[Any]:
        yield from self.values

    def draw(self, draw: Draw, focus: Focus) -> Any:
        return draw(sampled(self.values))

    def describe(self) -> str:
        return "one of " + ", ".join(map(repr, self.values))

    def holds(self, value: Any) -> bool:
        return value in self.values


class Dtype(str):
    """An element type as an argument's value."""

    __slots__ = ()
