"""`assay run`: pytest on the corpus for each backend, a table at the end, a report to open."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import pytest

from assay.running.progress import Progress
from assay_reports.results import Run, read_results

_INI: Final = Path(__file__).with_name("pytest.ini")
_SMALL: Final = 150  # items below which worker processes cost more than they save


@dataclass(frozen=True, slots=True)
class Request:
    """One `assay run`."""

    backends: Sequence[str]
    filter: str
    out: Path
    oracle: str | None = None
    device: str = "cpu"
    edition: str = "current"
    effort: str = "standard"
    seed: int = 0
    jobs: str = "auto"
    shard: str = "1/1"
    isolate: bool = False
    time_limit: float = 30.0
    expect: Path | None = None
    resume: bool = False
    report: bool = True
    quiet: bool = False


def run_all(request: Request) -> int:
    """Measure every backend, then show them side by side; give pytest's exit code, the worst of them."""
    _check_paths(request)
    status, files = 0, []
    for backend in request.backends:
        results = results_path(request.out, backend)
        code = _run_one(request, backend, results)
        status = max(status, code)
        if results.exists():
            files.append(results)
        if code == pytest.ExitCode.INTERRUPTED:
            break
    runs = [read_results(each) for each in files]
    _show(runs, request)
    if request.report and runs:
        _write_site(runs, request.out / "site")
    return status


def results_path(out: Path, backend: str) -> Path:
    """Name the results file of a backend."""
    return out / (re.sub(r"[^\w.-]+", "-", backend).strip("-")[:60] + ".jsonl")


def _check_paths(request: Request) -> None:
    """Find out that nothing can be written before anything runs."""
    if not re.fullmatch(r"[1-9]\d*/[1-9]\d*", request.shard):
        raise ValueError(f"--shard {request.shard}: write it as I/N, like 2/4")
    if request.jobs != "auto" and not request.jobs.isdigit():
        raise ValueError(f"--jobs {request.jobs}: give a number, or auto")
    if request.expect is not None and not request.expect.exists():
        raise ValueError(f"--expect {request.expect}: no such file; `assay expect update` writes one")
    try:
        request.out.mkdir(parents=True, exist_ok=True)
        probe = request.out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ValueError(f"--out {request.out}: cannot write there: {error.strerror}; choose another folder") from None


def _run_one(request: Request, backend: str, results: Path) -> int:
    arguments = [
        "-c", str(_INI), "-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:logging", "-p", "no:hypothesispytest",
        "-W", "ignore",
        f"--assay-backend={backend}", f"--assay-device={request.device}", f"--assay-filter={request.filter}",
        f"--assay-edition={request.edition}", f"--assay-effort={request.effort}", f"--assay-seed={request.seed}",
        f"--assay-shard={request.shard}", f"--assay-time-limit={request.time_limit}", f"--assay-results={results}",
    ]  # fmt: skip
    optional = {"--assay-oracle": request.oracle, "--assay-expect": request.expect}
    arguments += [f"{name}={value}" for name, value in optional.items() if value is not None]
    arguments += ["--assay-isolate"] * request.isolate + ["--assay-resume"] * request.resume
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # tensors are small, and worker processes share the cores
    return int(pytest.main([*arguments, *_workers(request)], plugins=[Progress(backend)]))


def _workers(request: Request) -> list[str]:
    """Choose how many processes share the items."""
    from assay.running.items import plan
    from assay_reports import query
    from assay_spec import load_corpus

    jobs = os.cpu_count() or 1 if request.jobs == "auto" else int(request.jobs)
    edition: Any = request.edition
    if jobs <= 1 or (
        request.jobs == "auto" and len(plan(load_corpus(), edition=edition, query=query.parse(request.filter))) < _SMALL
    ):
        return ["-p", "no:xdist"]
    return ["-n", str(jobs), "--dist", "worksteal", "--max-worker-restart", "50"]


def _show(runs: Sequence[Run], request: Request) -> None:
    from assay_reports import terminal

    for run in runs if not request.quiet else ():
        text = terminal.failures(run)
        if text:
            click.echo(text)
    if runs:
        click.echo(terminal.table(runs))


def _write_site(runs: Sequence[Run], folder: Path) -> None:
    from assay_reports.site import render_site
    from assay_spec import load_corpus

    index = render_site(runs, folder, load_corpus())
    click.echo(f"report: {index}", file=sys.stdout)
