"""saved: what a gradient needs and is changed in place before `backward` is refused, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final

from assay.cases.case import Case, TensorValue, map_values
from assay.cases.outcome import Outcome
from assay.cases.plan import Plan
from assay.facets.base import (
    PASS,
    Facet,
    Judgement,
    SamplingRequest,
    Trial,
    broken_oracle,
    fail,
    gravest,
    plans,
    unanswered,
)
from assay.facets.gradient import (
    applies,
    compared,
    differentiable,
    differentiated,
    malformed,
    misled,
    unambiguous,
    unsettled,
)
from assay.judge.bench import Bench
from assay_reports.vocabulary import Effort
from assay_spec.model import Budget, Op

_LIMITS: Final[dict[Effort, int]] = {"quick": 3, "standard": 6, "deep": 24}
_LISTED: Final = 2  # the tensors of a list that are changed in turn
_REFUSAL: Final = "inplace operation"  # a part of the message of the oracle, PyTorch's or the reference's


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan in plans(op, request, "options", fits=differentiable, limit=_LIMITS[request.effort]):
        clear = unambiguous(plan)
        case = None if clear is None else differentiated(op, clear, 0)
        if clear is None or case is None or unsettled(case, clear):
            continue
        for wanted in _wanted(case):
            for name in _tensors(case, clear):
                yield _trial(op, clear, name, wanted.wrt)


def _trial(op: Op, plan: Plan, name: str, wrt: tuple[str, ...]) -> Trial:
    case = differentiated(op, plan, 0)
    assert case is not None
    spoiled = replace(_with_respect_to(case, wrt), spoiled=name)
    judge, again = partial(_judge, spoiled, plan), lambda simpler: _trial(op, simpler, name, wrt)
    return Trial(spoiled, judge, plan, again, needs_oracle=True)


def _wanted(case: Case) -> Iterator[Case]:
    """Yield the case with all gradients, then with each alone: what is kept depends on which are wanted."""
    yield case
    if len(case.wrt) > 1 and not case.state:  # the parameters of an object always want theirs
        yield from (_with_respect_to(case, (name,)) for name in case.wrt)


def _with_respect_to(case: Case, wrt: tuple[str, ...]) -> Case:
    """Return the case with some of its gradients."""
    if wrt == case.wrt:
        return case
    wanted = {id(case.input(name)) for name in wrt}

    def only(value: Any) -> Any:
        if not isinstance(value, TensorValue):
            return value
        return replace(value, requires_grad=value.requires_grad and id(value) in wanted)

    arguments = {name: map_values(each, only) for name, each in case.arguments.items()}
    return replace(case.with_arguments(arguments), wrt=wrt)


def _tensors(case: Case, plan: Plan) -> Iterator[str]:
    """Yield the tensors that may be changed: arguments, what an object holds, and results."""
    for name, value in case.arguments.items():
        if isinstance(value, TensorValue):
            yield name
        elif isinstance(value, (tuple, list)):
            held = [index for index, each in enumerate(value) if isinstance(each, TensorValue)]
            yield from (f"{name}.{index}" for index in held[:_LISTED])
    yield from case.state
    yield from (str(index) for index, (_, shape, _) in enumerate(plan.due) if 0 not in shape)


def _judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    early = misled(plan, outcome)
    if early is None and (outcome.unsupported or outcome.during == "call"):
        early = unanswered(outcome)
    if early is not None:
        return early
    expected = bench.expect(case)
    assert expected is not None
    if _refuses(expected) is not bool(outcome.raised):
        return _told_apart(case, plan, outcome, expected, bench)
    if _refuses(expected):
        return PASS
    broken = broken_oracle(expected)
    if broken is not None:
        return broken
    found = malformed(case, outcome) or _compared(case, plan, outcome, expected, bench)
    return found if found.reason or found.compared else PASS


def _compared(case: Case, plan: Plan, outcome: Outcome, expected: Outcome, bench: Bench) -> Judgement:
    budget = plan.overload.judge.get("gradient", Budget("conditioned"))
    return gravest([compared(name, case, outcome, expected, budget, bench) for name in case.wrt])


def _refuses(outcome: Outcome) -> bool:
    return outcome.raised is not None and _REFUSAL in outcome.raised.message


def _told_apart(case: Case, plan: Plan, outcome: Outcome, expected: Outcome, bench: Bench) -> Judgement:
    """Judge a candidate that refuses and an oracle that does not, or the other way round."""
    as_given = bench.expect_as_given(case)
    if as_given is not None and _refuses(as_given) is bool(outcome.raised):
        return PASS  # the oracle keeps other tensors in another element type
    what = f"result {case.spoiled}" if case.spoiled.isdigit() else case.spoiled
    if _refuses(expected):
        if _is_as_unchanged(case, plan, outcome, bench):
            return PASS  # what the candidate keeps is less
        message = f"{what}, which a gradient needs, is changed and not refused"
        form = "what a gradient needs is changed and not refused"
        return fail("A507", message, expected.raised, "gradients", form=form)
    broken = broken_oracle(expected)
    if broken is not None:
        return broken
    message = f"{what}, which no gradient needs, is changed and refused"
    form = "what no gradient needs is changed and refused"
    return fail("A508", message, "gradients", outcome.raised, form=form)


def _is_as_unchanged(case: Case, plan: Plan, outcome: Outcome, bench: Bench) -> bool:
    """Return whether the gradients are those of the tensors before the change."""
    unchanged = replace(case, spoiled="")
    expected = bench.expect(unchanged)
    if expected is None or broken_oracle(expected) is not None or malformed(unchanged, outcome) is not None:
        return False
    return _compared(unchanged, plan, outcome, expected, bench).result == "pass"


FACET = Facet("saved", applies, trials, needs=("autograd", "in-place"))
