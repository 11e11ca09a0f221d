"""Results files: one JSON object a line, each written as soon as it is known."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

from assay_reports.files import replaced
from assay_reports.records import SCHEMA_VERSION, Event, Finding, Footer, Header, Result, Worst, plain
from assay_reports.score import Score
from assay_reports.vocabulary import BROKEN, OFFERED
from assay_spec.typed import Mismatch, read

__all__ = ["Event", "Finding", "Footer", "Result", "Run", "Worst", "read_results"]

Record = dict[str, Any]
T = TypeVar("T")

_SAME: Final = ("suite", "settings", "edition", "backend", "oracle", "selection", "seed")  # of a run that is resumed
_LONGEST: Final = 1 << 26  # bytes of a line that is read


class ResultsError(ValueError):
    """A results file that cannot be read or written: where, what, and what to do."""


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
        return self.header.backend.name

    @property
    def complete(self) -> bool:
        """Return whether the run came to its end; without a footer it did not."""
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
        return {"items": dict(self.items), "cases": dict(self.cases)}

    @property
    def total(self) -> int:
        return self.items.total()

    @property
    def offered(self) -> int:
        """Return the number of items that the backend offers."""
        return sum(count for outcome, count in self.items.items() if outcome in OFFERED)

    @property
    def broken(self) -> int:
        return sum(count for outcome, count in self.items.items() if outcome in BROKEN)


def in_excuses(excused: Mapping[str, int]) -> str:
    """Say how many elements were excused and why, the most frequent excuse first."""
    counts = Counter(excused)
    elements = "1 element" if counts.total() == 1 else f"{counts.total():,} elements"
    names = [name if len(counts) == 1 else f"{name} {count:,}" for name, count in counts.most_common()]
    return f"{elements} excused: {', '.join(names)}"


class ResultsWriter:
    """A results file that is written record by record, so that a run that is killed keeps what it has judged.

    One run at a time writes to a file. A run that resumes one keeps its header and results; in the end the results
    stand in the order of the plan, whatever the order in which they came.
    """

    def __init__(self, path: Path, header: Header, *, resume: bool = False) -> None:
        self.path, self._header = path, header
        self._file = _locked(path)
        kept = self._to_go_on_from() if resume and path.stat().st_size else None
        self._lines: dict[str, list[str]] = {}  # of each item: its events, then its result
        for event in kept.events if kept else ():
            self._note(event.after, event)
        for result in kept.results if kept else ():
            if result.outcome == "not_run":
                self._lines.pop(result.id, None)  # it runs now
            else:
                self._note(result.id, result)
        os.ftruncate(self._file.fileno(), 0)
        self._write(_line(_record(self._header)), *(line for lines in self._lines.values() for line in lines))

    def _to_go_on_from(self) -> Run:
        """Return the run that is resumed; raise ResultsError where it is another one."""
        kept = read_results(self.path)
        for name in _SAME:
            was, would_be = (plain(getattr(each, name)) for each in (kept.header, self._header))
            if was != would_be:
                raise ResultsError(
                    f"{self.path}: its {name} is {was}, and now it would be {would_be}; go on as it began, "
                    "or leave out --resume to begin anew"
                )
        self._header = kept.header
        return kept

    def result(self, result: Result, events: Iterable[Event] = ()) -> None:
        """Write the result of an item, and what happened on the way."""
        self._lines.pop(result.id, None)
        lines = [self._note(result.id, event) for event in events]
        self._write(*lines, self._note(result.id, result))

    def _note(self, id: str, record: Event | Result) -> str:
        line = _line(_record(record))
        self._lines.setdefault(id, []).append(line)
        return line

    def finish(self, footer: Footer, order: Iterable[str] = ()) -> None:
        """Put the results in an order, write the footer, and close the file."""
        ids = [*(id for id in order if id in self._lines), *self._lines]
        lines = [line for id in dict.fromkeys(ids) for line in self._lines[id]]
        replaced(self.path, "".join([_line(_record(self._header)), *lines, _line(_record(footer))]))
        self.close()

    def close(self) -> None:
        """Close the file as it is: without a footer it is a partial run."""
        self._file.close()

    def _write(self, *lines: str) -> None:
        self._file.write("".join(lines).encode("utf-8", "backslashreplace"))
        self._file.flush()


def _record(record: Any) -> Record:
    return {"type": type(record).__name__.lower(), **plain(record)}


def _line(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"


def _locked(path: Path) -> Any:
    """Open a file for this run alone; raise ResultsError where another run writes it."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b")
    os.set_inheritable(file.fileno(), False)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise ResultsError(f"{path}: another run is writing it; wait for it, or choose another --out") from None
    return file


def now() -> str:
    """Return the time as results files have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_results(path: Path) -> Run:
    """Read a results file; a last line that was cut off is left out, and the run is then partial."""
    header: Header | None = None
    footer: Footer | None = None
    results: list[Result] = []
    events: list[Event] = []
    lines: dict[str, int] = {}
    for number, record in records_of(path):
        match record.pop("type", None):
            case "header":
                header = _header(record, path)
            case "result":
                results.append(typed(Result, record, path, number))
                _refuse_second(path, number, results[-1].id, lines)
            case "event":
                events.append(typed(Event, record, path, number))
            case "footer":
                footer = typed(Footer, record, path, number)
            case other:
                raise ResultsError(f"{path}:{number}: a record of type {other!r}; is this a results file?")
    if header is None:
        raise ResultsError(f"{path}:1: no header; a results file begins with one, written by `assay run`")
    return Run(header, tuple(results), tuple(events), footer, path)


def typed(kind: Callable[..., T], record: Record, path: Path, number: int) -> T:
    """Read one record; raise ResultsError where it is not what it should be."""
    try:
        return read(kind, record)  # type: ignore[no-any-return]
    except (Mismatch, RecursionError) as error:
        at = ".".join(map(str, error.path)) if isinstance(error, Mismatch) else ""
        raise ResultsError(f"{path}:{number}: {f'{at}: ' * bool(at)}{error}; run it again") from None


def _refuse_second(path: Path, number: int, id: str, lines: dict[str, int]) -> None:
    """Raise ResultsError where an item has a result already, which this one would hide."""
    first = lines.setdefault(id, number)
    if first != number:
        raise ResultsError(
            f"{path}:{number}: a second result of {id}, which line {first} has already; "
            "`assay merge` puts results files together"
        )


def records_of(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield line number and record of a file of JSON lines; a last line that was cut off is left out."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST):
            number += 1
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8", "surrogatepass"))
            except (ValueError, RecursionError) as error:
                if not line.endswith(b"\n") and len(line) < _LONGEST:
                    return  # the run was interrupted while it wrote
                why = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
                raise ResultsError(f"{path}:{number}: not JSON: {why}; is this a results file?") from None
            if not isinstance(record, dict):
                raise ResultsError(f"{path}:{number}: not a JSON object; is this a results file?")
            yield number, record


def _header(record: Record, path: Path) -> Header:
    """Return a header of the schema version that this Assay reads; raise ResultsError for another."""
    version = record.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ResultsError(f"{path}:1: schema version {version}, and this Assay reads {SCHEMA_VERSION}; run it again")
    return typed(Header, record, path, 1)


def write_run(run: Run, path: Path) -> None:
    """Write a run that is complete in memory, such as a merged one."""
    records: list[Any] = [run.header, *run.events, *run.results, *([run.footer] if run.footer else [])]
    replaced(path, "".join(_line(_record(each)) for each in records))
