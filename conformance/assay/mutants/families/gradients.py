"""Gradients: dropped, of the wrong sign or size, not summed over what was broadcast, wrong at kinks and ties."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from assay.cases.arrays import Host
from assay.cases.case import Case
from assay.cases.outcome import Array, Outcome
from assay.mutants.mutant import Mutant, Scene, mutant, with_gradients
from assay_spec.model import Op

Change = Callable[[Array, Host, Outcome], Host | None]  # a gradient, its input, the answer: another gradient


def mutants(op: Op) -> Iterator[Mutant]:
    promised = [names for overload in op.overloads for names in overload.gradient.values()]
    for name in dict.fromkeys(each for names in promised for each in names):
        yield _mutant("a gradient dropped", name, None)
        yield _mutant("a gradient negated", name, lambda gradient, given, outcome: -gradient.array)
        yield _mutant("a gradient doubled", name, lambda gradient, given, outcome: gradient.array * 2)
        yield _mutant("a gradient not summed over what was broadcast", name, _unsummed)
        yield _mutant("a gradient wrong at zeros", name, lambda gradient, given, outcome: _where(given == 0, gradient))
        yield _mutant("a gradient wrong at ties", name, lambda gradient, given, outcome: _where(_tied(given), gradient))
        yield _mutant("a gradient wrong in the last element", name, _last)
        yield mutant("a gradient's own gradient dropped", partial(_once_only, name=name), name)
        yield mutant("a gradient's own gradient wrong at zeros", partial(_twice_wrong_at_zeros, name=name), name)
    if promised:
        yield mutant("gradients added up from call to call", _piled_up)
        yield mutant("gradients that do not depend on what flows in", _constant_in_upstream)
    for result in dict.fromkeys(result for overload in op.overloads for result in overload.gradient):
        if any(len(overload.gradient) > 1 and result in overload.gradient for overload in op.overloads):
            yield mutant("the gradient of a result lost", partial(_through_others, result=result), result)


def _mutant(kind: str, name: str, change: Change | None) -> Mutant:
    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        def one(owner: str, gradient: Array) -> Array | None:
            if owner.partition(".")[0] != name:
                return gradient
            if change is None:
                return None
            new = change(gradient, case.input(owner).array(), outcome)
            if new is None or np.array_equal(new, gradient.array, equal_nan=True):
                return gradient  # a zero of the other sign is the same gradient
            return Array(gradient.dtype, np.asarray(new).astype(gradient.array.dtype), gradient.device)

        return with_gradients(outcome, one)

    return mutant(kind, answer, name)


def _once_only(case: Case, outcome: Outcome, scene: Scene, name: str) -> Outcome:
    """Leave the gradients of the gradients by an input out."""
    kept = {owner: None if owner.partition(".")[0] == name else each for owner, each in outcome.second.items()}
    return _with_second(outcome, kept)


def _twice_wrong_at_zeros(case: Case, outcome: Outcome, scene: Scene, name: str) -> Outcome:
    """Lose the gradients of the gradients where the input is zero."""
    found = dict(outcome.second)
    for owner, each in found.items():
        if each is not None and owner.partition(".")[0] == name:
            there = (case.input(owner).array() == 0) & (each.array != 0)
            found[owner] = replace(each, array=np.where(there, 0, each.array)) if there.any() else each
    return _with_second(outcome, found)


def _constant_in_upstream(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Take what flows into the results for a constant."""
    return _with_second(outcome, {name: None if name.isdigit() else each for name, each in outcome.second.items()})


def _with_second(outcome: Outcome, second: Mapping[str, Array | None]) -> Outcome:
    """Return an outcome with other gradients of the gradients; one that is missing is as good as zero."""
    lost = [each for name, each in outcome.second.items() if each is not None and each is not second[name]]
    return replace(outcome, second=second) if any(each.array.any() for each in lost) else outcome


def _unsummed(gradient: Array, given: Host, outcome: Outcome) -> Host | None:
    """Return the mean over the broadcast dimensions, where the sum is right."""
    largest = max((each.array.size for each in outcome.results if isinstance(each, Array)), default=0)
    copies = largest // max(given.size, 1)
    return gradient.array / copies if copies > 1 else None


def _where(marked: Host, gradient: Array) -> Host | None:
    if marked.shape != gradient.shape or not marked.any():
        return None
    return np.where(marked, gradient.array + 1, gradient.array)


def _tied(given: Host) -> Host:
    """Mark the elements whose value is not unique."""
    values, counts = np.unique(given, return_counts=True)
    return np.asarray(np.isin(given, values[counts > 1]))


def _last(gradient: Array, given: Host, outcome: Outcome) -> Host | None:
    if gradient.array.size < 2:
        return None
    new = gradient.array.copy()
    new.reshape(-1)[-1] += 1
    return new


def _piled_up(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Add to each gradient the last one of an input of the same name and shape."""

    def one(name: str, gradient: Array) -> Array:
        key = (name, gradient.dtype, gradient.shape)
        before = scene.memory.get(key)
        scene.memory[key] = gradient.array
        return gradient if before is None else replace(gradient, array=np.asarray(gradient.array + before))

    return with_gradients(outcome, one)


def _through_others(case: Case, outcome: Outcome, scene: Scene, result: str) -> Outcome:
    """Stop the gradient through one of several results."""
    plan = scene.trial.plan
    if plan is None or not case.wrt or len(case.upstream) < 2:
        return outcome
    chosen = next((index for index, rule in enumerate(plan.overload.results) if rule.name == result), None)
    if chosen not in case.upstream:
        return outcome
    silent = {
        index: each.holding(np.zeros_like(each.buffer)) if index == chosen else each
        for index, each in case.upstream.items()
    }
    return scene.ask(replace(case, upstream=silent))
