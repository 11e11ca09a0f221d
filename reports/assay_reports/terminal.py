"""The report in the terminal: two numbers for each area, and the causes of what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from assay_reports.causes import Cause, causes
from assay_reports.printable import printable
from assay_reports.results import Finding, Result, Run, again, in_excuses
from assay_reports.score import Score
from assay_reports.vocabulary import BROKEN

_MOST: Final = 15


def table(runs: Sequence[Run]) -> str:
    """Return a table of runs side by side: by area, how much each covers and how much of that conforms."""
    from tabulate import tabulate

    areas = list(dict.fromkeys(result.area for run in runs for result in run.results))
    names = [printable(run.name) for run in runs]
    head = ["area", "items", *(f"{name}\n{what}" for name in names for what in ("coverage", "conformance"))]
    rows = [_row(area, [[each for each in run.results if each.area == area] for run in runs]) for area in areas]
    rows.append(_row("all", [list(run.results) for run in runs]))
    text = tabulate(rows, headers=head, tablefmt="simple_outline", colalign=["left", *["right"] * (len(head) - 1)])
    return "\n".join([text, *map(_note, runs)])


def _row(area: str, groups: Sequence[Sequence[Result]]) -> list[str]:
    cells = [area, f"{max(map(len, groups)):,}"]
    for group in groups:
        cells += Score.over(group).texts
    return cells


def _note(run: Run) -> str:
    tally = run.tally
    words = ", ".join(f"{count:,} {outcome}" for outcome, count in tally.items.most_common())
    oracle = run.header.oracle
    judged = "by itself" if oracle.name == "none" else f"by {oracle.name} {oracle.version}"
    own = f"; {tally.cases['self']:,} cases not judged: they need PyTorch" if tally.cases["self"] else ""
    partial = "" if run.complete else "  PARTIAL: the run did not finish; go on with --resume"
    excused = f"; {in_excuses(tally.excused)}" if tally.excused else ""
    name = printable(f"{run.name} {run.header.backend.version}")
    return f"{name}, values judged {judged}: {words}{own}{excused}{partial}"


def summary(run: Run, most: int = _MOST) -> str:
    """Return what is wrong in a run by cause, the gravest first, each with its smallest call; empty if nothing is."""
    found = causes(run)
    if not found:
        return ""
    items = sum(result.outcome in BROKEN for result in run.results)
    head = f"{printable(run.name)}: {_count(items, 'item')} with findings, {_count(len(found), 'cause')}"
    blocks = [head, *("\n".join(_cause(place, each, run)) for place, each in enumerate(found[:most], 1))]
    if len(found) > most:
        blocks.append(f"and {_count(len(found) - most, 'more cause')}; the report shows them all")
    return "\n\n".join(blocks)


def _cause(place: int, cause: Cause, run: Run) -> Iterator[str]:
    result, finding = cause.smallest
    touched = f"{_count(len(cause.ops), 'op')}, {_count(len(cause.shown), 'item')}, {_count(cause.cases, 'case')}"
    yield f"{place}. {cause.code} {printable(cause.title)}  ({touched})"
    yield from _shown(finding)
    yield f"  again: {printable(again(result.id, run.header.settings))}"


def failure(result: Result, settings: Mapping[str, Any]) -> str:
    """Return one failing item with all its findings as text, with the command that runs it again."""
    return "\n".join(_block(result, settings))


def _block(result: Result, settings: Mapping[str, Any]) -> Iterator[str]:
    counts = f"{result.passed:,} of {_count(result.cases, 'case')} pass"
    yield f"{result.id}  {result.outcome}  {counts}"
    for each in result.broken:
        yield f"{each.code} {printable(each.message)}  ({_count(each.cases, 'case')})"
        yield from _shown(each)
    if result.excused:
        yield f"  {in_excuses(result.excused)}"
    yield f"  again: {printable(again(result.id, settings))}"


def _shown(finding: Finding) -> Iterator[str]:
    for label, value in (("expected", finding.expected), ("actual", finding.actual), ("budget", finding.budget)):
        if value:
            yield f"  {label + ':':10}{printable(value)}"
    yield from (f"    {printable(line)}" for line in finding.snippet.splitlines())


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
