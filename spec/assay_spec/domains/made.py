"""Domains of what is made for a call: the parameters of an optimizer, an object of some class, a tuple."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from assay_spec.domains.base import Domain, Draw, Focus
from assay_spec.domains.draws import booleans, integers
from assay_spec.dtypes import DEFAULT_FLOAT
from assay_spec.plans import Fill, Made, TensorPlan


@dataclass(frozen=True)
class ParameterGroups(Domain):
    """Groups of parameters to optimize; a group may have a learning rate of its own."""

    most: int = 3

    def walk(self, focus: Focus) -> Iterator[tuple[dict[str, Any], ...]]:
        first, second, third = (_parameter(shape, focus, at) for at, shape in enumerate(((2, 3), (4,), ())))
        yield ({"params": (first, second)},)
        if self.most > 1:
            yield {"params": (first, second)}, {"params": (third,), "lr": 0.25}

    def draw(self, draw: Draw, focus: Focus) -> tuple[dict[str, Any], ...]:
        return tuple(self._group(draw, focus, at) for at in range(draw(integers(1, self.most))))

    def _group(self, draw: Draw, focus: Focus, at: int) -> dict[str, Any]:
        shapes = [tuple(draw(integers(0, 4)) for _ in range(draw(integers(0, 3)))) for _ in range(draw(integers(1, 2)))]
        group: dict[str, Any] = {
            "params": tuple(_parameter(shape, focus, 2 * at + each) for each, shape in enumerate(shapes))
        }
        return {**group, "lr": draw(integers(1, 8)) / 8} if draw(booleans()) else group

    def invalid(self) -> Iterator[tuple[()]]:
        yield ()

    def describe(self) -> str:
        if self.most == 1:
            return "a group of parameters, perhaps with a learning rate of its own"
        return "groups of parameters, some with a learning rate of their own"

    def holds(self, value: Any) -> bool:
        return isinstance(value, tuple) and bool(value) and all(isinstance(each, dict) for each in value)


def _parameter(shape: tuple[int, ...], focus: Focus, at: int) -> TensorPlan:
    return TensorPlan(focus.dtype or DEFAULT_FLOAT, shape, fill=Fill(seed=focus.seed + at))


@dataclass(frozen=True)
class Objects(Domain):
    """Objects that calling something makes, from arguments that are values, domains, or tuples of both."""

    target: str
    arguments: Mapping[str, Any]

    def walk(self, focus: Focus) -> Iterator[Made]:
        for values in _walked(tuple(self.arguments.values()), focus):
            yield self._made(values)

    def draw(self, draw: Draw, focus: Focus) -> Made:
        return self._made(_drawn(tuple(self.arguments.values()), draw, focus))

    def invalid(self) -> Iterator[Made]:
        for plain in islice(self.walk(Focus()), 1):
            for name, part in self.arguments.items():
                for value in part.invalid() if isinstance(part, Domain) else ():
                    yield Made(self.target, {**plain.arguments, name: value})

    def describe(self) -> str:
        said = [f"{name}: {_described(part)}" for name, part in self.arguments.items()]
        return f"{self.target}({'; '.join(said)})"

    def holds(self, value: Any) -> bool:
        return (
            isinstance(value, Made)
            and (value.target, list(value.arguments)) == (self.target, list(self.arguments))
            and all(map(_holds, self.arguments.values(), value.arguments.values()))
        )

    def bind(self, value: Any, scope: MutableMapping[str, Any]) -> None:
        for name, part in self.arguments.items():
            if isinstance(part, Domain):
                part.bind(value.arguments[name], scope)

    def _made(self, values: Sequence[Any]) -> Made:
        return Made(self.target, dict(zip(self.arguments, values, strict=True)))


@dataclass(frozen=True)
class Together(Domain):
    """A tuple with a value of each of several domains."""

    parts: tuple[Domain, ...]

    def walk(self, focus: Focus) -> Iterator[tuple[Any, ...]]:
        return _walked(self.parts, focus)

    def draw(self, draw: Draw, focus: Focus) -> tuple[Any, ...]:
        return tuple(_drawn(self.parts, draw, focus))

    def describe(self) -> str:
        return f"a tuple of {'; '.join(map(_described, self.parts))}"

    def holds(self, value: Any) -> bool:
        return _holds(self.parts, value)

    def bind(self, value: Any, scope: MutableMapping[str, Any]) -> None:
        for part, each in zip(self.parts, value, strict=True):
            part.bind(each, scope)


def _walked(part: Any, focus: Focus) -> Iterator[Any]:
    """Walk a part; of several together the plainest first, then every deviation of one of them."""
    if isinstance(part, Domain):
        yield from part.walk(focus)
    elif isinstance(part, tuple):
        plainly = Focus(dtype=focus.dtype, seed=focus.seed)
        plain = tuple(value for each in part for value in islice(_walked(each, plainly), 1))
        if len(plain) < len(part):
            return  # one of them has no value at all
        yield plain
        for at, each in enumerate(part):
            for value in islice(_walked(each, focus), 1, None):
                yield (*plain[:at], value, *plain[at + 1 :])
    else:
        yield part


def _drawn(part: Any, draw: Draw, focus: Focus) -> Any:
    if isinstance(part, Domain):
        return part.draw(draw, focus)
    return tuple(_drawn(each, draw, focus) for each in part) if isinstance(part, tuple) else part


def _described(part: Any) -> str:
    if isinstance(part, Domain):
        return part.describe()
    return f"[{', '.join(map(_described, part))}]" if isinstance(part, tuple) else repr(part)


def _holds(part: Any, value: Any) -> bool:
    if isinstance(part, Domain):
        return part.holds(value)
    if isinstance(part, tuple):
        return isinstance(value, tuple) and len(value) == len(part) and all(map(_holds, part, value))
    return bool(part == value)
