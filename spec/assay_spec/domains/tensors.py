"""Tensors of some dtypes and shapes, in any layout, with what values there may be."""

from __future__ import annotations

import math
from collections.abc import Iterator, MutableMapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from assay_spec.domains.base import Domain, Draw, Focus, Shape
from assay_spec.domains.draws import integers, sampled
from assay_spec.dtypes import DtypeSet
from assay_spec.expression import Free, FreeMany
from assay_spec.plans import LAYOUTS, Fill, FillKind, Layout, TensorPlan
from assay_spec.vocabulary import broadcast, broadcasts

# The plainest shape of each rank, then the shapes that find bugs: empty, one element, past a vector's width.
_SHAPES: Final[tuple[Shape, ...]] = (
    (2, 3),
    (5,),
    (2, 3, 4),
    (),
    (3, 35),
    (2, 1, 3, 2),
    (0,),
    (1,),
    (3, 0),
    (1, 3),
    (3, 1),
    (2, 1, 2, 3, 2),
    (2, 2),
    (0, 3, 2),
    (1, 1, 1),
    (17,),
    (33,),
    (1025,),
    (2, 0, 3, 1),
)
_DRAWN: Final = 4  # dimensions of a drawn tensor at most: more of them would hold too many elements
_SIZES: Final = {"N": 2, "C": 3, "K": 4, "W": 5, "H": 6, "L": 7, "M": 3, "P": 5, "D": 4}
_IMAGES: Final[tuple[Shape, ...]] = ((2, 3, 4, 2), (2, 3, 4))  # of several channels
_MANY: Final[tuple[Shape, ...]] = ((2,), (), (2, 3), (1,), (0,), (3, 1))


