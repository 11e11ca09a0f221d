"""The badge of a run: which share of the items that its backend offers pass."""

from __future__ import annotations

from html import escape

from assay_reports.results import Run


def render(run: Run) -> str:
    """Return the badge of a run as SVG."""
    tally = run.tally
    share = tally.items["pass"] / tally.offered if tally.offered else 0.0
    right = f"{share:.1%} of {tally.offered:,}" + ("" if run.complete else " (partial)")
    left = f"assay · {run.name}"
    colour = "#2f7d4f" if share >= 0.99 else "#8a6d1f" if share >= 0.8 else "#a63d2f"
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
