"""A Markdown summary of at most sixty lines, for a pull request or a job's page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from assay_reports.causes import Cause, causes
from assay_reports.expectations import Comparison, Expectations
from assay_reports.printable import printable
from assay_reports.results import Run, in_excuses
from assay_reports.vocabulary import counted

_LINES: Final = 60
_CAUSES: Final = 15
_OUTDATED: Final = 8  # lines about expectations that no longer hold
_AROUND: Final = 6  # lines of a run's part that are no causes
_WIDTH: Final = 120  # characters of what a cause says


def render(runs: Sequence[Run], expected: Expectations | None = None) -> str:
    """Return a summary of runs: two numbers for each backend, then what is wrong by cause.

    With expectations the causes are those that are unexpected.
    """
    lines = [
        "# Assay",
        "",
        "| backend | coverage | conformance | items | with findings | cases not judged |",
        "| --- " * 6 + "|",
        *map(_row, runs),
    ]
    excused = [f"- {code(run.name)}: {code(in_excuses(run.tally.excused))}" for run in runs if run.tally.excused]
    incidents = [f"- {code(run.name)}: {code(run.incidents)}" for run in runs if run.incidents]
    lines += ["", *excused, *incidents] if excused or incidents else []
    for index, run in enumerate(runs):
        room = (_LINES - len(lines)) // (len(runs) - index) - _AROUND
        lines += _wrong(run, room, expected.compare(run) if expected else None)
    if len(lines) > _LINES:
        lines[_LINES - 2 :] = ["", f"And {len(lines) - _LINES + 2:,} lines more; `assay report` shows it all."]
    return "\n".join(lines) + "\n"


def _row(run: Run) -> str:
    # No way of writing | holds in every table.
    name = code(run.full_name.replace("|", "¦")) + ("" if run.complete else " (partial)")
    tally = run.tally
    counts = (f"{number:,}" for number in (tally.total, tally.broken, tally.cases["self"]))
    return f"| {' | '.join([name, *run.score.texts, *counts])} |"


def _wrong(run: Run, room: int, compared: Comparison | None) -> list[str]:
    """Return the causes of what is wrong with a backend, as many as there is room for, or one at least."""
    found = causes(run)
    outdated = compared.outdated if compared else []
    if not found and not outdated:
        return ["", f"{code(run.name)}: no findings."]
    head = f"{code(run.name)}: {counted(len(found), 'cause')}"
    if compared:
        found = compared.causes
        head += f", {len(found):,} unexpected"
    lines = ["", f"{head}, the gravest first." if found else f"{head}."]
    if found:
        lines += ["", *_cut([_line(number, cause) for number, cause in enumerate(found, 1)], min(_CAUSES, room))]
    if outdated:
        lines += ["", *_cut([f"- {code(words)}" for words in outdated], _OUTDATED)]
    if found:
        lines += ["", f"Again: {code(run.again(found[0].smallest[0].id))}"]
    return lines


def _cut(lines: list[str], most: int) -> list[str]:
    """Return the first lines, one at least, and how many more there are."""
    shown = lines[: max(most, 1)]
    return [*shown, f"- and {len(lines) - len(shown):,} more"] if len(lines) > len(shown) else shown


def _line(number: int, cause: Cause) -> str:
    call = cause.smallest[1].call[:_WIDTH]
    return f"{number}. {cause.code} {code(cause.title[:_WIDTH])} ({cause.touched})" + (
        f": {code(call)}" if call else ""
    )


def code(text: str) -> str:
    """Return a text as code, in which nothing is Markdown, HTML, a link or a mention."""
    text = printable(text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
