"""Modules: parameters and buffers missing, initialised wrongly or not updated, training taken for evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from assay.cases.case import MADE, MODE, Case
from assay.cases.outcome import Array, Outcome
from assay.cases.runs import RESTORED
from assay.mutants.mutant import Mutant, Scene, asked, mutant
from assay_spec.model import Op, StateRule
from assay_spec.steps import Ref, Step


def mutants(op: Op) -> Iterator[Mutant]:
    makers = [each.construct for each in op.overloads if each.construct is not None and each.trail is None]
    if not makers:
        return
    for rule in _unique(rule for maker in makers for rule in maker.parameters):
        yield _mutant("missing from the parameters", rule, _unlisted)
        yield from _state_mutants(rule)
    if any((*maker.parameters, *maker.buffers) for maker in makers):
        yield Mutant("state not restored", "state not restored", _forgetful)
    for rule in _unique(rule for maker in makers for rule in maker.buffers):
        yield from _state_mutants(rule)
        yield _mutant("a buffer not updated", rule, _kept)
    yield mutant("training and evaluation confused", asked(_other_mode))


def _unique(rules: Iterator[StateRule]) -> list[StateRule]:
    found: dict[str, StateRule] = {}
    for rule in rules:
        found.setdefault(rule.name, rule)
    return list(found.values())


def _state_mutants(rule: StateRule) -> Iterator[Mutant]:
    yield _mutant("missing from the state", rule, _without)
    yield _mutant("held in float64", rule, _doubled)
    if rule.init is not None:
        yield _mutant("started wrongly", rule, _started)


def _mutant(kind: str, rule: StateRule, change: Callable[[Case, Outcome, str], Outcome]) -> Mutant:
    """Return a mutant that changes the observed state of an object."""

    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        if (
            case.scenario
            or outcome.raised
            or outcome.unsupported
            or not {"state", "after"} & {s.name for s in case.steps}
        ):
            return outcome
        return change(case, outcome, rule.name)

    return Mutant(f"{kind}: {rule.name}", kind, answer)


def _is_untouched(case: Case) -> bool:
    """Return whether a case observes the initial state."""
    return case.step("state") is not None


def _with_state(outcome: Outcome, state: Mapping[str, Array]) -> Outcome:
    return replace(outcome, results=(state, *outcome.results[1:]))


def _without(case: Case, outcome: Outcome, name: str) -> Outcome:
    state = outcome.results[0]
    if name not in state or not _is_untouched(case):
        return outcome
    return _with_state(outcome, {key: each for key, each in state.items() if key != name})


def _unlisted(case: Case, outcome: Outcome, name: str) -> Outcome:
    if not _is_untouched(case) or all(key != name for key, _ in outcome.results[1]):
        return outcome
    state, listed = outcome.results
    return replace(outcome, results=(state, tuple(each for each in listed if each[0] != name)))


def _doubled(case: Case, outcome: Outcome, name: str) -> Outcome:
    held = outcome.results[0].get(name)
    if held is None or not _is_untouched(case):
        return outcome
    wide = Array("float64", held.array.astype(np.float64), held.device)
    return _with_state(outcome, {**outcome.results[0], name: wide})


def _started(case: Case, outcome: Outcome, name: str) -> Outcome:
    """Initialise a parameter a fifth too large, a zero as one tenth."""
    held = outcome.results[0].get(name)
    if held is None or not _is_untouched(case):
        return outcome
    return _with_state(outcome, {**outcome.results[0], name: _larger(held)})


def _larger(held: Array) -> Array:
    if held.array.dtype.kind == "i":
        return Array(held.dtype, np.asarray(held.array + 1), held.device)
    larger = np.asarray(held.array * 1.2 + 0.1 * (held.array == 0))
    return Array(held.dtype, larger.astype(held.array.dtype), held.device)


def _kept(case: Case, outcome: Outcome, name: str) -> Outcome:
    """Leave a buffer as it was before the forward call."""
    before, after = case.state.get(name), outcome.results[0].get(name)
    if before is None or after is None or np.array_equal(after.array, before.array()):
        return outcome
    return _with_state(outcome, {**outcome.results[0], name: Array(before.dtype, before.array().copy())})


def _forgetful(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Continue after a reload with an object in its initial state."""
    if outcome.raised or outcome.unsupported or case.scenario or case.step(RESTORED) is None:
        return outcome
    return scene.ask(case.without_step(RESTORED))


def _other_mode(case: Case) -> Case | None:
    if case.step(MADE) is None:
        return None
    if case.step(MODE) is not None:
        return case.without_step(MODE)
    evaluation = Step("eval", {"self": Ref(MADE)}, ("self",), "method", MODE)
    index = next(index for index, step in enumerate(case.steps) if not step.name)
    return replace(case, steps=(*case.steps[:index], evaluation, *case.steps[index:]))
