"""The command line. Everything heavy is imported inside the command that needs it: `--help` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from assay.cli.options import takes
from assay.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

UNUSABLE = 6  # the backend cannot be used; 0 to 5 are pytest's


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="assay")
def main() -> None:
    """Measure how much of PyTorch is in a tensor library, and where exactly it differs."""


@main.command("list")
@takes("list")
@click.option("--items", "each", is_flag=True, help="Every item's id, one a line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(filter: str, edition: Any, each: bool, as_json: bool) -> None:
    """Show what would run, by area, op and facet."""
    from assay.cli.listing import listing

    click.echo(listing(_query(filter), edition, each=each, as_json=as_json))


@main.command()
@takes("run", backend=("numpy", "reference"))
@click.option("--no-report", is_flag=True, help="Write the results only, no HTML.")
@click.option("--quiet", "-q", is_flag=True, help="Print the table only, no failures.")
def run(backend: tuple[str, ...], no_report: bool, quiet: bool, **chosen: Any) -> None:
    """Measure backends against the corpus."""
    from assay.running.runner import run_all

    _query(chosen["filter"])
    sys.exit(_guarded(lambda: run_all(backend, Settings(**chosen), report=not no_report, quiet=quiet)))


@main.command()
@click.argument("id")
@takes("repro")
def repro(id: str, **chosen: Any) -> None:
    """Run one item again, alone, with everything shown; ID is like 'torch.clamp::values[float32]'."""
    from assay.cli.repro import reproduce

    sys.exit(_guarded(lambda: reproduce(id, Settings(**chosen))))


@main.command()
@takes("mutants", oracle="reference")
@click.option(
    "--since", metavar="REVISION", help="Only ops whose spec, family or code in the good backend changed since."
)
@click.option("--source", is_flag=True, help="Mutants of the reference's own source; --since is about its lines.")
@click.option("--sample", metavar="NUMBER", type=click.IntRange(1), help="With --source: how many.  [default: 100]")
def mutants(filter: str, source: bool, sample: int | None, **chosen: Any) -> None:
    """Measure the suite by mutation testing: make mutants of a good backend from the specs, and count those killed."""
    from assay.mutants.run import Request, measure

    if source:
        sys.exit(_guarded(lambda: _source_mutants(filter, sample or 100, **chosen)))
    if sample:
        raise click.UsageError("--sample is about mutants of the source: add --source")
    _query(filter)
    sys.exit(_guarded(lambda: measure(Request(filter, **chosen))))


def _source_mutants(filter: str, sample: int, backend: str, **chosen: Any) -> int:
    """Hunt mutants of the reference's source."""
    from assay.mutants.source.running import Request, measure

    if filter or backend != "reference":
        raise click.UsageError("--source takes no --filter and no other --backend: it mutates the reference")
    return measure(Request(sample=sample, **chosen))


@main.command()
@click.argument("subject")
def explain(subject: str) -> None:
    """Explain a code (A104), or show an op's spec (torch.clamp)."""
    from assay.cli.listing import explained

    _guarded(lambda: click.echo(explained(subject)))


_FORMATS = ("html", "table", "markdown", "junit", "json", "badge", "mutation-testing")


@main.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--format", "form", type=click.Choice(_FORMATS), default="html", show_default=True)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="A folder for html, else a file.  [default: out/site, or stdout]",
)
@click.option(
    "--history",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Earlier results of a backend: html says what changed since, and has a chart. May be repeated.",
)
@click.option(
    "--expect",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What is known to fail: html and markdown say which causes are unexpected.",
)
def report(runs: Sequence[Path], form: str, out: Path | None, history: Sequence[Path], expect: Path | None) -> None:
    """Render results files: the site, a table, Markdown, JUnit, JSON, a badge, or mutants for Stryker's viewer."""
    from assay.cli.rendering import render

    _guarded(lambda: render(runs, form, out, history, expect))


@main.command()
@click.argument("before", type=click.Path(path_type=Path, exists=True))
@click.argument("after", type=click.Path(path_type=Path, exists=True))
def diff(before: Path, after: Path) -> None:
    """Show what changed between two runs."""
    from assay.cli.rendering import difference

    _guarded(lambda: click.echo(difference(before, after)))


@main.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--out", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False))
def merge(runs: Sequence[Path], out: Path) -> None:
    """Merge the shards of one run."""
    from assay.cli.rendering import merged

    _guarded(lambda: merged(runs, out))


@main.group()
def expect() -> None:
    """Maintain the file of known failures."""


def _expectation_arguments(command: F) -> F:
    for decorate in (
        click.argument("run_file", type=click.Path(path_type=Path, exists=True)),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        command = decorate(command)
    return command


@expect.command("update")
@_expectation_arguments
def expect_update(file: Path, run_file: Path) -> None:
    """Update FILE to list what fails in RUN_FILE, keeping its comments."""
    from assay.cli.rendering import expectations

    _guarded(lambda: click.echo(expectations("update", file, run_file)))


@expect.command("prune")
@_expectation_arguments
def expect_prune(file: Path, run_file: Path) -> None:
    """Remove from FILE what no longer fails in RUN_FILE."""
    from assay.cli.rendering import expectations

    _guarded(lambda: click.echo(expectations("prune", file, run_file)))


@expect.command("check")
@_expectation_arguments
def expect_check(file: Path, run_file: Path) -> None:
    """Compare RUN_FILE with FILE; exit 1 on anything unexpected, improved or stale."""
    from assay.cli.rendering import checked

    sys.exit(_guarded(lambda: checked(file, run_file)))


@main.command("new-backend")
@click.argument("name")
@click.option("--out", "-o", default=Path(), type=click.Path(path_type=Path, file_okay=False))
@click.option("--like-torch", is_flag=True, help="For a library that has PyTorch's own names.")
def new_backend(name: str, out: Path, like_torch: bool) -> None:
    """Write a first adapter for a library, with its test."""
    from assay.cli.scaffold import write

    _guarded(lambda: click.echo(write(name, out, like_torch=like_torch)))


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
def lint(files: Sequence[Path]) -> None:
    """Check the corpus, or some spec files."""
    from assay.cli.lint import check

    sys.exit(_guarded(lambda: check(files)))


def _query(text: str) -> Any:
    """Parse a filter; report what is wrong with it before anything runs."""
    from assay_reports.query import QueryError, check, parse
    from assay_spec import load_corpus

    try:
        query, ops = parse(text), load_corpus().ops
        check(query, list(ops), lambda: {op.area for op in ops.values()})
        return query
    except QueryError as error:
        raise click.BadParameter(str(error), param_hint="--filter") from None


def _guarded(act: Callable[[], Any]) -> Any:
    """Report expected errors in one line, with an exit code."""
    from assay.backends.base import BackendUnusable
    from assay_spec import SpecError

    try:
        return act()
    except BrokenPipeError:
        raise  # click ends quietly
    except BackendUnusable as error:
        click.echo(f"assay: {error}", err=True)
        sys.exit(UNUSABLE)
    except (SpecError, OSError, ValueError) as error:
        click.echo(f"assay: {error}", err=True)
        sys.exit(4)


if __name__ == "__main__":
    main()
