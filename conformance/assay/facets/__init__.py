"""Facets: the aspects of an op that are tested. Each is a module, named as in `assay_reports.vocabulary.FACETS`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from assay_reports import vocabulary

if TYPE_CHECKING:
    from assay.facets.base import Facet


def facets() -> tuple[Facet, ...]:
    """Return all facets, in the order in which they run."""
    return tuple(map(facet, vocabulary.FACETS))


@cache
def facet(name: str) -> Facet:
    """Return the facet of a name, from the module of that name."""
    found: Facet = import_module(f"{__name__}.{name.replace('-', '_')}").FACET
    return found
