"""Runs: one object, whose method is called repeatedly, and its trail after each call."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from assay.cases.case import MADE, Case, TensorValue, method_call
from assay.cases.fill import materialise
from assay.cases.walk import walk
from assay.cases.written import plain
from assay_spec import scenarios
from assay_spec.domains import Focus
from assay_spec.model import Op, Overload
from assay_spec.plans import ABSENT, Made
from assay_spec.steps import Function, Look, Ref, Step, Value, positions

SAVED = "state"  # the step that saves what is kept in the end
RESTORED = "restored"  # the step that loads a saved state into a fresh object
_CLOSURE = "closure"  # the step that makes what computes a loss
START = -1  # the moment before the first call, among those after the calls
_KEPT = (  # the parts of a state, as lists: keys have an order, and need not be strings
    f"[[each[0], list(each[1].items())] for each in {SAVED}['state'].items()]",
    f"[list(group.items()) for group in {SAVED}['param_groups']]",
)
Gradients = Sequence[TensorValue | None]  # one for each parameter


@dataclass
class _Making:
    """Collects the steps that name what a run refers to again: parameters, and the objects that another is made of."""

    steps: list[Step] = field(default_factory=list)
    parameters: list[Ref] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)

    def named(self, name: str, value: Value) -> Value:
        if isinstance(value, Made):
            arguments = {key: self.named(key, each) for key, each in value.arguments.items()}
            self.steps.append(Step(value.target, arguments, name=name))
            self.objects.append(name)
            return Ref(name)
        if isinstance(value, TensorValue):
            parameter = Ref(f"p{len(self.parameters)}")
            leaf = replace(value, requires_grad=True)
            self.steps.append(Step("", positions((leaf,)), ("0",), "value", parameter.name))
            self.parameters.append(parameter)
            return parameter
        if isinstance(value, (tuple, list)):
            return [self.named(name, each) for each in value]
        if isinstance(value, Mapping):
            return {key: self.named(key, each) for key, each in value.items()}
        return value


def run(
    op: Op,
    overload: Overload,
    made: Mapping[str, Value],
    *,
    fed: Sequence[Gradients] = (),
    calls: int = 0,
    reloads: Container[int] = (),
    closure: bool = False,
    kept: bool = False,
) -> Case:
    """Return the case of a run: an object made of some arguments, its method called once for each set of gradients.

    Without gradients the method is called `calls` times, and the trail is observed before the first call too. After the
    calls that `reloads` numbers, or before the first if -1 is one of them, the state is saved and loaded into a fresh
    object, which continues; a closure may set the gradients, and computes them where there is an objective. What is
    `kept` in the end may be observed instead of the trail.
    """
    making = _Making()
    arguments = {name: making.named(name, value) for name, value in made.items()}
    steps = [*making.steps, Step(op.name, arguments, name=MADE)]
    looks: list[Look] = []
    assert overload.trail is not None and overload.method is not None
    trail = overload.trail

    def look(after: str) -> None:
        if trail in made and making.parameters:
            looks.extend(Look(parameter, after) for parameter in making.parameters)
            return
        seen = scenarios.lines("", (trail,), arguments, f"{after}.")
        steps.extend(seen.steps)
        looks.extend(seen.looks)

    if not fed:
        look(MADE)
    if overload.objective is not None:
        steps.append(_minimised(overload.objective, making.parameters))
    reloading = _reloading(op, arguments, None if trail in made else trail)
    if START in reloads:
        steps.extend(reloading)
    for count in range(len(fed) or calls):
        call = f"call{count}"
        feeding = tuple(_feeding(making.parameters, fed[count], call)) if fed else ()
        given: dict[str, Value] = {}
        if overload.objective is not None:
            given["closure"] = Ref(_CLOSURE)
        elif closure:
            given["closure"] = Function((), feeding, TensorValue.of(np.zeros((), np.float32), "float32"))
        else:
            steps.extend(feeding)
        # A schedule counts the steps of its optimizer.
        steps.extend(
            Step("step", {"self": Ref(name)}, ("self",), "method", f"{call}.{name}") for name in making.objects
        )
        steps.append(method_call(given, tuple(given), overload.method, name=call))
        look(call)
        if count in reloads:
            steps.extend(reloading)
    if kept:
        seen = scenarios.lines(f"{SAVED} = {MADE}.state_dict()", _KEPT, (MADE,), "_kept")
        return Case(op.name, (*steps, *seen.steps), seen.looks)
    return Case(op.name, tuple(steps), tuple(looks))


def written(op: Op, overload: Overload, call: Mapping[str, Any]) -> Case:
    """Return the run of one call with an object made as a spec file says; what that leaves out is the plainest."""
    plainest = next(walk(overload, Focus(), 1)).constructed
    made = {name: materialise(value) for name, value in plainest.items() if value is not ABSENT}
    return run(op, overload, {**made, **{name: plain(value, name) for name, value in call.items()}}, calls=1)


def _minimised(objective: str, parameters: Sequence[Ref]) -> Step:
    """Return the step that makes a closure: it returns the sum of the objective over all parameters."""
    losses = [f"    x = {each.name}\n    loss = loss + {objective}\n" for each in parameters]
    source = f"def f():\n    {MADE}.zero_grad()\n    loss = 0.0\n{''.join(losses)}    loss.backward()\n    return loss"
    (step,) = scenarios.lines(source, (), (MADE, *(each.name for each in parameters))).steps
    return replace(step, name=_CLOSURE)


def _feeding(parameters: Sequence[Ref], gradients: Gradients, call: str) -> list[Step]:
    """Return the steps that set the gradients of parameters."""
    pairs = zip(parameters, gradients, strict=True)
    return [
        Step("grad", positions((parameter, gradient)), ("0", "1"), "set attribute", f"{call}.{parameter.name}")
        for parameter, gradient in pairs
    ]


def _reloading(op: Op, arguments: Mapping[str, Value], trail: str | None) -> list[Step]:
    """Return the steps that save a state and load it into a fresh object; its constructor may change the trail."""
    saved = method_call({}, (), "state_dict", name="saved")
    fresh = Step(op.name, arguments, name=MADE)
    restored = method_call({"state": Ref("saved")}, ("state",), "load_state_dict", name=RESTORED)
    if trail is None:
        return [saved, fresh, restored]
    kept = scenarios.lines(f"kept = {trail}", (), arguments, "kept.").steps
    back = scenarios.lines(f"{trail} = kept", (), (*arguments, "kept"), "back.").steps
    return [saved, *kept, fresh, restored, *back]
