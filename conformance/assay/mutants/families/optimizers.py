"""Optimizers and schedulers: state not restored, groups ignored, steps counted from the wrong end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Outcome
from assay.mutants.mutant import Mutant, Scene, over_runs
from assay_spec.model import Op


def mutants(op: Op) -> Iterator[Mutant]:
    if kind_of(op) == "optimizer":
        yield over_runs("a group's own options ignored", _alike)
        yield over_runs("no gradient taken for a zero one", _zeroed)
        yield Mutant("a group ignored", "a group ignored", _first_group_only)
        yield Mutant("state not restored", "state not restored", _forgetful)
    if kind_of(op) == "scheduler":
        yield Mutant("state not restored", "state not restored", _restarted)
        yield Mutant("steps counted from the wrong end", "steps counted from the wrong end", _shifted)


def _alike(case: Optimization | Schedule) -> Case | None:
    if not isinstance(case, Optimization) or not any(options for options, _ in case.groups):
        return None
    return replace(case, groups=tuple(({}, values) for _, values in case.groups))


def _zeroed(case: Optimization | Schedule) -> Case | None:
    if not isinstance(case, Optimization):
        return None
    parameters = [value for _, values in case.groups for value in values]
    if all(each is not None for step in case.gradients for each in step):
        return None
    filled = tuple(
        tuple(each or value.holding(np.zeros_like(value.buffer)) for each, value in zip(step, parameters, strict=True))
        for step in case.gradients
    )
    return replace(case, gradients=filled)


def _first_group_only(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Leave the parameters of every group but the first where they start."""
    if not isinstance(case, Optimization) or outcome.raised or len(case.groups) < 2:
        return outcome
    parameters = [value for _, values in case.groups for value in values]
    first = len(case.groups[0][1])
    found = [
        each if place % len(parameters) < first else replace(each, array=parameters[place % len(parameters)].array())
        for place, each in enumerate(outcome.results)
    ]
    return replace(outcome, results=tuple(found))


def _forgetful(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Go on after a reload with an optimizer that knows nothing of the steps before."""
    if not isinstance(case, Optimization) or outcome.raised or case.reload_after is None:
        return outcome
    done = case.reload_after + 1
    count = sum(len(values) for _, values in case.groups)
    reached = iter(outcome.results[(done - 1) * count : done * count])
    groups = tuple(
        (options, tuple(TensorValue.of(next(reached).array, value.dtype) for value in values))
        for options, values in case.groups
    )
    rest = scene.ask(replace(case, groups=groups, gradients=case.gradients[done:], reload_after=None))
    return replace(outcome, results=(*outcome.results[: done * count], *rest.results))


def _restarted(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Count the steps after a reload from 0 again."""
    if not isinstance(case, Schedule) or outcome.raised or case.reload_after is None:
        return outcome
    done = case.reload_after + 2  # the start and each step until then
    fresh = scene.ask(
        replace(case, reload_after=None, lr=float(outcome.results[done - 1]), steps=case.steps + 1 - done)
    )
    return replace(outcome, results=(*outcome.results[:done], *fresh.results[1:]))


def _shifted(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    if not isinstance(case, Schedule) or outcome.raised:
        return outcome
    return replace(outcome, results=(*outcome.results[1:], outcome.results[-1]))
