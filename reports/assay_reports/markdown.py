"""A Markdown summary of at most sixty lines, for a pull request or a job's page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from assay_reports.causes import Cause, causes
from assay_reports.printable import printable
from assay_reports.results import Run, in_excuses

_LINES: Final = 60
_CAUSES: Final = 15
_WIDTH: Final = 120  # characters of what a cause says
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$@-])")


def render(runs: Sequence[Run]) -> str:
    """Return a summary of runs: two numbers for each backend, then what is wrong by cause."""
    lines = [
        "# Assay",
        "",
        "| backend | coverage | conformance | items | with findings | cases not judged |",
        "| --- " * 6 + "|",
    ]
    for run in runs:
        tally = run.tally
        name = escaped(f"{run.name} {run.header.backend.version}")
        partial = "" if run.complete else " (partial)"
        lines.append(
            f"| {name}{partial} | {' | '.join(run.score.texts)} | {tally.total:,} | {tally.broken:,}"
            f" | {tally.cases['self']:,} |"
        )
    excused = [f"- {escaped(run.name)}: {in_excuses(run.tally.excused)}" for run in runs if run.tally.excused]
    lines += ["", *excused] if excused else []
    for index, run in enumerate(runs):
        lines += _wrong(run, (_LINES - len(lines)) // (len(runs) - index))
    return "\n".join(lines[:_LINES]) + "\n"


def _wrong(run: Run, limit: int) -> list[str]:
    found = causes(run)
    if not found:
        return ["", f"**{escaped(run.name)}**: no findings."]
    shown = found[: max(min(_CAUSES, limit - 6), 1)]
    lines = ["", f"**{escaped(run.name)}**: {len(found):,} causes, the gravest first.", ""]
    lines += [_line(place, cause) for place, cause in enumerate(shown, 1)]
    if len(found) > len(shown):
        lines.append(f"- and {len(found) - len(shown):,} more")
    return [*lines, "", f"Again: {_code(run.again(shown[0].smallest[0].id))}"]


def _line(place: int, cause: Cause) -> str:
    _, finding = cause.smallest
    touched = f"{len(cause.ops):,} ops, {len(cause.shown):,} items, {cause.cases:,} cases"
    call = f": {_code(finding.call[:_WIDTH])}" if finding.call else ""
    return f"{place}. {cause.code} {escaped(cause.title[:_WIDTH])} ({touched}){call}"


def escaped(text: str) -> str:
    """Return a text in which nothing is Markdown or HTML."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def _code(text: str) -> str:
    """Return a text as code, in more backticks than it has in a row."""
    text = printable(text).replace("|", "\\|")
    fence = "`" * (max((len(each) for each in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
