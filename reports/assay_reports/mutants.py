"""Mutation testing: which mutants the suite killed and which survived, as a file, as scores, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from assay_reports.json_lines import ResultsError, brief, line_of, read_head, read_record, records_of
from assay_reports.printable import printable
from assay_reports.records import Footer, Mutants, Status, Verdict
from assay_reports.vocabulary import counted

__all__ = ["Mutants", "MutationRun", "Score", "Status", "Verdict", "read", "write"]


@dataclass(frozen=True, slots=True)
class Score:
    """The mutation score: how many mutants were killed, of all that are not equivalent."""

    killed: int
    counted: int

    @classmethod
    def over(cls, verdicts: Iterable[Verdict]) -> Score:
        """Count the killed and the surviving mutants."""
        counts = Counter(verdict.status for verdict in verdicts)
        return cls(counts["killed"], counts["killed"] + counts["survived"])

    def __str__(self) -> str:
        # Rounded down: 100% means that every mutant was killed.
        return f"{int(1000 * self.killed / self.counted) / 10:g}%" if self.counted else "–"


@dataclass(frozen=True)
class MutationRun:
    """The verdicts of one run of mutation testing, and what was asked for."""

    header: Mutants
    verdicts: tuple[Verdict, ...]
    complete: bool = True

    @cached_property
    def score(self) -> Score:
        return Score.over(self.verdicts)

    @cached_property
    def by_op(self) -> dict[str, list[Verdict]]:
        return _grouped(self.verdicts, "op")

    @cached_property
    def by_area(self) -> dict[str, list[Verdict]]:
        return _grouped(self.verdicts, "area")

    @cached_property
    def by_kind(self) -> dict[str, list[Verdict]]:
        return _grouped(self.verdicts, "kind")

    @cached_property
    def by_facet(self) -> Counter[str]:
        """How many mutants each facet was the first to kill."""
        return Counter(verdict.facet for verdict in self.verdicts if verdict.facet)

    @property
    def survivors(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.status == "survived"]

    @property
    def stale(self) -> list[Verdict]:
        """Killed mutants that the spec declares equivalent."""
        return [verdict for verdict in self.verdicts if verdict.status == "killed" and verdict.because]


def _grouped(verdicts: Iterable[Verdict], key: str) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(getattr(verdict, key), []).append(verdict)
    return groups


def write(path: Path, header: Mutants, batches: Iterable[Sequence[Verdict]]) -> None:
    """Write verdicts as they come, one a line, so that an interrupted run keeps what it has judged."""
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(line_of(header))
        for batch in batches:
            file.writelines(map(line_of, batch))
            file.flush()
        file.write(line_of(Footer(complete=True)))


def is_mutation_run(path: Path) -> bool:
    """Return whether `assay mutants` wrote a file; `assay run` writes the others."""
    _, first = next(records_of(path), (1, {}))
    return first.get("type") == "mutants"


def read(path: Path) -> MutationRun:
    """Read what `assay mutants` wrote; a last line that was cut off is left out, and the run then partial."""
    records = records_of(path)
    number, first = next(records, (1, {}))
    if first.pop("type", None) != "mutants":
        raise ResultsError(f"{path}:{number}: no header; `assay mutants` writes one first")
    header = read_head(Mutants, first, path, number)
    verdicts: list[Verdict] = []
    complete = False
    for number, record in records:
        kind = record.pop("type", None)
        if complete or kind not in ("verdict", "footer"):
            told = f"a record of type {brief(repr(kind))}" + " after the footer" * complete
            raise ResultsError(f"{path}:{number}: {told}; run `assay mutants` again")
        if kind == "verdict":
            verdicts.append(read_record(Verdict, record, path, number))
        else:
            complete = read_record(Footer, record, path, number).complete
    return MutationRun(header, tuple(verdicts), complete)


def table(mutation: MutationRun) -> str:
    """Return the kill matrix: mutation operators down, areas across, killed of counted in each cell."""
    from tabulate import tabulate

    areas = sorted(mutation.by_area)
    rows = [
        [printable(kind), *_cells(verdicts, areas), _cell(verdicts), str(Score.over(verdicts))]
        for kind, verdicts in mutation.by_kind.items()
    ]
    rows.append(["all", *_cells(mutation.verdicts, areas), _cell(mutation.verdicts), str(mutation.score)])
    head = ["mutation operator", *(printable(area).replace("-", "\n") for area in areas), "all", "score"]
    return tabulate(rows, headers=head, tablefmt="simple", colalign=["left", *["right"] * (len(head) - 1)])


def _cells(verdicts: Iterable[Verdict], areas: Sequence[str]) -> Iterator[str]:
    groups = _grouped(verdicts, "area")
    return (_cell(groups.get(area, ())) for area in areas)


def _cell(verdicts: Iterable[Verdict]) -> str:
    score = Score.over(verdicts)
    if not score.counted:
        return ""
    return str(score.counted) if score.killed == score.counted else f"{score.killed}/{score.counted}"


def survivors(mutation: MutationRun) -> Iterator[str]:
    """Yield lines that show each survivor with its witness, then each declaration that no longer applies."""
    return map(printable, _survivors(mutation))


def _survivors(mutation: MutationRun) -> Iterator[str]:
    for verdict in mutation.survivors:
        yield f"{verdict.op}  {verdict.mutant}: survived {counted(verdict.cases, 'case')}"
        yield f"  witness:   {verdict.call}"
        yield f"  original:  {verdict.original}"
        yield f"  mutant:    {verdict.mutated}"
    for verdict in mutation.stale:
        yield f"{verdict.op}  {verdict.mutant}: declared under `equivalent:`, but {verdict.item} kills it"


def summary(mutation: MutationRun) -> str:
    """Return the mutation score and the counts behind it, and which facets killed the mutants."""
    statuses = Counter(verdict.status for verdict in mutation.verdicts)
    facets = ", ".join(f"{facet} {count}" for facet, count in mutation.by_facet.most_common())
    return (
        f"mutation score {mutation.score}: {statuses['killed']:,} killed, {statuses['survived']:,} survived, "
        f"{statuses['equivalent']:,} equivalent, in {counted(len(mutation.by_op), 'op')}\n"
        f"first killed by: {facets or 'none'}"
    )
