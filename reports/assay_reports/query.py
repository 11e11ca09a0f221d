"""The query language that `--filter`, the site's search box and its address share."""

from __future__ import annotations

import difflib
import fnmatch
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assay_reports import vocabulary
from assay_spec import dtypes

KEYS: Final = ("op", "area", "facet", "dtype", "outcome", "code", "id")
_OF_RESULTS: Final = ("outcome", "code")


class QueryError(ValueError):
    """A query that cannot be read, or that names an unknown op."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word `key:pattern`, or `-key:pattern` if negated."""

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

    def may_match(self, op: str) -> bool:
        """Return whether an item of an op can match, by the op's name alone."""
        if self.key == "op":
            return self.matches(_Named(op))
        if self.key == "id" and not self.negated:
            return fnmatch.fnmatchcase(op, self.pattern.partition("::")[0])
        return True


@dataclass(frozen=True, slots=True)
class Bare:
    """A word without a key: part of an op's name, or a glob for the whole of it."""

    pattern: str
    negated: bool = False

    def matches(self, item: Any) -> bool:
        globbed = any(each in self.pattern for each in "*?[")
        hit = fnmatch.fnmatchcase(item.op, self.pattern) if globbed else self.pattern.lower() in item.op.lower()
        return hit != self.negated

    def may_match(self, op: str) -> bool:
        """Return whether an item of an op can match."""
        return self.matches(_Named(op))


@dataclass(frozen=True, slots=True)
class Query:
    """Words that must all match; several words with the same key are alternatives."""

    terms: tuple[Term | Bare, ...] = ()

    def matches(self, item: Any) -> bool:
        return self._holds(lambda term: term.matches(item))

    def may_match(self, op: str) -> bool:
        """Return whether an item of an op can match, so that no other op need be read."""
        return self._holds(lambda term: term.may_match(op))

    @property
    def takes_whole_ops(self) -> bool:
        """Whether it selects all items of an op or none, whichever items the op has."""
        return all(isinstance(term, Bare) or term.key in ("op", "area") for term in self.terms)

    def _holds(self, hit: Callable[[Term | Bare], bool]) -> bool:
        wanted: dict[str, bool] = {}
        for term in self.terms:
            if isinstance(term, Bare) or term.negated:
                if not hit(term):
                    return False
            else:
                wanted[term.key] = wanted.get(term.key, False) or hit(term)
        return all(wanted.values())


def parse(text: str) -> Query:
    """Parse a query like `op:torch.nn.* facet:gradient -dtype:float16 relu`; raise QueryError at an unknown word."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise QueryError(f"{text!r}: {error}; close the quotes") from None
    return Query(tuple(_term(word) for word in words))


def _term(word: str) -> Term | Bare:
    negated = word.startswith("-") and len(word) > 1
    word = word.removeprefix("-") if negated else word
    key, colon, pattern = word.partition(":")
    if "::" in word and key not in KEYS:
        return Term("id", word, negated)
    if not colon:
        return Bare(word, negated)
    if key not in KEYS:
        raise QueryError(f"unknown key {key!r} in {word!r} ({_suggest(key, KEYS)})")
    known = _words(key)
    if known is not None and pattern not in known and not any(each in pattern for each in "*?["):
        raise QueryError(f"unknown {key} {pattern!r} ({_suggest(pattern, known)})")
    return Term(key, pattern, negated)


def _words(key: str) -> Sequence[str] | None:
    """Return what a key may be followed by; None means anything."""
    known = {"facet": vocabulary.FACETS, "dtype": dtypes.ALL, "outcome": tuple(vocabulary.OUTCOMES)}
    return known.get(key)


def _suggest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def check(query: Query, ops: Sequence[str], areas: Callable[[], Collection[str]]) -> None:
    """Raise QueryError where a word can select nothing that is to run: none of these ops, none of their areas."""
    for term in query.terms:
        if isinstance(term, Term) and term.key in _OF_RESULTS:
            known = ", ".join(f"{key}:" for key in KEYS if key not in _OF_RESULTS)
            raise QueryError(f"{term.key}: is about results, and nothing has run yet; a filter takes {known}")
        if isinstance(term, Term) and term.key == "area" and not term.negated:
            found = sorted(areas())
            if not fnmatch.filter(found, term.pattern):
                raise QueryError(f"no area matches {term.pattern!r} ({_suggest(term.pattern, found)})")
    _check_ops(query, ops)


def _check_ops(query: Query, ops: Sequence[str]) -> None:
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
