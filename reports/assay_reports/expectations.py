"""Expectations: the known findings about a backend, listed in a file that its authors keep."""

from __future__ import annotations

import fnmatch
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml

from assay_reports.causes import Cause, causes
from assay_reports.files import replaced
from assay_reports.results import Finding, Result, Run

_MANY: Final = 2  # times as many cases as are listed: then it is no longer the same
_LARGEST: Final = 1 << 22  # bytes of a file that is read
_KEYS: Final = {"code": str, "form": str, "items": dict, "reason": str, "issue": str, "when": str, "expires": date}

_Shown = tuple[Result, Finding]


class ExpectationsError(ValueError):
    """An expectations file that is not valid: where, what, and what to do."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One known kind of finding: its code and form, and in how many cases of which items it shows."""

    code: str
    items: Mapping[str, int]  # an item's id, or a glob of them -> in how many cases
    reason: str
    form: str | None = None
    issue: str | None = None
    when: str | None = None
    expires: date | None = None
    line: int = 0

    def describes(self, finding: Finding) -> bool:
        """Return whether a finding is of this kind."""
        return self.code == finding.code and (self.form is None or _matches(finding.form, self.form))

    def names(self, id: str) -> str | None:
        """Return the first of the entry's items that names an item, or None."""
        return next((name for name in self.items if _matches(id, name)), None)

    @property
    def active(self) -> bool:
        """Whether the entry applies on this platform (`when`) and has not expired."""
        here = self.when is None or self.when.lower() in platform.platform().lower()
        return here and (self.expires is None or self.expires >= date.today())


def _matches(text: str, pattern: str) -> bool:
    """Return whether a text is the pattern, or matches it as a glob in which only `*` and `?` are special."""
    return text == pattern or fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


@dataclass(frozen=True)
class Comparison:
    """How a run compares with its expectations, in a line each."""

    unexpected: list[str] = field(default_factory=list)
    improved: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    expected: int = 0  # findings that are known

    @property
    def holds(self) -> bool:
        return not (self.unexpected or self.improved or self.stale)

    def lines(self) -> Iterator[str]:
        for label in ("unexpected", "improved", "stale"):
            yield from (f"{label}: {words}" for words in getattr(self, label))
        yield f"{self.expected:,} known findings, {len(self.unexpected):,} unexpected"


@dataclass(frozen=True)
class Expectations:
    """The entries of one file."""

    path: Path
    entries: tuple[Expectation, ...]

    @classmethod
    def load(cls, path: Path) -> Expectations:
        """Read a file; raise ExpectationsError at the first entry that is not valid."""
        node = _composed(path)
        if node is None:
            return cls(path, ())
        if not isinstance(node, yaml.SequenceNode):
            raise ExpectationsError(f"{path}:1: an expectations file is a list; begin each entry with `- code:`")
        return cls(path, tuple(_entry(path, each) for each in node.value))

    def entry(self, result: Result, finding: Finding) -> tuple[Expectation, str] | None:
        """Return the entry that lists a finding, and the item of that entry."""
        for each in self.entries:
            if each.active and each.describes(finding):
                name = each.names(result.id)
                if name is not None:
                    return each, name
        return None

    def covers(self, result: Result) -> bool:
        """Return whether all that is wrong with an item is known, and in no more cases than are known."""
        return all(self._covers(result, finding) for finding in result.broken)

    def _covers(self, result: Result, finding: Finding) -> bool:
        found = self.entry(result, finding)
        return found is not None and finding.cases <= _MANY * found[0].items[found[1]]

    def compare(self, run: Run) -> Comparison:
        """Return which findings of a run are unexpected, and which entries have improved or are stale."""
        cases, unlisted, listed = self._counted(run.results)
        unexpected = [
            f"{result.id}: {finding.code} {finding.message} ({_cases(finding.cases)})" for result, finding in unlisted
        ]
        improved, stale = [], []
        whole = run.complete and not run.header.selection.filter
        for each, name in self._items():
            count, due, where = cases.get((each.line, name), 0), each.items[name], f"{self.path}:{each.line}"
            if count > _MANY * due:
                unexpected.append(f"{name}: {each.code} in {_cases(count)}, and {where} lists {due:,}")
            elif not count and any(_matches(result.id, name) for result in run.results):
                improved.append(f"{where}: {name} no longer shows {each.code}; `assay expect update` deletes it")
            elif not count and whole:
                stale.append(f"{where}: {name} names no item of the run")
        return Comparison(unexpected, improved, stale, listed)

    def _items(self) -> Iterator[tuple[Expectation, str]]:
        return ((each, name) for each in self.entries if each.active for name in each.items)

    def _counted(self, results: Iterable[Result]) -> tuple[dict[tuple[int, str], int], list[_Shown], int]:
        """Return the cases that each item of each entry has, the findings in none, and how many are in one."""
        cases: dict[tuple[int, str], int] = {}
        unlisted: list[_Shown] = []
        listed = 0
        for result in results:
            for finding in result.broken:
                found = self.entry(result, finding)
                if found is None:
                    unlisted.append((result, finding))
                    continue
                listed += 1
                which = found[0].line, found[1]
                cases[which] = cases.get(which, 0) + finding.cases
        return cases, unlisted, listed


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count:,} cases"


