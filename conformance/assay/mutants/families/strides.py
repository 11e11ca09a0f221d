"""Strides: results in order where PyTorch keeps the order of their operands, or backwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from assay.cases.case import Case
from assay.cases.outcome import Array, Outcome
from assay.facets.layout import applies
from assay.mutants.mutant import Mutant, Scene, mutant, with_results
from assay_spec.model import Op
from assay_spec.plans import row_major

Strides = tuple[int, ...]


def mutants(op: Op) -> Iterator[Mutant]:
    if applies(op):
        yield _mutant("results always in order", row_major)
        yield _mutant("results always transposed", lambda shape: row_major(shape[::-1])[::-1])


def _mutant(kind: str, strides: Callable[[Strides], Strides]) -> Mutant:
    def laid_out(result: Array, index: int) -> Array | None:
        if result.strides is None or not result.array.size:
            return None
        due = strides(result.shape)
        longer = [dim for dim, size in enumerate(result.shape) if size > 1]  # the others lead nowhere
        return None if all(due[dim] == result.strides[dim] for dim in longer) else replace(result, strides=due)

    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        return with_results(outcome, laid_out)

    return mutant(kind, answer)
