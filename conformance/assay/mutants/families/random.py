"""Random numbers: scaled, shifted, at the end of their range, independent of the seed, correlated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from assay.cases.arrays import Host
from assay.cases.case import Case
from assay.cases.outcome import Array, Outcome
from assay.mutants.mutant import Mutant, Scene, asked, mutant, with_results
from assay_spec import dtypes
from assay_spec.model import Op


def mutants(op: Op) -> Iterator[Mutant]:
    if not any(each.random for each in op.overloads):
        return
    yield _mutant(
        "random numbers scaled", lambda values, kind: _thinned(values) if kind == "bernoulli" else values * 1.1
    )
    yield _mutant("random numbers shifted", lambda values, kind: values + 0.1 if kind != "bernoulli" else values)
    yield mutant("the end of the range drawn", _end)
    yield mutant("the seed ignored", _deaf)
    yield mutant("every seed the same", asked(lambda case: replace(case, seed=0) if _is_drawn(case) else None))
    yield mutant("each number drawn twice", _twice)


def _is_drawn(case: Case) -> bool:
    """Return whether a case is one of the random facet's, which repeats calls."""
    return case.seed is not None and case.repeat > 1


def _distribution(scene: Scene) -> tuple[Any, ...]:
    plan = scene.trial.plan
    if plan is None or plan.overload.random is None:
        return ("none",)
    return tuple(plan.overload.random(plan.scope))


def _mutant(kind: str, change: Callable[[Host, str], Host]) -> Mutant:
    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        distribution = _distribution(scene)[0]
        if not _is_drawn(case) or distribution == "none":
            return outcome

        def one(result: Array, index: int) -> Host | None:
            if not dtypes.is_floating(result.dtype):
                return None
            return change(result.array, distribution).astype(result.array.dtype)

        return with_results(outcome, one)

    return mutant(kind, answer)


def _thinned(values: Host) -> Host:
    """Set every fifth non-zero value to zero."""
    flat = values.copy().reshape(-1)
    flat[np.flatnonzero(flat)[::5]] = 0
    return flat.reshape(values.shape)


def _end(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    distribution = _distribution(scene)
    if not _is_drawn(case) or distribution[0] != "uniform":
        return outcome

    def change(result: Array, index: int) -> Host | None:
        if index or not result.array.size:
            return None
        new = result.array.copy()
        new.reshape(-1)[0] = distribution[2]
        return new

    return with_results(outcome, change)


def _deaf(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    if not _is_drawn(case):
        return outcome
    calls = scene.memory["calls"] = scene.memory.get("calls", 0) + 1
    return scene.ask(replace(case, seed=1_000_003 * calls))


def _twice(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Return for every other call the numbers of the call before."""
    if not _is_drawn(case) or len(outcome.results) != case.repeat:
        return outcome
    pairs = [outcome.results[index - index % 2] for index in range(case.repeat)]
    return replace(outcome, results=tuple(pairs))
