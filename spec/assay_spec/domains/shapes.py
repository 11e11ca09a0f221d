"""What refers to the shape of a tensor: its dimensions, other shapes for it, and indices."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from assay_spec.domains.base import Domain, Draw, Focus, Shape
from assay_spec.domains.draws import booleans, integers, maybe, permutations, sampled
from assay_spec.plans import Fill, Slice, TensorPlan


@dataclass(frozen=True)
class Dims(Domain):
    """The dimensions of a tensor of a rank, counted from either end."""

    rank: int

    def walk(self, focus: Focus) -> Iterator[int]:
        rank = max(self.rank, 1)
        yield from dict.fromkeys((0, -1, *range(1, rank), *range(-rank, -1)))

    def draw(self, draw: Draw, focus: Focus) -> int:
        rank = max(self.rank, 1)
        return int(draw(integers(-rank, rank - 1)))

    def invalid(self) -> Iterator[int]:
        rank = max(self.rank, 1)
        yield rank
        yield -rank - 1

    def describe(self) -> str:
        return "a dimension, counted from the front or, negative, from the back"

    def holds(self, value: Any) -> bool:
        rank = max(self.rank, 1)
        return type(value) is int and -rank <= value < rank


@dataclass(frozen=True)
class DimTuples(Domain):
    """Several different dimensions of a tensor, or (with `whole`) an order of all of them."""

    rank: int
    whole: bool = False

    def walk(self, focus: Focus) -> Iterator[Shape]:
        dims = tuple(range(self.rank))
        if self.whole:
            yield from dict.fromkeys(
                (dims[::-1], dims, dims[1:] + dims[:1], tuple(dim - self.rank for dim in dims[::-1]))
            )
        else:
            yield from dict.fromkeys(
                (dims[:1], dims, dims[-1:] + dims[:-2], tuple(dim - self.rank for dim in dims[1:]))
            )

    def draw(self, draw: Draw, focus: Focus) -> Shape:
        order = list(draw(permutations(self.rank)))
        chosen = order if self.whole else order[: draw(integers(0, self.rank))]
        return tuple(dim - self.rank if draw(booleans()) else dim for dim in chosen)

    def invalid(self) -> Iterator[Shape]:
        rank = max(self.rank, 1)  # a 0-d tensor has the dimension 0, but no order of it
        yield (rank,) * (rank if self.whole else 1)
        if self.rank:
            yield (0,) * max(self.rank if self.whole else 2, 2)

    def describe(self) -> str:
        return "every dimension once, in any order" if self.whole else "several different dimensions"

    def holds(self, value: Any) -> bool:
        if not isinstance(value, tuple) or not all(Dims(self.rank).holds(dim) for dim in value):
            return False
        dims = {dim % max(self.rank, 1) for dim in value}
        return len(dims) == len(value) and (len(value) == self.rank or not self.whole)


@dataclass(frozen=True)
class Sizes(Domain):
    """Shapes: of some rank, or all that a tensor of a shape can be viewed as or expanded to."""

    kind: Literal["any", "view", "expand"]
    shape: Shape = ()

    def walk(self, focus: Focus) -> Iterator[Shape]:
        yield from dict.fromkeys(getattr(self, f"_{self.kind}")())

    def draw(self, draw: Draw, focus: Focus) -> Shape:
        if self.kind == "any":
            return tuple(draw(sampled((2, 3, 1, 4, 0, 17))) for _ in range(draw(integers(0, 4))))
        shape: Shape = draw(sampled(list(self.walk(focus))))
        return shape

    def describe(self) -> str:
        return {"any": "a shape", "view": "a shape of as many elements", "expand": "a shape to broadcast to"}[self.kind]

    def _any(self) -> Iterator[Shape]:
        return iter(((2, 3), (), (0,), (1,), (4,), (2, 0, 3), (2, 3, 4), (17,), (1025,)))

    def _view(self) -> Iterator[Shape]:
        total = math.prod(self.shape)
        yield (total,)
        if total:
            yield (-1,)
            yield (*self.shape, -1)
            yield (-1, total)
        yield self.shape
        yield self.shape[::-1]
        yield (1, *self.shape, 1)
        if len(self.shape) > 1:
            yield (self.shape[0] * self.shape[1], *self.shape[2:])
        if self.shape and self.shape[0] % 2 == 0:
            yield (2, self.shape[0] // 2, *self.shape[1:])

    def _expand(self) -> Iterator[Shape]:
        expanded = tuple(3 if length == 1 else length for length in self.shape)
        yield (2, *expanded)
        yield expanded
        yield (-1,) * len(self.shape)
        yield (0, *self.shape)
        yield (3, 1, *expanded)


@dataclass(frozen=True)
class Indices(Domain):
    """What may stand in the brackets after a tensor of a shape: parts in a tuple, or one alone."""

    shape: Shape
    once: bool = False  # no element is named twice, for a write to it twice has no one answer

    def walk(self, focus: Focus) -> Iterator[Any]:
        yield from (each for each in (*self._tuples(), *self._alone()) if not (self.once and self._repeats(each)))

    def _alone(self) -> Iterator[Any]:
        """Yield what stands in the brackets by itself."""
        yield from (Ellipsis, None, True, _mask(self.shape, 0))
        if self.shape:
            first = self.shape[0]
            yield from (Slice(1, None), Slice(1, 3), Slice(None, None, 2), Slice(-1, None), Slice(3, 1))
            yield _mask((first,), 1)
            if first:
                yield from (0, -1, [0], [first - 1, 0], [0, 0], _positions((2,), first, 6), _positions((), first, 7))

    def _tuples(self) -> Iterator[tuple[Any, ...]]:
        rank = len(self.shape)
        first = self.shape[0] if rank else 0
        if not rank:
            yield from ((Ellipsis,), (None,), (True,), (False,), ())
            return
        yield from (
            (Slice(0, 1),),
            (Slice(1, None),),
            (Slice(None, None, 2),),
            (Slice(-2, None),),
            (Slice(5, 99),),
        )
        yield from ((Ellipsis,), (None,), (Ellipsis, None), (Ellipsis, Slice(0, 2)), ())
        if first:
            yield from ((0,), (-1,), (first - 1, Ellipsis), (None, 0), (None, -1))
            yield (_positions((2,), first, 3),)
            yield (_positions((2, 2), first, 4),)
            yield ([0, -1, 0],)
            yield (_positions((), first, 5),)
        if rank > 1 and first and self.shape[1]:
            last = self.shape[1]
            yield from (
                (0, -1),
                (Slice(None), 0),
                (Slice(None), _positions((3,), last, 8)),
                (0, None, Slice(None, 1)),
            )
            yield (_positions((2, 1), first, 9), _positions((3,), last, 10))
            yield (_positions((2,), first, 11), None, _positions((2,), last, 12))
            yield (Slice(None), [last - 1, 0])
            yield (Slice(None), _mask((last,), 2))
            yield (_mask((first,), 3), 0)
        if rank > 2 and first and self.shape[2]:
            yield (_positions((2,), first, 14), Slice(None), _positions((2,), self.shape[2], 15))
            yield (Ellipsis, _mask(self.shape[1:], 4))

    @staticmethod
    def _repeats(index: Any) -> bool:
        """Return whether an index may name an element twice: tensors of positions are random."""
        parts = index if isinstance(index, tuple) else (index,)
        return any(
            (isinstance(each, TensorPlan) and each.dtype != "bool" and each.numel > 1)
            or (isinstance(each, list) and len(set(each)) < len(each))
            for each in parts
        )

    def draw(self, draw: Draw, focus: Focus) -> Any:
        items = [self._drawn(draw, length) for length in self.shape[: draw(integers(0, len(self.shape)))]]
        if draw(booleans()):
            if draw(booleans()):
                items.append(Ellipsis)
            else:
                items.insert(draw(integers(0, len(items))), None)
        return items[0] if len(items) == 1 and draw(booleans()) else tuple(items)

    def _drawn(self, draw: Draw, length: int) -> Any:
        if not length or draw(booleans()):
            return Slice(
                draw(maybe(-length - 1, length + 1)),
                draw(maybe(-length - 1, length + 1)),
                draw(maybe(1, 3)),
            )
        return draw(integers(-length, length - 1))

    def invalid(self) -> Iterator[Any]:
        if not self.shape:
            yield (0,)
            return
        yield self.shape[0]
        yield [self.shape[0]]
        yield (self.shape[0],)
        yield (-self.shape[0] - 1,)
        yield (Slice(None),) * (len(self.shape) + 1)

    def describe(self) -> str:
        return "integers, slices, None, Ellipsis, booleans, lists and integer tensors"


def _mask(shape: Shape, seed: int) -> TensorPlan:
    """Return a plan for a mask, whose elements are known, so that they can be counted."""
    numbers = count(seed)

    def marked(sizes: Shape) -> Any:
        return [marked(sizes[1:]) for _ in range(sizes[0])] if sizes else next(numbers) % 3 != 1

    return TensorPlan("bool", shape, fill=Fill("given", given=marked(shape)))


def _positions(shape: Shape, length: int, seed: int) -> TensorPlan:
    return TensorPlan("int64", shape, fill=Fill("plain", seed, -length, length - 1))