def _composed(path: Path) -> yaml.Node | None:
    try:
        if path.stat().st_size > _LARGEST:
            raise ExpectationsError(f"{path}: more than {_LARGEST:,} bytes; group what is listed by globs")
        return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ExpectationsError(f"{path}:{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        said = str(error).partition("\n")[0] or "nested too deeply"
        raise ExpectationsError(f"{path}: not YAML: {said}") from None


def _entry(path: Path, node: yaml.Node) -> Expectation:
    where = f"{path}:{node.start_mark.line + 1}"
    try:
        content: Any = yaml.SafeLoader("").construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise ExpectationsError(f"{where}: {str(error).partition(chr(10))[0]}") from None
    if not isinstance(content, dict):
        raise ExpectationsError(f"{where}: an entry is a mapping with code, items and reason")
    for key, value in content.items():
        if key not in _KEYS:
            raise ExpectationsError(f"{where}: unknown key {key!r}; known: {', '.join(_KEYS)}")
        if type(value) is not _KEYS[key]:
            raise ExpectationsError(f"{where}: {key} is {value!r}, which is no {_KEYS[key].__name__}")
    for key in ("code", "items", "reason"):
        if not content.get(key):
            raise ExpectationsError(f"{where}: the entry has no {key}")
    for name, count in content["items"].items():
        if not isinstance(name, str) or type(count) is not int or count < 1:
            raise ExpectationsError(f"{where}: items has {name!r}: {count!r}; write an item, or a glob, and its cases")
    return Expectation(**content, line=node.start_mark.line + 1)


def update(path: Path, run: Run, *, add: bool = True) -> str:
    """Make a file list what is wrong in a run: drop what no longer shows, add what does; keep comments."""
    if not run.complete:
        raise ExpectationsError(f"{run.path} is partial: what it did not run would look fixed; finish it with --resume")
    known = Expectations.load(path) if path.exists() else Expectations(path, ())
    cases, unlisted, _ = known._counted(run.results)
    kept, gone = _kept(known, cases)
    new = [_written(cause) for cause in causes(_results_of(unlisted))] if add else []
    replaced(path, "".join([*kept, *new]))
    return f"{path}: {len(new)} added, {gone} removed"


def _results_of(shown: Sequence[_Shown]) -> list[Result]:
    """Return results that hold nothing but some of their findings."""
    from dataclasses import replace

    findings: dict[str, list[Finding]] = {}
    results = {result.id: result for result, _ in shown}
    for result, finding in shown:
        findings.setdefault(result.id, []).append(finding)
    return [replace(result, findings=tuple(findings[id])) for id, result in results.items()]


def _written(cause: Cause) -> str:
    """Return a cause as an entry: its items by op, as a person would list them."""
    counts: dict[str, dict[str, int]] = {}
    for result, finding in cause.shown:
        counts.setdefault(result.op, {})[result.id] = finding.cases
    items = {}
    for op, by_id in counts.items():
        items[f"{op}::*" if len(by_id) > 1 else next(iter(by_id))] = sum(by_id.values())
    reason = cause.smallest[1].message.partition("\n")[0][:120]
    entry = {"code": cause.code, "form": cause.form, "items": items, "reason": reason}
    return yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=10_000)


def _kept(known: Expectations, cases: Mapping[tuple[int, str], int]) -> tuple[list[str], int]:
    """Return the lines of a file without what no longer shows, with counts that have grown, and how many went."""
    if not known.path.exists():
        return [], 0
    lines = known.path.read_text(encoding="utf-8").splitlines(keepends=True)
    node = _composed(known.path)
    gone = 0
    for entry, mapping in zip(known.entries, node.value if node else (), strict=True):
        if not entry.active:
            continue
        listed = next(value for key, value in mapping.value if key.value == "items")
        left = [name for name in entry.items if cases.get((entry.line, name))]
        if not left:
            gone += 1
            last = _last_line(mapping, lines)
            lines[mapping.start_mark.line : last] = [""] * (last - mapping.start_mark.line)
            continue
        for key, value in listed.value:
            count = cases.get((entry.line, key.value), 0)
            at = key.start_mark.line
            if not count and not listed.flow_style:
                lines[at] = ""
            elif count > _MANY * entry.items[key.value]:
                start, end = value.start_mark.column, value.end_mark.column
                lines[at] = f"{lines[at][:start]}{count}{lines[at][end:]}"
    return [each if each.endswith("\n") or not each else each + "\n" for each in lines], gone


def _last_line(mapping: yaml.Node, lines: Sequence[str]) -> int:
    """Return the line after an entry, without the comments and blank lines that follow it."""
    end: int = mapping.end_mark.line if mapping.end_mark.column == 0 else mapping.end_mark.line + 1
    while end > mapping.start_mark.line + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return end
