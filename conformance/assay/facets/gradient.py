"""gradient: with respect to every differentiable input and parameter, also at the documented ties and kinks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from assay.cases import calls
from assay.cases.arrays import Host
from assay.cases.case import Case, TensorValue, map_tensors
from assay.cases.fill import elements
from assay.cases.outcome import Array, Outcome
from assay.cases.plan import Plan
from assay.facets.base import (
    SELF,
    Facet,
    Judgement,
    SamplingRequest,
    Trial,
    beyond,
    broken_oracle,
    fail,
    gravest,
    plans,
    unanswered,
)
from assay.facets.differences import Differences, Terms, summed
from assay.facets.dtype import stateful
from assay.facets.results import shaped, structured
from assay.facets.values import rounds_first
from assay.judge.bench import Bench, summands
from assay.judge.comparison import measure
from assay.judge.excuses import HEADROOM
from assay.judge.laws import conventional, undefined_mask
from assay_spec import dtypes
from assay_spec.domains import Axis
from assay_spec.model import Budget, Op, Overload
from assay_spec.plans import Fill, TensorPlan

_DISTINCT: Final = 128  # elements that are different in every floating dtype
_SQUARED: Final = np.float16(2.0**-7)  # the square of anything smaller is subnormal in float16


def differentiable(overload: Overload) -> bool:
    return bool(overload.gradient)


def applies(op: Op) -> bool:
    return any(map(differentiable, op.overloads))


def gradient_dtypes(op: Op) -> tuple[str, ...]:
    """Return the dtypes that carry gradients."""
    return tuple(each for each in op.dtypes if dtypes.has_fractions(each))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    axes: tuple[Axis, ...] = ("options", "shape", "values", "layout", *(() if stateful(op) else ("dtype",)))
    # Float64 is asked all by itself: without an oracle only there can differences judge.
    for plan in plans(op, request, *axes, fits=differentiable, divided=request.dtype != "float64"):
        if rounds_first(plan):
            continue
        clear = unambiguous(plan)
        case = None if clear is None or beyond_steps(clear) else differentiated(op, clear, request.seed)
        if case is not None and clear is not None and not unsettled(case, clear):
            yield _trial(op, case, clear)


def _trial(op: Op, case: Case, plan: Plan) -> Trial:
    def again(simpler: Plan) -> Trial | None:
        case = differentiated(op, simpler, 0)
        return None if case is None or unsettled(case, simpler) else _trial(op, case, simpler)

    return Trial(case, partial(_judge, case, plan), plan, again, needs_oracle=shows_no_slope(case, plan))


def shows_no_slope(case: Case, plan: Plan) -> bool:
    """Return whether no differences show the gradient: it is a convention, or inputs are too different for one step."""
    wide = any(isinstance(each, TensorPlan) and each.fill.kind == "wide" for each in plan.given.values())
    return wide or conventional(plan.overload, case, plan.scope)


def unambiguous(plan: Plan) -> Plan | None:
    """Return the plan without ties if the op may choose among them, for that decides where the gradient goes."""
    if all(budget.kind != "law" for budget in plan.overload.judge.values()):
        return plan
    tensors = {name: value for name, value in plan.given.items() if isinstance(value, TensorPlan)}
    if any(value.numel > _DISTINCT or value.layout == "expanded" for value in tensors.values()):
        return None
    parted = {name: replace(value, fill=replace(value.fill, distinct=True)) for name, value in tensors.items()}
    return replace(plan, given={**plan.given, **parted})


def beyond_steps(plan: Plan) -> bool:
    """Return whether inputs are so large, or in half precision so small, that rounding hides the gradient."""
    tensors = [value for value in plan.given.values() if isinstance(value, TensorPlan)]
    return any(
        each.fill.kind == "large" or (each.fill.kind == "small" and each.dtype in dtypes.HALF) for each in tensors
    )


def unsettled(case: Case, plan: Plan) -> bool:
    """Return whether inputs are reduced to something that PyTorch leaves undefined: their gradients flow from it."""
    _, shape, _ = plan.due[0]
    if not plan.overload.undefined or any(case.input(name).shape == tuple(shape) for name in case.wrt):
        return False
    return bool(undefined_mask(plan.overload, case, tuple(shape), plan.scope).any())


def _with_squares(value: TensorValue) -> TensorValue:
    """Return float16 elements moved away from zero, zeros excepted: a gradient may divide by their squares."""
    if value.dtype != "float16":
        return value
    tiny = (value.buffer != 0) & (np.abs(value.buffer) < _SQUARED)
    return value.holding(np.where(tiny, np.copysign(_SQUARED, value.buffer), value.buffer))


def differentiated(op: Op, plan: Plan, seed: int) -> Case | None:
    """Return the case that takes every gradient the spec promises for a plan."""
    overload = plan.overload
    inputs = tuple(name for names in overload.gradient.values() for name in names)
    case = map_tensors(calls.case(op, plan, wrt=tuple(dict.fromkeys(inputs))), _with_squares)
    wrt = tuple(name for given in dict.fromkeys(inputs) for name in _carriers(given, case))
    upstream = {}
    for index, (rule, shape, dtype) in enumerate(plan.due):
        if rule.name in overload.gradient and dtypes.has_fractions(dtype):
            free = overload.judge.get(rule.name, Budget("exact")).kind == "law"
            fill = Fill("given", given=1.5) if free else Fill("plain", seed + index, -2.0, 2.0)
            upstream[index] = TensorValue.of(elements(dtype, shape, fill, 31), dtype)
    return replace(case, wrt=wrt, upstream=upstream) if wrt and upstream else None


def _carriers(name: str, case: Case) -> Iterator[str]:
    """Yield the tensors of an argument or module parameter that can carry a gradient."""
    value = case.arguments.get(name)
    if isinstance(value, TensorValue):
        if value.requires_grad:
            yield name
    elif isinstance(value, (tuple, list)):
        for index, each in enumerate(value):
            if isinstance(each, TensorValue) and each.requires_grad:
                yield f"{name}.{index}"
    elif name in case.state:
        yield name


def _judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    early = misled(plan, outcome) or unanswered(outcome) or malformed(case, outcome)
    if early is not None:
        return early
    expected = bench.expect(case)
    if expected is None:
        return _by_differences(case, outcome, bench)
    broken = broken_oracle(expected)
    if broken is not None:
        return broken
    budget = plan.overload.judge.get("gradient", Budget("conditioned"))
    return gravest([compared(name, case, outcome, expected, budget, bench) for name in case.wrt])


def misled(plan: Plan, outcome: Outcome) -> Judgement | None:
    """Judge results of a wrong number or shape, for which no gradient can be right: the gradient is not to blame."""
    if outcome.unsupported or not outcome.results:
        return None
    return structured(plan.overload, outcome, plan.due) or shaped(outcome, plan.due)


def malformed(case: Case, outcome: Outcome) -> Judgement | None:
    """Judge that each gradient exists and has its input's shape and dtype."""
    for name in case.wrt:
        due, gradient = case.input(name), outcome.gradients.get(name)
        if gradient is None:
            return fail("A502", f"{name} has no gradient", "a gradient", "none")
        if gradient.shape != due.shape:
            shape = list(gradient.shape)
            return fail("A504", f"the gradient of {name} has shape {shape}", list(due.shape), shape)
        if gradient.dtype != due.dtype:
            return fail("A504", f"the gradient of {name} is {gradient.dtype}", due.dtype, gradient.dtype)
    return None


