"""second-derivative: the gradients of the gradients, also at zeros and ties, by the inputs and by what flows in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final, Literal

import numpy as np

from assay.cases.arrays import Host
from assay.cases.case import Case, TensorValue, map_tensors
from assay.cases.fill import elements
from assay.cases.outcome import Outcome
from assay.cases.plan import Plan
from assay.facets.base import (
    PASS,
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
from assay.facets.gradient import (
    applies,
    beyond_steps,
    compared,
    differentiable,
    differentiated,
    gradient_dtypes,
    malformed,
    misled,
    shows_no_slope,
    unambiguous,
    unsettled,
)
from assay.judge.bench import Bench, summands, widened
from assay.judge.comparison import Comparison, measure
from assay.judge.excuses import HEADROOM
from assay_reports.vocabulary import Effort
from assay_spec import dtypes
from assay_spec.model import Budget, Op
from assay_spec.plans import Fill, TensorPlan

Values = Literal["plain", "ties", "zeros"]

_DTYPES: Final = ("float32", "complex64")  # a rule is wrong in all of a kind
_LIMITS: Final[dict[Effort, int]] = {"quick": 3, "standard": 4, "deep": 24}
_BUDGET: Final = Budget("conditioned", absolute=2)  # the terms, about 1 in size, may cancel to nothing
_EXACT: Final = 1e-9  # the relative error of a linear function in float64


def second_dtypes(op: Op) -> tuple[str, ...]:
    """Return one dtype of each kind that carries gradients."""
    return tuple(each for each in gradient_dtypes(op) if each in _DTYPES)


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan, values in _drawn(op, request):
        clear = unambiguous(plan)
        trial = None if clear is None else _trial(op, clear, values)
        if trial is not None:
            yield trial


def _drawn(op: Op, request: SamplingRequest) -> Iterator[tuple[Plan, Values]]:
    """Yield plans with values of some kind: plain ones, and for each option in turn ties or zeros as well."""
    limit = _LIMITS[request.effort]
    for place, plan in enumerate(plans(op, request, "options", fits=differentiable, limit=limit)):
        yield plan, "plain"
        if not place or place % 2:
            yield plan, "ties"
        if not place % 2:
            yield plan, "zeros"
    for plan in plans(op, request, "shape", fits=differentiable, limit=limit):
        yield plan, "plain"


def _trial(op: Op, plan: Plan, values: Values) -> Trial | None:
    """Return the trial of a plan at values of some kind; None if the plan does not allow them."""
    chosen = _tied(plan) if values == "ties" else plan
    if chosen is None or beyond_steps(chosen):
        return None
    case = twice_differentiated(op, chosen)
    if case is not None and values == "zeros":
        case = _with_zeros(case, plan)
    if case is None or unsettled(case, chosen):
        return None
    judge, again = partial(_judge, case, plan), lambda simpler: _trial(op, simpler, values)
    return Trial(case, judge, plan, again, needs_oracle=shows_no_slope(case, plan))


def twice_differentiated(op: Op, plan: Plan) -> Case | None:
    """Return the case that differentiates the gradients of a plan, by the inputs and by what flows in."""
    case = differentiated(op, plan, 0)
    if case is None:
        return None
    second = {name: _flowing(case.input(name), index) for index, name in enumerate(case.wrt)}
    upstream = {index: replace(value, requires_grad=True) for index, value in case.upstream.items()}
    return replace(case, second=second, upstream=upstream)


def _flowing(point: TensorValue, index: int) -> TensorValue:
    return TensorValue.of(elements(point.dtype, point.shape, Fill("plain", 11 + index, -2.0, 2.0), 41), point.dtype)


def _tied(plan: Plan) -> Plan | None:
    """Return a plan with elements that occur repeatedly, zero among them; None if it has no tensor that may."""
    given = {name: _with_ties(value) if isinstance(value, TensorPlan) else value for name, value in plan.given.items()}
    return None if given == dict(plan.given) else replace(plan, given=given)


def _with_ties(value: TensorPlan) -> TensorPlan:
    if (
        value.fill.kind != "plain"
        or value.fill.distinct
        or value.fill.invertible
        or not dtypes.has_fractions(value.dtype)
    ):
        return value
    return replace(value, fill=replace(value.fill, kind="ties"))


def _with_zeros(case: Case, plan: Plan) -> Case | None:
    """Return the case with zeros at the end of every tensor that may have them; None if none may."""
    may = {name for name, value in plan.given.items() if isinstance(value, TensorPlan) and _has_zero(value.fill)}
    points = [case.input(name) for name in case.wrt if name in may]
    ending = {id(point): _ending_in_zeros(point) for point in points}
    return map_tensors(case, lambda value: ending.get(id(value), value)) if ending else None


def _has_zero(fill: Fill) -> bool:
    return fill.low <= 0 <= fill.high and not (fill.nonzero or fill.distinct or fill.invertible)


def _ending_in_zeros(value: TensorValue) -> TensorValue:
    """Return a tensor whose last two elements are zero, of two the last one."""
    array = value.array().copy()
    array.reshape(-1)[-min(2, max(array.size - 1, 1)) :] = 0
    return replace(TensorValue.of(array, value.dtype), requires_grad=value.requires_grad)


def _judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    early = misled(plan, outcome) or unanswered(outcome) or malformed(case, outcome)
    if early is not None:
        return early
    expected = bench.expect(case)
    if expected is None:
        return _by_differences(case, bench)
    broken = broken_oracle(expected)
    if broken is not None:
        return broken
    budget = plan.overload.judge.get("gradient", Budget("conditioned"))
    first = [compared(name, case, outcome, expected, budget, bench) for name in case.wrt]  # no second one is right then
    # What subtracts from a step that saturates loses as much the second time.
    twice = replace(_BUDGET, absolute=max(_BUDGET.absolute, budget.absolute))
    return gravest([*first, *(_compared(name, case, outcome, expected, twice, bench) for name in _sources(case))])


def _sources(case: Case) -> dict[str, TensorValue]:
    """Return what the gradients are differentiated by."""
    inputs = {name: case.input(name) for name in case.wrt}
    return inputs | {str(index): case.upstream[index] for index in case.flowing}


def _called(name: str) -> str:
    return f"the gradients' derivative by {'what flows into result ' if name.isdigit() else ''}{name}"


def _compared(name: str, case: Case, outcome: Outcome, expected: Outcome, budget: Budget, bench: Bench) -> Judgement:
    """Compare one gradient of the gradients with the oracle's; where there is none, it is zero."""
    point = _sources(case)[name]
    got, want = outcome.second.get(name), expected.second.get(name)
    truth = np.zeros(point.shape) if want is None else want.array
    if got is None:
        if not truth.any():
            return PASS
        return fail("A506", f"{_called(name)} is missing", "a gradient", "none")
    if (got.shape, got.dtype) != (point.shape, point.dtype):
        due, said = f"{point.dtype}{list(point.shape)}", f"{got.dtype}{list(got.shape)}"
        return fail("A504", f"{_called(name)} is {said}", due, said)
    bounds, count = bench.second_bounds(case, name, expected), summands(case, got.array.size)
    worst = measure(got.array, truth, got.dtype, budget, bounds, summands=count, headroom=16 * HEADROOM)
    return Judgement("pass", compared=False) if worst is None else beyond("A505", worst, _called(name))


