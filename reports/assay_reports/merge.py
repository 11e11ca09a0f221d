"""Merging the shards of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assay_reports.records import plain
from assay_reports.results import Footer, Result, ResultsError, Run, Tally, now

_SAME = ("suite", "settings", "edition", "backend", "oracle", "seed")


def merge(runs: Sequence[Run]) -> Run:
    """Merge the shards of a run; raise ResultsError where their headers differ."""
    first = runs[0]
    for other in runs[1:]:
        for key in _SAME:
            theirs, ours = (plain(getattr(run.header, key)) for run in (other, first))
            if theirs != ours:
                raise ResultsError(
                    f"{other.path}: its {key} is {theirs}, but {first.path} has {ours};"
                    " only shards of one run can be merged"
                )
    results = _together(runs)
    planned = _planned(runs)
    complete = all(run.complete for run in runs) and len(results) == planned
    reason = None if complete else "a shard is missing or partial"
    footer = Footer(complete, Tally.over(results).counts, reason, now())
    header = replace(first.header, planned=planned, selection=replace(first.header.selection, shard=""))
    events = tuple(event for run in runs for event in run.events)
    return Run(header, results, events, footer)


def _together(runs: Sequence[Run]) -> tuple[Result, ...]:
    """Return the results of all shards; raise ResultsError where two have one of the same item."""
    homes: dict[str, Run] = {}
    for run in runs:
        for result in run.results:
            other = homes.setdefault(result.id, run)
            if other is not run:
                raise ResultsError(
                    f"{run.path}: {result.id} is in {other.path} too; only shards of one run can be merged"
                )
    return tuple(result for run in runs for result in run.results)


def _planned(runs: Sequence[Run]) -> int:
    """Return the number of items in all shards; a missing shard counts as many as the average of the others."""
    shards = {run.header.selection.shard: run.header.planned for run in runs}
    present = sum(shards.values())
    parts = next((int(str(shard).partition("/")[2]) for shard in shards if shard), 1)
    return int(present if len(shards) >= parts else present * parts // len(shards))
