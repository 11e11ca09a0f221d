"""Modules: parameters and buffers missing, started wrongly or left alone, training taken for evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from assay.cases.outcome import Array, Outcome
from assay.mutants.mutant import Mutant, asked, mutant
from assay_spec.model import Op, StateRule

T = TypeVar("T")


def mutants(op: Op) -> Iterator[Mutant]:
    makers = [each.construct for each in op.overloads if each.construct is not None]
    if not makers:
        return
    for rule in _unique(rule for maker in makers for rule in maker.parameters):
        yield _mutant(
            "missing from the parameters", rule, lambda case, outcome, name: _without(outcome, f"{name}.parameter")
        )
        yield from _state_mutants(rule)
    for rule in _unique(rule for maker in makers for rule in maker.buffers):
        yield from _state_mutants(rule)
        yield _mutant("a buffer not updated", rule, _kept)
    if any(len(maker.modes) > 1 for maker in makers):
        yield mutant("training and evaluation confused", asked(_other_mode))


def _unique(rules: Iterator[StateRule]) -> list[StateRule]:
    found: dict[str, StateRule] = {}
    for rule in rules:
        found.setdefault(rule.name, rule)
    return list(found.values())


def _state_mutants(rule: StateRule) -> Iterator[Mutant]:
    yield _mutant("missing from the state", rule, lambda case, outcome, name: _without(outcome, name))
    yield _mutant("held in float64", rule, lambda case, outcome, name: _with_state(outcome, name, _doubled))
    if rule.init is not None:
        yield _mutant("started wrongly", rule, _started)


def _mutant(kind: str, rule: StateRule, change: Callable[[Call, Outcome, str], Outcome]) -> Mutant:
    return mutant(kind, lambda case, outcome, scene: change(case, outcome, rule.name), rule.name)


def _without(outcome: Outcome, name: str) -> Outcome:
    if name in outcome.values:
        return replace(outcome, values=_dropped(outcome.values, name))
    return replace(outcome, state=_dropped(outcome.state, name)) if name in outcome.state else outcome


def _dropped(held: Mapping[str, T], name: str) -> dict[str, T]:
    return {key: value for key, value in held.items() if key != name}


def _with_state(outcome: Outcome, name: str, change: Callable[[Array], Array]) -> Outcome:
    if name not in outcome.state:
        return outcome
    return replace(outcome, state={**outcome.state, name: change(outcome.state[name])})


def _doubled(held: Array) -> Array:
    return Array("float64", held.array.astype(np.float64), held.device)


def _started(case: Call, outcome: Outcome, name: str) -> Outcome:
    """Start a parameter a fifth too large, a zero at one tenth."""
    if case.module is None or case.module.state:
        return outcome
    return _with_state(outcome, name, _larger)


def _larger(held: Array) -> Array:
    if held.array.dtype.kind == "i":
        return Array(held.dtype, np.asarray(held.array + 1), held.device)
    larger = np.asarray(held.array * 1.2 + 0.1 * (held.array == 0))
    return Array(held.dtype, larger.astype(held.array.dtype), held.device)


def _kept(case: Call, outcome: Outcome, name: str) -> Outcome:
    """Leave a buffer as it was before the forward call."""
    before = None if case.module is None else case.module.state.get(name)
    after = outcome.state.get(f"{name}.after")
    if before is None or after is None or np.array_equal(after.array, before.array()):
        return outcome
    return replace(outcome, state={**outcome.state, f"{name}.after": Array(before.dtype, before.array().copy())})


def _other_mode(case: Call) -> Call | None:
    return (
        None if case.module is None else replace(case, module=replace(case.module, training=not case.module.training))
    )
