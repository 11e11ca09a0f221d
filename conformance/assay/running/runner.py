"""`assay run`: pytest on the corpus for each backend, a table at the end, a report to open."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import pytest

from assay.running.progress import Progress
from assay.settings import Settings
from assay_reports.results import Run, read_results

if TYPE_CHECKING:
    from assay.running.session import Session

_INI: Final = Path(__file__).with_name("pytest.ini")
_SMALL: Final = 150  # items below which worker processes cost more than they save
# Plugins of pytest that `assay run` does not need.
_LEFT_OUT: Final = (
    "terminal", "cacheprovider", "logging", "doctest", "unittest", "junitxml", "pastebin", "stepwise", "setuponly",
    "setupplan", "recwarn", "monkeypatch", "legacypath", "unraisableexception", "threadexception",
)  # fmt: skip
_ENVIRONMENT: Final = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # other installed plugins are for other tests
    # Tensors are small, and worker processes share the cores.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


def run_all(backends: Sequence[str], settings: Settings, *, report: bool = True, quiet: bool = False) -> int:
    """Measure every backend, then show them side by side; return pytest's exit code, the worst of them."""
    _check_paths(settings)
    status, files = 0, []
    for backend in backends:
        results = results_path(settings.out, backend)
        with _environment():
            code = _run_one(replace(settings, backend=backend, results=results))
        status = max(status, code)
        if results.exists():
            files.append(results)
        if code == pytest.ExitCode.INTERRUPTED:
            break
    runs = [read_results(each) for each in files]
    _show(runs, quiet)
    if report and runs:
        _write_site(runs, settings.out / "site")
    return status


def results_path(out: Path, backend: str) -> Path:
    """Return the path of a backend's results file."""
    return out / (re.sub(r"[^\w.-]+", "-", backend).strip("-")[:60] + ".jsonl")


def _check_paths(settings: Settings) -> None:
    """Check that every path can be read or written, before anything runs."""
    if settings.expect is not None and not settings.expect.exists():
        raise ValueError(f"--expect {settings.expect}: no such file; `assay expect update` writes one")
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
        probe = settings.out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ValueError(f"--out {settings.out}: cannot write there: {error.strerror}; choose another folder") from None


def _run_one(settings: Settings) -> int:
    from assay.running.session import Session

    session = Session(settings)
    if not session.planned:
        raise ValueError("nothing to run: no item matches the filter")
    earlier = pytest.ExitCode.TESTS_FAILED if session.failed(session.done.values()) else pytest.ExitCode.OK
    if not session.due:
        session.start()
        session.finish()
        session.close()
        click.echo(f"{settings.backend}: nothing is left to run", err=True)
        return earlier
    left_out = [word for name in _LEFT_OUT for word in ("-p", f"no:{name}")]
    arguments = ["-c", str(_INI), "-p", "assay.running.plugin", *left_out, "--assert=plain", "-W", "ignore"]
    arguments += _workers(session)
    return max(earlier, int(pytest.main(arguments, plugins=[Progress(session)])))


@contextmanager
def _environment() -> Iterator[None]:
    """Set the environment variables that worker processes and numerical libraries read."""
    added = {name: value for name, value in _ENVIRONMENT.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _workers(session: Session) -> list[str]:
    """Return how many processes share the items."""
    chosen = session.settings.jobs
    jobs = os.cpu_count() or 1 if chosen == "auto" else int(chosen)
    if jobs <= 1 or (chosen == "auto" and len(session.due) < _SMALL):
        return []
    return ["-p", "xdist", "-n", str(jobs), "--dist", "worksteal", "--max-worker-restart", "50"]


def _show(runs: Sequence[Run], quiet: bool) -> None:
    from assay_reports import terminal

    for run in runs if not quiet else ():
        text = terminal.failures(run)
        if text:
            click.echo(text)
    if runs:
        click.echo(terminal.table(runs))


def _write_site(runs: Sequence[Run], folder: Path) -> None:
    from assay_reports.site import render_site
    from assay_spec import load_corpus

    click.echo(f"report: {render_site(runs, folder, load_corpus())}")
