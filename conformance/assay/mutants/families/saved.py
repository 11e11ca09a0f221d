"""Saved tensors: not compared with what they were, or refused where nothing needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from assay.cases.arrays import Host
from assay.cases.case import Case, TensorValue, map_tensors
from assay.cases.outcome import Outcome
from assay.mutants.mutant import Mutant, Scene, mutant, raised, with_gradients
from assay_spec.model import Op

_RESULTS: Final = "the results"
_REFUSAL: Final = "a variable needed for gradient computation has been modified by an inplace operation"


def mutants(op: Op) -> Iterator[Mutant]:
    if not any(overload.gradient for overload in op.overloads):
        return
    arguments = [each.name for overload in op.overloads for each in overload.arguments if each.is_tensor]
    makers = [each.construct for each in op.overloads if each.construct is not None]
    held = [rule.name for maker in makers for rule in (*maker.parameters, *maker.buffers)]
    for name in dict.fromkeys((*arguments, *held, _RESULTS)):
        yield mutant("a saved tensor not checked", partial(_unchecked, name=name), name, where_it_raises=True)
        yield mutant("saved although nothing needs it", partial(_refused, name=name), name)


def _is_of(case: Case, name: str) -> bool:
    """Return whether a case changes a tensor of some name, a member of it, or a result."""
    spoiled = case.spoiled
    if spoiled.isdigit():
        return name == _RESULTS
    return name in (spoiled, spoiled.partition(".")[0])


def _unchecked(case: Case, outcome: Outcome, scene: Scene, name: str) -> Outcome:
    """Answer from what lies there after the change; a gradient that does not depend on it is right all the same."""
    if not _is_of(case, name) or outcome.during != "backward":
        return outcome
    before = scene.ask(replace(case, spoiled=""))
    if case.spoiled.isdigit():  # no call gives a changed result: that of inputs which differ stands for it
        changed = {id(value): _uneven(value) for value in map(case.input, case.wrt)}
    else:
        point = case.input(case.spoiled)
        changed = {id(point): _overwritten(point)}
    after = scene.ask(replace(map_tensors(case, lambda value: changed.get(id(value), value)), spoiled=""))
    if after.raised is not None:  # of an index, say, that is out of range then
        return with_gradients(before, lambda _, gradient: replace(gradient, array=gradient.array + 1))
    same = [_nearly(_numbers(after, each), _numbers(before, each)) for each in case.wrt]
    return outcome if all(same) else after


def _overwritten(value: TensorValue) -> TensorValue:
    return value.holding(~value.buffer if value.dtype == "bool" else value.buffer + 1)


def _uneven(value: TensorValue) -> TensorValue:
    return value.holding(value.buffer + 1 + np.arange(value.buffer.size) % 3)


def _nearly(after: Host, before: Host) -> bool:
    """Return whether gradients differ by rounding only, as those of a variance do where all elements move alike."""
    with np.errstate(invalid="ignore"):
        return after.shape == before.shape and np.allclose(after, before, rtol=2e-2, atol=1e-6, equal_nan=True)


def _numbers(outcome: Outcome, name: str) -> Host:
    gradient = outcome.gradients[name]
    return np.zeros(0) if gradient is None else gradient.array.astype(np.complex128)


def _refused(case: Case, outcome: Outcome, scene: Scene, name: str) -> Outcome:
    return replace(raised("RuntimeError", _REFUSAL), during="backward") if _is_of(case, name) else outcome
