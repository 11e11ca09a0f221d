"""A Markdown summary of at most sixty lines, for a pull request or a job's page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from assay_reports.codes import CODES
from assay_reports.results import Run, in_excuses
from assay_reports.vocabulary import BROKEN

_LINES: Final = 60
_FAILURES: Final = 12


def render(runs: Sequence[Run]) -> str:
    """Return a summary of runs: a line for each backend, the most frequent codes, the first failures."""
    lines = [
        "# Assay",
        "",
        "| backend | pass | of offered | of all | failed | unsupported | self |",
        "| --- " * 7 + "|",
    ]
    for run in runs:
        tally = run.tally
        share = f"{tally.items['pass'] / tally.offered:.1%}" if tally.offered else "–"
        partial = "" if run.complete else " (partial)"
        lines.append(
            f"| {run.name} {run.header['backend']['version']}{partial} | {tally.items['pass']:,}"
            f" | {share} of {tally.offered:,} | {tally.total:,} | {tally.broken:,}"
            f" | {tally.items['unsupported']:,} | {tally.items['self']:,} |"
        )
    excused = [f"- {run.name}: {in_excuses(run.tally.excused)}" for run in runs if run.tally.excused]
    lines += ["", *excused] if excused else []
    for run in runs:
        lines += _failed(run, (_LINES - len(lines)) // max(len(runs), 1))
    return "\n".join(lines[:_LINES]) + "\n"


def _failed(run: Run, limit: int) -> list[str]:
    broken = [result for result in run.results if result.outcome in BROKEN]
    if not broken:
        return ["", f"**{run.name}**: no failures."]
    codes = Counter(result.code or "" for result in broken)
    often = ", ".join(f"`{code}` ×{count}" for code, count in codes.most_common(4))
    lines = ["", f"**{run.name}**: {len(broken):,} items fail; most often {often}.", ""]
    for result in broken[: max(min(_FAILURES, limit - 7), 1)]:
        what = (result.message or "").replace("|", "\\|").replace("\n", " ")[:120]
        meaning = CODES[result.code].means if result.code in CODES else ""
        lines.append(f"- `{result.id}` {result.code}: {what or meaning}")
    if len(broken) > _FAILURES:
        lines.append(f"- and {len(broken) - _FAILURES:,} more")
    return [*lines, "", f"Again: `{run.again(broken[0].id)}`"]
