"""The values that an argument may take: one object, read as a walk, a draw, a breach and a description."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, MutableMapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, Literal

from assay_spec.dtypes import DtypeSet, is_floating
from assay_spec.expression import ExpressionError, Free, FreeMany
from assay_spec.plans import LAYOUTS, Fill, Layout, Slice, TensorPlan
from assay_spec.vocabulary import broadcast, broadcasts

Axis = Literal["shape", "dtype", "layout", "values", "special", "options"]
Draw = Callable[[Any], Any]  # Hypothesis's draw: a strategy in, a value out
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
        """Give representative values, the plainest first, boundaries included."""
        raise NotImplementedError

    def draw(self, draw: Draw, focus: Focus) -> Any:
        """Draw any value of the whole domain."""
        raise NotImplementedError

    def breach(self) -> Iterator[Any]:
        """Give values just outside."""
        return iter(())

    def describe(self) -> str:
        """Say in words what the domain holds."""
        raise NotImplementedError

    def holds(self, value: Any) -> bool:
        """Tell whether a value just outside another domain lies inside this one."""
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
        return self.choices[draw(_integers(0, len(self.choices) - 1))].draw(draw, focus)

    def breach(self) -> Iterator[Any]:
        for choice in self.choices:
            yield from (value for value in choice.breach() if not self.holds(value))

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


# The plainest shape of each rank, then the shapes that find bugs: empty, one element, past a vector's width.
_SHAPES: Final[tuple[Shape, ...]] = (
    (2, 3),
    (5,),
    (2, 3, 4),
    (),
    (2, 1, 3, 2),
    (0,),
    (1,),
    (3, 0),
    (1, 3),
    (3, 1),
    (0, 3, 2),
    (1, 1, 1),
    (17,),
    (33,),
    (3, 17),
    (1025,),
    (2, 0, 3, 1),
)
_SIZES: Final = {"N": 2, "C": 3, "K": 4, "W": 5, "H": 6, "L": 7, "M": 3, "P": 5, "D": 4}
_MANY: Final[tuple[Shape, ...]] = ((2,), (), (2, 3), (1,), (0,), (3, 1))


@dataclass(frozen=True)
class Tensors(Domain):
    """Tensors of some dtypes, and of a shape given, partly free, or of any rank within limits."""

    dtypes: DtypeSet
    shape: Sequence[Any] | None = None
    like: Shape | None = None  # a shape that this one must broadcast with
    inner: bool = False  # and must not enlarge
    min_rank: int = 0
    max_rank: int = 4
    min_size: int = 0
    min_numel: int = 0
    low: float = -math.inf
    high: float = math.inf
    distinct: bool = False
    nonzero: bool = False
    invertible: bool = False
    dense: bool = False  # only contiguous layouts make sense
    overlap: bool = True  # elements may share memory with each other

    def walk(self, focus: Focus) -> Iterator[TensorPlan]:
        first = next(self._shapes(focus, swept=False), None)
        if first is None:
            return
        plain = TensorPlan(self._dtype(focus), first, fill=self._fill(focus.seed))
        yield plain
        if focus.on("dtype"):
            for place, dtype in enumerate(self.dtypes, 1):
                if dtype != plain.dtype:
                    yield replace(plain, dtype=dtype, fill=self._fill(focus.seed + place))
        if focus.on("shape"):
            for shape in dict.fromkeys(self._shapes(focus, swept=True)):
                if shape != plain.shape:
                    yield replace(plain, shape=shape)
        if focus.on("layout"):
            yield from self._layouts(plain)
        if focus.on("values"):
            for kind in ("ties", "large", "small"):
                yield replace(plain, fill=replace(plain.fill, kind=kind))
            for seed in range(1, 4):
                yield replace(plain, fill=self._fill(focus.seed + seed))
        if focus.on("special") and not self.distinct and not self.invertible:
            yield from self._specials(plain)

    def draw(self, draw: Draw, focus: Focus) -> TensorPlan:
        names = tuple(self.dtypes) if focus.on("dtype") else (self._dtype(focus),)
        kind = draw(_sampled(("plain", "plain", "ties", "small") if self.distinct is False else ("plain",)))
        layout: Layout = (
            draw(_sampled(self._strided_layouts())) if focus.on("layout") and not self.dense else "contiguous"
        )
        return TensorPlan(
            draw(_sampled(names)),
            self._drawn_shape(draw),
            layout,
            replace(self._fill(draw(_integers(0, 2**20))), kind=kind),
        )

    def describe(self) -> str:
        words = f"a tensor of {self.dtypes!r}"
        if self.shape is not None:
            words += f", shape [{', '.join(_size_word(each) for each in self.shape)}]"
        elif self.like is not None:
            words += ", of a shape that broadcasts" + (" and enlarges nothing" if self.inner else "")
        elif self.min_rank == self.max_rank:
            words += f", of {self.min_rank} dimension{'s' * (self.min_rank != 1)}"
        elif (self.min_rank, self.max_rank) != (0, 4):
            words += f", of {self.min_rank} to {self.max_rank} dimensions"
        if self.low > -math.inf or self.high < math.inf:
            words += f", values in [{self.low:g}, {self.high:g}]"
        limits = {
            f"no size below {self.min_size}": self.min_size > 0,
            f"{self.min_numel} elements or more": self.min_numel > 0,
            "no element twice": self.distinct,
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
        return Fill("plain", seed, self.low, self.high, self.distinct, self.nonzero, self.invertible)

    def _companions(self) -> Iterator[Shape]:
        assert self.like is not None
        return (each for each in _partners(self.like) if not self.inner or broadcast(self.like, each) == self.like)

    def _allowed(self, shape: Shape) -> bool:
        return (
            self.min_rank <= len(shape) <= self.max_rank
            and all(length >= self.min_size for length in shape)
            and math.prod(shape) >= self.min_numel
        )

    def _shapes(self, focus: Focus, *, swept: bool) -> Iterator[Shape]:
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
            partner: Shape = draw(_sampled([shape for shape in self._companions() if self._allowed(shape)]))
            return partner
        if self.shape is None:
            least = max(self.min_rank, 1) if self.min_numel > 1 else self.min_rank
            rank = draw(_integers(least, self.max_rank))
            return self._grown([draw(_sampled(_drawn_sizes(self.min_size))) for _ in range(rank)], frozenset())
        named: dict[str, Any] = {}
        fixed = sum(not isinstance(each, FreeMany) for each in self.shape)
        sizes: list[int] = []
        given: set[int] = set()
        for each in self.shape:
            if isinstance(each, FreeMany):
                count = draw(_integers(max(0, self.min_rank - fixed), self.max_rank - fixed))
                sizes += [draw(_sampled(_drawn_sizes(self.min_size))) for _ in range(count)]
            elif isinstance(each, Free):
                if each.name not in named or not each.name:
                    named[each.name] = draw(_sampled(_drawn_sizes(self.min_size)))
                sizes.append(named[each.name])
            else:
                given.add(len(sizes))
                sizes.append(each)
        return self._grown(sizes, given)

    def _grown(self, sizes: list[int], given: Set[int]) -> Shape:
        """Make sizes hold what the domain asks for at least; those that are given stay."""
        if math.prod(sizes) >= self.min_numel:
            return tuple(sizes)
        return tuple(length if place in given else max(length, self.min_numel) for place, length in enumerate(sizes))

    def _layouts(self, plain: TensorPlan) -> Iterator[TensorPlan]:
        if self.dense:
            return
        for layout in self._strided_layouts()[1:]:
            yield replace(plain, layout=layout)

    def _strided_layouts(self) -> tuple[Layout, ...]:
        repeats = self.overlap and not self.distinct and not self.invertible
        return tuple(each for each in LAYOUTS if repeats or each != "expanded")

    def _specials(self, plain: TensorPlan) -> Iterator[TensorPlan]:
        """Give tensors that hold the lattice of special values, alone and past a vector's width."""
        limits = replace(plain.fill, kind="special")
        if self.shape is None and self.like is None:
            for shape in ((64,), (8, 8), (1,), ()):
                if self._allowed(shape):
                    for seed in range(3 if len(shape) else 8):
                        yield replace(plain, shape=shape, fill=replace(limits, seed=seed))
        else:
            for seed in range(4):
                yield replace(plain, fill=replace(limits, seed=seed))


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
    """Give shapes that broadcast with a shape: the same, smaller, stretched and longer ones."""
    yield shape
    found = {shape}
    ones = [tuple(1 if place == at else length for place, length in enumerate(shape)) for at in range(len(shape))]
    for partner in ((), shape[1:], (1,), *ones, (1,) * len(shape), (2, *shape), (1, *shape)):
        if partner not in found and len(partner) <= 4 and broadcasts(shape, partner):
            found.add(partner)
            yield partner
    if 1 in shape:
        wide = tuple(3 if length == 1 else length for length in shape)
        if wide not in found:
            yield wide


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
        return tuple(self.each.draw(draw, focus) for _ in range(draw(_integers(self.least, self.most))))

    def describe(self) -> str:
        return f"{self.least} to {self.most} of: {self.each.describe()}"


