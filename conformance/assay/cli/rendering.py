"""`assay report`, `diff`, `merge` and `expect`: from results files to what people read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from assay_reports import (
    badge,
    diff,
    json_report,
    junit,
    markdown,
    merge,
    mutants,
    mutation_testing,
    terminal,
    updating,
)
from assay_reports import expectations as known
from assay_reports.results import Run, read_results, write_run
from assay_spec import load_corpus


def render(
    files: Sequence[Path], form: str, out: Path | None, history: Sequence[Path] = (), expect: Path | None = None
) -> None:
    """Write runs in one of the formats; a file of `assay mutants` may be among them."""
    if history and form != "html":
        raise ValueError(f"--history is for --format html, not {form}")
    if expect and form not in ("html", "markdown"):
        raise ValueError(f"--expect is for --format html and markdown, not {form}")
    expected = known.Expectations.load(expect) if expect else None
    measured = [mutants.read(file) for file in files if mutants.is_mutation_run(file)]
    runs = [read_results(file) for file in files if not mutants.is_mutation_run(file)]
    if form == "mutation-testing":
        if runs or len(measured) > 1:
            raise ValueError(f"--format {form} takes one file of `assay mutants` and no run's results")
        _write(mutation_testing.render(measured[0], load_corpus()), out)
        return
    if len(measured) > 1 or not runs:
        raise ValueError("pass at least one run's results, and one file of `assay mutants` at most")
    mutation = measured[0] if measured else None
    if form == "html":
        from assay_reports.site import render_site

        earlier = map(read_results, history)
        page = render_site(runs, out or Path("out/site"), load_corpus(), mutation, earlier, expected)
        click.echo(f"report: {page}")
        return
    single = {"junit": junit.render, "badge": badge.render}
    if form in single:
        if len(runs) > 1:
            raise ValueError(f"--format {form} takes one run, not {len(runs)}; call it once for each")
        text = single[form](runs[0])
    else:
        writers: dict[str, Callable[[Sequence[Run]], str]] = {
            "table": terminal.table,
            "markdown": partial(markdown.render, expected=expected),
            "json": partial(json_report.render, mutation=mutation),
        }
        text = writers[form](runs)
    _write(text, out)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text)
    else:
        out.write_text(text, encoding="utf-8")


def difference(before: Path, after: Path) -> str:
    """Print what changed between two runs, bucket by bucket."""
    return diff.render(diff.compare(read_results(before), read_results(after)))


def merged(files: Sequence[Path], out: Path) -> None:
    """Merge shards, and print a summary."""
    run = merge.merge([read_results(file) for file in files])
    write_run(run, out)
    click.echo(f"{out}: {len(run.results)} results, {'complete' if run.complete else 'partial'}")


def expectations(action: str, file: Path, run: Path) -> str:
    """Update or prune a file of known failures."""
    return updating.update(file, read_results(run), add=action == "update")


def checked(file: Path, run: Path) -> int:
    """Compare a run with its expectations; return the exit code."""
    found = known.Expectations.load(file).compare(read_results(run))
    for line in found.lines():
        click.echo(line)
    return 0 if found.holds else 1
