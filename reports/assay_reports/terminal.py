"""The report in the terminal: two numbers for each area, and the causes of what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from assay_reports.causes import Cause, causes
from assay_reports.printable import printable
from assay_reports.results import Finding, Result, Run, again, in_cases, in_excuses
from assay_reports.score import Score
from assay_reports.vocabulary import BROKEN, counted

if TYPE_CHECKING:
    from assay_reports.expectations import Expectations

_MOST: Final = 15


def table(runs: Sequence[Run]) -> str:
    """Return a table of runs side by side: by area, how much each covers and how much of that conforms."""
    from tabulate import tabulate

    areas = list(dict.fromkeys(result.area for run in runs for result in run.results))
    head = ["area", "items"]
    for run in runs:
        head += [f"{printable(run.name)}\n{what}" for what in ("coverage", "conformance")]
    rows = [
        _row(printable(area), [[each for each in run.results if each.area == area] for run in runs]) for area in areas
    ]
    rows.append(_row("all", [list(run.results) for run in runs]))
    align = ["left", *["right"] * (len(head) - 1)]
    text = tabulate(rows, headers=head, tablefmt="simple_outline", colalign=align, disable_numparse=True)
    return "\n".join([text, *(printable(_note(run)) for run in runs)])


def _row(area: str, groups: Sequence[Sequence[Result]]) -> list[str]:
    cells = [area, f"{max(map(len, groups)):,}"]
    for group in groups:
        cells += Score.over(group).texts
    return cells


def _note(run: Run) -> str:
    tally, oracle = run.tally, run.header.oracle
    words = ", ".join(f"{count:,} {outcome}" for outcome, count in tally.items.most_common())
    judged = "by itself" if oracle.name == "none" else f"by {oracle.name} {oracle.version}"
    own = f"; {counted(tally.cases['self'], 'case')} not judged for want of PyTorch" if tally.cases["self"] else ""
    excused = f"; {in_excuses(tally.excused)}" if tally.excused else ""
    incidents = f"; {run.incidents}" if run.incidents else ""
    partial = "" if run.complete else "; PARTIAL: the run did not finish, go on with --resume"
    return f"{run.full_name}, values judged {judged}: {words}{own}{excused}{incidents}{partial}"


def summary(run: Run, expected: Expectations | None = None, most: int = _MOST) -> str:
    """Return what is wrong in a run by cause, the gravest first, each with its smallest call; empty if nothing is.

    With expectations the causes are those that are unexpected.
    """
    found = causes(run)
    if not found:
        return ""
    items = sum(result.outcome in BROKEN for result in run.results)
    head = f"{printable(run.name)}: {counted(items, 'item')} with findings, {counted(len(found), 'cause')}"
    if expected is not None:
        found = expected.compare(run).causes
        head += f", {len(found):,} unexpected"
    blocks = [
        head,
        *("\n".join(map(printable, _cause(number, each, run))) for number, each in enumerate(found[:most], 1)),
    ]
    if len(found) > most:
        blocks.append(f"and {counted(len(found) - most, 'more cause')}; the report shows them all")
    return "\n\n".join(blocks)


def _cause(number: int, cause: Cause, run: Run) -> Iterator[str]:
    result, finding = cause.smallest
    yield f"{number}. {cause.code} {cause.title}  ({cause.touched})"
    yield from _shown(finding)
    yield f"  again: {run.again(result.id)}"


def failure(result: Result, settings: Mapping[str, Any]) -> str:
    """Return one failing item with all its findings as text, with the command that runs it again."""
    return "\n".join(map(printable, _item(result, settings)))


def _item(result: Result, settings: Mapping[str, Any]) -> Iterator[str]:
    yield f"{result.id}  {result.outcome}  {in_cases(result)}"
    for each in result.broken:
        yield f"{each.code} {each.message}  ({counted(each.cases, 'case')})"
        yield from _shown(each)
    if result.excused:
        yield f"  {in_excuses(result.excused)}"
    yield f"  again: {again(result.id, settings)}"


def _shown(finding: Finding) -> Iterator[str]:
    for label, value in (("expected", finding.expected), ("actual", finding.actual), ("budget", finding.budget)):
        if value:
            yield f"  {label + ':':10}{value}"
    yield from (f"    {line}" for line in finding.snippet.split("\n") if finding.snippet)