@dataclass(frozen=True)
class Integers(Domain):
    """Whole numbers between two limits, both included."""

    low: int
    high: int
    plain: int | None = None

    def walk(self, focus: Focus) -> Iterator[int]:
        middle = self.plain if self.plain is not None else (self.low + self.high + 1) // 2
        yield from dict.fromkeys(each for each in (middle, self.high, self.low, self.low + 1) if self.holds(each))

    def draw(self, draw: Draw, focus: Focus) -> int:
        if self.low > self.high:
            raise ExpressionError(f"there is no {self.describe().removeprefix('an ')}")
        return int(draw(_integers(self.low, self.high)))

    def breach(self) -> Iterator[int]:
        yield self.low - 1
        yield self.high + 1

    def describe(self) -> str:
        return f"an integer from {self.low} to {self.high}"

    def holds(self, value: Any) -> bool:
        return type(value) is int and self.low <= value <= self.high


@dataclass(frozen=True)
class Dims(Domain):
    """The dimensions of a tensor of a rank, counted from either end."""

    rank: int

    def walk(self, focus: Focus) -> Iterator[int]:
        rank = max(self.rank, 1)
        yield from dict.fromkeys((0, -1, *range(1, rank), *range(-rank, -1)))

    def draw(self, draw: Draw, focus: Focus) -> int:
        rank = max(self.rank, 1)
        return int(draw(_integers(-rank, rank - 1)))

    def breach(self) -> Iterator[int]:
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
        order = list(draw(_permutations(self.rank)))
        chosen = order if self.whole else order[: draw(_integers(0, self.rank))]
        return tuple(dim - self.rank if draw(_booleans()) else dim for dim in chosen)

    def breach(self) -> Iterator[Shape]:
        rank = max(self.rank, 1)  # a 0-d tensor has the dimension 0, but no order of it
        yield (rank,) * (rank if self.whole else 1)
        if self.rank:
            yield (0,) * max(self.rank if self.whole else 2, 2)

    def describe(self) -> str:
        return "every dimension once, in any order" if self.whole else "several different dimensions"

    def holds(self, value: Any) -> bool:
        if not isinstance(value, tuple) or not all(Dims(self.rank).holds(dim) for dim in value):
            return False
        places = {dim % max(self.rank, 1) for dim in value}
        return len(places) == len(value) and (len(value) == self.rank or not self.whole)


