"""Results files: one JSON object a line, each written as soon as it is known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final

SCHEMA_VERSION: Final = 1
OFFERED: Final = frozenset({"pass", "fail", "error", "timeout", "crash", "harness_error", "self"})
BROKEN: Final = frozenset({"fail", "error", "timeout", "crash", "harness_error", "suite_error"})

Record = dict[str, Any]


class ResultsError(ValueError):
    """A results file that cannot be read: where, what, and what to do."""


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
    index: list[int] | None = None
    call: str = ""
    snippet: str = ""
    more: int = 0


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
    worst: Mapping[str, Any] | None = None
    excused: Mapping[str, int] = field(default_factory=dict)  # elements, by the name of the excuse
    message: str | None = None
    failures: tuple[Failure, ...] = ()

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Result:
        known = {each.name for each in fields(cls)}
        content = {key: value for key, value in record.items() if key in known}
        content["failures"] = tuple(Failure(**each) for each in record.get("failures", ()))
        return cls(**content)


@dataclass(frozen=True)
class Run:
    """One results file."""

    header: Mapping[str, Any]
    results: tuple[Result, ...]
    events: tuple[Record, ...] = ()
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


@dataclass(frozen=True)
class Tally:
    """How many items, cases and elements came to what; coverage says of how many."""

    items: Counter[str] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)

    @classmethod
    def over(cls, results: Iterable[Result]) -> Tally:
        items: Counter[str] = Counter()
        cases: Counter[str] = Counter()
        excused: Counter[str] = Counter()
        for result in results:
            items[result.outcome] += 1
            for name in ("cases", "passed", "failed", "self", "unsupported", "fallback"):
                cases[name] += getattr(result, name)
            excused.update(result.excused)
        return cls(items, cases, excused)

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
        kept = _without_footer(path) if resume and path.exists() else None
        self._file = path.open("w", encoding="utf-8")
        if kept is None:
            self._write({"type": "header", "schema_version": SCHEMA_VERSION, **header})
        else:
            self._file.writelines(kept)
            self._file.flush()

    def result(self, row: Record) -> None:
        self._write(row)

    def event(self, event: Record) -> None:
        self._write({"type": "event", **event})

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


def _without_footer(path: Path) -> list[str]:
    """Return the complete lines of a file before its footer; a resumed run goes on after them."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    return [line for line in whole if not line.startswith('{"type":"footer"')]


def read_results(path: Path) -> Run:
    """Read a results file; a last line that was cut off is left out, and the run is then partial."""
    header: Record | None = None
    footer: Record | None = None
    results: dict[str, Result] = {}
    events: list[Record] = []
    for number, record in records_of(path):
        match record.get("type"):
            case "header":
                header = checked(record, path)
            case "result":
                results[record["id"]] = Result.of(record)
            case "event":
                events.append(record)
            case "footer":
                footer = record
            case other:
                raise ResultsError(f"{path}:{number}: a record of type {other!r}; is this a results file?")
    if header is None:
        raise ResultsError(f"{path}:1: no header; a results file begins with one, written by `assay run`")
    return Run(header, tuple(results.values()), tuple(events), footer, path)


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
        writer.event({key: value for key, value in event.items() if key != "type"})
    for result in run.results:
        writer.result({"type": "result", **_plain(result)})
    if run.footer is not None:
        chosen = {key: run.footer[key] for key in ("complete", "counts", "stop_reason")}
        writer.footer(**chosen)
    writer.close()


def _plain(result: Result) -> Record:
    from dataclasses import asdict

    return asdict(result)
