"""defaults: leaving an argument out equals passing its documented default."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from operator import is_
from typing import Any

import numpy as np

from assay.cases import calls
from assay.cases.case import MADE, Case
from assay.cases.outcome import Array
from assay.facets.base import PASS, Facet, Judgement, SamplingRequest, Trial, describe, fail, plans, unanswered
from assay.judge.bench import Bench
from assay_spec.model import Op, Overload
from assay_spec.plans import ABSENT
from assay_spec.signature import Parameter


def optional(overload: Overload) -> list[Parameter]:
    """Return the parameters that have a default worth passing."""
    signature = overload.construct.signature if overload.construct else overload.signature
    left_out = {"out", *overload.always_given}
    return [
        each
        for each in signature.parameters
        if not each.required and each.kind != "options" and each.name not in left_out
    ]


def defaulted(overload: Overload) -> bool:
    return bool(optional(overload)) and bool(overload.results)


def applies(op: Op) -> bool:
    return any(map(defaulted, op.overloads))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for overload in filter(defaulted, op.overloads):
        for plan in plans(op, request, fits=partial(is_, overload), limit=6):
            plain = calls.case(op, plan, seed=None if overload.random is None else 7)
            for parameter in optional(overload):
                given = plan.constructed if overload.construct else plan.given
                if given.get(parameter.name, ABSENT) is ABSENT:
                    explicit = _explicit(plain, parameter)
                    judge = partial(_judge, plain, explicit, parameter.name, overload)
                    yield Trial(explicit, judge, plan)


def _explicit(case: Case, parameter: Parameter) -> Case:
    passed = {parameter.name: parameter.default}
    if case.step(MADE) is not None:
        return case.with_step(MADE, arguments={**passed, **case.made})
    return case.with_arguments({**case.arguments, **passed})


def _judge(plain_case: Case, explicit_case: Case, name: str, overload: Overload, bench: Bench) -> Judgement:
    plain, explicit = bench.ask(plain_case), bench.ask(explicit_case)
    early = unanswered(plain) or unanswered(explicit)
    if early is not None:
        return early
    free = all(budget.kind == "free" for budget in overload.judge.values())
    same = _alike if free else _same
    if len(plain.results) == len(explicit.results) and all(map(same, plain.results, explicit.results)):
        return PASS
    said, due = (", ".join(map(describe, each.results)) for each in (explicit, plain))
    return fail("A106", f"passing the documented default of {name} changes the answer", due, said)


def _alike(first: Any, second: Any) -> bool:
    """Compare results whose values are unspecified."""
    return describe(first) == describe(second)


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, Array) and isinstance(second, Array):
        same_kind = (first.dtype, first.shape) == (second.dtype, second.shape)
        return same_kind and bool(
            np.all((first.array == second.array) | ((first.array != first.array) & (second.array != second.array)))
        )
    return bool(first == second)


FACET = Facet("defaults", applies, trials)
