"""gradient: with respect to every differentiable input and parameter, also at the documented ties and kinks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from assay.cases import draw
from assay.cases.arrays import Host
from assay.cases.case import Array, Call, Outcome, TensorValue
from assay.cases.draw import Plan
from assay.cases.fill import elements
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
from assay.facets.results import expected_rules
from assay.judge.bench import Bench, map_case, slack
from assay.judge.budgets import ROOM, Worst, measure
from assay_spec import dtypes
from assay_spec.model import Budget, Op, Overload
from assay_spec.plans import Fill, TensorPlan

_STEP: Final = 2.0**-17  # near the cube root of float64's eps, exact in binary
_DISTINCT: Final = 128  # elements that are different in every floating dtype
_SQUARED: Final = np.float16(2.0**-7)  # the square of anything smaller is subnormal in float16
_FINITE: Final = 2e-6  # what differences of that step leave uncertain, relative to the change


def differentiable(overload: Overload) -> bool:
    return bool(overload.gradient)


def applies(op: Op) -> bool:
    return any(map(differentiable, op.overloads))


def gradient_dtypes(op: Op) -> tuple[str, ...]:
    """Return the dtypes that carry gradients."""
    return tuple(each for each in op.dtypes if dtypes.has_fractions(each))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan in plans(op, request, "options", "shape", "values", "layout", fits=differentiable):
        clear = _unambiguous(plan)
        case = None if clear is None or _beyond_steps(clear) else differentiated(op, clear, request.seed)
        if case is not None:
            yield Trial(case, clear)


def _unambiguous(plan: Plan) -> Plan | None:
    """Keep ties away from an op that may choose among them: the gradient goes to the one that was chosen."""
    if all(budget.kind != "law" for budget in plan.overload.judge.values()):
        return plan
    tensors = {name: value for name, value in plan.given.items() if isinstance(value, TensorPlan)}
    if any(value.numel > _DISTINCT or value.layout == "expanded" for value in tensors.values()):
        return None
    parted = {name: replace(value, fill=replace(value.fill, distinct=True)) for name, value in tensors.items()}
    return replace(plan, given={**plan.given, **parted})


def _beyond_steps(plan: Plan) -> bool:
    """Return whether inputs are so large, or in half so small, that what a gradient is made of vanishes in rounding."""
    tensors = [value for value in plan.given.values() if isinstance(value, TensorPlan)]
    return any(
        each.fill.kind == "large" or (each.fill.kind == "small" and each.dtype in dtypes.HALF) for each in tensors
    )


def _with_squares(value: TensorValue) -> TensorValue:
    """Keep float16 elements away from zero, where they are not zero: a gradient may divide by their squares."""
    if value.dtype != "float16":
        return value
    tiny = (value.buffer != 0) & (np.abs(value.buffer) < _SQUARED)
    return value.holding(np.where(tiny, np.copysign(_SQUARED, value.buffer), value.buffer))


def differentiated(op: Op, plan: Plan, seed: int) -> Call | None:
    """Make the case that asks for every gradient the spec promises for a plan."""
    overload = plan.overload
    inputs = tuple(name for names in overload.gradient.values() for name in names)
    case = map_case(draw.call(op, plan, wrt=tuple(dict.fromkeys(inputs))), _with_squares)
    wrt = tuple(name for given in dict.fromkeys(inputs) for name in _carriers(given, case))
    upstream = {}
    for place, (rule, shape, dtype) in enumerate(expected_rules(overload, plan.scope)):
        if rule.name in overload.gradient and dtypes.has_fractions(dtype):
            free = overload.judge.get(rule.name, Budget("exact")).kind == "law"
            fill = Fill("given", given=1.5) if free else Fill("plain", seed + place, -2.0, 2.0)
            upstream[place] = TensorValue.of(elements(dtype, shape, fill, 31), dtype)
    return replace(case, wrt=wrt, upstream=upstream) if wrt and upstream else None


def _carriers(name: str, case: Call) -> Iterator[str]:
    """Yield the tensors of an argument or module parameter that can carry a gradient."""
    value = case.arguments.get(name)
    if isinstance(value, TensorValue):
        if value.requires_grad:
            yield name
    elif isinstance(value, (tuple, list)):
        for place, each in enumerate(value):
            if isinstance(each, TensorValue) and each.requires_grad:
                yield f"{name}.{place}"
    elif case.module is not None and name in case.module.state:
        yield name


def judge(op: Op, trial: Trial, bench: Bench) -> Judgement:
    assert isinstance(trial.case, Call) and trial.plan is not None
    outcome = bench.ask(trial.case)
    early = unanswered(outcome)
    if early is not None:
        return early
    malformed = _malformed(trial.case, outcome)
    if malformed is not None:
        return malformed
    expected = bench.expect(trial.case)
    if expected is None:
        return _by_differences(trial.case, outcome, bench)
    broken = broken_oracle(expected)
    if broken is not None:
        return broken
    budget = trial.plan.overload.judge.get("gradient", Budget("conditioned"))
    return gravest([_compared(name, trial.case, outcome, expected, budget, bench) for name in trial.case.wrt])


def _malformed(case: Call, outcome: Outcome) -> Judgement | None:
    """Judge that each gradient is there, with its input's shape and dtype."""
    for name in case.wrt:
        source, gradient = source_of(name, case), outcome.gradients.get(name)
        if gradient is None:
            return fail("A502", f"{name} has no gradient", "a gradient", "none")
        if gradient.shape != source.shape:
            return fail(
                "A504",
                f"the gradient of {name} has shape {list(gradient.shape)}",
                list(source.shape),
                list(gradient.shape),
            )
        if gradient.dtype != source.dtype:
            return fail("A504", f"the gradient of {name} is {gradient.dtype}", source.dtype, gradient.dtype)
    return None


