"""The query language: one for `--filter`, the site's search box and its address."""

from __future__ import annotations

import difflib
import fnmatch
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

FACETS: Final = (
    "signature", "defaults", "shape", "dtype", "values", "special", "layout", "gradient", "in-place", "aliasing",
    "errors", "random", "state", "examples",
)  # fmt: skip
OUTCOMES: Final = (
    "pass", "fail", "error", "unsupported", "timeout", "crash", "harness_error", "suite_error", "skipped", "not_run",
    "self",
)  # fmt: skip
DTYPES: Final = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128",
)  # fmt: skip
# What a key may be followed by; None means anything.
KEYS: Final[dict[str, tuple[str, ...] | None]] = {
    "op": None,
    "area": None,
    "facet": FACETS,
    "dtype": DTYPES,
    "outcome": OUTCOMES,
    "code": None,
    "id": None,
}


class QueryError(ValueError):
    """A word that the language does not have."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a query."""

    key: str
    pattern: str
    negated: bool = False

    def matches(self, item: Any) -> bool:
        found = str(getattr(item, self.key, None) or "")
        pattern = self.pattern if self.key != "op" or any(each in self.pattern for each in "*?[") else None
        if self.key == "id" or pattern is not None:
            hit = found == self.pattern or fnmatch.fnmatchcase(found, self.pattern)  # an id has brackets of its own
        else:
            hit = found == self.pattern or found.endswith(f".{self.pattern}")
        return hit != self.negated


@dataclass(frozen=True, slots=True)
class Bare:
    """A word without a key: a part of an op's name, or a pattern of it."""

    pattern: str
    negated: bool = False

    def matches(self, item: Any) -> bool:
        globbed = any(each in self.pattern for each in "*?[")
        hit = fnmatch.fnmatchcase(item.op, self.pattern) if globbed else self.pattern.lower() in item.op.lower()
        return hit != self.negated


@dataclass(frozen=True, slots=True)
class Query:
    """Words that must all hold; several values of one key are alternatives."""

    terms: tuple[Term | Bare, ...] = ()

    def matches(self, item: Any) -> bool:
        wanted: dict[str, bool] = {}
        for term in self.terms:
            if isinstance(term, Bare) or term.negated:
                if not term.matches(item):
                    return False
            else:
                wanted[term.key] = wanted.get(term.key, False) or term.matches(item)
        return all(wanted.values())

    def admits(self, op: str) -> bool:
        """Return whether items of an op may match, as far as its name tells."""
        names = Query(tuple(term for term in self.terms if isinstance(term, Bare) or term.key == "op"))
        ids = [
            term.pattern for term in self.terms if isinstance(term, Term) and (term.key, term.negated) == ("id", False)
        ]
        return names.matches(_Named(op)) and (
            not ids or any(fnmatch.fnmatchcase(op, each.partition("::")[0]) for each in ids)
        )


def parse(text: str) -> Query:
    """Parse `op:torch.nn.* facet:gradient -dtype:float16 relu`; raise QueryError at an unknown word."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise QueryError(f"{text!r}: {error}; close the quotes") from None
    return Query(tuple(_term(word) for word in words))


def _term(word: str) -> Term | Bare:
    negated = word.startswith("-") and len(word) > 1
    word = word.removeprefix("-") if negated else word
    key, colon, pattern = word.partition(":")
    if not colon or "::" in word:
        return Term("id", word, negated) if "::" in word else Bare(word, negated)
    if key not in KEYS:
        raise QueryError(f"unknown key {key!r} in {word!r} ({_suggest(key, list(KEYS))})")
    known = KEYS[key]
    if known is not None and pattern not in known and not any(each in pattern for each in "*?["):
        raise QueryError(f"unknown {key} {pattern!r} ({_suggest(pattern, known)})")
    return Term(key, pattern, negated)


def _suggest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def check_ops(query: Query, ops: Sequence[str]) -> None:
    """Raise QueryError where a word names an op that is not there."""
    named: Callable[[Any], bool] = lambda term: isinstance(term, Bare) or term.key == "op"  # noqa: E731
    for term in filter(named, query.terms):
        if not term.negated and not any(_names(term, op) for op in ops):
            short = {op.rsplit(".", 1)[-1]: op for op in ops}
            near = difflib.get_close_matches(term.pattern, [*ops, *short], n=1, cutoff=0.5)
            hint = f"did you mean {short.get(near[0], near[0])!r}?" if near else "`assay list` shows them all"
            raise QueryError(f"no op matches {term.pattern!r} ({hint})")


@dataclass(frozen=True, slots=True)
class _Named:
    op: str


def _names(term: Term | Bare, op: str) -> bool:
    return term.matches(_Named(op))
