"""Merging the shards of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assay_reports.json_lines import brief
from assay_reports.records import Header
from assay_reports.results import Footer, Result, ResultsError, Run, Tally, difference, now

_ONLY = "only shards of one run can be merged"


def merge(runs: Sequence[Run]) -> Run:
    """Merge the shards of a run; raise ResultsError where they are not of one run."""
    first = runs[0]
    for other in runs[1:]:
        found = difference(_whole(first.header), _whole(other.header))
        if found is not None:
            name, ours, theirs = found
            raise ResultsError(f"{other.path}: its {name} is {theirs}, but {first.path} has {ours}; {_ONLY}")
        if _parts(other) != _parts(first):
            raise ResultsError(
                f"{other.path}: a shard of {_parts(other)}, but {first.path} is of {_parts(first)}; {_ONLY}"
            )
    results = _together(runs)
    shards = {run.header.selection.shard: run.header.planned for run in runs}
    complete = all(run.complete for run in runs) and len(shards) == _parts(first)
    planned = sum(shards.values()) * _parts(first) // len(shards)  # a missing shard has as many items as the others
    reason = None if complete else "a shard is missing or partial"
    footer = Footer(complete, Tally.over(results).counts, reason, now())
    events = tuple(event for run in runs for event in run.events)
    return Run(replace(_whole(first.header), planned=planned), results, events, footer)


def _whole(header: Header) -> Header:
    """Return the header of a run of which another is a shard."""
    return replace(header, selection=replace(header.selection, shard=""))


def _parts(run: Run) -> int:
    """Return of how many shards a run is one."""
    return int(run.header.selection.shard.partition("/")[2] or 1)


def _together(runs: Sequence[Run]) -> tuple[Result, ...]:
    """Return the results of all shards; raise ResultsError where two have one of the same item."""
    homes: dict[str, Run] = {}
    for run in runs:
        for result in run.results:
            other = homes.setdefault(result.id, run)
            if other is not run:
                raise ResultsError(f"{run.path}: {brief(result.id)} is in {other.path} too; {_ONLY}")
    return tuple(result for run in runs for result in run.results)
