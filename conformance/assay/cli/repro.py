"""`assay repro`: one item again, alone, with everything shown."""

from __future__ import annotations

import click

from assay.running.items import Item, items_of
from assay.running.session import Session
from assay.settings import Settings
from assay_reports.printable import printable
from assay_reports.results import Finding, Result, in_cases, in_excuses
from assay_reports.vocabulary import BROKEN
from assay_spec import load_corpus
from assay_spec.suggestion import suggestion


def find(id: str) -> Item:
    """Return the item of an id."""
    corpus = load_corpus()
    op, _, rest = id.partition("::")
    if op not in corpus:
        raise ValueError(f"no op {op!r} ({suggestion(op, corpus.ops)})")
    items = list(items_of(corpus[op]))
    for item in items:
        if item.name == rest:
            return item
    raise ValueError(f"{op} has no item {rest!r} ({suggestion(rest, [item.name for item in items])})")


def reproduce(id: str, settings: Settings) -> int:
    """Run one item and print its result."""
    item = find(id)
    session = Session(settings)
    result, _ = session.measure(item)
    oracle = session.oracle.capabilities.name if session.oracle else "itself"
    click.echo(summary(result, session.candidate.capabilities.name, oracle))
    for finding in result.findings:
        _show(finding)
    session.close()
    return 1 if result.outcome in BROKEN else 0


def summary(result: Result, candidate: str, oracle: str) -> str:
    """Return the result of an item in a line."""
    worst = result.worst.fraction if result.worst else 0
    ratio = f"; the largest error is {worst:.3g} of its budget" if worst else ""
    excused = f"; {in_excuses(result.excused)}" if result.excused else ""
    return f"{result.id} on {candidate}, judged by {oracle}: {result.outcome}, {in_cases(result)}{ratio}{excused}"


def _show(finding: Finding) -> None:
    click.echo(f"\n{finding.code} {printable(finding.message)}")
    for label in ("call", "expected", "actual", "budget"):
        value = getattr(finding, label)
        if value:
            click.echo(f"  {label + ':':10}{printable(value)}")
    if finding.traceback:
        click.echo("  raised in, the innermost call last:")
        click.echo(_indented(finding.traceback))
    click.echo(_indented(finding.snippet))
    if finding.cases > 1:
        click.echo(f"  and {finding.cases - 1:,} more like this")


def _indented(text: str) -> str:
    return "\n".join("    " + printable(line) for line in text.splitlines())