def compared(name: str, case: Case, outcome: Outcome, expected: Outcome, budget: Budget, bench: Bench) -> Judgement:
    got, want = outcome.gradients[name], expected.gradients.get(name)
    assert got is not None
    if want is None:
        return Judgement("suite_error", fail("A901", f"the oracle returns no gradient for {name}").reason)
    bounds, count = bench.gradient_bounds(case, name, expected), summands(case, got.array.size)
    answer, truth = _where_defined(got, want.array, expected)
    worst = measure(answer, truth, got.dtype, budget, bounds, summands=count, headroom=16 * HEADROOM)
    return Judgement("pass", compared=False) if worst is None else beyond("A501", worst, f"the gradient of {name}")


def _where_defined(got: Array, want: Host, expected: Outcome) -> tuple[Host, Host]:
    """Leave out gradients of NaN in half precision, where an exponent less one may round to an integer."""
    result = expected.results[0]
    if got.dtype not in dtypes.HALF or not isinstance(result, Array) or not np.isnan(result.array).any():
        return got.array, want
    return np.where(np.isnan(want), got.array.dtype.type(0), got.array), np.where(np.isnan(want), 0, want)


def _by_differences(case: Case, outcome: Outcome, bench: Bench) -> Judgement:
    """Compare float64 gradients with central differences, which need no oracle."""
    if any(case.input(name).dtype != "float64" for name in case.wrt):
        return SELF
    gradients = {name: gradient.array for name, gradient in outcome.gradients.items() if gradient is not None}
    once, weigh = replace(case, wrt=(), upstream={}), partial(_weighed, case)
    return Differences(once, weigh(outcome), weigh, bench, "A501").judge(gradients) or SELF


def _weighed(case: Case, outcome: Outcome) -> Terms:
    return summed(upstream.array() * _floats(outcome.results[index]) for index, upstream in case.upstream.items())


def _floats(result: Any) -> Host:
    assert isinstance(result, Array)
    return result.array.astype(np.float64)


FACET = Facet(
    "gradient",
    applies,
    trials,
    split=True,
    dtypes=gradient_dtypes,
    needs=("autograd",),
)
