"""Runs as one JSON document, for programs."""

# No postponed annotations: the types of the fields are read.

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from assay_reports.causes import Cause, causes
from assay_reports.mutants import MutationRun
from assay_reports.records import CodeName, Count, Finding, Header, Mutants, Result, Total, Verdict, plain
from assay_reports.results import Run
from assay_spec.typed import Range, key

Share = Annotated[float, Range(0, 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseSummary:
    """Findings of one code and form, over all the items that show them."""

    code: CodeName = key("the kind of finding")
    form: str = key("what is wrong, without the numbers and names of the case at hand")
    op: str | None = key("the op, where findings of this code in other ops are other causes", None)
    ops: tuple[str, ...] = key("the ops that show it")
    items: tuple[str, ...] = key("the items that show it")
    cases: Total = key("how many cases show it")
    item: str = key("the item of the smallest of them")
    smallest: Finding = key("that item's finding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run comes to."""

    coverage: Share | None = key("the share of the corpus that is offered; left out where nothing was asked", None)
    conformance: Share | None = key("the share of that which is right; left out where nothing was judged", None)
    items: dict[str, Total] = key("how many items came to which outcome")
    cases: dict[str, Total] = key("how many cases: in all, and by what came of them")
    causes: tuple[CauseSummary, ...] = key("what is wrong, by cause, the gravest first")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport(Summary):
    """One run with all its results."""

    header: Header = key("who ran what: the first line of the results file")
    complete: bool = key("whether every planned item ran")
    results: tuple[Result, ...] = key("the results of all items")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationReport:
    """One run of `assay mutants`."""

    header: Mutants = key("who was tested how: the first line of the file")
    complete: bool = key("whether every mutant was judged")
    killed: Count = key("how many mutants were killed")
    counted: Count = key("of how many that are not equivalent")
    verdicts: tuple[Verdict, ...] = key("what became of each mutant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `assay report --format json` writes."""

    runs: tuple[RunReport, ...] = key("the runs, in the order of the files")
    mutants: MutationReport | None = key("the mutation run, if its file was given", None)


def render(runs: Sequence[Run], mutation: MutationRun | None = None) -> str:
    """Return runs as JSON, with every result, and the verdicts of a mutation run if there is one."""
    report = Report(runs=tuple(map(_reported, runs)), mutants=_measured(mutation) if mutation else None)
    return json.dumps(plain(report), indent=1)


def summary(run: Run) -> dict[str, Any]:
    """Return the two numbers of a run, its counts, and its causes with what they touch, as JSON has them."""
    return dict(plain(Summary(**_summed_up(run))))


def _summed_up(run: Run) -> dict[str, Any]:
    return {
        "coverage": run.score.coverage,
        "conformance": run.score.conformance,
        **run.tally.counts,
        "causes": tuple(map(_cause, causes(run))),
    }


def _cause(cause: Cause) -> CauseSummary:
    result, finding = cause.smallest
    return CauseSummary(
        code=cause.code,
        form=cause.form,
        op=cause.op,
        ops=tuple(cause.ops),
        items=tuple(each.id for each, _ in cause.shown),
        cases=cause.cases,
        item=result.id,
        smallest=finding,
    )


def _reported(run: Run) -> RunReport:
    return RunReport(**_summed_up(run), header=run.header, complete=run.complete, results=run.results)


def _measured(mutation: MutationRun) -> MutationReport:
    score = mutation.score
    return MutationReport(
        header=mutation.header,
        complete=mutation.complete,
        killed=score.killed,
        counted=score.counted,
        verdicts=mutation.verdicts,
    )
