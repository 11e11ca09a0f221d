"""Memory: copies for views, views for copies, inputs changed, `out=` and in-place forms that write elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from assay.cases.arrays import host_dtype
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome
from assay.facets.aliasing import takes_tensors
from assay.mutants.mutant import Mutant, Scene, mutant, raised, tensors_in
from assay_spec.model import Op


def mutants(op: Op) -> Iterator[Mutant]:
    if any(map(takes_tensors, op.overloads)):
        yield from _of_memory(op)
    if "in-place" in op.variants:
        yield mutant("in place, a new tensor", partial(_another, form="in-place"))
        yield mutant("in place, nothing changed", _left_alone)
    if "out" in op.variants:
        yield mutant("out= not given back", partial(_another, form="out"))
        if any(budget.kind != "free" for overload in op.overloads for budget in overload.judge.values()):
            yield mutant("out= not filled", _not_filled)
        yield mutant("out= of another dtype refused", _refused)
        yield mutant("out= of any dtype taken", _taken, where_it_raises=True)


def _of_memory(op: Op) -> Iterator[Mutant]:
    if any(each.shares for each in op.overloads):
        yield mutant("a copy for a view", _copied)
    names = [each.name for overload in op.overloads for each in overload.arguments if "tensor" in each.kinds]
    always = [set(each.changes) if each.changes_when is None else set() for each in op.overloads]
    for name in dict.fromkeys(names):
        yield mutant("a view for a copy", partial(_viewed, name=name), name)
        if not all(name in each for each in always):  # else it is changed to what it was, at most
            yield mutant("an input changed", partial(_changed, name=name), name)


def _copied(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    return replace(outcome, shares=frozenset()) if outcome.shares else outcome


def _viewed(case: Case, outcome: Outcome, scene: Scene, name: str) -> Outcome:
    if "sharing" not in case.observe or outcome.shares or name not in tensors_in(case):
        return outcome
    if not any(isinstance(each, Array) and each.array.size for each in outcome.results):
        return outcome
    return replace(outcome, shares=frozenset({name}))


def _changed(case: Case, outcome: Outcome, scene: Scene, name: str) -> Outcome:
    if "mutation" not in case.observe or name in outcome.changed:
        return outcome
    value = case.arguments.get(name)
    if not isinstance(value, TensorValue) or 0 in value.shape:
        return outcome
    return replace(outcome, changed=outcome.changed | {name})


def _another(case: Case, outcome: Outcome, scene: Scene, form: str) -> Outcome:
    if not case.form.startswith(form) or not outcome.returned_self:
        return outcome
    return replace(outcome, returned_self=False)


def _left_alone(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    first = next(iter(case.arguments.values()), None)
    if not case.form.startswith("in-place") or not isinstance(first, TensorValue):
        return outcome
    return replace(outcome, results=(Array(first.dtype, first.array().copy()),))


def _not_filled(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    if case.form != "out":
        return outcome
    given = case.arguments["out"]
    outs = given if isinstance(given, tuple) else (given,)
    return replace(outcome, results=tuple(Array(each.dtype, each.array().copy()) for each in outs))


def _refused(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    if case.form != "out" or _dtypes(outcome) == _dtypes(scene.ask(_without_out(case))):
        return outcome
    return raised("RuntimeError", "out= has another dtype")


def _taken(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Cast the result to any dtype that out= has."""
    plain = scene.ask(_without_out(case)) if case.form == "out" else outcome
    if plain.raised or plain.unsupported:
        return outcome
    given = case.arguments["out"]
    outs = given if isinstance(given, tuple) else (given,)
    with np.errstate(all="ignore"):
        cast = tuple(
            Array(out.dtype, each.array.astype(host_dtype(out.dtype)))
            for out, each in zip(outs, plain.results, strict=True)
        )
    return replace(plain, results=cast, returned_self=True)


def _without_out(case: Case) -> Case:
    arguments = {name: value for name, value in case.arguments.items() if name != "out"}
    return case.with_arguments(arguments, form="function")


def _dtypes(outcome: Outcome) -> list[str]:
    return [each.dtype for each in outcome.results if isinstance(each, Array)]
