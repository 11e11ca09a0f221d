"""Results files: one JSON object a line, each written as soon as it is known."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from assay_reports.vocabulary import BROKEN, OFFERED

SCHEMA_VERSION: Final = 2

Record = dict[str, Any]


class ResultsError(ValueError):
    """A results file that cannot be read: where, what, and what to do."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The element with the largest error / budget ratio, which is `fraction`."""

    fraction: float
    ulp: float | None
    index: tuple[int, ...]
    got: str
    want: str

    @classmethod
    def of(cls, record: Record) -> Worst:
        return cls(**{**record, "index": tuple(record["index"])})


@dataclass(frozen=True, slots=True)
class Failure:
    """The minimal failing example of one code, and how many more cases failed alike."""

    case: str
    code: str
    outcome: str
    message: str
    expected: str = ""
    actual: str = ""
    budget: str | None = None
    index: tuple[int, ...] | None = None
    call: str = ""
    snippet: str = ""
    more: int = 0

    @classmethod
    def of(cls, record: Record) -> Failure:
        index = record["index"]
        return cls(**{**record, "index": None if index is None else tuple(index)})


@dataclass(frozen=True, slots=True)
class Event:
    """An error of the process of a backend, and the item that met it."""

    kind: str
    after: str
    signal: str | None = None
    stderr_tail: str = ""

    @classmethod
    def of(cls, record: Record) -> Event:
        return cls(**_untyped(record))


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one item, that is of one op × facet × dtype class."""

    id: str
    hash: str
    op: str
    area: str
    facet: str
    outcome: str
    dtype: str | None = None
    device: str = "cpu"
    code: str | None = None
    level: str = "required"
    cases: int = 0
    passed: int = 0
    failed: int = 0
    self: int = 0
    unsupported: int = 0
    fallback: int = 0
    ms: float = 0.0
    worst: Worst | None = None
    excused: Mapping[str, int] = field(default_factory=dict)  # elements, by the name of the excuse
    message: str | None = None
    failures: tuple[Failure, ...] = ()

    @classmethod
    def of(cls, record: Record) -> Result:
        content = _untyped(record)
        content["worst"] = None if record["worst"] is None else Worst.of(record["worst"])
        content["failures"] = tuple(map(Failure.of, record["failures"]))
        return cls(**content)


@dataclass(frozen=True)
class Run:
    """One results file."""

    header: Mapping[str, Any]
    results: tuple[Result, ...]
    events: tuple[Event, ...] = ()
    footer: Mapping[str, Any] | None = None
    path: Path | None = None

    @property
    def name(self) -> str:
        return str(self.header["backend"]["name"])

    @property
    def complete(self) -> bool:
        """Return whether the run came to its end; without a footer it did not."""
        return self.footer is not None and bool(self.footer["complete"])

    @cached_property
    def by_id(self) -> dict[str, Result]:
        return {result.id: result for result in self.results}

    @cached_property
    def tally(self) -> Tally:
        return Tally.over(self.results)

    def again(self, id: str) -> str:
        """Return the command that runs one item again."""
        return again(id, self.header["settings"])


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
    def counts(self) -> Record:
        """The counts as a footer holds them."""
        return {"items": dict(self.items), "cases": dict(self.cases)}

    @property
    def total(self) -> int:
        return self.items.total()

    @property
    def offered(self) -> int:
        """Return the number of items that the backend offers: neither unsupported nor left out."""
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
    """A results file that is written record by record, so that an interrupted run keeps what it has judged."""

    def __init__(self, path: Path, header: Record, *, resume: bool = False) -> None:
        kept = _to_go_on_from(path) if resume and path.exists() else []
        self._file = path.open("w", encoding="utf-8")
        for record in kept or [{"type": "header", "schema_version": SCHEMA_VERSION, **header}]:
            self._write(record)

    def result(self, result: Result) -> None:
        self._write({"type": "result", **asdict(result)})

    def event(self, event: Event) -> None:
        self._write({"type": "event", **asdict(event)})

    def footer(self, *, complete: bool, counts: Record, stop_reason: str | None) -> None:
        ended = _now()
        self._write(
            {"type": "footer", "complete": complete, "counts": counts, "stop_reason": stop_reason, "ended": ended}
        )

    def close(self) -> None:
        self._file.close()

    def _write(self, record: Record) -> None:
        self._file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._file.flush()


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _to_go_on_from(path: Path) -> list[Record]:
    """Return the records of a partial file, less its footer and what did not run, which runs now."""
    records = [record for _, record in records_of(path)]
    return [each for each in records if each.get("type") != "footer" and each.get("outcome") != "not_run"]


def read_results(path: Path) -> Run:
    """Read a results file; a last line that was cut off is left out, and the run is then partial."""
    header: Record | None = None
    footer: Record | None = None
    results: list[Result] = []
    events: list[Event] = []
    lines: dict[str, int] = {}
    for number, record in records_of(path):
        try:
            match record.get("type"):
                case "header":
                    header = checked(record, path)
                case "result":
                    results.append(Result.of(record))
                    _refuse_second(path, number, results[-1].id, lines)
                case "event":
                    events.append(Event.of(record))
                case "footer":
                    footer = record
                case other:
                    raise ResultsError(f"{path}:{number}: a record of type {other!r}; is this a results file?")
        except (KeyError, TypeError) as error:
            raise ResultsError(f"{path}:{number}: {type(error).__name__}: {error}; run it again") from None
    if header is None:
        raise ResultsError(f"{path}:1: no header; a results file begins with one, written by `assay run`")
    return Run(header, tuple(results), tuple(events), footer, path)


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
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):
                return  # the run was interrupted while it wrote
            raise ResultsError(f"{path}:{number}: not JSON: {error.msg}; is this a results file?") from None
        yield number, record if isinstance(record, dict) else {}


def checked(header: Record, path: Path) -> Record:
    """Return a header of the schema version that this Assay reads; raise ResultsError for another."""
    version = header.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ResultsError(f"{path}:1: schema version {version}, and this Assay reads {SCHEMA_VERSION}; run it again")
    return header


def write_run(run: Run, path: Path) -> None:
    """Write a run that is complete in memory, such as a merged one."""
    writer = ResultsWriter(
        path, {key: value for key, value in run.header.items() if key not in ("type", "schema_version")}
    )
    for event in run.events:
        writer.event(event)
    for result in run.results:
        writer.result(result)
    if run.footer is not None:
        chosen = {key: run.footer[key] for key in ("complete", "counts", "stop_reason")}
        writer.footer(**chosen)
    writer.close()


def _untyped(record: Record) -> Record:
    """Return a record without its type."""
    return {key: value for key, value in record.items() if key != "type"}