@dataclass(frozen=True)
class Tensors(Domain):
    """Tensors of some dtypes, and of a shape given, partly free, or of any rank within limits."""

    dtypes: DtypeSet
    shape: Sequence[Any] | None = None
    like: Shape | None = None  # a shape that this one must broadcast with
    inner: bool = False  # and must not enlarge
    min_rank: int = 0
    max_rank: int = 5
    min_size: int = 0
    min_numel: int = 0
    low: float = -math.inf
    high: float = math.inf
    distinct: bool = False
    apart: int = 0  # no element twice within so many of the last dimensions
    nonzero: bool = False
    invertible: bool = False
    dense: bool = False  # only contiguous layouts make sense
    overlap: bool = True  # elements may share memory with each other

    def walk(self, focus: Focus) -> Iterator[TensorPlan]:
        first = next(self._shapes(swept=False), None)
        if first is None:
            return
        plain = TensorPlan(self._dtype(focus), first, fill=self._fill(focus.seed))
        yield plain
        if focus.on("dtype"):
            for at, dtype in enumerate(self.dtypes, 1):
                if dtype != plain.dtype:
                    yield replace(plain, dtype=dtype, fill=self._fill(focus.seed + at))
        if focus.on("shape"):
            for shape in dict.fromkeys(self._shapes(swept=True)):
                if shape != plain.shape:
                    yield replace(plain, shape=shape)
        if focus.on("layout"):
            yield from self._layouts(plain)
        if focus.on("values"):
            kinds: tuple[FillKind, ...] = ("ties", "large", "small", "wide")
            for kind in kinds if self.like is None else (*kinds, "same"):
                yield replace(plain, fill=replace(plain.fill, kind=kind))
            if self.low == -math.inf:
                for shape in (plain.shape, *self._long()):
                    yield replace(plain, shape=shape, fill=replace(plain.fill, kind="negative"))
            for seed in range(1, 4):
                yield replace(plain, fill=self._fill(focus.seed + seed))
        if focus.on("special") and not self.distinct and not self.apart and not self.invertible:
            yield from self._specials(plain)

    def draw(self, draw: Draw, focus: Focus) -> TensorPlan:
        names = tuple(self.dtypes) if focus.on("dtype") else (self._dtype(focus),)
        kind = draw(sampled(("plain", "plain", "ties", "small") if self.distinct is False else ("plain",)))
        layout: Layout = (
            draw(sampled(self._strided_layouts())) if focus.on("layout") and not self.dense else "contiguous"
        )
        return TensorPlan(
            draw(sampled(names)),
            self._drawn_shape(draw),
            layout,
            replace(self._fill(draw(integers(0, 2**20))), kind=kind),
        )

    def describe(self) -> str:
        words = f"a tensor of {self.dtypes!r}"
        if self.shape is not None:
            words += f", shape [{', '.join(_size_word(each) for each in self.shape)}]"
        elif self.like is not None:
            words += ", of a shape that broadcasts" + (" and enlarges nothing" if self.inner else "")
        elif self.min_rank == self.max_rank:
            words += f", of {self.min_rank} dimension{'s' * (self.min_rank != 1)}"
        elif (self.min_rank, self.max_rank) != (0, 5):
            words += f", of {self.min_rank} to {self.max_rank} dimensions"
        if self.low > -math.inf or self.high < math.inf:
            words += f", values in [{self.low:g}, {self.high:g}]"
        limits = {
            f"no size below {self.min_size}": self.min_size > 0,
            f"{self.min_numel} elements or more": self.min_numel > 0,
            "no element twice": self.distinct,
            f"no element twice within the last {self.apart} dimension{'s' * (self.apart != 1)}": self.apart > 0,
            "no zeros": self.nonzero,
            "invertible": self.invertible,
            "contiguous": self.dense,
            "not expanded": not self.overlap,
        }
        return ", ".join([words, *(limit for limit, kept in limits.items() if kept)])

    def bind(self, value: Any, scope: MutableMapping[str, Any]) -> None:
        if self.shape is None or not isinstance(value, TensorPlan):
            return
        fixed = sum(not isinstance(each, FreeMany) for each in self.shape)
        if value.ndim < fixed or (fixed == len(self.shape) and value.ndim > fixed):
            return  # the value is another alternative's
        sizes = iter(value.shape)
        for each in self.shape:
            if isinstance(each, FreeMany):
                scope[each.name] = tuple(islice(sizes, value.ndim - fixed))
            else:
                length = next(sizes)
                if isinstance(each, Free) and each.name:
                    scope[each.name] = length

    def _dtype(self, focus: Focus) -> str:
        if focus.dtype in self.dtypes:
            return str(focus.dtype)
        return next(iter(self.dtypes))

    def _fill(self, seed: int) -> Fill:
        return Fill("plain", seed, self.low, self.high, self.distinct, self.apart, self.nonzero, self.invertible)

    def _companions(self) -> Iterator[Shape]:
        assert self.like is not None
        return (each for each in _partners(self.like) if not self.inner or broadcast(self.like, each) == self.like)

    def _allowed(self, shape: Shape) -> bool:
        return (
            self.min_rank <= len(shape) <= self.max_rank
            and all(length >= self.min_size for length in shape)
            and math.prod(shape) >= self.min_numel
        )

    def _long(self) -> Iterator[Shape]:
        """Yield shapes beyond 64 elements along each dimension, if any are allowed."""
        if self.shape is None and self.like is None:
            yield from filter(self._allowed, ((70,), (2, 70), (70, 2)))

    def _shapes(self, *, swept: bool) -> Iterator[Shape]:
        if self.shape is not None:
            found = _filled(self.shape, swept)
        elif self.like is not None:
            found = self._companions()
        else:
            found = iter(_SHAPES)
        kept = filter(self._allowed, found)
        return kept if swept else islice(kept, 1)

    def _drawn_shape(self, draw: Draw) -> Shape:
        if self.like is not None:
            partner: Shape = draw(sampled([shape for shape in self._companions() if self._allowed(shape)]))
            return partner
        if self.shape is None:
            least = max(self.min_rank, 1) if self.min_numel > 1 else self.min_rank
            rank = draw(integers(least, self._most(least)))
            return self._grown([draw(sampled(_drawn_sizes(self.min_size))) for _ in range(rank)], frozenset())
        named: dict[str, Any] = {}
        fixed = sum(not isinstance(each, FreeMany) for each in self.shape)
        sizes: list[int] = []
        given: set[int] = set()
        for each in self.shape:
            if isinstance(each, FreeMany):
                least = max(self.min_rank, fixed)
                count = draw(integers(least - fixed, self._most(least) - fixed))
                sizes += [draw(sampled(_drawn_sizes(self.min_size))) for _ in range(count)]
            elif isinstance(each, Free):
                if each.name not in named or not each.name:
                    named[each.name] = draw(sampled(_drawn_sizes(self.min_size)))
                sizes.append(named[each.name])
            else:
                given.add(len(sizes))
                sizes.append(each)
        return self._grown(sizes, given)

    def _most(self, least: int) -> int:
        """Return how many dimensions are drawn at most."""
        return max(least, min(self.max_rank, _DRAWN))

    def _grown(self, sizes: list[int], given: Set[int]) -> Shape:
        """Make sizes hold what the domain asks for at least; those that are given stay."""
        if math.prod(sizes) >= self.min_numel:
            return tuple(sizes)
        return tuple(length if at in given else max(length, self.min_numel) for at, length in enumerate(sizes))

    def _layouts(self, plain: TensorPlan) -> Iterator[TensorPlan]:
        if self.dense:
            return
        for layout in self._strided_layouts()[1:]:
            if layout != "channels-last" or plain.ndim > 2:
                yield replace(plain, layout=layout)
            elif self.shape is None and self.like is None:
                for shape in filter(self._allowed, _IMAGES):
                    yield replace(plain, shape=shape, layout=layout)
        vector = next((each for each in self._shapes(swept=True) if len(each) == 1 and each[0] > 1), None)
        if vector is not None and plain.ndim != 1:
            for layout in ("stepped", "offset", "expanded"):
                if layout in self._strided_layouts():
                    yield replace(plain, shape=vector, layout=layout)
        if plain.ndim and () in self._shapes(swept=True):
            yield replace(plain, shape=(), layout="offset")

    def _strided_layouts(self) -> tuple[Layout, ...]:
        repeats = self.overlap and not self.distinct and not self.invertible
        return tuple(each for each in LAYOUTS if repeats or each != "expanded")

    def _specials(self, plain: TensorPlan) -> Iterator[TensorPlan]:
        """Yield tensors that hold the lattice of special values: past a vector's width, alone, and more than others."""
        limits = replace(plain.fill, kind="special")
        if self.shape is None and self.like is None:
            shapes: tuple[Shape, ...] = ((64,), (8, 8), (1,), ())
            for shape in [*filter(self._allowed, shapes)] or [plain.shape]:
                for seed in range(3 if len(shape) else 8):
                    yield replace(plain, shape=shape, fill=replace(limits, seed=seed))
            if self._allowed((5,)):
                for seed in range(2):
                    yield replace(plain, shape=(5,), fill=replace(limits, kind="extremes", seed=seed))
            return
        alone = next(
            (each for each in self._shapes(swept=True) if self.like is not None and math.prod(each) == 1), plain.shape
        )
        for shape in dict.fromkeys((plain.shape, alone)):
            for seed in range(4):
                yield replace(plain, shape=shape, fill=replace(limits, seed=seed))


