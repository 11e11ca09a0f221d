"""`assay report`, `diff`, `merge` and `expect`: results files in, what people read out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from assay_reports.results import read_results

from assay_reports import badge, diff, json_report, junit, markdown, merge, terminal
from assay_spec import load_corpus


def render(files: Sequence[Path], form: str, out: Path | None) -> None:
    """Write runs in one of the formats."""
    runs = [read_results(file) for file in files]
    if form == "html":
        from assay_reports.site import render_site

        click.echo(f"report: {render_site(runs, out or Path('out/site'), load_corpus())}")
        return
    single = {"junit": junit.render, "badge": badge.render}
    if form in single:
        if len(runs) > 1:
            raise ValueError(f"--format {form} takes one run, not {len(runs)}; call it once for each")
        text = single[form](runs[0])
    else:
        text = {"table": terminal.table, "markdown": markdown.render, "json": json_report.render}[form](runs)
    if out is None:
        click.echo(text)
    else:
        out.write_text(text, encoding="utf-8")


def difference(before: Path, after: Path) -> str:
    """Say what changed between two runs, bucket by bucket."""
    return diff.render(diff.compare(read_results(before), read_results(after)))


def merged(files: Sequence[Path], out: Path) -> None:
    """Put shards together and say what came of it."""
    run = merge.merge([read_results(file) for file in files])
    merge.write(run, out)
    click.echo(f"{out}: {len(run.results)} results, {'complete' if run.complete else 'partial'}")
