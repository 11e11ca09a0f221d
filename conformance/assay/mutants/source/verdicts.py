"""The verdicts on source mutants, as a file: one a line, written as they come, so that a run can be resumed."""

# No `from __future__ import annotations`: the annotations are read as they stand.

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from assay.mutants.source.making import digest, identity
from assay_reports.json_lines import line_of, read_record, records_of
from assay_reports.mutants import Score
from assay_reports.vocabulary import Effort, counted
from assay_spec.typed import key

Status = Literal["killed", "survived", "equivalent"]


@dataclass(frozen=True, kw_only=True)
class SourceVerdict:
    """What became of one mutant of the source."""

    file: str = key("the file, in the reference's package")
    function: str = key("the definition that the statement is in", "")
    line: int = key("the line of the change")
    kind: str = key("what kind of change it is")
    before: str = key("the statement")
    after: str = key("the changed statement")
    occurrence: int = key("which of the equal changes in that function")
    source: str = key("a hash of the file")
    corpus: str = key("the hash of the corpus")
    effort: Effort = key("how many cases were drawn")
    status: Status = key("`killed`, `survived` or, where it is listed, `equivalent`")
    items: int = key("how many items were tried")
    cases: int = key("how many cases were compared")
    differs: bool = key("whether the mutant answered any case otherwise", False)
    item: str | None = key("the item that killed it", None)
    code: str | None = key("the code of that item's finding", None)
    because: str | None = key("why nothing may kill it", None)

    @property
    def identity(self) -> str:
        return identity(self.file, self.function, self.before, self.after, self.occurrence)

    @property
    def area(self) -> str:
        return self.file.partition("/")[0].removesuffix(".py")

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    def with_reason(self, because: str | None) -> "SourceVerdict":
        """Return the verdict on a mutant that is listed as equivalent, or no longer is."""
        status: Status = "killed" if self.status == "killed" else "survived" if because is None else "equivalent"
        return replace(self, status=status, because=because)

    @property
    def how(self) -> str:
        """How a mutant survived."""
        if not self.cases:
            return "no item runs it"
        tried = f"{counted(self.cases, 'case')} of {counted(self.items, 'item')}"
        return f"{tried}, {'answered otherwise, and judged right' if self.differs else 'answered alike'}"


def line(verdict: SourceVerdict) -> str:
    """Return a verdict as a line of the file."""
    return line_of(verdict)


def kept(path: Path, corpus: str, effort: Effort) -> dict[str, SourceVerdict]:
    """Read the verdicts that still hold, by mutant: the file is as it was, for survivors corpus and effort too."""
    if not path.exists():
        return {}
    found = {verdict.identity: verdict for verdict in _read(path)}
    return {name: verdict for name, verdict in found.items() if _holds(verdict, corpus, effort)}


def _holds(verdict: SourceVerdict, corpus: str, effort: Effort) -> bool:
    try:
        same = verdict.source == digest(verdict.file)
    except OSError:
        return False
    return same and (verdict.status == "killed" or (verdict.corpus, verdict.effort) == (corpus, effort))


def _read(path: Path) -> Iterator[SourceVerdict]:
    for number, record in records_of(path):
        record.pop("type", None)
        yield read_record(SourceVerdict, record, path, number)


def survivors(verdicts: Iterable[SourceVerdict]) -> Iterator[str]:
    """Yield lines that show each survivor as code before and after."""
    for verdict in verdicts:
        if verdict.status == "survived":
            where = f" in {verdict.function}" if verdict.function else ""
            yield f"{verdict.place}{where}: {verdict.kind}: survived ({verdict.how})"
            yield f"  - {verdict.before}"
            yield f"  + {verdict.after}"


def summary(verdicts: Sequence[SourceVerdict]) -> str:
    """Return the mutation score and the counts behind it, by area and by kind of change."""
    from tabulate import tabulate

    rows = [*_rows(verdicts, "area"), *_rows(verdicts, "kind"), _row("all", verdicts)]
    return tabulate(rows, headers=["", "made", "killed", "survived", "equivalent", "score"], tablefmt="simple")


def _rows(verdicts: Sequence[SourceVerdict], key: str) -> Iterator[list[str | int]]:
    for name in sorted({getattr(verdict, key) for verdict in verdicts}):
        yield _row(name, [verdict for verdict in verdicts if getattr(verdict, key) == name])


def _row(name: str, verdicts: Sequence[SourceVerdict]) -> list[str | int]:
    statuses = [verdict.status for verdict in verdicts]
    counts = [statuses.count(status) for status in ("killed", "survived", "equivalent")]
    return [name, len(verdicts), *counts, str(Score(counts[0], counts[0] + counts[1]))]