@dataclass(frozen=True)
class Numbers(Domain):
    """Python numbers: whole, fractional, or both; all are exact in every floating dtype."""

    low: float = -math.inf
    high: float = math.inf
    whole: bool = True
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
        whole = self.whole and math.ceil(low) <= math.floor(high)
        eighths = self.fractional and math.ceil(low * 8) <= math.floor(high * 8)
        if eighths and (not whole or draw(_booleans())):
            return draw(_integers(math.ceil(low * 8), math.floor(high * 8))) / 8
        if whole:
            return draw(_integers(math.ceil(low), math.floor(high)))
        values = self._values()
        if not values:
            raise ExpressionError(f"there is no {self.describe().removeprefix('a ')}")
        return draw(_sampled(values))

    def describe(self) -> str:
        word = "a number" if self.whole and self.fractional else "a whole number" if self.whole else "a float"
        limits = (self.low, self.high) != (-math.inf, math.inf)
        return f"{word} in [{self.low:g}, {self.high:g}]" if limits else word

    def holds(self, value: Any) -> bool:
        typed = (type(value) is int and self.whole) or (type(value) is float and self.fractional)
        return typed and self.low <= value <= self.high

    def _values(self) -> list[Any]:
        whole = [2, -3, 0, 1] if self.whole else []
        parts = [0.5, -1.5, 2.0, 0.0] if self.fractional else []
        bounds = [each for each in (self.low, self.high) if math.isfinite(each)]
        typed = [float(each) if self.fractional else int(each) for each in bounds]
        inside = (each for each in (*whole, *parts, *typed) if self.low <= each <= self.high)
        return list({(type(each), each): each for each in inside}.values())


