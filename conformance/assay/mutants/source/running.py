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
from assay.mutants.source.covering import covering, lines_of
from assay.mutants.source.equivalents import Listed, listed
from assay.mutants.source.hunting import Hunted, SourceHunt
from assay.mutants.source.making import SourceMutant, digest, files, mutants_of, root, sample
from assay.mutants.source.verdicts import SourceVerdict, Status, kept, line, summary, survivors
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
    wanted = sample(_since(known.reached(every), request.since), request.sample, request.seed)
    stale = known.stale(every)
    if wanted:
        stale += _hunt(wanted, len(every), known, request)
    else:
        click.echo(f"no line of the reference that has a mutant has changed since {request.since}")
    for each in stale:
        click.echo(f"equivalent.yaml: {each}")
    target = request.out / "source-mutants.jsonl"
    return 1 if stale or any(_chosen(wanted, kept(target, load_corpus().spec_hash), "survived")) else 0


def _hunt(wanted: Sequence[SourceMutant], every: int, known: Listed, request: Request) -> list[str]:
    """Hunt the mutants that have no verdict yet, and report on all; return what is listed and was killed."""
    started = time.perf_counter()
    request.out.mkdir(parents=True, exist_ok=True)
    target = request.out / "source-mutants.jsonl"
    before = kept(target, load_corpus().spec_hash)
    due = [mutant for mutant in wanted if mutant.identity not in before]
    click.echo(f"{len(wanted)} of {every:,} mutants, {len(wanted) - len(due)} of them judged before", err=True)
    with target.open("w", encoding="utf-8") as file:
        file.writelines(map(line, before.values()))
        for verdict in _verdicts(due, known, request):
            file.write(line(verdict))
            file.flush()
    after = kept(target, load_corpus().spec_hash)
    verdicts = [after[mutant.identity] for mutant in wanted]
    for text in survivors(verdicts):
        click.echo(text)
    click.echo(f"{summary(verdicts)}\n{time.perf_counter() - started:.0f} s; written to {target}")
    return [f"{each.identity}: equivalent, but {each.item} kills it" for each in _chosen(wanted, after, "killed")
            if each.because]  # fmt: skip


def _chosen(
    wanted: Sequence[SourceMutant], verdicts: dict[str, SourceVerdict], status: Status
) -> Iterator[SourceVerdict]:
    found = (verdicts[mutant.identity] for mutant in wanted)
    return (verdict for verdict in found if verdict.status == status)


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


def _verdicts(due: Sequence[SourceMutant], known: Listed, request: Request) -> Iterator[SourceVerdict]:
    """Yield verdicts as they come, from as many processes as `--jobs` says."""
    if not due:
        return
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # tensors are small, and worker processes share the cores
    jobs = (os.cpu_count() or 1) if request.jobs == "auto" else int(request.jobs)
    click.echo("which items run which lines: measured where the source or the corpus has changed", err=True)
    covered = covering(request.out, seed=request.seed, jobs=jobs)
    with ProcessPoolExecutor(min(jobs, len(due)), mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(hunted, mutant, covered.items(mutant), request): mutant for mutant in due}
        for number, future in enumerate(as_completed(futures), 1):
            mutant = futures[future]
            verdict = _verdict(mutant, future.result(), known.because(mutant))
            click.echo(f"{number}/{len(due)} {mutant.place}: {verdict.status} {verdict.item or ''}", err=True)
            yield verdict


def hunted(mutant: SourceMutant, items: Sequence[str], request: Request) -> Hunted:
    """Return what became of one mutant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a backend's warnings are for its users
        return _hunter(request.oracle, request.effort, request.seed).hunted(mutant, items)


@cache
def _hunter(oracle: str, effort: Effort, seed: int) -> SourceHunt:
    return SourceHunt(open_backend("reference"), open_backend(oracle), effort=effort, seed=seed)


def _verdict(mutant: SourceMutant, found: Hunted, because: str | None) -> SourceVerdict:
    status: Status = "killed" if found.kill else "survived" if because is None else "equivalent"
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
        status=status,
        items=found.items,
        cases=found.cases,
        differs=found.differs,
        item=found.kill.item if found.kill else None,
        code=found.kill.code if found.kill else None,
        because=because,
    )
