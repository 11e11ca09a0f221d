"""`assay run`: pytest on the corpus for each backend, a table at the end, a report to open."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import pytest

from assay.running.interrupts import terminable
from assay.running.progress import Progress
from assay.settings import Settings
from assay_reports.results import Run, read_results

if TYPE_CHECKING:
    from assay.running.session import Session
    from assay_reports.expectations import Expectations

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
    from assay.running.session import Session

    _check_out(settings.out)
    paths = results_paths(settings.out, backends)
    with _environment():
        sessions = [Session(replace(settings, backend=each, results=paths[each])) for each in backends]
        try:
            for session in sessions:
                session.check()  # all of them, before any runs
            status, runs = _run_each(sessions)
        finally:
            for session in sessions:
                session.close()
    expected = sessions[0].expectations
    _show(runs, quiet, expected)
    if report and runs:
        _write_site(runs, settings.out / "site", expected)
    for session in sessions:
        _say_compared(session)
    return status


def _run_each(sessions: Sequence[Session]) -> tuple[int, list[Run]]:
    status, runs = 0, []
    for session in sessions:
        code = _run_one(session)
        status = max(status, code)
        path = session.settings.results
        if path is not None and path.exists():
            runs.append(read_results(path))
        if code == pytest.ExitCode.INTERRUPTED:
            break
    return status, runs


def results_paths(out: Path, backends: Sequence[str]) -> dict[str, Path]:
    """Return the path of each backend's results file; no two share one."""
    paths: dict[str, Path] = {}
    for backend in backends:
        if backend in paths:
            raise ValueError(f"--backend {backend}: named twice")
        name = re.sub(r"[^\w.-]+", "-", backend).strip("-.")[:60] or "backend"
        taken = {each.name for each in paths.values()}
        numbers = (f"{name}.jsonl" if number == 1 else f"{name}-{number}.jsonl" for number in count(1))
        paths[backend] = out / next(each for each in numbers if each not in taken)
    return paths


def _check_out(out: Path) -> None:
    """Check that the folder can be written to."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise ValueError(f"--out {out}: cannot write there: {error.strerror}; choose another folder") from None


def _run_one(session: Session) -> int:
    """Run what is left of a session; return pytest's exit code, about what was run before too."""
    if not session.due:
        session.start()
        session.finish()
        click.echo(f"{session.settings.backend}: nothing is left to run", err=True)
        return pytest.ExitCode.OK if session.holds else pytest.ExitCode.TESTS_FAILED
    left_out = [word for name in _LEFT_OUT for word in ("-p", f"no:{name}")]
    arguments = ["-c", str(_INI), "-p", "assay.running.plugin", *left_out, "--assert=plain", "-W", "ignore"]
    arguments += _workers(session)
    with terminable(session.terminate):
        return pytest.ExitCode(pytest.main(arguments, plugins=[Progress(session)]))


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
    """Return how many processes share the items: no more than there are cores, or items."""
    chosen, cores = session.settings.jobs, os.cpu_count() or 1
    most = max(min(cores, len(session.due)), 1)
    jobs = most if chosen == "auto" else min(int(chosen), most)
    if chosen not in ("auto", str(jobs)):
        click.echo(f"--jobs {chosen}: {jobs} are used, for {cores} cores and {len(session.due)} items", err=True)
    if jobs <= 1 or (chosen == "auto" and len(session.due) < _SMALL):
        return []
    return ["-p", "xdist", "-n", str(jobs), "--dist", "worksteal", "--max-worker-restart", "50"]


def _say(text: str) -> None:
    """Print a text; where nobody reads any more, go on quietly."""
    try:
        click.echo(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _say_compared(session: Session) -> None:
    if session.compared is not None:
        for line in session.compared.lines():
            _say(line)


def _show(runs: Sequence[Run], quiet: bool, expected: Expectations | None) -> None:
    from assay_reports import terminal

    for run in runs if not quiet else ():
        text = terminal.summary(run, expected)
        if text:
            _say(text)
    if runs:
        _say(terminal.table(runs))


def _write_site(runs: Sequence[Run], folder: Path, expected: Expectations | None) -> None:
    from assay_reports.site import render_site
    from assay_spec import load_corpus

    _say(f"report: {render_site(runs, folder, load_corpus(), expected=expected)}")
