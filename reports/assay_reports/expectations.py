"""Expectations: the known findings about a backend, listed in a file that its authors keep."""

# No postponed annotations: the types of the fields are read.

import fnmatch
import platform
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

import yaml

from assay_reports.causes import Cause, among, causes
from assay_reports.codes import rank
from assay_reports.json_lines import brief
from assay_reports.printable import printable
from assay_reports.query import QueryError, parse
from assay_reports.records import CodeName
from assay_reports.results import Finding, Result, Run
from assay_reports.vocabulary import MANY, counted
from assay_reports.yaml_lists import ExpectationsError, KeyPath, composed, content, line_of, text_of
from assay_spec.typed import FORMAT, Mismatch, Pattern, Range, key, read

_TOKEN: Final = re.compile(r"\\([*?\\])|([*?])|(.)", re.DOTALL)  # of a glob

Cases = Annotated[int, Range(1, 2**53)]
Day = Annotated[str, Pattern(r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", "write it as 2027-01-31")]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One known kind of finding: its code and form, and in how many cases of which items it shows."""

    code: CodeName = key("the code of the finding")
    items: dict[str, Cases] = key("which items show it, by id or glob, and in how many cases")
    form: str | tuple[str, ...] | None = key(
        "what is wrong, as text or glob, or as several; any finding of the code where it is left out", None
    )
    reason: str | None = key("why that is so, for people", None)
    issue: str | int | None = key("where it is followed up", None)
    when: str | None = key("a part of the platform's name: elsewhere the entry says nothing", None)
    expires: Day | None = key("the last day on which the entry counts", None)

    def describes(self, finding: Finding) -> bool:
        """Return whether a finding is of this kind."""
        if self.code != finding.code or self.form is None:
            return self.code == finding.code
        forms = (self.form,) if isinstance(self.form, str) else self.form
        return any(matches(printable(finding.form), form) for form in forms)

    def names(self, id: str) -> str | None:
        """Return the first of the entry's items that names an item, or None."""
        shown = printable(id)
        return next((name for name in self.items if matches(shown, name)), None)

    @property
    def expired(self) -> bool:
        """Whether the last day on which the entry counts is over."""
        return self.expires is not None and self.expires < date.today().isoformat()

    def applies(self, system: str) -> bool:
        """Return whether the entry says something about a run on a platform."""
        return not self.expired and (self.when is None or self.when.lower() in system.lower())


def matches(text: str, glob: str) -> bool:
    r"""Return whether a text matches a glob: `*` is any text, `?` any character, `\*` a star, and all else itself."""
    return bool(_matcher(glob)(text))


def escaped(text: str) -> str:
    """Return a glob that matches one text only."""
    return re.sub(r"[*?\\]", r"\\\g<0>", text)


@cache
def _matcher(glob: str) -> Callable[[str], object]:
    if escaped(glob) == glob:
        return glob.__eq__
    tokens = _TOKEN.findall(glob)
    parts = (f"[{quoted}]" if quoted else "[[]" if plain == "[" else wild or plain for quoted, wild, plain in tokens)
    return re.compile(fnmatch.translate("".join(parts))).match


Shown = Sequence[tuple[Result, Finding]]
State = Literal["shown", "grown", "improved", "stale", "open"]  # `open`: the run does not tell


class Known(NamedTuple):
    """One item of one entry, and how a run bears it out."""

    entry: int  # its index
    name: str  # an item, or a glob
    due: int  # the cases that are listed
    cases: int  # those that show it
    shown: Shown  # by which findings
    state: State


@dataclass(frozen=True)
class Comparison:
    """How a run compares with its expectations, in a line each."""

    causes: list[Cause] = field(default_factory=list)  # of what is unexpected
    unexpected: list[str] = field(default_factory=list)
    improved: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    expected: int = 0  # findings that are known

    @property
    def holds(self) -> bool:
        """Whether nothing but what is listed is wrong, and all of that."""
        return not (self.unexpected or self.improved or self.stale)

    @property
    def outdated(self) -> list[str]:
        """What the file lists and the run does not show."""
        return [f"{label}: {words}" for label in ("improved", "stale") for words in getattr(self, label)]

    def lines(self) -> Iterator[str]:
        """Yield what is not as expected, in a line each, and the counts."""
        yield from (printable(f"unexpected: {words}") for words in self.unexpected)
        yield from map(printable, self.outdated)
        yield f"{counted(self.expected, 'known finding')}, {len(self.unexpected):,} unexpected"


@dataclass(frozen=True)
class Expectations:
    """The entries of one file."""

    path: Path
    entries: tuple[Expectation, ...] = ()
    lines: tuple[int, ...] = ()  # where each begins

    @classmethod
    def load(cls, path: Path) -> "Expectations":
        """Read a file; raise ExpectationsError at the first entry that is not valid."""
        return cls.of(path, text_of(path))

    @classmethod
    def of(cls, path: Path, text: str) -> "Expectations":
        """Read what a file holds."""
        nodes = composed(path, text)
        return cls(path, tuple(_entry(path, node) for node in nodes), tuple(map(line_of, nodes)))

    def covers(self, result: Result) -> bool:
        """Return whether all that is wrong with an item is known, and in no more cases than are known."""
        found = [(self.entry(result, finding, platform.platform()), finding.cases) for finding in result.broken]
        return all(which and cases <= MANY * self.entries[which[0]].items[which[1]] for which, cases in found)

    def entry(self, result: Result, finding: Finding, system: str) -> tuple[int, str] | None:
        """Return the index of the entry that lists a finding, and the item of that entry."""
        for index, each in enumerate(self.entries):
            if each.describes(finding) and each.applies(system):
                name = each.names(result.id)
                if name is not None:
                    return index, name
        return None

    def account(self, run: Run) -> tuple[list[Known], Shown]:
        """Return how a run bears out each item of each entry that applies, and the findings that none lists."""
        system = run.header.env.platform
        shown: dict[tuple[int, str], list[tuple[Result, Finding]]] = {}
        unlisted = []
        for result in run.results:
            for finding in result.broken:
                which = self.entry(result, finding, system)
                if which is None:
                    unlisted.append((result, finding))
                else:
                    shown.setdefault(which, []).append((result, finding))
        known = [
            _known(run, index, name, due, shown.get((index, name), []))
            for index, each in enumerate(self.entries)
            if each.applies(system)
            for name, due in each.items.items()
        ]
        return known, unlisted

    def _shown_by(self, unused: Known, known: Iterable[Known]) -> Known | None:
        """Return what lists findings that an unused item of an entry would list too."""
        entry = self.entries[unused.entry]
        for each in known:
            for result, finding in each.shown:
                if entry.describes(finding) and matches(printable(result.id), unused.name):
                    return each
        return None

    def compare(self, run: Run) -> Comparison:
        """Return which findings of a run are unexpected, and which entries have improved or are stale."""
        known, unlisted = self.account(run)
        found_causes = causes(run)
        unexpected = [(each.code, _unexpected(each)) for each in among(found_causes, unlisted)]
        grown = [shown for each in known if each.state == "grown" for shown in each.shown]
        expected = sum(len(each.shown) for each in known if each.state == "shown")
        found = Comparison(among(found_causes, [*unlisted, *grown]), expected=expected)
        for each in known:
            where, code = f"{self.path}:{self.lines[each.entry]}", self.entries[each.entry].code
            if each.state == "grown":
                told = f"{code} {each.name}: {counted(each.cases, 'case')}, and {where} lists {each.due:,}"
                unexpected.append((code, told))
            elif each.state == "improved" and (other := self._shown_by(each, known)) is not None:
                before = f"{other.name} at line {self.lines[other.entry]} lists that already"
                found.stale.append(f"{where}: {each.name} shows {code}, but {before}; delete one of them")
            elif each.state == "improved":
                found.improved.append(f"{where}: {each.name} no longer shows {code}; `assay expect update` deletes it")
            elif each.state == "stale":
                found.stale.append(f"{where}: {each.name} names no item of the run")
        found.unexpected.extend(told for _, told in sorted(unexpected, key=lambda each: rank(each[0])))
        for entry, line in zip(self.entries, self.lines, strict=True):
            if entry.expired:
                found.stale.append(f"{self.path}:{line}: expired on {entry.expires}; renew or delete it")
        return found


def _known(run: Run, entry: int, name: str, due: int, shown: Shown) -> Known:
    cases = sum(finding.cases for _, finding in shown)
    state: State = "grown" if cases > MANY * due else "shown" if cases else _without(run, name)
    return Known(entry, name, due, cases, shown, state)


def _without(run: Run, name: str) -> State:
    """Return what it means that none of the items shows what is listed."""
    outcomes = [result.outcome for result in run.results if matches(printable(result.id), name)]
    whole = run.complete and not run.header.selection.filter and not run.header.selection.shard
    if not outcomes:
        return "stale" if whole else "open"
    return "improved" if "not_run" not in outcomes and (whole or _has_all(run, name)) else "open"


def _has_all(run: Run, name: str) -> bool:
    """Return whether a part of a run that has some items of a name has all: it is one, or they are of one op."""
    op, selection = name.partition("::")[0], run.header.selection
    if escaped(name) == name:
        return True
    if escaped(op) != op or not run.complete or selection.shard:
        return False
    try:
        return parse(selection.filter).takes_whole_ops
    except QueryError:  # of another version
        return False


def _unexpected(cause: Cause) -> str:
    result, finding = cause.smallest
    return f"{cause.code} {result.id}: {finding.message or cause.form} ({cause.touched})"


def _entry(path: Path, node: yaml.Node) -> Expectation:
    lines: dict[KeyPath, int] = {}
    try:
        entry: Expectation = read(Expectation, content(node, lines))
    except Mismatch as error:
        hint = "see docs/reading-a-report.md" if error.hint == FORMAT else error.hint
        where = "".join(f"{part}: " for part in error.path if "unknown key" not in error.message)
        told = f"{brief(f'{where}{error.message}')} ({brief(hint)})"
        raise ExpectationsError(f"{path}:{_nearest(lines, error.path)}: {told}") from None
    if not entry.items:
        raise ExpectationsError(f"{path}:{line_of(node)}: the entry has no items")
    return entry


def _nearest(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """Return the line of a part, or of the nearest part around it."""
    while path not in lines:
        path = path[:-1]
    return lines[path]
