"""`assay repro`: one item again, alone, with everything shown."""

from __future__ import annotations

from typing import Any

import click

from assay.backends.discover import open_backend
from assay.cases.draw import Effort
from assay.judge.bench import Bench
from assay.running.engine import measure
from assay.running.items import Item, items_of
from assay.running.session import oracle_for
from assay_reports.results import in_excuses
from assay_spec import load_corpus
from assay_spec.suggestion import suggestion


def find(id: str) -> Item:
    """Find the item that an id names."""
    corpus = load_corpus()
    op, _, rest = id.partition("::")
    if op not in corpus:
        raise ValueError(f"no op {op!r} ({suggestion(op, corpus.ops)})")
    items = list(items_of(corpus[op]))
    for item in items:
        if item.name == rest:
            return item
    raise ValueError(f"{op} has no item {rest!r} ({suggestion(rest, [item.name for item in items])})")


def reproduce(id: str, backend: str, oracle: str | None, device: str, edition: str, effort: Effort, seed: int) -> int:
    """Run one item, or one case of it (`ID#hash`), and show what came of it."""
    item = find(id.partition("#")[0])
    candidate = open_backend(backend, device=device)
    chosen = oracle_for(backend, oracle)
    judge = None if chosen is None else open_backend(chosen)
    row, _ = measure(item, Bench(candidate, judge), effort=effort, seed=seed, edition=edition)
    click.echo(summary(row, candidate.capabilities.name, chosen))
    for failure in row["failures"]:
        _show(failure)
    return 0 if row["outcome"] in ("pass", "self") else 1


def summary(row: dict[str, Any], backend: str, oracle: str | None) -> str:
    """Say in a line what came of an item."""
    worst = row["worst"]
    ratio = "" if worst is None else f"; error / budget at most {worst['fraction']:.3g}"
    excused = f"; {in_excuses(row['excused'])}" if row["excused"] else ""
    counts = f"{row['passed']} of {row['cases']} cases pass"
    return f"{row['id']} on {backend}, judged by {oracle or 'itself'}: {row['outcome']}, {counts}{ratio}{excused}"


def _show(failure: dict[str, Any]) -> None:
    click.echo(f"\n{failure['code']} {failure['message']}")
    for label in ("call", "expected", "actual", "budget"):
        if failure[label]:
            click.echo(f"  {label + ':':10}{failure[label]}")
    click.echo("\n".join("    " + line for line in failure["snippet"].splitlines()))
    if failure["more"]:
        click.echo(f"  and {failure['more']} more like this")
