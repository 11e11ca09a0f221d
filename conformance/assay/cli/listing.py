"""What would run, and what a code or an op means, in words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from assay.cases.draw import SHARES
from assay.running.items import Item, plan
from assay_spec import load_corpus
from assay_spec.editions import Edition
from assay_spec.model import Construct, Corpus, Op, Overload
from assay_spec.suggestion import suggestion


def listing(query: Any, edition: Edition, *, each: bool = False, as_json: bool = False) -> str:
    """Return a listing of the items that a filter selects, by area, op and facet."""
    items = plan(load_corpus(), edition=edition, query=query)
    if as_json:
        return json.dumps(
            [
                {"id": item.id, "op": item.op, "facet": item.facet, "dtype": item.dtype, "area": item.area}
                for item in items
            ]
        )
    if each:
        return "\n".join(item.id for item in items)
    return "\n".join(_by_area(items))


def _by_area(items: list[Item]) -> Iterator[str]:
    areas: dict[str, dict[str, Counter[str]]] = {}
    for item in items:
        areas.setdefault(item.area, {}).setdefault(item.op, Counter())[item.facet] += 1
    for area, ops in areas.items():
        yield f"{area}: {len(ops)} ops, {sum(map(Counter.total, ops.values()))} items"
        for op, facets in ops.items():
            yield f"  {op:38} " + " ".join(f"{name}×{count}" if count > 1 else name for name, count in facets.items())
    caps = ", ".join(f"{walked}+{random} {effort}" for effort, (walked, random) in SHARES.items())
    yield f"{len(items)} items; at most this many walked+random cases for one item: {caps}"


def explained(subject: str) -> str:
    """Return the explanation of a code, or an op's spec as text."""
    from assay_reports import codes

    if subject in codes.CODES:
        return codes.explain(subject)
    corpus = load_corpus()
    if subject in corpus:
        return "\n".join(_spec(corpus, corpus[subject]))
    known = [*corpus.ops, *codes.CODES]
    raise ValueError(f"{subject!r} is neither a code nor an op ({suggestion(subject, known)})")


def _spec(corpus: Corpus, op: Op) -> Iterator[str]:
    yield f"{op.name} · {op.area}" + (f" · {op.family}" if op.family else "")
    yield f"  {op.summary}"
    for overload in op.overloads:
        yield from _overload(op, overload)
    for name, rule in op.rules.items():
        yield f"  {name}: {rule}"
    for scenario in op.scenarios:
        yield f"  scenario: {scenario.name}"
    documents, errata = corpus.documented(op.name), corpus.errata(op.name)
    for document in documents:
        yield f"  documented in {document.where}" + (f" as {document.signature}" if document.signature else "")
    for erratum in errata:
        yield f"  erratum in {erratum.where}: it says {erratum.says}; in fact {erratum.holds}"
    if documents or errata:
        yield "  (documents that the corpus was made from: see docs/spec-format.md)"


def _overload(op: Op, overload: Overload) -> Iterator[str]:
    label = f"   [{overload.label}]" if overload.label else ""
    if overload.construct is None:
        yield f"  {op.name}{overload.signature.source}{label}"
    else:
        yield f"  {op.name}{overload.construct.signature.source}{label}"
        yield from _construct(overload.construct)
        yield f"    it.{overload.method}{overload.signature.source}"
    for argument in overload.arguments:
        yield f"    {argument.name}: {argument.source.source}"
    for rule in overload.results:
        if rule.kind == "value":
            yield f"    returns {rule.name}: {rule.value}"
        elif rule.shape is not None and rule.dtype is not None:
            rules = f"shape {rule.shape.source}, dtype {rule.dtype.source}"
            yield f"    returns {rule.name}: {rules}, judged {overload.judge[rule.name]}"
    if overload.gradient:
        yield "    gradient: " + "; ".join(
            f"{result} by {', '.join(names)}" for result, names in overload.gradient.items()
        )
    for misuse in overload.errors:
        yield f"    raises {misuse.raises}: {misuse.because}"


def _construct(construct: Construct) -> Iterator[str]:
    for argument in construct.arguments:
        yield f"    {argument.name}: {argument.source.source}"
    for kind, rules in (("parameter", construct.parameters), ("buffer", construct.buffers)):
        for rule in rules:
            init = f", starts as {rule.init.source}" if rule.init else ""
            when = f", if {rule.when.source}" if rule.when else ""
            yield f"    holds {rule.name}: a {kind} of shape {rule.shape.source}{init}{when}"
