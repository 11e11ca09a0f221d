"""Runs of optimizers and schedulers: state not restored, groups ignored, steps counted from the wrong end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from assay.cases.case import MADE, Case, TensorValue
from assay.cases.outcome import Outcome
from assay.cases.runs import RESTORED, SAVED
from assay.mutants.mutant import Mutant, Scene, is_run, over_runs, raised
from assay_spec.model import Op
from assay_spec.steps import Step


def mutants(op: Op) -> Iterator[Mutant]:
    trails = [each.trail for each in op.overloads if each.trail is not None]
    if not trails:
        return
    yield over_runs("state not restored", _forgetful)
    yield Mutant("the state of no steps refused", "the state of no steps refused", _fresh_refused)
    if any(argument.name in trails for each in op.overloads if each.construct for argument in each.construct.arguments):
        yield over_runs("a group's own options ignored", _alike)
        yield over_runs("no gradient taken for a zero one", _zeroed)
        yield Mutant("a group ignored", "a group ignored", _first_group_only)
        yield Mutant("a part of the state not saved", "a part of the state not saved", _partly_saved)
    else:
        yield Mutant("steps counted from the wrong end", "steps counted from the wrong end", _shifted)


def _forgetful(case: Case) -> Case | None:
    """Continue after a reload with an object in its initial state."""
    return None if case.step(RESTORED) is None else case.without_step(RESTORED)


def _fresh_refused(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Raise where a state is loaded that was saved before the first call."""
    names = [step.name for step in case.steps]
    if not is_run(case) or outcome.raised or outcome.unsupported or RESTORED not in names:
        return outcome
    return raised("KeyError", "'state'") if names.index(RESTORED) < names.index("call0") else outcome


def _alike(case: Case) -> Case | None:
    groups = case.made["params"]
    if all(set(group) == {"params"} for group in groups):
        return None
    return case.with_step(MADE, arguments={**case.made, "params": [{"params": group["params"]} for group in groups]})


def _zeroed(case: Case) -> Case | None:
    values = {step.name: step.arguments["0"] for step in case.steps if step.form == "value"}
    steps = tuple(_fed_zeros(step, values) for step in case.steps)
    return None if steps == case.steps else replace(case, steps=steps)


def _fed_zeros(step: Step, parameters: dict[str, TensorValue]) -> Step:
    if step.form != "set attribute" or step.arguments["1"] is not None:
        return step
    parameter = parameters[step.arguments["0"].name]
    return replace(step, arguments={**step.arguments, "1": TensorValue.of(np.zeros_like(parameter.array()))})


def _first_group_only(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Leave the parameters of every group but the first at their initial values."""
    if (
        not is_run(case)
        or case.step(SAVED) is not None
        or outcome.raised
        or outcome.unsupported
        or len(case.made["params"]) < 2
    ):
        return outcome
    parameters = [step.arguments["0"] for step in case.steps if step.form == "value"]
    first = len(case.made["params"][0]["params"])
    found = [
        each if index % len(parameters) < first else replace(each, array=parameters[index % len(parameters)].array())
        for index, each in enumerate(outcome.results)
    ]
    return replace(outcome, results=tuple(found))


def _partly_saved(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Leave out the last part of each parameter's state."""
    if not is_run(case) or outcome.raised or outcome.unsupported or case.step(SAVED) is None:
        return outcome
    state, groups = outcome.results
    return replace(outcome, results=([[index, parts[:-1]] for index, parts in state], groups))


def _shifted(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    if not is_run(case) or outcome.raised or outcome.unsupported:
        return outcome
    return replace(outcome, results=(*outcome.results[1:], outcome.results[-1]))
