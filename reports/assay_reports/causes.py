"""Causes: the findings that are one thing to mend, over all the items that show it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from assay_reports.codes import CODES, part, rank
from assay_reports.results import Finding, Result, Run
from assay_reports.vocabulary import counted

Shown = Sequence[tuple[Result, Finding]]

# Codes that say no more than that something differs, or that all is lost: in another function it is another thing.
_OF_ONE_FUNCTION: Final = frozenset(
    code for code in CODES if code[:2] in ("A1", "A4", "A5", "A6") or code in ("A201", "A801", "A802", "A803")
) - {"A109", "A404", "A405", "A407", "A503", "A507", "A508"}

_ALIKE: Final = ("torch", "torch.Tensor", "torch.nn", "torch.nn.functional")  # where one function has several names
_WIDTH: Final = 160  # characters of what is wrong in one item


@dataclass(frozen=True)
class Cause:
    """What is wrong in one way, wherever that shows: findings of one form, or of one function."""

    code: str
    mark: str  # what tells it from the others of its code: the form, or a function
    of_function: bool
    shown: list[tuple[Result, Finding]] = field(default_factory=list)

    @property
    def forms(self) -> list[str]:
        """What is wrong in general, in each way: what shows in most cases first."""
        cases = Counter[str]()
        for _, finding in self.shown:
            cases[finding.form] += finding.cases
        return [form for form, _ in cases.most_common()]

    @property
    def form(self) -> str:
        """What is wrong in general, in most cases."""
        return self.forms[0]

    @property
    def op(self) -> str | None:
        """The function that is wrong, by its plainest name, where the form alone does not tell causes apart."""
        return min(self.ops, key=lambda op: (len(op), op)) if self.of_function else None

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
    def smallest(self) -> tuple[Result, Finding]:
        """The finding of the first form with the shortest snippet, of those that have one, with its item."""
        return _smallest([each for each in self.shown if each[1].form == self.form])

    @property
    def ways(self) -> list[tuple[Result, Finding]]:
        """The smallest finding of each form."""
        return [_smallest([each for each in self.shown if each[1].form == form]) for form in self.forms]

    @property
    def slug(self) -> str:
        """A name of the cause for addresses."""
        text = f"{self.code}|{self.mark}|{self.of_function}"
        return f"{self.code}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"

    @property
    def title(self) -> str:
        """What is wrong, in a line: in general, or in the one item that shows it."""
        more = f" (and {counted(len(self.ops) - 1, 'more name')})" if self.op and len(self.ops) > 1 else ""
        where = f"{self.op}{more}: " if self.op else ""
        others = f"; and {counted(len(self.forms) - 1, 'more finding')}" if len(self.forms) > 1 else ""
        return f"{where}{self._one or self.form}{others}"

    @property
    def _one(self) -> str:
        """What is wrong in the one item that shows it in the most frequent way; empty where there are several."""
        first = [finding for _, finding in self.shown if finding.form == self.form]
        lines = first[0].message.splitlines() if len(first) == 1 else []
        return next(filter(None, map(str.strip, lines)), "")[:_WIDTH]


def _smallest(shown: Shown) -> tuple[Result, Finding]:
    return min(shown, key=lambda each: (not each[1].snippet, len(each[1].snippet), each[0].id))


def function(op: str) -> str:
    """Return the name of what an op computes: one for `torch.tanh`, `tanh_` and `nn.Tanh`, for 1d, 2d and 3d."""
    where, _, short = op.rpartition(".")
    if where not in _ALIKE or short.startswith("__") or short[:1].isupper() is not (where == "torch.nn"):
        return op
    return re.sub(r"[123]d$", "", short.replace("_", "").lower())


def causes(results: Run | Iterable[Result]) -> list[Cause]:
    """Return the causes behind everything that is broken, so that the first ones tell most of it.

    What only one function shows is one cause for each code.
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
    found: dict[tuple[str, str, bool], Cause] = {}
    for result, finding in shown:
        of_function = finding.code in _OF_ONE_FUNCTION
        which = finding.code, function(result.op) if of_function else finding.form, of_function
        found.setdefault(which, Cause(*which)).shown.append((result, finding))
    return found.values()


def _merged(found: Iterable[Cause]) -> Iterable[Cause]:
    """Return causes, of which those of a code that one function alone shows are one."""
    merged: dict[tuple[str, str, bool], Cause] = {}
    for each in found:
        functions = {function(op) for op in each.ops}
        which = each.code, each.mark, each.of_function
        if len(functions) == 1:
            which = each.code, functions.pop(), True
        merged.setdefault(which, Cause(*which)).shown.extend(each.shown)
    return merged.values()


def _sorted(found: Iterable[Cause]) -> list[Cause]:
    """Sort causes: no answer, wrong answers to valid calls, all else; in each what shows most."""
    return sorted(found, key=lambda each: (part(each.code), -each.items, rank(each.code), -each.cases, each.title))
