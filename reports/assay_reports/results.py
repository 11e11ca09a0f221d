"""Results files: one JSON object a line, each written as soon as it is known."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from assay_reports.files import append, opened_alone, replaced
from assay_reports.json_lines import ResultsError, brief, line_of, read_head, read_record, records_of
from assay_reports.records import Event, Finding, Footer, Header, Result, Worst, plain
from assay_reports.score import Score
from assay_reports.vocabulary import BROKEN, OFFERED, OUTCOMES, counted

__all__ = ["Event", "Finding", "Footer", "Result", "ResultsError", "Run", "Worst", "read_results"]

_SAME: Final = ("suite", "edition", "backend", "oracle", "selection", "seed", "settings")  # in all parts of one run
_BEGINNING: Final = b'{"type":"header",'


@dataclass(frozen=True)
class Run:
    """One results file."""

    header: Header
    results: tuple[Result, ...]
    events: tuple[Event, ...] = ()
    footer: Footer | None = None
    path: Path | None = None

    @property
    def name(self) -> str:
        """The name of the backend."""
        return self.header.backend.name

    @property
    def full_name(self) -> str:
        """The name of the backend and its version."""
        return f"{self.name} {self.header.backend.version}".rstrip()

    @property
    def complete(self) -> bool:
        """Whether the run came to its end; without a footer it did not."""
        return self.footer is not None and self.footer.complete

    @cached_property
    def by_id(self) -> dict[str, Result]:
        return {result.id: result for result in self.results}

    @cached_property
    def tally(self) -> Tally:
        return Tally.over(self.results)

    @cached_property
    def score(self) -> Score:
        return Score.over(self.results)

    @property
    def incidents(self) -> str:
        """How often the backend lost its process, or answered otherwise, and did not when asked again; where first."""
        found = [event for event in self.events if event.kind == "incident"]
        if not found:
            return ""
        what = f": {found[0].message}" if found[0].message else ""
        return f"{counted(len(found), 'incident')} that did not happen again, the first at {found[0].after}{what}"

    def again(self, id: str) -> str:
        """Return the command that runs one item again."""
        return again(id, self.header.settings)


def again(id: str, settings: Mapping[str, Any]) -> str:
    """Return the command that runs one item again as a run did that was given some settings."""
    words = ["assay", "repro", id]
    for name, value in settings.items():
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if value is True else [flag, str(value)]
    return shlex.join(words)


@dataclass(frozen=True)
class Tally:
    """Counts of items by outcome, and of cases."""

    items: Counter[str] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)

    @classmethod
    def over(cls, results: Iterable[Result]) -> Tally:
        tally = cls()
        for result in results:
            tally.add(result)
        return tally

    def add(self, result: Result) -> None:
        """Count one more item."""
        self.items[result.outcome] += 1
        self.cases["total"] += result.cases
        for name in ("passed", "failed", "self", "unsupported", "fallback"):
            self.cases[name] += getattr(result, name)
        self.excused.update(result.excused)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """The counts as a footer holds them."""
        items = {outcome: self.items[outcome] for outcome in OUTCOMES if self.items[outcome]}
        return {"items": items, "cases": dict(self.cases)}

    @property
    def total(self) -> int:
        return self.items.total()

    @property
    def offered(self) -> int:
        """How many items the backend offers, in part at least."""
        return sum(count for outcome, count in self.items.items() if outcome in OFFERED)

    @property
    def broken(self) -> int:
        """How many items have findings that somebody has to mend."""
        return sum(count for outcome, count in self.items.items() if outcome in BROKEN)


def in_cases(result: Result) -> str:
    """Say how many of an item's cases pass."""
    if result.cases == 1:
        return "its one case passes" if result.passed else "its one case does not pass"
    return f"{result.passed:,} of {result.cases:,} cases pass"


def in_excuses(excused: Mapping[str, int]) -> str:
    """Say how many elements were excused and why, the most frequent excuse first."""
    counts = Counter(excused)
    names = [name if len(counts) == 1 else f"{name} {count:,}" for name, count in counts.most_common()]
    return f"{counted(counts.total(), 'element')} excused: {', '.join(names)}"