@dataclass(frozen=True)
class Choice(Domain):
    """One of some values."""

    values: tuple[Any, ...]

    def walk(self, focus: Focus) -> Iterator[Any]:
        yield from self.values

    def draw(self, draw: Draw, focus: Focus) -> Any:
        return draw(_sampled(self.values))

    def describe(self) -> str:
        return "one of " + ", ".join(map(repr, self.values))

    def holds(self, value: Any) -> bool:
        return value in self.values


class Dtype(str):
    """An element type as an argument's value."""

    __slots__ = ()


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
        if draw(_booleans()):
            return self.each.draw(draw, focus)
        return tuple(self.each.draw(draw, focus) for _ in range(self.count))

    def breach(self) -> Iterator[Any]:
        return self.each.breach()

    def describe(self) -> str:
        return f"{self.each.describe()}, or {self.count} of them"

    def holds(self, value: Any) -> bool:
        several = isinstance(value, tuple) and len(value) == self.count
        return self.each.holds(value) or (several and all(map(self.each.holds, value)))


@dataclass(frozen=True)
class Sizes(Domain):
    """Shapes: of some rank, or all that a tensor of a shape can be viewed as or expanded to."""

    kind: Literal["any", "view", "expand"]
    shape: Shape = ()

    def walk(self, focus: Focus) -> Iterator[Shape]:
        yield from dict.fromkeys(getattr(self, f"_{self.kind}")())

    def draw(self, draw: Draw, focus: Focus) -> Shape:
        if self.kind == "any":
            return tuple(draw(_sampled((2, 3, 1, 4, 0, 17))) for _ in range(draw(_integers(0, 4))))
        shape: Shape = draw(_sampled(list(self.walk(focus))))
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
        stretched = tuple(3 if length == 1 else length for length in self.shape)
        yield (2, *stretched)
        yield stretched
        yield (-1,) * len(self.shape)
        yield (0, *self.shape)
        yield (3, 1, *stretched)


@dataclass(frozen=True)
class Indices(Domain):
    """What may stand in the brackets after a tensor of a shape."""

    shape: Shape

    def walk(self, focus: Focus) -> Iterator[tuple[Any, ...]]:
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
            yield from ((0,), (-1,), (first - 1, Ellipsis), (None, 0))
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
        if rank > 2 and first and self.shape[2]:
            yield (_positions((2,), first, 14), Slice(None), _positions((2,), self.shape[2], 15))

    def draw(self, draw: Draw, focus: Focus) -> tuple[Any, ...]:
        items = [self._drawn(draw, length) for length in self.shape[: draw(_integers(0, len(self.shape)))]]
        if draw(_booleans()):
            if draw(_booleans()):
                items.append(Ellipsis)
            else:
                items.insert(draw(_integers(0, len(items))), None)
        return tuple(items)

    def _drawn(self, draw: Draw, length: int) -> Any:
        if not length or draw(_booleans()):
            return Slice(
                draw(_maybe(-length - 1, length + 1)),
                draw(_maybe(-length - 1, length + 1)),
                draw(_maybe(1, 3)),
            )
        return draw(_integers(-length, length - 1))

    def breach(self) -> Iterator[tuple[Any, ...]]:
        if not self.shape:
            yield (0,)
            return
        yield (self.shape[0],)
        yield (-self.shape[0] - 1,)
        yield (Slice(None),) * (len(self.shape) + 1)

    def describe(self) -> str:
        return "integers, slices, None, Ellipsis, booleans, lists and integer tensors"


def _positions(shape: Shape, length: int, seed: int) -> TensorPlan:
    return TensorPlan("int64", shape, fill=Fill("plain", seed, -length, length - 1))


