"""Ops as rows of the site, each with what its page shows of every backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from assay_reports import vocabulary
from assay_reports.codes import rank
from assay_reports.records import Finding
from assay_reports.results import Result, in_excuses
from assay_reports.site.backends import Backend, Shown
from assay_reports.site.cells import Cell
from assay_reports.site.names import anchor, suffix
from assay_spec import dtypes
from assay_spec.model import Op


@dataclass(frozen=True)
class Item:
    """A row of an op's page: one item, whichever backends have a result of it."""

    name: str  # its id without the op
    facet: str
    dtype: str | None

    @property
    def anchor(self) -> str:
        return anchor(self.name)


@dataclass(frozen=True)
class Function:
    """An op that some run has results of; the corpus may not have it."""

    name: str
    area: str
    slug: str
    spec: Op | None
    backends: Sequence[Backend]

    @property
    def page(self) -> str:
        return f"op/{self.slug}.html"

    @cached_property
    def results(self) -> list[list[Result]]:
        """The results of each backend."""
        return [backend.by_op.get(self.name, []) for backend in self.backends]

    @cached_property
    def cells(self) -> list[Cell]:
        return [Cell.of(results) for results in self.results]

    @cached_property
    def items(self) -> list[Item]:
        """The items that any backend has results of, by facet and dtype."""
        found = {suffix(each): Item(suffix(each), each.facet, each.dtype) for some in self.results for each in some}
        return sorted(found.values(), key=lambda item: (_facet(item.facet), item.facet, _dtype(item.dtype)))

    @property
    def facets(self) -> list[tuple[str, list[Item]]]:
        """The facets that the op has, each with its items."""
        return [(facet, list(items)) for facet, items in groupby(self.items, key=lambda item: item.facet)]

    @property
    def dtypes(self) -> list[str]:
        return sorted({item.dtype for item in self.items if item.dtype}, key=lambda name: (_dtype(name), name))

    def facet_cells(self, facet: str) -> list[Cell]:
        return [Cell.of([each for each in results if each.facet == facet]) for results in self.results]

    def dtype_cells(self, dtype: str) -> list[Cell]:
        return [Cell.of([each for each in results if each.dtype == dtype]) for results in self.results]

    @cached_property
    def _by_item(self) -> list[dict[str, Result]]:
        return [{suffix(each): each for each in results} for results in self.results]

    def item_cells(self, item: Item) -> list[tuple[Cell, str]]:
        """Return each backend's cell of an item, and the id of the element that says more, if one does."""
        found = []
        for backend, results in zip(self.backends, self._by_item, strict=True):
            result = results.get(item.name)
            more = backend.place(result) if result and result.broken else ""
            found.append((Cell.of([result] if result else []), more))
        return found

    def broken(self, backend: Backend) -> list[list[Result]]:
        """Return the items that are wrong, those together whose gravest finding is of one form, the gravest first."""
        groups: dict[tuple[str, str], list[Result]] = {}
        for result in self.results[backend.index]:
            if result.broken:
                groups.setdefault((result.broken[0].code, result.broken[0].form), []).append(result)
        return sorted(groups.values(), key=lambda results: rank(results[0].broken[0].code))

    def lacks(self, backend: Backend) -> list[tuple[str, str, Shown]]:
        """Return what items lack that are not wrong besides: code, message, and the findings of both."""
        groups: dict[tuple[str, str], list[tuple[Result, Finding]]] = {}
        for result in self.results[backend.index]:
            for finding in () if result.broken else result.findings:
                groups.setdefault((finding.code, finding.message), []).append((result, finding))
        return [(*key, found) for key, found in groups.items()]

    def excused(self, backend: Backend) -> list[tuple[Result, str]]:
        """Return the items of which elements were excused, and which excuses."""
        return [(each, in_excuses(each.excused)) for each in self.results[backend.index] if each.excused]


def _facet(name: str) -> int:
    """Return where a facet stands among the others; one that is not known stands last."""
    return vocabulary.FACETS.index(name) if name in vocabulary.FACETS else len(vocabulary.FACETS)


def _dtype(name: str | None) -> int:
    return -1 if name is None else dtypes.ALL.index(name) if name in dtypes.ALL else len(dtypes.ALL)
