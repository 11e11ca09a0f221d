"""Shrinking: the smallest call that still fails in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import numpy as np

from assay.cases.fill import elements
from assay.cases.plan import ABSTAINED, Plan, bound
from assay.cases.walk import walk
from assay_spec import dtypes
from assay_spec.domains import Focus
from assay_spec.plans import ABSENT, Fill, TensorPlan

_ALL: Final = Focus(frozenset({"shape", "layout", "values", "special", "options"}))
_TRIES: Final = 300
_WHOLES: Final = 60  # plans of a walk that are tried as wholes
_SECONDS: Final = 2.0

Tried = Callable[[Iterator[Plan]], Iterator[tuple[Plan, bool]]]  # plans in turn, and whether each fails in the same way


def shrunk(plan: Plan, tried: Tried) -> Plan:
    """Return the simplest plan that fails in the same way: first its arguments are simplified, then its elements."""
    deadline, tries = time.monotonic() + _SECONDS, 0
    while True:
        for simpler, fails in tried(_simpler(plan)):
            tries += 1
            if fails:
                plan = simpler
                break
            if tries >= _TRIES or time.monotonic() > deadline:
                return plan
        else:
            return plan


def _simpler(plan: Plan) -> Iterator[Plan]:
    """Yield plans that are simpler by one argument; where an object is made too, smaller plans as a whole first."""
    if plan.overload.construct is not None:
        yield from _smaller_wholes(plan)
    for argument in plan.overload.arguments:
        current = plan.given.get(argument.name, ABSENT)
        for value in _plainer(plan, argument.name, current):
            changed = _with(plan, argument.name, value)
            if changed is not None:
                yield changed


def _smaller_wholes(plan: Plan) -> Iterator[Plan]:
    """Yield plans of the domain's walk whose tensors are smaller: sizes of an object and its input go together."""
    wholes = islice(walk(plan.overload, replace(_ALL, dtype=_lead_dtype(plan)), _WHOLES), _WHOLES)
    for each in sorted(wholes, key=_numel):
        if _numel(each) < _numel(plan):
            yield replace(each, training=plan.training)


def _numel(plan: Plan) -> int:
    return sum(each.numel for each in plan.given.values() if isinstance(each, TensorPlan))


def _lead_dtype(plan: Plan) -> str | None:
    return next((each.dtype for each in plan.given.values() if isinstance(each, TensorPlan)), None)


def _plainer(plan: Plan, name: str, current: Any) -> Iterator[Any]:
    overload = plan.overload
    argument = next(each for each in overload.arguments if each.name == name)
    if current is ABSENT:
        return
    if argument.passed and not overload.signature[name].required:
        yield ABSENT
    if isinstance(current, TensorPlan):
        yield from _smaller(plan, name, current)
        return
    if isinstance(current, bool) or not isinstance(current, (int, float)):
        return
    yield from (each for each in (0, 1, 2, -1) if abs(each) < abs(current))


def _smaller(plan: Plan, name: str, current: TensorPlan) -> Iterator[TensorPlan]:
    argument = next(each for each in plan.overload.arguments if each.name == name)
    try:
        shapes = {
            each.shape for each in islice(argument.domain(plan.scope).walk(_ALL), 40) if isinstance(each, TensorPlan)
        }
    except ABSTAINED:
        shapes = set()
    for shape in sorted(shapes, key=lambda each: (int(np.prod(each)), len(each))):
        if (int(np.prod(shape)), len(shape)) < (current.numel, current.ndim):
            fill = current.fill if current.fill.kind != "given" else Fill()
            yield replace(current, shape=shape, fill=fill)
    if current.layout != "contiguous":
        yield replace(current, layout="contiguous")
    yield from _simpler_elements(current)


def _simpler_elements(current: TensorPlan) -> Iterator[TensorPlan]:
    """Yield the same tensor with rounder numbers: integral, one decimal, or 0 and 1 for single elements."""
    if dtypes.is_complex(current.dtype) or current.dtype == "bool" or not current.numel or current.numel > 64:
        return
    now = elements(current.dtype, current.shape, current.fill).astype(np.float64)
    for change in (np.round, lambda values: np.round(values, 1)):
        with np.errstate(invalid="ignore"):
            rounder = change(now)
        if not np.array_equal(rounder, now, equal_nan=True):
            yield _given(current, rounder)
    if current.fill.kind == "given":
        flat = now.reshape(-1)
        for index in range(flat.size):
            for value in (0.0, 1.0):
                if flat[index] not in (0.0, 1.0, value):
                    simpler = flat.copy()
                    simpler[index] = value
                    yield _given(current, simpler.reshape(now.shape))


def _given(current: TensorPlan, values: Any) -> TensorPlan:
    return replace(current, fill=replace(current.fill, kind="given", given=values.tolist()))


def _with(plan: Plan, name: str, value: Any) -> Plan | None:
    """Return a plan with one argument replaced and its sizes bound again; None if it does not satisfy `require:`."""
    overload = plan.overload
    given = {**plan.given, name: value}
    scope = plan.scope.copy()
    sizes = {each for each in scope if each[:1].isupper()} - {each.name for each in overload.arguments}
    for size in sizes:
        if overload.construct is None:
            del scope[size]
    try:
        for argument in overload.arguments:
            chosen = given.get(argument.name, ABSENT)
            scope = bound(argument, argument.domain(scope), chosen, overload.signature, scope)
        holds = all(condition(scope) for condition in overload.require)
    except (*ABSTAINED, ValueError, KeyError, TypeError):
        return None
    return replace(plan, given=given, scope=scope) if holds else None
