"""Files of JSON lines, a record a line: read so strictly that what is read can be trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from assay_reports.printable import printable
from assay_reports.records import SCHEMA_VERSION, plain
from assay_spec.typed import Mismatch, read

Record = dict[str, Any]
T = TypeVar("T")

_LONGEST: Final = 1 << 26  # bytes of a line that is read
_TOLD: Final = 300  # characters of a reason
_SEE: Final = " (docs/results-format.md says what may stand there)"


class ResultsError(ValueError):
    """A file of results that cannot be read or written: where, what, and what to do."""


def line_of(record: Any) -> str:
    """Return a record as a line; a lone surrogate is written as its escape when the line is encoded."""
    tagged = {"type": type(record).__name__.lower(), **plain(record)}
    return json.dumps(tagged, ensure_ascii=False, separators=(",", ":")) + "\n"


def records_of(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield line number and record; a last line that was cut off is left out."""
    try:
        with path.open("rb") as file:
            yield from _records(path, iter(lambda: file.readline(_LONGEST), b""))
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from None


def _records(path: Path, lines: Iterator[bytes]) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf-8", "surrogatepass"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            if not line.endswith(b"\n") and len(line) < _LONGEST:
                return  # the run was interrupted while it wrote
            why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise ResultsError(f"{path}:{number}: not JSON: {why}; is this a results file?") from None
        if not isinstance(record, dict):
            raise ResultsError(f"{path}:{number}: not a JSON object; is this a results file?")
        yield number, record


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def read_record(kind: type[T], record: Record, path: Path, number: int) -> T:
    """Read a record as what it is to be; raise ResultsError where it is not that."""
    try:
        found: T = read(kind, record)
    except Mismatch as error:
        where = "".join(f"{part}: " for part in error.path)
        raise ResultsError(f"{path}:{number}: {brief(f'{where}{error.message}')}{_SEE}") from None
    except RecursionError:
        raise ResultsError(f"{path}:{number}: nested too deeply{_SEE}") from None
    return found


def read_head(kind: type[T], record: Record, path: Path, number: int) -> T:
    """Read the first record of a file, which says of which version the others are."""
    version = record.get("schema_version")
    if type(version) is int and version != SCHEMA_VERSION:
        todo = "run it again" if version < SCHEMA_VERSION else "a newer Assay wrote it"
        raise ResultsError(f"{path}:{number}: schema version {version}, and this Assay reads {SCHEMA_VERSION}; {todo}")
    return read_record(kind, record, path, number)


def brief(text: str) -> str:
    """Return a text that may come from anybody as part of a message."""
    return printable(text if len(text) <= _TOLD else f"{text[:_TOLD]}…")
