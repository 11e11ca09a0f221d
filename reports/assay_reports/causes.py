"""Causes: the findings that are one thing to mend, over all the items that show it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Literal

from assay_reports.codes import CODES, part, rank
from assay_reports.results import Finding, Result, Run
from assay_reports.vocabulary import counted

Shown = Sequence[tuple[Result, Finding]]

# Codes that say no more than that something differs, or that all is lost: in another function it is another thing.
_OF_ONE_FUNCTION: Final = frozenset(
    code for code in CODES if code[:2] in ("A1", "A4", "A5", "A6") or code in ("A201", "A801", "A802", "A803")
) - {"A109", "A404", "A405", "A407", "A503", "A507", "A508"}

_ALIKE: Final = ("torch", "torch.Tensor", "torch.nn", "torch.nn.functional")  # where one function has several names
_ANY_KEYWORD: Final = re.compile(r".*unexpected keyword argument.*")
_REST: Final = 2  # the last part of a list of causes
_FEW: Final = 3  # functions that show one missing error
_SEVERAL: Final = 10  # functions that show the same things
_WIDTH: Final = 160  # characters of what is wrong in one item


@dataclass(frozen=True)
class Cause:
    """What is wrong in one way, wherever that shows; or all that is wrong with one function."""

    of: Literal["form", "function", "functions", "code"]
    mark: str  # what tells it from others of its kind
    part: int  # of the list of causes
    shown: list[tuple[Result, Finding]] = field(default_factory=list)

    @cached_property
    def ways(self) -> list[tuple[Result, Finding]]:
        """The smallest finding of each code and form, the gravest code first, and what shows in most cases."""
        found: dict[tuple[str, str], list[tuple[Result, Finding]]] = {}
        for result, finding in self.shown:
            found.setdefault((finding.code, finding.form), []).append((result, finding))

        def order(way: tuple[str, str]) -> tuple[int, int]:
            return rank(way[0]), -sum(finding.cases for _, finding in found[way])

        return [_smallest(found[way]) for way in sorted(found, key=order)]

    @property
    def smallest(self) -> tuple[Result, Finding]:
        """The smallest finding of the first way."""
        return self.ways[0]

    @property
    def code(self) -> str:
        """The gravest code."""
        return self.smallest[1].code

    @property
    def form(self) -> str:
        """What is wrong in general, in the first way."""
        return self.smallest[1].form

    @property
    def op(self) -> str | None:
        """The function that is wrong, by its plainest name, where the form alone does not tell causes apart."""
        return min(self.ops, key=lambda op: (len(op), op)) if self.of == "function" else None

    @property
    def ops(self) -> list[str]:
        """The ops that show it."""
        return list(dict.fromkeys(result.op for result, _ in self.shown))

    @property
    def items(self) -> int:
        """How many items show it."""
        return len({result.id for result, _ in self.shown})

    @property
    def cases(self) -> int:
        """How many cases show it."""
        return sum(finding.cases for _, finding in self.shown)

    @property
    def touched(self) -> str:
        """How much shows it, in words."""
        counts = {"op": len(self.ops), "item": self.items, "case": self.cases}
        return ", ".join(counted(number, noun) for noun, number in counts.items())

    @property
    def slug(self) -> str:
        """A name of the cause for addresses."""
        text = f"{self.of}|{self.mark}|{self.part}"
        return f"{self.code}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"

    @property
    def title(self) -> str:
        """What is wrong, in a line: in general, or in the one item that shows it."""
        more = f" (and {counted(len(self.ops) - 1, 'more name')})" if self.op and len(self.ops) > 1 else ""
        op = self.smallest[0].op if self.of == "code" else self.op
        where = f"{op}{more}: " if op else ""
        others = f"; and {counted(len(self.ways) - 1, 'more finding')}" if len(self.ways) > 1 else ""
        return f"{where}{self._one or self.form}{others}"

    @property
    def _one(self) -> str:
        """What is wrong in the one item that shows the first way; empty where there are several."""
        result, first = self.smallest
        items = {of.id for of, what in self.shown if (what.code, what.form) == (first.code, first.form)}
        lines = first.message.splitlines() if items == {result.id} else []
        return next(filter(None, map(str.strip, lines)), "")[:_WIDTH]


def _smallest(shown: Shown) -> tuple[Result, Finding]:
    return min(shown, key=lambda each: (not each[1].snippet, len(each[1].snippet), each[0].id))


def function(op: str) -> str:
    """Return the name of what an op computes: one for `torch.tanh`, `tanh_` and `nn.Tanh`, for 1d and 2d."""
    where, _, short = op.rpartition(".")
    if where not in _ALIKE or short.startswith("__") or short[:1].isupper() is not (where == "torch.nn"):
        return op
    return re.sub(r"loss$|[123]d$", "", short.replace("_", "").lower())


def causes(results: Run | Iterable[Result]) -> list[Cause]:
    """Return the causes behind everything that is broken, so that the first ones tell most of it.

    What is wrong with valid calls of one function, or of the same few, is one cause; so are missing errors that few
    functions each show, and scenarios of one function each that do not hold.
    """
    if isinstance(results, Run):
        results = results.results
    return _sorted(_merged(_by_mark((result, finding) for result in results for finding in result.broken)))


def among(found: Iterable[Cause], shown: Shown) -> list[Cause]:
    """Return causes with some of their findings only, those that have any."""
    wanted = {(result.id, finding.code, finding.form) for result, finding in shown}
    parts = (
        replace(each, shown=[(of, what) for of, what in each.shown if (of.id, what.code, what.form) in wanted])
        for each in found
    )
    return _sorted(each for each in parts if each.shown)


def _by_mark(shown: Iterable[tuple[Result, Finding]]) -> Iterable[Cause]:
    found: dict[str, Cause] = {}
    for result, finding in shown:
        if finding.code in _OF_ONE_FUNCTION:
            cause = Cause("function", function(result.op), part(finding.code))
        else:
            cause = Cause(
                "form",
                f"{finding.code} {_ANY_KEYWORD.sub('unexpected keyword argument', finding.form)}",
                part(finding.code),
            )
        found.setdefault(f"{cause.of} {cause.mark} {cause.part}", cause).shown.append((result, finding))
    return found.values()


def _merged(found: Iterable[Cause]) -> Iterable[Cause]:
    """Return causes, of which those are merged that the same few functions show, or of a code that few each show."""
    merged: dict[str, Cause] = {}
    for each in found:
        functions = sorted({function(op) for op in each.ops})
        cause = Cause(each.of, each.mark, each.part)
        if each.part == _REST and len(functions) <= _FEW:
            cause = Cause("code", each.code, each.part)
        elif len(functions) == 1:
            cause = Cause("function", functions[0], each.part)
        elif len(functions) <= _SEVERAL:
            cause = Cause("functions", ", ".join(functions), each.part)
        merged.setdefault(f"{cause.of} {cause.mark} {cause.part}", cause).shown.extend(each.shown)
    return _without_oddities(merged.values())


def _without_oddities(found: Iterable[Cause]) -> Iterator[Cause]:
    """Yield causes, of which those are one that show in the scenarios of one function only."""
    odd = Cause("code", "A107", part("A107"))
    for each in found:
        if each.of == "function" and all(finding.code == "A107" for _, finding in each.shown):
            odd.shown.extend(each.shown)
        else:
            yield each
    if odd.shown:
        alone = len({function(op) for op in odd.ops}) == 1
        yield replace(odd, of="function", mark=function(odd.ops[0])) if alone else odd


def _sorted(found: Iterable[Cause]) -> list[Cause]:
    """Sort causes: no answer, wrong answers to valid calls, all else; in each what shows most."""
    return sorted(found, key=lambda each: (each.part, -each.items, rank(each.code), -each.cases, each.title))
