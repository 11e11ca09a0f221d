"""`assay mutants --source`: mutants of the reference's source, sampled, hunted in worker processes, and reported."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import click

from assay.backends.discover import open_backend
from assay.mutants.changed import UnknownRevision, changed_lines
from assay.mutants.source.covering import Covering, Reach, covering, lines_of
from assay.mutants.source.equivalents import FILE, Listed, listed
from assay.mutants.source.hunting import Hunted, SourceHunt
from assay.mutants.source.making import SourceMutant, digest, files, mutants_of, root, sample
from assay.mutants.source.verdicts import SourceVerdict, kept, line, summary, survivors
from assay_reports.vocabulary import Effort
from assay_spec import load_corpus


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of one `assay mutants --source`."""

    out: Path
    oracle: str = "reference"
    effort: Effort = "standard"
    seed: int = 0
    jobs: str = "auto"
    since: str | None = None
    sample: int = 100


def measure(request: Request) -> int:
    """Hunt a sample of mutants; return 1 where one survives or what is listed no longer applies, else 0."""
    every, known = [mutant for file in files() for mutant in mutants_of(file)], listed()
    possible = _since(known.reached(every), request.since)
    verdicts = _hunted(possible, known, request) if possible else []
    if not possible:
        click.echo(f"no statement of the reference that has a mutant has changed since {request.since}")
    stale = known.stale(every) + [f"{each.identity}: listed, but {each.item} kills it" for each in _revived(verdicts)]
    for entry in stale:
        click.echo(f"{FILE.name}: {entry}")
    return 1 if stale or any(verdict.status == "survived" for verdict in verdicts) else 0


def _revived(verdicts: Sequence[SourceVerdict]) -> list[SourceVerdict]:
    return [verdict for verdict in verdicts if verdict.status == "killed" and verdict.because]


def _hunted(possible: Sequence[SourceMutant], known: Listed, request: Request) -> list[SourceVerdict]:
    """Hunt a sample of mutants, those that have no verdict yet, and report on all of it."""
    started = time.perf_counter()
    request.out.mkdir(parents=True, exist_ok=True)
    click.echo("which items run which lines: measured where the reference or the corpus has changed", err=True)
    covered = covering(request.out, seed=request.seed, jobs=_jobs(request))
    specified = [mutant for mutant in possible if covered.is_specified(mutant)]
    wanted = sample(specified, request.sample, request.seed)
    target = request.out / "source-mutants.jsonl"
    before = kept(target, load_corpus().spec_hash, request.effort)
    due = [mutant for mutant in wanted if mutant.identity not in before]
    click.echo(f"{len(wanted)} mutants, {len(wanted) - len(due)} of them judged before", err=True)
    with target.open("w", encoding="utf-8") as file:
        file.writelines(map(line, before.values()))
        for verdict in _verdicts(due, covered, request):
            before[verdict.identity] = verdict
            file.write(line(verdict))
            file.flush()
    verdicts = [before[mutant.identity].with_reason(known.because(mutant)) for mutant in wanted]
    for text in survivors(verdicts):
        click.echo(text)
    beyond = len(possible) - len(specified)
    click.echo(
        f"{summary(verdicts)}\n{len(wanted):,} of {len(specified):,} mutants; {beyond:,} more in what no item runs"
    )
    click.echo(f"{time.perf_counter() - started:.0f} s; written to {target}")
    return verdicts


def _since(mutants: list[SourceMutant], revision: str | None) -> list[SourceMutant]:
    """Return the mutants of the statements that changed since a revision; all of them where none is named."""
    if revision is None:
        return mutants
    try:
        changed = changed_lines(root(), revision)
    except UnknownRevision as error:
        click.echo(f"every line is taken as changed, for there is nothing to compare with: {error}", err=True)
        return mutants
    lines = {file: changed.get((root() / file).resolve(), set()) for file in {mutant.file for mutant in mutants}}
    return [
        each for each in mutants if lines[each.file] and not lines[each.file].isdisjoint(lines_of(each.file, each.line))
    ]


def _jobs(request: Request) -> int:
    return (os.cpu_count() or 1) if request.jobs == "auto" else int(request.jobs)


def _verdicts(due: Sequence[SourceMutant], covered: Covering, request: Request) -> Iterator[SourceVerdict]:
    """Yield verdicts as they come, from as many processes as `--jobs` says."""
    if not due:
        return
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # tensors are small, and worker processes share the cores
    with ProcessPoolExecutor(min(_jobs(request), len(due)), mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(hunted, each, covered.reach(each), request): each for each in due}
        for number, future in enumerate(as_completed(futures), 1):
            verdict = _verdict(futures[future], future.result(), request.effort)
            click.echo(f"{number}/{len(due)} {verdict.place}: {verdict.item or 'survived'}", err=True)
            yield verdict


def hunted(mutant: SourceMutant, reach: Reach, request: Request) -> Hunted:
    """Return what became of one mutant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a backend's warnings are for its users
        return _hunter(request.oracle, request.effort, request.seed).hunted(mutant, reach)


@cache
def _hunter(oracle: str, effort: Effort, seed: int) -> SourceHunt:
    return SourceHunt(open_backend("reference"), open_backend(oracle), effort=effort, seed=seed)


def _verdict(mutant: SourceMutant, found: Hunted, effort: Effort) -> SourceVerdict:
    kill = found.kill
    return SourceVerdict(
        file=mutant.file,
        function=mutant.function,
        line=mutant.line,
        kind=mutant.kind,
        before=mutant.before,
        after=mutant.after,
        occurrence=mutant.occurrence,
        source=digest(mutant.file),
        corpus=load_corpus().spec_hash,
        effort=effort,
        status="killed" if kill else "survived",
        items=found.items,
        cases=found.cases,
        differs=found.differs,
        item=kill.item if kill else None,
        code=kill.code if kill else None,
    )
