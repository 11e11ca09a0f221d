"""The runs of a backend over time: its two numbers run by run, and the run before, to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from assay_reports.results import ResultsError, Run
from assay_reports.score import Score


@dataclass(frozen=True, slots=True)
class Point:
    """One run of a backend in its two numbers."""

    started: str
    version: str
    complete: bool
    score: Score

    @classmethod
    def of(cls, run: Run) -> Point:
        return cls(run.header.started, run.header.backend.version, run.complete, run.score)


@dataclass(frozen=True, slots=True)
class History:
    """A backend's runs up to one of them, the oldest first; and the one to compare that with."""

    points: tuple[Point, ...]
    before: Run | None = None


def histories(runs: Sequence[Run], earlier: Iterable[Run] = ()) -> list[History]:
    """Return the history of each run; raise ResultsError at an earlier run that precedes none of them.

    An earlier run is read and let go again but for the last, which is compared with: there may be hundreds.
    """
    points = [{each.header.started: Point.of(each)} for each in runs]
    before: list[Run | None] = [None] * len(runs)
    for run, given in chain(((each, False) for each in runs), ((each, True) for each in earlier)):
        same = [index for index, each in enumerate(runs) if _series(each) == _series(run)]
        if given:
            _check(run, [runs[index] for index in same])
        for index in same:
            if run.header.started < runs[index].header.started:
                points[index][run.header.started] = Point.of(run)
                before[index] = max(filter(None, (before[index], run)), key=_worth)
    return [
        History(tuple(found[started] for started in sorted(found)), last)
        for found, last in zip(points, before, strict=True)
    ]


def _series(run: Run) -> tuple[str, ...]:
    """Return what runs have in common whose numbers can be compared."""
    header = run.header
    return header.backend.name, header.backend.device, header.edition, header.selection.filter, header.selection.shard


def _worth(run: Run) -> tuple[bool, str]:
    """Rank runs to compare with: one that was interrupted comes last, else the latest comes first."""
    return run.complete, run.header.started


def _check(run: Run, reported: Sequence[Run]) -> None:
    name, device, edition, selected, shard = _series(run)
    if not reported:
        what = f"{name!r} on {device}, edition {edition}, filter {selected!r}" + f", shard {shard}" * bool(shard)
        raise ResultsError(f"{run.path}: an earlier run of {what}, of which no run is reported; leave it out")
    if all(run.header.started > each.header.started for each in reported):
        raise ResultsError(f"{run.path}: began at {run.header.started}, after the run of {name!r} that is reported")
