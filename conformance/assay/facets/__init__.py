"""Facets: the questions asked of an op, a flat list."""

from __future__ import annotations

from typing import Final

from assay.facets import (
    aliasing,
    defaults,
    dtype,
    errors,
    examples,
    gradient,
    in_place,
    layout,
    random,
    shape,
    signature,
    special,
    state,
    values,
)
from assay.facets.base import Facet

FACETS: Final[tuple[Facet, ...]] = tuple(
    module.FACET
    for module in (
        signature,
        defaults,
        shape,
        dtype,
        values,
        special,
        layout,
        gradient,
        in_place,
        aliasing,
        errors,
        random,
        state,
        examples,
    )
)
