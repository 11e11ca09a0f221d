"""PyTorch's element types: their names, their classes, and how they mix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

BOOLEAN: Final = ("bool",)
INTEGRAL: Final = ("int64", "int32", "int16", "int8", "uint8")
HALF: Final = ("float16", "bfloat16")
FLOATING: Final = ("float32", "float64", *HALF)
COMPLEX: Final = ("complex64", "complex128")
ALL: Final = (*FLOATING, *INTEGRAL, *BOOLEAN, *COMPLEX)

DEFAULT_FLOAT: Final = "float32"

_KIND: Final = {
    name: kind
    for kind, names in (
        ("bool", BOOLEAN),
        ("integral", INTEGRAL),
        ("floating", FLOATING),
        ("complex", COMPLEX),
    )
    for name in names
}
_RANK: Final = {"bool": 0, "integral": 1, "floating": 2, "complex": 3}
_PART: Final = {"complex64": "float32", "complex128": "float64"}
_WHOLE: Final = {part: whole for whole, part in _PART.items()}
_WIDTH: Final = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
_BITS: Final = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}


class DtypeSet:
    """A class of element types, plainest first; classes add with `|` and subtract with `-`."""

    __slots__ = ("names",)

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(names))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, dtype: object) -> bool:
        return dtype in self.names

    def __len__(self) -> int:
        return len(self.names)

    def __or__(self, other: DtypeSet | str) -> DtypeSet:
        return DtypeSet((*self.names, *_as_set(other)))

    def __ror__(self, other: str) -> DtypeSet:
        return DtypeSet((other, *self.names))

    def __sub__(self, other: DtypeSet | str) -> DtypeSet:
        return DtypeSet(name for name in self.names if name not in _as_set(other))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DtypeSet) and set(self.names) == set(other.names)

    def __hash__(self) -> int:
        return hash(frozenset(self.names))

    def __repr__(self) -> str:
        return " | ".join(self.names)


class DtypeName(str):
    """The name of one element type, which makes a class of types with another."""

    __slots__ = ()

    def __or__(self, other: DtypeSet | str) -> DtypeSet:
        return DtypeSet([self]) | other

    def __ror__(self, other: str) -> DtypeSet:
        return DtypeSet([other]) | self


def _as_set(value: DtypeSet | str) -> DtypeSet:
    return DtypeSet([value]) if isinstance(value, str) else value


CLASSES: Final = {
    "integral": DtypeSet(INTEGRAL),
    "floating": DtypeSet(FLOATING),
    "complex": DtypeSet(COMPLEX),
    "half": DtypeSet(HALF),
    "real": DtypeSet((*FLOATING, *INTEGRAL)),
    "numeric": DtypeSet((*FLOATING, *INTEGRAL, *COMPLEX)),
    "anything": DtypeSet(ALL),
}


def kind(dtype: str) -> str:
    """Return the class of a dtype: bool, integral, floating or complex."""
    return _KIND[str(dtype)]  # where values are judged it is an array's own, which prints as the name


def is_floating(dtype: str) -> bool:
    return kind(dtype) == "floating"


def is_integral(dtype: str) -> bool:
    return kind(dtype) == "integral"


def is_complex(dtype: str) -> bool:
    return kind(dtype) == "complex"


def has_fractions(dtype: str) -> bool:
    """Return whether a dtype is a floating or a complex one."""
    return kind(dtype) in ("floating", "complex")


def real_part(dtype: str) -> str:
    """Return the dtype of the parts of a complex dtype, and any other dtype itself."""
    return _PART.get(dtype, dtype)


def can_cast(source: str, target: str) -> bool:
    """Return whether a result of one dtype may be written into a tensor of the other."""
    return _RANK[_KIND[source]] <= _RANK[_KIND[target]]


def promote(first: str, second: str) -> str:
    """Return the smallest dtype that holds both, as PyTorch's lattice has it."""
    if first == second:
        return first
    low, high = sorted((first, second), key=lambda name: _RANK[_KIND[name]])
    low_kind, high_kind = _KIND[low], _KIND[high]
    if low_kind != high_kind:
        if high_kind == "complex" and low_kind == "floating":
            return _WHOLE[_wider(_PART[high], low)] if _PART[high] != low else high
        return high
    if high_kind == "integral":
        return _promote_integers(first, second)
    if high_kind == "complex":
        return "complex128"
    return _wider(first, second)


def _wider(first: str, second: str) -> str:
    if {first, second} == set(HALF):
        return "float32"
    return max(first, second, key=lambda name: _WIDTH[name])


def _promote_integers(first: str, second: str) -> str:
    if "uint8" in (first, second):
        signed = second if first == "uint8" else first
        return "int16" if signed == "int8" else signed
    return max(first, second, key=lambda name: _BITS[name])
