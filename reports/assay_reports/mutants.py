"""MutationRun: which mutants the suite killed and which survived, as a file, as scores, as a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from assay_reports.results import SCHEMA_VERSION, checked, records_of

Status = Literal["killed", "survived", "equivalent"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant of one op."""

    op: str
    area: str
    mutant: str
    kind: str
    outcome: Status
    cases: int  # how many cases it took to notice, or how many did not
    call: str  # the witness: a call to which the mutated op answers otherwise
    right: str
    wrong: str
    facet: str | None = None
    item: str | None = None
    code: str | None = None
    snippet: str = ""
    because: str | None = None  # why the op's spec says that either answer is right


@dataclass(frozen=True, slots=True)
class Score:
    """How many mutants were killed, of those that could be."""

    killed: int
    counted: int

    @classmethod
    def over(cls, verdicts: Iterable[Verdict]) -> Score:
        counts = Counter(verdict.outcome for verdict in verdicts)
        return cls(counts["killed"], counts["killed"] + counts["survived"])

    def __str__(self) -> str:
        # Rounded down: what is not whole does not read as 100%.
        return f"{int(1000 * self.killed / self.counted) / 10:g}%" if self.counted else "–"


@dataclass(frozen=True)
class MutationRun:
    """One measurement of the suite itself."""

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
        """How many mutants each facet was the first to notice."""
        return Counter(verdict.facet for verdict in self.verdicts if verdict.facet)

    @property
    def survivors(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.outcome == "survived"]

    @property
    def stale(self) -> list[Verdict]:
        """Mutants that the spec calls equivalent and that were killed."""
        return [verdict for verdict in self.verdicts if verdict.outcome == "killed" and verdict.because]


def _grouped(verdicts: Iterable[Verdict], key: str) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(getattr(verdict, key), []).append(verdict)
    return groups


def write(path: Path, header: Mapping[str, Any], batches: Iterable[Sequence[Verdict]]) -> None:
    """Write verdicts as they come, one a line, so that a killed run loses nothing it has judged."""
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
    """Tell a file that `assay mutants` wrote from a run's results."""
    with path.open(encoding="utf-8") as file:
        return file.readline().startswith('{"type":"mutants"')


def read(path: Path) -> MutationRun:
    """Read what `assay mutants` wrote; a last line that was cut off is left out, and the measurement then partial."""
    header, *records = [record for _, record in records_of(path)] or [{}]
    checked(header, path)
    known = [each.name for each in fields(Verdict)]
    verdicts = [Verdict(**{name: each[name] for name in known}) for each in records if each["type"] == "verdict"]
    return MutationRun(header, tuple(verdicts), any(each["type"] == "footer" for each in records))


def table(mutation: MutationRun) -> str:
    """Lay out the kill matrix: kinds of mutants down, areas across, killed over counted in each cell."""
    from tabulate import tabulate

    areas = sorted(mutation.by_area)
    rows = [
        [kind, *_cells(verdicts, areas), _cell(verdicts), str(Score.over(verdicts))]
        for kind, verdicts in mutation.by_kind.items()
    ]
    rows.append(["all", *_cells(mutation.verdicts, areas), _cell(mutation.verdicts), str(mutation.score)])
    head = ["mutant", *(area.replace("-", "\n") for area in areas), "all", "score"]
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
    """Write each survivor with its witness."""
    for verdict in mutation.survivors:
        yield f"{verdict.op}  {verdict.mutant}: survived {verdict.cases} cases"
        yield f"  witness:  {verdict.call}"
        yield f"  right:    {verdict.right}"
        yield f"  mutated:   {verdict.wrong}"
    for verdict in mutation.stale:
        yield f"{verdict.op}  {verdict.mutant}: `equivalent:` says that it cannot be killed, and {verdict.item} does"


def summary(mutation: MutationRun) -> str:
    """Say in a line how sharp the suite is."""
    outcomes = Counter(verdict.outcome for verdict in mutation.verdicts)
    facets = ", ".join(f"{facet} {count}" for facet, count in mutation.by_facet.most_common())
    score = mutation.score
    declared = f", {outcomes['equivalent']} declared equivalent" if outcomes["equivalent"] else ""
    return (
        f"{score} of {score.counted:,} mutants in {len(mutation.by_op)} ops killed, "
        f"{outcomes['survived']} survived{declared}\nfirst killed by: {facets}"
    )
