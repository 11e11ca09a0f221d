"""What every domain can do, and the union of domains."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

from assay_spec.domains.draws import Draw as Draw
from assay_spec.domains.draws import integers

Axis = Literal["shape", "dtype", "layout", "values", "special", "options"]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Focus:
    """Which axes of a call vary, and the dtype that the others keep."""

    axes: frozenset[Axis] = frozenset()
    dtype: str | None = None
    seed: int = 0

    def on(self, axis: Axis) -> bool:
        return axis in self.axes


class Domain:
    """What an argument may be."""

    def walk(self, focus: Focus) -> Iterator[Any]:
        """Yield representative values, the plainest first, boundaries included."""
        raise NotImplementedError

    def draw(self, draw: Draw, focus: Focus) -> Any:
        """Draw any value of the whole domain."""
        raise NotImplementedError

    def invalid(self) -> Iterator[Any]:
        """Yield values just out of range."""
        return iter(())

    def describe(self) -> str:
        """Say in words what the domain holds."""
        raise NotImplementedError

    def holds(self, value: Any) -> bool:
        """Return whether a value that is invalid for another domain is valid for this one."""
        return False

    def bind(self, value: Any, scope: MutableMapping[str, Any]) -> None:
        """Fix the sizes that a chosen value settles."""

    def __or__(self, other: Domain) -> Either:
        return Either((*self.options, *other.options))

    @property
    def options(self) -> tuple[Domain, ...]:
        return (self,)


@dataclass(frozen=True)
class Either(Domain):
    """One domain or another; the first is the plainest."""

    choices: tuple[Domain, ...]

    def walk(self, focus: Focus) -> Iterator[Any]:
        chosen = self.choices if focus.on("options") else self.choices[:1]
        for choice in chosen:
            yield from choice.walk(focus)

    def draw(self, draw: Draw, focus: Focus) -> Any:
        return self.choices[draw(integers(0, len(self.choices) - 1))].draw(draw, focus)

    def invalid(self) -> Iterator[Any]:
        for choice in self.choices:
            yield from (value for value in choice.invalid() if not self.holds(value))

    def describe(self) -> str:
        return " or ".join(choice.describe() for choice in self.choices)

    def holds(self, value: Any) -> bool:
        return any(choice.holds(value) for choice in self.choices)

    def bind(self, value: Any, scope: MutableMapping[str, Any]) -> None:
        for choice in self.choices:
            choice.bind(value, scope)

    @property
    def options(self) -> tuple[Domain, ...]:
        return self.choices