class ResultsWriter:
    """A results file that is written record by record, so that a run that is killed keeps what it has judged.

    One run at a time writes to a file. A run that resumes one keeps its header and results; in the end the results
    stand in the order of the plan, whatever the order in which they came.
    """

    def __init__(self, path: Path, header: Header, *, resume: bool = False) -> None:
        read_record(Header, plain(header), path, 1)  # what is written can be read
        self.path, self._header = path, header
        self._lines: dict[str, list[str]] = {}  # of each item: its events, then its result
        self._file: int | None = _alone(path)
        try:
            if resume:
                self._go_on()
            self._replace()
        except BaseException:
            self.close()
            raise

    def _go_on(self) -> None:
        """Keep what the run has written that is resumed; raise ResultsError where it is another one."""
        kept = unfinished(self.path)
        if kept is None:
            return
        found = difference(kept.header, self._header)
        if found is not None:
            name, was, would_be = found
            raise ResultsError(
                f"{self.path}:1: its {name} is {was}, and now it would be {would_be}; go on as it began, "
                "or leave out --resume to begin anew"
            )
        self._header = kept.header
        events: dict[str, list[Event]] = {}
        for event in kept.events:
            events.setdefault(event.after, []).append(event)
        for result in kept.results:
            if result.outcome != "not_run":  # else it runs now
                self._lines[result.id] = [*map(line_of, (*events.get(result.id, ()), result))]

    def result(self, result: Result, events: Iterable[Event] = ()) -> None:
        """Write the result of an item, and what happened on the way."""
        assert self._file is not None, "the file is closed"
        self._lines[result.id] = [*map(line_of, (*events, result))]
        append(self._file, "".join(self._lines[result.id]))

    def finish(self, footer: Footer, order: Iterable[str] = ()) -> None:
        """Put the results in an order, write the footer, and close the file."""
        ids = dict.fromkeys([*(id for id in order if id in self._lines), *self._lines])
        self._lines = {id: self._lines[id] for id in ids}
        self._replace(line_of(footer))
        self.close()

    def _replace(self, last: str = "") -> None:
        """Write all that is known in the file's place."""
        lines = [line_of(self._header), *(line for lines in self._lines.values() for line in lines), last]
        written = replaced(self.path, "".join(lines))
        self.close()
        self._file = written

    def close(self) -> None:
        """Close the file as it is: without a footer it is a partial run."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _alone(path: Path) -> int:
    """Open a file for this run alone; raise ResultsError where another run writes it."""
    try:
        return opened_alone(path)
    except BlockingIOError:
        raise ResultsError(f"{path}: another run is writing it; wait for it, or choose another --out") from None
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from None


def now() -> str:
    """Return the time as results files have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def difference(first: Header, second: Header) -> tuple[str, str, str] | None:
    """Return what shows that two headers are not of one run, its name and its two values; None if nothing does."""
    for name in _SAME:
        ours, theirs = (dict(_leaves(name, plain(getattr(_anywhere(each), name)))) for each in (first, second))
        for leaf in {**ours, **theirs}:
            one, other = ours.get(leaf, "nothing"), theirs.get(leaf, "nothing")
            if one != other:
                return leaf, brief(str(one)), brief(str(other))
    return None


def _anywhere(header: Header) -> Header:
    """Return a header without where on a machine the oracle lies."""
    return replace(header, oracle=replace(header.oracle, file=""))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield name, value
        return
    for each, part in value.items():
        yield from _leaves(f"{name}.{each}", part)


def unfinished(path: Path) -> Run | None:
    """Return what a run has written so far; None if that is less than a header."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        first = file.readline()
    if not first.endswith(b"\n") and (first.startswith(_BEGINNING) or _BEGINNING.startswith(first)):
        return None
    return read_results(path)


def read_results(path: Path) -> Run:
    """Read a results file; a last line that was cut off is left out, and the run is then partial."""
    records = records_of(path)
    number, first = next(records, (1, {}))
    if first.pop("type", None) != "header":
        raise ResultsError(f"{path}:{number}: no header; a results file begins with one, written by `assay run`")
    header = read_head(Header, first, path, number)
    footer: Footer | None = None
    results: list[Result] = []
    events: list[Event] = []
    lines: dict[str, int] = {}
    for number, record in records:
        kind = record.pop("type", None)
        if footer is not None or kind == "header":
            raise ResultsError(f"{path}:{number}: here another run begins; `assay merge` puts results files together")
        match kind:
            case "result":
                results.append(read_record(Result, record, path, number))
                _refuse_second(path, number, results[-1].id, lines)
            case "event":
                events.append(read_record(Event, record, path, number))
            case "footer":
                footer = read_record(Footer, record, path, number)
            case _:
                raise ResultsError(f"{path}:{number}: a record of type {brief(repr(kind))}; is this a results file?")
    return Run(header, tuple(results), tuple(events), footer, path)


def _refuse_second(path: Path, number: int, id: str, lines: dict[str, int]) -> None:
    """Raise ResultsError where an item has a result already, which this one would hide."""
    first = lines.setdefault(id, number)
    if first != number:
        raise ResultsError(
            f"{path}:{number}: a second result of {brief(id)}, which line {first} has already; "
            "`assay merge` puts results files together"
        )


def write_run(run: Run, path: Path) -> None:
    """Write a run that is complete in memory, such as a merged one."""
    records: list[Any] = [run.header, *run.events, *run.results, *([run.footer] if run.footer else [])]
    os.close(replaced(path, "".join(map(line_of, records))))
