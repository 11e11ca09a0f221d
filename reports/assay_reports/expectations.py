"""Expectations: the known failures of a backend, listed in a file that its authors keep."""

from __future__ import annotations

import fnmatch
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import yaml

from assay_reports.results import Result, Run
from assay_reports.vocabulary import BROKEN

_MOST_MATCHES: Final = 20
_KEYS: Final = ("id", "outcome", "code", "reason", "issue", "when", "expires", "matches")


class ExpectationsError(ValueError):
    """An expectations file that is not valid: where, what, and what to do."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One known failure, or a glob of them."""

    id: str
    reason: str
    outcome: str | None = None
    code: str | None = None
    issue: str | None = None
    when: str | None = None
    expires: date | None = None
    matches: int | None = None  # how many ids a glob may match
    line: int = 0

    def names(self, id: str) -> bool:
        return id == self.id or fnmatch.fnmatchcase(id, self.id.replace("[", "[[]"))

    def allows(self, outcome: str, code: str | None) -> bool:
        return (self.outcome is None or self.outcome == outcome) and (self.code is None or self.code == code)

    @property
    def active(self) -> bool:
        """Return whether the entry applies on this platform (`when`) and has not expired."""
        here = self.when is None or self.when.lower() in platform.platform().lower()
        return here and (self.expires is None or self.expires >= date.today())


@dataclass(frozen=True)
class Comparison:
    """How a run compares with its expectations."""

    unexpected: list[str] = field(default_factory=list)
    improved: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.unexpected or self.improved or self.stale)


@dataclass(frozen=True)
class Expectations:
    """The entries of one file."""

    path: Path
    entries: tuple[Expectation, ...]

    @classmethod
    def load(cls, path: Path) -> Expectations:
        """Read a file; raise ExpectationsError at the first entry that is not valid."""
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ExpectationsError(f"{path}:{line}: not YAML: {error.problem}") from None
        if node is None:
            return cls(path, ())
        if not isinstance(node, yaml.SequenceNode):
            raise ExpectationsError(f"{path}:1: an expectations file is a list; begin each entry with `- id:`")
        return cls(path, tuple(_entry(path, each) for each in node.value))

    def covers(self, result: Result) -> bool:
        """Return whether a failure is a known one."""
        return any(
            each.active and each.names(result.id) and each.allows(result.outcome, result.code) for each in self.entries
        )

    def compare(self, run: Run) -> Comparison:
        """Return which failures of a run are expected and which are not, and which entries improved or are stale."""
        found = Comparison()
        used: set[int] = set()
        for result in run.results:
            entries = [index for index, each in enumerate(self.entries) if each.active and each.names(result.id)]
            used.update(entries)
            if result.outcome in BROKEN:
                allowed = any(self.entries[index].allows(result.outcome, result.code) for index in entries)
                words = f"{result.id}: {result.outcome} {result.code}"
                (found.expected if allowed else found.unexpected).append(words)
            elif result.outcome == "pass" and entries:
                lines = ", ".join(str(self.entries[index].line) for index in entries)
                found.improved.append(f"{result.id} passes: delete line {lines} of {self.path}")
        self._check_globs(run)
        if run.complete and not run.header["selection"]["filter"]:
            found.stale.extend(
                f"{self.path}:{each.line}: {each.id} matches no item"
                for index, each in enumerate(self.entries)
                if index not in used and each.active
            )
        return found

    def _check_globs(self, run: Run) -> None:
        for each in self.entries:
            count = sum(each.names(result.id) for result in run.results)
            if count > (each.matches or _MOST_MATCHES):
                what = f"{each.id!r} matches {count} ids"
                raise ExpectationsError(f"{self.path}:{each.line}: {what}; say `matches: {count}` if that is meant")


def _entry(path: Path, node: yaml.Node) -> Expectation:
    line = node.start_mark.line + 1
    content = yaml.SafeLoader("").construct_document(node) if isinstance(node, yaml.MappingNode) else None
    if not isinstance(content, dict):
        raise ExpectationsError(f"{path}:{line}: an entry is a mapping with id and reason")
    for key in content:
        if key not in _KEYS:
            raise ExpectationsError(f"{path}:{line}: unknown key {key!r}; known: {', '.join(_KEYS)}")
    for key in ("id", "reason"):
        if not content.get(key):
            raise ExpectationsError(f"{path}:{line}: the entry has no {key}")
    return Expectation(**content, line=line)


def update(path: Path, run: Run) -> str:
    """Make a file list what fails in a run: add new entries at the end, remove those that pass, keep comments."""
    _refuse_partial(run)
    known = Expectations.load(path) if path.exists() else Expectations(path, ())
    kept = _pruned_lines(known, run)
    listed = [each for each in known.entries if each.active]
    new = [
        result
        for result in run.results
        if result.outcome in BROKEN
        and not any(each.names(result.id) and each.allows(result.outcome, result.code) for each in listed)
    ]
    for result in new:
        message = (result.message or result.outcome).splitlines()[0][:100]
        entry = {"id": result.id, "outcome": result.outcome, "code": result.code, "reason": message}
        kept.append(yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=1000))
    path.write_text("".join(kept), encoding="utf-8")
    return f"{path}: {len(new)} added, {len(known.entries) - _count(kept) + len(new)} removed"


def prune(path: Path, run: Run) -> str:
    """Remove from a file what no longer fails; keep comments."""
    _refuse_partial(run)
    known = Expectations.load(path)
    kept = _pruned_lines(known, run)
    path.write_text("".join(kept), encoding="utf-8")
    return f"{path}: {len(known.entries) - _count(kept)} removed"


def check(path: Path, run: Run) -> Comparison:
    """Compare a run with the expectations in a file."""
    return Expectations.load(path).compare(run)


def _refuse_partial(run: Run) -> None:
    if not run.complete:
        raise ExpectationsError(f"{run.path} is partial: what it did not run would look fixed; finish it with --resume")


def _count(lines: Sequence[str]) -> int:
    return sum(line.startswith("- ") for line in lines)


def _pruned_lines(known: Expectations, run: Run) -> list[str]:
    """Return the lines of the file without the entries that no failure of the run matches."""
    if not known.path.exists():
        return []
    broken = [result for result in run.results if result.outcome in BROKEN]
    gone = {
        each.line
        for each in known.entries
        if each.active
        and not any(each.names(result.id) and each.allows(result.outcome, result.code) for result in broken)
    }
    lines, dropping = [], False
    for number, line in enumerate(known.path.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        if line.startswith(("- ", "#")) or not line.strip():
            dropping = number in gone
        if not dropping:
            lines.append(line if line.endswith("\n") else line + "\n")
    return lines
