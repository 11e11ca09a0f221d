"""From plans to cases: tensors filled, modules made, arguments passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from assay.cases.case import Case, Observation, made, method_call
from assay.cases.fill import materialise
from assay.cases.plan import Plan, held
from assay_spec.domains import Dtype
from assay_spec.dtypes import DEFAULT_FLOAT, has_fractions, is_integral
from assay_spec.model import Op, StateRule
from assay_spec.plans import ABSENT, Fill, Made, TensorPlan
from assay_spec.signature import Signature
from assay_spec.steps import Form, Ref, Step


def case(
    op: Op,
    plan: Plan,
    *,
    form: Form = "function",
    observe: frozenset[Observation] = frozenset(),
    wrt: tuple[str, ...] = (),
    positional: tuple[str, ...] | None = None,
    seed: int | None = None,
    repeat: int = 1,
) -> Case:
    """Return the case of a plan: tensors filled, required arguments by position, the others by name."""
    signature = plan.overload.signature
    owners = {name.partition(".")[0] for name in wrt}
    order = {argument.name: index for index, argument in enumerate(plan.overload.arguments)}
    given = plan.given
    if any(has_fractions(dtype) for _, _, dtype in plan.due):
        given = {name: _held_by_floats(value) for name, value in given.items()}
    arguments = {
        name: materialise(given[name], order[_twin(name, given)], requires_grad=name in owners)
        for name in signature.names
        if name in given and given[name] is not ABSENT
    }
    if positional is None:
        positional = tuple(name for name in signature.positional if name in arguments and signature[name].required)
    unpacked = unpacked_of(signature, arguments, positional)
    objects = {name: value for name, value in arguments.items() if isinstance(value, Made)}
    before = [Step(value.target, value.arguments, name=name) for name, value in objects.items()]
    arguments |= {name: Ref(name) for name in objects}
    if plan.overload.construct is None:
        form = op.form if form == "function" else form
        steps: tuple[Step, ...] = (*before, Step(op.name, arguments, positional, form, unpacked=unpacked))
    else:
        steps = (*before, *making(op, plan), method_call(arguments, positional, unpacked=unpacked))
    return Case(op.name, steps, observe=observe, wrt=wrt, seed=seed, repeat=repeat)


def _twin(name: str, given: Mapping[str, Any]) -> str:
    """Return the argument whose elements an argument has: its own, or those of an equal tensor."""
    plan = given[name]
    if not isinstance(plan, TensorPlan) or plan.fill.kind != "same":
        return name
    plain = replace(plan, fill=replace(plan.fill, kind="plain"))
    return next((other for other, each in given.items() if each == plain), name)


def _held_by_floats(value: Any) -> Any:
    """Return a plan without integers that have more bits than a float: the result would be rounded twice."""
    if isinstance(value, TensorPlan) and value.fill.kind == "wide" and is_integral(value.dtype):
        return replace(value, fill=replace(value.fill, kind="large"))
    return value


def unpacked_of(signature: Signature, arguments: Mapping[str, Any], positional: tuple[str, ...]) -> str | None:
    """Return the name of the `*args` parameter, unless it is empty: `x.view()` is no call, `x.view(())` is."""
    many = next((each.name for each in signature.parameters if each.kind == "many"), None)
    return many if many in positional and arguments[many] else None


def making(op: Op, plan: Plan, *, loaded: bool = True) -> tuple[Step, ...]:
    """Return the steps that make the object of a plan, and load a state into it unless its initial state is kept."""
    maker = plan.overload.construct
    assert maker is not None
    arguments = {
        name: materialise(plan.constructed[name], 90)
        for name in maker.signature.names
        if name in plan.constructed and plan.constructed[name] is not ABSENT
    }
    state = {
        rule.name: materialise(_state_plan(rule, plan), 50 + index)
        for index, rule in enumerate(held(maker, plan.scope) if loaded else ())
    }
    dtype = next((each.dtype for each in state.values() if has_fractions(each.dtype)), DEFAULT_FLOAT)
    if dtype != DEFAULT_FLOAT and "dtype" in maker.signature:
        arguments.setdefault("dtype", Dtype(dtype))
    return made(op.name, arguments, state, training=plan.training)


def _state_plan(rule: StateRule, plan: Plan) -> TensorPlan:
    """Return a plan for a parameter or buffer: a counter is integral, a variance positive."""
    dtype = plan.scope[rule.name].dtype
    shape = plan.scope[rule.name].shape
    if rule.init is not None:
        kind, *numbers = rule.init(plan.scope)
        if kind == "constant" and isinstance(numbers[0], int) and not isinstance(numbers[0], bool):
            return TensorPlan("int64", shape, fill=Fill("plain", 1, 0, 5))
        if kind == "constant" and numbers[0] == 1.0:
            return TensorPlan(dtype, shape, fill=Fill("plain", 1, 0.5, 2.0))
    return TensorPlan(dtype, shape, fill=Fill("plain", 1, -1.0, 1.0))
