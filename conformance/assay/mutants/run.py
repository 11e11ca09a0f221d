"""`assay mutants`: mutation testing op by op in worker processes, the survivors and the kill matrix at the end."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context, set_start_method
from pathlib import Path

import click

from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.backends.self_check import self_check
from assay.mutants.changed import UnknownRevision, changed_files, touches
from assay.mutants.hunt import Hunt
from assay.running.items import items_of
from assay_reports import query
from assay_reports.mutants import Verdict, read, summary, survivors, table, write
from assay_reports.records import SCHEMA_VERSION, Mutants, Selection, Suite
from assay_reports.results import now
from assay_reports.vocabulary import Effort
from assay_spec import load_corpus
from assay_spec.model import Corpus, Op


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of one `assay mutants`."""

    filter: str
    out: Path
    backend: str = "reference"
    oracle: str = "reference"
    effort: Effort = "standard"
    seed: int = 0
    jobs: str = "auto"
    since: str | None = None


def measure(request: Request) -> int:
    """Run mutation testing; return 1 where a mutant survives or a declaration no longer applies, else 0."""
    for name in {request.backend, request.oracle}:
        self_check(_opened(name))
    corpus = load_corpus()
    ops = _wanted(corpus, request)
    if not ops:
        click.echo(f"no op that matches has changed since {request.since}" if request.since else "no op matches")
        return 0
    click.echo(f"mutants of {request.backend} run in the suite's own processes, beside {request.oracle}", err=True)
    request.out.mkdir(parents=True, exist_ok=True)
    target = request.out / "mutants.jsonl"
    started = time.perf_counter()
    write(target, _header(request, corpus, len(ops)), _reported(_hunted(ops, request), len(ops)))
    found = read(target)
    for line in survivors(found):
        click.echo(line)
    click.echo(table(found) if len(ops) > 1 else "\n".join(_lines(found.verdicts)))
    click.echo(f"{summary(found)}\n{time.perf_counter() - started:.0f} s; written to {target}")
    return 1 if found.survivors or found.stale else 0


def _wanted(corpus: Corpus, request: Request) -> list[Op]:
    """Return the ops that match the filter and, if a revision is named, have changed since."""
    wanted = query.parse(request.filter)
    current = filter(None, (op.within("current") for op in corpus))
    ops = [op for op in current if any(map(wanted.matches, items_of(op)))]
    if request.since is None:
        return ops
    try:
        files = changed_files(corpus.root, request.since)
    except UnknownRevision as error:
        click.echo(f"every op is taken as changed, for there is nothing to compare with: {error}", err=True)
        return ops
    return [op for op in ops if touches(files, op, _opened(request.backend))]


@cache
def _opened(name: str) -> Backend:
    return open_backend(name)


def _hunted(ops: Sequence[Op], request: Request) -> Iterator[tuple[str, list[Verdict]]]:
    """Yield the verdicts op by op, from as many processes as `--jobs` says."""
    jobs = min(len(ops), (os.cpu_count() or 1) if request.jobs == "auto" else int(request.jobs))
    if jobs <= 1:
        yield from ((op.name, hunted(op.name, request)) for op in ops)
        return
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # tensors are small, and worker processes share the cores
    # A process an op: a mutated program may leave a process in another state than it found it in.
    spawn = get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_as_a_candidate, max_tasks_per_child=1) as pool:
        futures = {pool.submit(hunted, op.name, request): op.name for op in ops}
        yield from ((futures[future], future.result()) for future in as_completed(futures))


def _as_a_candidate() -> None:
    """Start processes as a program does by itself, where a spawned one would spawn others."""
    set_start_method(None, force=True)


def hunted(name: str, request: Request) -> list[Verdict]:
    """Return the verdicts on the mutants of one op."""
    op = load_corpus()[name]
    hunt = Hunt(op, _opened(request.backend), _opened(request.oracle), effort=request.effort, seed=request.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a backend's warnings are for its users
        return list(hunt.verdicts())


def _reported(batches: Iterator[tuple[str, list[Verdict]]], count: int) -> Iterator[list[Verdict]]:
    """Report progress, and pass the verdicts on."""
    say: Callable[[str], None] = lambda text: click.echo(text, err=True)  # noqa: E731
    for number, (name, verdicts) in enumerate(batches, 1):
        survived = sum(verdict.status == "survived" for verdict in verdicts)
        say(f"{number}/{count} {name}: {len(verdicts)} mutants, {survived} survived")
        yield verdicts


def _lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield a line for each mutant: killed by which item, equivalent for which reason, or the surviving call."""
    for verdict in verdicts:
        how = f"by {verdict.item} after {verdict.cases} cases" if verdict.item else verdict.because or verdict.call
        yield f"{verdict.status:10} {verdict.mutant}  ({how})"


def _header(request: Request, corpus: Corpus, ops: int) -> Mutants:
    return Mutants(
        schema_version=SCHEMA_VERSION,
        suite=Suite(version("assay"), corpus.spec_hash, corpus.torch),
        backend=request.backend,
        oracle=request.oracle,
        selection=Selection(request.filter, request.effort),
        seed=request.seed,
        ops=ops,
        started=now(),
    )
