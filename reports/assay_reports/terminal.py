"""The report in the terminal: a table by area, and each distinct failure once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay_reports.results import Result, Run, Tally, again, in_excuses
from assay_reports.vocabulary import BROKEN


def table(runs: Sequence[Run]) -> str:
    """Return a table of runs side by side: by area, how many of the offered items pass, and how many cases."""
    from tabulate import tabulate

    areas = list(dict.fromkeys(result.area for run in runs for result in run.results))
    head = ["area", "items"]
    for run in runs:
        head += [run.name, "offered", "cases"]
    rows = [_row(area, [[each for each in run.results if each.area == area] for run in runs]) for area in areas]
    rows.append(_row("all", [list(run.results) for run in runs]))
    text = tabulate(rows, headers=head, tablefmt="simple_outline", colalign=["left", *["right"] * (len(head) - 1)])
    notes = [_note(run) for run in runs]
    return "\n".join([text, *notes])


def _row(area: str, groups: Sequence[Sequence[Result]]) -> list[str]:
    tallies = [Tally.over(group) for group in groups]
    cells = [area, f"{max(tally.total for tally in tallies):,}"]
    for tally in tallies:
        passed = tally.items["pass"]
        cells.append(f"{passed:,} pass" if tally.offered else "–")
        cells.append(f"{passed / tally.offered:.0%} of {tally.offered:,}" if tally.offered else "–")
        cells.append(f"{tally.cases['passed']:,}/{tally.cases['total']:,}")
    return cells


def _note(run: Run) -> str:
    tally = run.tally
    words = ", ".join(f"{count:,} {outcome}" for outcome, count in tally.items.most_common())
    oracle = run.header["oracle"]
    judged = "by itself" if oracle["name"] == "none" else f"by {oracle['name']} {oracle['version']}"
    partial = "" if run.complete else "  PARTIAL: the run did not finish; go on with --resume"
    excused = f"; {in_excuses(tally.excused)}" if tally.excused else ""
    return f"{run.name} {run.header['backend']['version']}, values judged {judged}: {words}{excused}{partial}"


def failures(run: Run, most: int = 20) -> str:
    """Return the first failure of each op and code, up to `most` of them, as text."""
    seen: set[tuple[str, str | None]] = set()
    blocks: list[str] = []
    left = 0
    for result in run.results:
        if result.outcome not in BROKEN:
            continue
        key = (result.op, result.code)
        if key in seen:
            continue
        seen.add(key)
        if len(blocks) < most:
            blocks.append(failure(result, run.header["settings"]))
        else:
            left += 1
    if left:
        blocks.append(f"and {left} more ops with failures; the report shows them all")
    return "\n\n".join(blocks)


def failure(result: Result, settings: Mapping[str, Any]) -> str:
    """Return one failing item as text, with the command that runs it again."""
    return "\n".join(_block(result, settings))


def _block(result: Result, settings: Mapping[str, Any]) -> Iterator[str]:
    yield f"{result.id}  {result.code}  {result.message}"
    for each in result.failures[:1]:
        for label, value in (("expected", each.expected), ("actual", each.actual), ("budget", each.budget)):
            if value:
                yield f"  {label + ':':10}{value}"
        yield from (f"    {line}" for line in each.snippet.splitlines())
    yield f"  again: {again(result.id, settings)}"
    more = result.failed - 1
    if more > 0:
        yield f"  and {more} more like this"
    if result.excused:
        yield f"  {in_excuses(result.excused)}"
