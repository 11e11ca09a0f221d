"""Domains of what another domain holds: many of it, a pair, nothing instead, or always given."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from assay_spec.domains.base import Domain, Draw, Focus
from assay_spec.domains.draws import booleans, integers
from assay_spec.plans import TensorPlan


@dataclass(frozen=True)
class Many(Domain):
    """A list of values of one domain, each on its own."""

    each: Domain
    least: int = 1
    most: int = 3

    def walk(self, focus: Focus) -> Iterator[tuple[Any, ...]]:
        plain = next(self.each.walk(Focus(dtype=focus.dtype, seed=focus.seed)), None)
        if plain is None:
            return
        count = min(max(2, self.least), self.most)
        if isinstance(plain, TensorPlan):
            others = [replace(plain, fill=replace(plain.fill, seed=focus.seed + 1 + at)) for at in range(self.most)]
        else:
            others = [plain] * self.most
        yield (plain, *others)[:count]
        for value in islice(self.each.walk(focus), 1, None) if count else ():
            yield (value, *others[: count - 1])
            if count > 1:
                yield (plain, *others[: count - 2], value)
        if focus.on("options") or focus.on("shape"):
            for length in {self.least, self.most} - {count}:
                yield (plain, *others)[:length]

    def draw(self, draw: Draw, focus: Focus) -> tuple[Any, ...]:
        return tuple(self.each.draw(draw, focus) for _ in range(draw(integers(self.least, self.most))))

    def describe(self) -> str:
        return f"{self.least} to {self.most} of: {self.each.describe()}"


@dataclass(frozen=True)
class Pairs(Domain):
    """A value, or several of them in a tuple, one for each spatial dimension."""

    each: Domain
    count: int = 2

    def walk(self, focus: Focus) -> Iterator[Any]:
        values = list(self.each.walk(focus))
        yield from values
        for order in (values, values[::-1]) if len(values) > 1 else (values,):
            yield tuple((order * self.count)[: self.count])

    def draw(self, draw: Draw, focus: Focus) -> Any:
        if draw(booleans()):
            return self.each.draw(draw, focus)
        return tuple(self.each.draw(draw, focus) for _ in range(self.count))

    def invalid(self) -> Iterator[Any]:
        return self.each.invalid()

    def describe(self) -> str:
        return f"{self.each.describe()}, or {self.count} of them"

    def holds(self, value: Any) -> bool:
        several = isinstance(value, tuple) and len(value) == self.count
        return self.each.holds(value) or (several and all(map(self.each.holds, value)))


@dataclass(frozen=True)
class Maybe(Domain):
    """None, or a value of a domain."""

    each: Domain

    def walk(self, focus: Focus) -> Iterator[Any]:
        yield None
        yield from self.each.walk(focus)

    def draw(self, draw: Draw, focus: Focus) -> Any:
        return self.each.draw(draw, focus) if draw(booleans()) else None

    def invalid(self) -> Iterator[Any]:
        return self.each.invalid()

    def describe(self) -> str:
        return f"None, or {self.each.describe()}"

    def holds(self, value: Any) -> bool:
        return value is None or self.each.holds(value)

    def bind(self, value: Any, scope: MutableMapping[str, Any]) -> None:
        self.each.bind(value, scope)


@dataclass(frozen=True)
class Given(Domain):
    """A value that is always passed, although the signature has a default for it."""

    each: Domain

    def walk(self, focus: Focus) -> Iterator[Any]:
        return self.each.walk(focus)

    def draw(self, draw: Draw, focus: Focus) -> Any:
        return self.each.draw(draw, focus)

    def invalid(self) -> Iterator[Any]:
        return self.each.invalid()

    def describe(self) -> str:
        return f"{self.each.describe()}, always given"

    def holds(self, value: Any) -> bool:
        return self.each.holds(value)

    def bind(self, value: Any, scope: MutableMapping[str, Any]) -> None:
        self.each.bind(value, scope)
