"""Mutation testing: which mutants the suite killed and which survived, as a file, as scores, as a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from assay_reports.records import SCHEMA_VERSION
from assay_reports.results import ResultsError, records_of

Status = Literal["killed", "survived", "equivalent"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant of one op."""

    op: str
    area: str
    mutant: str  # its kind, and of which argument, result, error or step
    kind: str  # the mutation operator
    status: Status
    cases: int  # how many it took to kill the mutant, or how many it survived
    call: str  # the witness: a call that the mutant answers otherwise than the original
    original: str
    mutated: str
    facet: str | None = None
    item: str | None = None
    code: str | None = None
    snippet: str = ""
    because: str | None = None  # why the op's spec says that either answer is right


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

    header: Mapping[str, Any]
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


def write(path: Path, header: Mapping[str, Any], batches: Iterable[Sequence[Verdict]]) -> None:
    """Write verdicts as they come, one a line, so that an interrupted run keeps what it has judged."""
    with path.open("w", encoding="utf-8") as file:

        def line(record: Mapping[str, Any]) -> None:
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
            file.flush()

        line({"type": "mutants", "schema_version": SCHEMA_VERSION, **header})
        for batch in batches:
            for verdict in batch:
                line({"type": "verdict", **asdict(verdict)})
        line({"type": "footer", "complete": True})


def is_mutation_run(path: Path) -> bool:
    """Return whether `assay mutants` wrote a file; `assay run` writes the others."""
    with path.open(encoding="utf-8") as file:
        return file.readline().startswith('{"type":"mutants"')


def read(path: Path) -> MutationRun:
    """Read what `assay mutants` wrote; a last line that was cut off is left out, and the run then partial."""
    header, *records = [record for _, record in records_of(path)] or [{}]
    version = header.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ResultsError(f"{path}:1: schema version {version}, and this Assay reads {SCHEMA_VERSION}; run it again")
    known = [each.name for each in fields(Verdict)]
    try:
        verdicts = [
            Verdict(**{name: each[name] for name in known}) for each in records if each.get("type") == "verdict"
        ]
    except KeyError as error:
        raise ResultsError(f"{path}: a verdict without {error}; run `assay mutants` again") from None
    return MutationRun(header, tuple(verdicts), any(each.get("type") == "footer" for each in records))


def table(mutation: MutationRun) -> str:
    """Return the kill matrix: mutation operators down, areas across, killed of counted in each cell."""
    from tabulate import tabulate

    areas = sorted(mutation.by_area)
    rows = [
        [kind, *_cells(verdicts, areas), _cell(verdicts), str(Score.over(verdicts))]
        for kind, verdicts in mutation.by_kind.items()
    ]
    rows.append(["all", *_cells(mutation.verdicts, areas), _cell(mutation.verdicts), str(mutation.score)])
    head = ["mutation operator", *(area.replace("-", "\n") for area in areas), "all", "score"]
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
    for verdict in mutation.survivors:
        yield f"{verdict.op}  {verdict.mutant}: survived {verdict.cases} cases"
        yield f"  witness:   {verdict.call}"
        yield f"  original:  {verdict.original}"
        yield f"  mutant:    {verdict.mutated}"
    for verdict in mutation.stale:
        yield f"{verdict.op}  {verdict.mutant}: declared under `equivalent:`, but {verdict.item} kills it"


def summary(mutation: MutationRun) -> str:
    """Return the mutation score and the counts behind it, and which facets killed the mutants."""
    statuses = Counter(verdict.status for verdict in mutation.verdicts)
    facets = ", ".join(f"{facet} {count}" for facet, count in mutation.by_facet.most_common())
    ops = len(mutation.by_op)
    return (
        f"mutation score {mutation.score}: {statuses['killed']:,} killed, {statuses['survived']:,} survived, "
        f"{statuses['equivalent']:,} equivalent, in {ops:,} op{'' if ops == 1 else 's'}\n"
        f"first killed by: {facets or 'none'}"
    )
