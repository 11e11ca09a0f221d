"""Mutation operators in families; each makes mutants of an op from its spec alone.

A family is a module with one function, `mutants(op)`; it is listed here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from assay.mutants.families import (
    aliasing,
    arguments,
    dtypes,
    errors,
    gradients,
    modules,
    optimizers,
    order,
    precision,
    random,
    saved,
    scenarios,
    shapes,
    special,
    strides,
)
from assay.mutants.mutant import Mutant
from assay_spec.model import Op

FAMILIES: Final = (
    arguments, shapes, dtypes, precision, special, order, aliasing, gradients, saved, errors, random, modules,
    optimizers, scenarios, strides,
)  # fmt: skip


def mutants_of(op: Op) -> Iterator[Mutant]:
    """Yield every mutant that an op's spec makes possible."""
    for family in FAMILIES:
        yield from family.mutants(op)