@dataclass(frozen=True)
class Maybe(Domain):
    """None, or a value of a domain."""

    each: Domain

    def walk(self, focus: Focus) -> Iterator[Any]:
        yield None
        yield from self.each.walk(focus)

    def draw(self, draw: Draw, focus: Focus) -> Any:
        return self.each.draw(draw, focus) if draw(_booleans()) else None

    def breach(self) -> Iterator[Any]:
        return self.each.breach()

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

    def breach(self) -> Iterator[Any]:
        return self.each.breach()

    def describe(self) -> str:
        return f"{self.each.describe()}, always given"

    def holds(self, value: Any) -> bool:
        return self.each.holds(value)

    def bind(self, value: Any, scope: MutableMapping[str, Any]) -> None:
        self.each.bind(value, scope)


def _integers(low: int, high: int) -> Any:
    from hypothesis import strategies as st

    return st.integers(low, high)


def _maybe(low: int, high: int) -> Any:
    from hypothesis import strategies as st

    return st.none() | st.integers(low, high)


def _booleans() -> Any:
    from hypothesis import strategies as st

    return st.booleans()


def _sampled(values: Sequence[Any]) -> Any:
    from hypothesis import strategies as st

    return st.sampled_from(values)


def _permutations(count: int) -> Any:
    from hypothesis import strategies as st

    return st.permutations(range(count))


def tensor(
    dtypes: DtypeSet | str,
    *,
    shape: Sequence[Any] | None = None,
    like: TensorPlan | Shape | None = None,
    inner: bool = False,
    rank: int | None = None,
    min_rank: int = 0,
    max_rank: int = 4,
    min_size: int = 0,
    min_numel: int = 0,
    within: tuple[float, float] = (-math.inf, math.inf),
    distinct: bool = False,
    nonzero: bool = False,
    invertible: bool = False,
    dense: bool = False,
    overlap: bool = True,
) -> Tensors:
    """Tensors; `shape` may hold free sizes (capitals) and one leading `*N`, `like` broadcasts with a tensor."""
    if rank is not None:
        min_rank = max_rank = rank
    if shape is not None:
        fixed = sum(not isinstance(each, FreeMany) for each in shape)
        min_rank, max_rank = max(min_rank, fixed), fixed if fixed == len(shape) else max(max_rank, fixed)
    return Tensors(
        DtypeSet([dtypes]) if isinstance(dtypes, str) else dtypes,
        shape,
        like.shape if isinstance(like, TensorPlan) else like,
        inner,
        min_rank,
        max_rank,
        min_size,
        min_numel,
        *within,
        distinct,
        nonzero,
        invertible,
        dense,
        overlap,
    )


def number(
    low: float = -math.inf,
    high: float = math.inf,
    *,
    of: str | None = None,
    whole: bool = True,
    fractional: bool = True,
) -> Numbers:
    """Python numbers; `of=` a dtype keeps to the numbers of its class."""
    if of is not None and not is_floating(of):
        fractional = False
    return Numbers(low, high, whole=whole, fractional=fractional)


def dtype(of: DtypeSet | str) -> Choice:
    """An element type."""
    return Choice(tuple(Dtype(name) for name in ([of] if isinstance(of, str) else of)))


def varying(shape: Shape, dim: int) -> tuple[Any, ...]:
    """Give a shape whose size along one dimension is free."""
    return tuple(Free("") if place == dim % len(shape) else length for place, length in enumerate(shape))


CONSTRUCTORS: Final[dict[str, Callable[..., Any]]] = {
    "tensor": tensor,
    "number": number,
    "integer": Integers,
    "boolean": lambda: Choice((False, True)),
    "one_of": lambda *values: Choice(values),
    "dtype": dtype,
    "dim": lambda of: Dims(len(of) if isinstance(of, tuple) else of.ndim),
    "dims": lambda of: DimTuples(of.ndim),
    "order": lambda of: DimTuples(of.ndim, whole=True),
    "pairs": lambda each: Pairs(each),
    "maybe": Maybe,
    "given": Given,
    "many": Many,
    "shapes": lambda: Sizes("any"),
    "view_shapes": lambda of: Sizes("view", of.shape),
    "expand_shapes": lambda of: Sizes("expand", of.shape),
    "index": lambda of: Indices(of.shape),
    "varying": varying,
}
