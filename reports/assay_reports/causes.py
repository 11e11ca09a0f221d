"""Causes: the findings of one normal form, over all the items that show it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from assay_reports.codes import CODES, rank
from assay_reports.results import Finding, Result, Run
from assay_reports.vocabulary import counted

# Codes that say no more than that something differs: in another op it is another thing that is wrong.
_OF_ONE_OP: Final = frozenset(code for code in CODES if code[:2] in ("A1", "A4", "A5", "A6")) - {"A503"} | {
    "A201",
    "A302",
}

_WIDTH: Final = 160  # characters of what is wrong in one item


@dataclass(frozen=True)
class Cause:
    """What is wrong in one way, wherever that shows."""

    code: str
    form: str
    op: str | None  # the op that is wrong, where the form alone does not tell causes apart
    shown: list[tuple[Result, Finding]] = field(default_factory=list)

    @property
    def ops(self) -> list[str]:
        """The ops that show it."""
        return list(dict.fromkeys(result.op for result, _ in self.shown))

    @property
    def cases(self) -> int:
        """How many cases show it."""
        return sum(finding.cases for _, finding in self.shown)

    @property
    def touched(self) -> str:
        """How much shows it, in words."""
        counts = {"op": len(self.ops), "item": len(self.shown), "case": self.cases}
        return ", ".join(counted(number, noun) for noun, number in counts.items())

    @property
    def smallest(self) -> tuple[Result, Finding]:
        """The finding with the shortest snippet, of those that have one, with its item."""
        return min(self.shown, key=lambda each: (not each[1].snippet, len(each[1].snippet), each[0].id))

    @property
    def slug(self) -> str:
        """A name of the cause for addresses."""
        text = f"{self.code}|{self.form}|{self.op}"
        return f"{self.code}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"

    @property
    def title(self) -> str:
        """What is wrong, in a line: in general, or in the one item that shows it."""
        where = f"{self.op}: " if self.op else ""
        return f"{where}{self._one or self.form}"

    @property
    def _one(self) -> str:
        """What is wrong in the one item that shows it; empty where there are several."""
        lines = self.shown[0][1].message.splitlines() if len(self.shown) == 1 else []
        return next(filter(None, map(str.strip, lines)), "")[:_WIDTH]


def key(result: Result, finding: Finding) -> tuple[str, str, str | None]:
    """Return what makes findings one cause: code, normal form, and the op where these say too little."""
    return finding.code, finding.form, result.op if finding.code in _OF_ONE_OP else None


def causes(results: Run | Iterable[Result]) -> list[Cause]:
    """Return the causes behind everything that is broken, the gravest first, and the most frequent of a code."""
    if isinstance(results, Run):
        results = results.results
    return grouped((result, finding) for result in results for finding in result.broken)


def grouped(shown: Iterable[tuple[Result, Finding]]) -> list[Cause]:
    """Return the causes of some findings, in the order of `causes`."""
    found: dict[tuple[str, str, str | None], Cause] = {}
    for result, finding in shown:
        which = key(result, finding)
        found.setdefault(which, Cause(*which)).shown.append((result, finding))
    return sorted(found.values(), key=lambda each: (rank(each.code), -len(each.shown), -each.cases, each.title))