def _by_differences(case: Case, bench: Bench) -> Judgement:
    """Compare with central differences of the first gradients in float64, which need no oracle."""
    wide = widened(case)
    outcome = bench.ask(wide)
    if outcome.raised or outcome.unsupported or any(each.dtype != "float64" for each in _sources(wide).values()):
        return SELF
    once, weigh = replace(wide, second={}), partial(_weighed, wide)
    # Of what is not finite no difference says what is right.
    found = {name: array for name, array in _derivatives(wide, outcome) if np.isfinite(array).all()}
    inputs = {name: array for name, array in found.items() if not name.isdigit()}
    slopes = [Differences(once, weigh(outcome), weigh, bench, "A505").judge(inputs)] if inputs else []
    linear = [_as_linear(name, once, array, weigh, bench) for name, array in found.items() if name.isdigit()]
    judgements = [each for each in (*slopes, *linear) if each is not None]
    return gravest(judgements) if judgements else SELF


def _derivatives(case: Case, outcome: Outcome) -> Iterator[tuple[str, Host]]:
    """Yield the gradients of the gradients; one that is missing is zero."""
    for name, point in _sources(case).items():
        answer = outcome.second.get(name)
        yield name, np.zeros(point.shape) if answer is None else answer.array


def _weighed(case: Case, outcome: Outcome) -> Terms:
    pairs = ((flowing, outcome.gradients[name]) for name, flowing in case.second.items())
    with np.errstate(invalid="ignore"):  # infinities may meet
        return summed(flowing.array() * gradient.array for flowing, gradient in pairs if gradient is not None)


def _as_linear(name: str, case: Case, found: Host, weigh: partial[Terms], bench: Bench) -> Judgement | None:
    """Compare with the gradients themselves, which are linear in what flows into the results."""
    index = int(name)
    direction = elements("float64", found.shape, Fill("plain", 5, 0.25, 1.0), 77)
    zeros = {each: value.holding(np.zeros_like(value.buffer)) for each, value in case.upstream.items()}
    flowing = replace(TensorValue.of(direction), requires_grad=True)
    outcome = bench.ask(replace(case, upstream={**zeros, index: flowing}))
    if outcome.raised or outcome.unsupported:
        return None
    want, size = weigh(outcome)
    got = float(np.sum(found * direction))
    if not math.isfinite(want):
        return None
    allowed = _EXACT * max(size, float(np.sum(np.abs(found * direction))), 1e-9)
    worst = Comparison(abs(got - want) / allowed, None, (), repr(got), repr(want), f"{allowed:.3g}")
    return beyond("A505", worst, _called(name))


FACET = Facet("second-derivative", applies, trials, split=True, dtypes=second_dtypes, needs=("autograd",))