def source_of(name: str, case: Call) -> TensorValue:
    """Find the tensor that a gradient is taken for."""
    owner, _, place = name.partition(".")
    if owner in case.arguments:
        found = case.arguments[owner]
        return found[int(place)] if place else found  # type: ignore[no-any-return]
    assert case.module is not None
    return case.module.state[name]


def _compared(name: str, case: Call, outcome: Outcome, expected: Outcome, budget: Budget, bench: Bench) -> Judgement:
    got, want = outcome.gradients[name], expected.gradients.get(name)
    assert got is not None
    if want is None:
        return Judgement("suite_error", fail("A901", f"the oracle gives no gradient for {name}").finding)
    bounds = bench.gradient_bounds(case, name, expected)
    answer, truth = _where_defined(got, want.array, expected)
    worst = measure(answer, truth, got.dtype, budget, bounds, slack=slack(case, got, budget), room=16 * ROOM)
    return Judgement("pass", compared=False) if worst is None else beyond("A501", worst, f"the gradient of {name}")


def _where_defined(got: Array, want: Host, expected: Outcome) -> tuple[Host, Host]:
    """Leave out, in half, gradients of what is no number: an exponent less one may round to a whole one there."""
    result = expected.results[0]
    if got.dtype not in dtypes.HALF or not isinstance(result, Array) or not np.isnan(result.array).any():
        return got.array, want
    return np.where(np.isnan(want), got.array.dtype.type(0), got.array), np.where(np.isnan(want), 0, want)


def _by_differences(case: Call, outcome: Outcome, bench: Bench) -> Judgement:
    """Hold float64 gradients against central differences, which need no oracle."""
    if any(source_of(name, case).dtype != "float64" for name in case.wrt):
        return SELF
    judgements = [_difference(name, case, outcome, bench) for name in case.wrt]
    return gravest([each for each in judgements if each is not None]) if any(judgements) else SELF


def _difference(name: str, case: Call, outcome: Outcome, bench: Bench) -> Judgement | None:
    source, gradient = source_of(name, case), outcome.gradients[name]
    assert gradient is not None
    if not gradient.array.size:
        return Judgement("pass", compared=False)
    direction = elements("float64", source.shape, Fill("plain", 5, 0.25, 1.0), 77)
    slopes = [_slope(name, case, direction * sign, bench) for sign in (1.0, -1.0)]
    if any(slope is None for slope in slopes):
        return None
    left, right = slopes
    assert left is not None and right is not None
    if abs(left[0] + right[0]) > 1e-3 * (left[1] + 1e-12):
        return None  # a kink or a tie: the one-sided slopes differ, and only an oracle knows PyTorch's choice
    want = (left[0] - right[0]) / 2
    got = float(np.sum(gradient.array * direction))
    allowed = _FINITE * max(left[1], right[1], float(np.sum(np.abs(gradient.array * direction))), 1e-6) * 8
    fraction = abs(got - want) / allowed
    worst = Worst(fraction, None, (), repr(got), repr(want), f"{allowed:.3g} (central differences)")
    return beyond("A501", worst, f"the slope along {name}")


def _slope(name: str, case: Call, direction: Host, bench: Bench) -> tuple[float, float] | None:
    """Return the one-sided slope of <upstream, result> along a direction, and the size of its terms."""
    ends = [bench.ask(_moved(name, case, direction * step)) for step in (2 * _STEP, _STEP, 0.0)]
    if any(end.raised or end.lacking for end in ends):
        return None
    far, near, here = (_weighed(case, end) for end in ends)
    steep, flat = (near[0] - here[0]) / _STEP, (far[0] - here[0]) / (2 * _STEP)
    noise = 2.0**-50 * here[1] / _STEP
    if not abs(steep - flat) <= 1e-3 * (abs(steep) + abs(flat)) + noise:
        return None  # a jump, or a bend too sharp for the step: differences say nothing here
    slope = (4 * near[0] - far[0] - 3 * here[0]) / (2 * _STEP)  # second order, from one side
    return (slope, abs(slope) + here[1]) if np.isfinite(slope) else None


def _weighed(case: Call, outcome: Outcome) -> tuple[float, float]:
    terms = [upstream.array() * _floats(outcome.results[place]) for place, upstream in case.upstream.items()]
    return sum(float(np.sum(term)) for term in terms), sum(float(np.sum(np.abs(term))) for term in terms)


def _floats(result: Any) -> Host:
    assert isinstance(result, Array)
    return result.array.astype(np.float64)


def _moved(name: str, case: Call, change: Host) -> Call:
    owner, _, place = name.partition(".")
    source = source_of(name, case)
    moved = TensorValue.of(source.array() + change, source.dtype)
    plain = replace(case, wrt=(), upstream={})
    if owner not in case.arguments:
        assert case.module is not None
        return replace(plain, module=replace(case.module, state={**case.module.state, name: moved}))
    arguments: Mapping[str, Any] = case.arguments
    if not place:
        return replace(plain, arguments={**arguments, owner: moved})
    members = tuple(moved if str(at) == place else each for at, each in enumerate(arguments[owner]))
    return replace(plain, arguments={**arguments, owner: members})


def rebuild(op: Op, plan: Plan, trial: Trial) -> Trial | None:
    case = differentiated(op, plan, 0)
    return None if case is None else Trial(case, plan)


FACET = Facet(
    "gradient",
    applies,
    trials,
    judge,
    split=True,
    dtypes=gradient_dtypes,
    rebuild=rebuild,
    needs=("autograd",),
)
