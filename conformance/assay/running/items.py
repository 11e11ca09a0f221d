"""Items: op × facet × dtype class, the units that run and have a verdict, with stable ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from assay.facets import facets
from assay.facets.base import Facet, SamplingRequest, Trial
from assay.judge.laws import shows
from assay_spec.editions import Edition
from assay_spec.model import Bug, Corpus, Op


@dataclass(frozen=True, slots=True)
class Item:
    """One facet of one op in one dtype."""

    spec: Op
    question: Facet
    dtype: str | None

    @property
    def op(self) -> str:
        return self.spec.name

    @property
    def facet(self) -> str:
        return self.question.name

    @property
    def area(self) -> str:
        return self.spec.area

    @property
    def name(self) -> str:
        return self.facet if self.dtype is None else f"{self.facet}[{self.dtype}]"

    @property
    def id(self) -> str:
        return f"{self.op}::{self.name}"

    @property
    def barred(self) -> bool:
        """Whether every call meets a bug of PyTorch's own, so that there is nothing to ask."""
        ways = self.spec.overloads
        return bool(ways) and all(any(bug.where is None and self._meets(bug) for bug in each.bugs) for each in ways)

    def trials(self, request: SamplingRequest) -> Iterator[Trial]:
        """Yield the trials of the item, without those that meet a bug of PyTorch's own."""
        for trial in self.question.trials(self.spec, request):
            plan = trial.plan
            met = plan is not None and filter(self._meets, plan.overload.bugs)
            if plan is None or not any(shows(bug, trial.case, plan.scope) for bug in met or ()):
                yield trial

    def _meets(self, bug: Bug) -> bool:
        """Return whether a bug of PyTorch's own shows in the item at all."""
        return bug.facets is None or bool({self.facet, self.name} & set(bug.facets))


class Query(Protocol):
    """A filter: whether it selects an item, and whether it may select any item of an op."""

    def matches(self, item: Item) -> bool: ...

    def may_match(self, op: str) -> bool: ...


def items_of(op: Op) -> Iterator[Item]:
    """Yield the items of one op, facet by facet, without those of which a bug of PyTorch's own leaves no call."""
    for facet in facets():
        if facet.applies(op):
            split = (facet.dtypes(op) if facet.split else ()) or (None,)
            items = (Item(op, facet, dtype) for dtype in split)
            yield from (item for item in items if not item.barred)


def plan(
    corpus: Corpus,
    *,
    edition: Edition = "current",
    query: Query | None = None,
    shard: tuple[int, int] = (1, 1),
) -> list[Item]:
    """List the items of a run, in order."""
    names = (name for name in corpus.ops if query is None or query.may_match(name))
    ops = filter(None, (corpus[name].within(edition) for name in names))
    found = [item for op in ops for item in items_of(op) if query is None or query.matches(item)]
    part, parts = shard
    return found[part - 1 :: parts]