def _drawn_sizes(least: int) -> tuple[int, ...]:
    return tuple(length for length in (2, 3, 1, 4, 5, 0, 7, 17) if length >= least)


def _plain_size(name: str) -> int:
    return _SIZES.get(name[:1], 2 + sum(map(ord, name)) % 5)


def _size_word(size: Any) -> str:
    if isinstance(size, FreeMany):
        return f"*{size.name}"
    return size.name or "any" if isinstance(size, Free) else str(size)


def _filled(pattern: Sequence[Any], swept: bool) -> Iterator[Shape]:
    """Fill a pattern's free sizes: all plain, then each in turn at its boundaries."""
    names = list(dict.fromkeys(each for each in pattern if isinstance(each, (Free, FreeMany))))
    plain = {name: _MANY[0] if isinstance(name, FreeMany) else _plain_size(name.name) for name in names}
    yield _shaped(pattern, plain)
    if isinstance(next(iter(names), None), FreeMany):
        # a rank that is bounded below or above may not allow the plainest number of leading dimensions
        yield from (_shaped(pattern, {**plain, names[0]: many}) for many in _MANY[1:])
    if not swept:
        return
    for name in names:
        others = _MANY[1:] if isinstance(name, FreeMany) else (1, 0, 17, 33)
        for value in others:
            yield _shaped(pattern, {**plain, name: value})
    if len(names) > 1:
        yield _shaped(pattern, {name: () if isinstance(name, FreeMany) else 1 for name in names})


def _shaped(pattern: Sequence[Any], sizes: dict[Any, Any]) -> Shape:
    shape: list[int] = []
    for each in pattern:
        chosen = sizes.get(each, each) if isinstance(each, (Free, FreeMany)) else each
        shape.extend(chosen if isinstance(each, FreeMany) else [chosen])
    return tuple(shape)


def _partners(shape: Shape) -> Iterator[Shape]:
    """Yield shapes that broadcast with a shape: one that expands it, the same, smaller and longer ones."""
    wide = tuple(3 if length == 1 else length for length in shape)
    yield from dict.fromkeys((wide, shape))
    found = {wide, shape}
    ones = [tuple(1 if dim == at else length for dim, length in enumerate(shape)) for at in range(len(shape))]
    for partner in ((), shape[1:], (1,), *ones, (1,) * len(shape), (2, *shape), (1, *shape)):
        if partner not in found and len(partner) <= 4 and broadcasts(shape, partner):
            found.add(partner)
            yield partner
