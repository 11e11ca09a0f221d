"""The badge of a run: its two numbers, as a picture and as data for a badge service."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from assay_reports.printable import printable
from assay_reports.results import Run

_LONGEST: Final = 40  # characters of a name


def render(run: Run) -> str:
    """Return the badge of a run as SVG."""
    left, right, (colour, _) = _label(run), _message(run), _colours(run)
    widths = [round(6.6 * len(text)) + 16 for text in (left, right)]
    total = sum(widths)
    label = escape(f"{left}: {right}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{label}">'
        f"<title>{label}</title>"
        f'<rect width="{total}" height="20" rx="3" fill="#3d4450"/>'
        f'<path d="M{widths[0]} 0h{widths[1] - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{widths[0]}z" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="8" y="14">{escape(left)}</text><text x="{widths[0] + 8}" y="14">{escape(right)}</text></g></svg>'
    )


def endpoint(run: Run) -> dict[str, Any]:
    """Return the badge as the JSON that a badge service (shields.io's endpoint) reads."""
    return {
        "schemaVersion": 1,
        "label": _label(run),
        "message": _message(run),
        "color": _colours(run)[1],
    }


def _label(run: Run) -> str:
    name = printable(run.name)
    return f"assay · {name if len(name) <= _LONGEST else name[:_LONGEST] + '…'}"


def _message(run: Run) -> str:
    coverage, conformance = run.score.texts
    return f"{coverage} covered, {conformance} right" + ("" if run.complete else " (partial)")


def _colours(run: Run) -> tuple[str, str]:
    """Return the colour of a run's conformance, for a picture and by its name."""
    share = run.score.conformance or 0.0
    if share >= 0.99:
        return "#2f7d4f", "brightgreen"
    return ("#8a6d1f", "yellow") if share >= 0.8 else ("#a63d2f", "red")
