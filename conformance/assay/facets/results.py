"""What several facets share: a call's results compared with the spec's rules and the oracle's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from assay.cases.arrays import Host
from assay.cases.case import Case
from assay.cases.outcome import Array, Outcome
from assay.cases.plan import Plan
from assay.facets.base import PASS, SELF, Judgement, beyond, broken_oracle, describe, fail, gravest
from assay.judge.bench import Bench, summands
from assay.judge.comparison import measure
from assay.judge.floats import rounded
from assay.judge.laws import holds, undefined_mask
from assay_spec.model import Budget, Overload, ResultRule


def structured(overload: Overload, outcome: Outcome, rules: list[Any], repeat: int = 1) -> Judgement | None:
    """Judge the number and kind of the results."""
    if overload.results and overload.results[0].kind == "value":
        return _valued(overload.results[0], outcome)
    if len(outcome.results) != len(rules) * repeat:
        return fail("A203", "wrong number of results", len(rules) * repeat, len(outcome.results))
    for result in outcome.results:
        if not isinstance(result, Array):
            return fail("A203", f"{describe(result)} is no tensor", "a tensor", describe(result))
    if overload.named and outcome.structure == "single":
        return fail("A203", "the results are not a named tuple", overload.results[0].name, outcome.structure)
    return None


def _valued(rule: ResultRule, outcome: Outcome) -> Judgement | None:
    kinds = {
        "bool": bool,
        "int": int,
        "float": float,
        "str": str,
        "list": list,
        "none": type(None),
        "shape": tuple,
    }
    kind = kinds.get(rule.value or "")
    if kind is None or isinstance(outcome.results[0], kind):
        return None
    return fail("A203", f"{describe(outcome.results[0])} is no {rule.value}", rule.value, describe(outcome.results[0]))


def shaped(outcome: Outcome, rules: list[tuple[ResultRule, tuple[int, ...], str]]) -> Judgement | None:
    for result, (rule, shape, _) in zip(outcome.results, rules, strict=True):
        if result.shape != shape:
            return misshapen(rule.name, result, shape)
    return None


def typed(outcome: Outcome, rules: list[tuple[ResultRule, tuple[int, ...], str]]) -> Judgement | None:
    for result, (rule, _, dtype) in zip(outcome.results, rules, strict=True):
        if result.dtype != dtype:
            return fail("A202", f"{rule.name} is {result.dtype}, not {dtype}", dtype, result.dtype)
    return None


def compare(
    plan: Plan,
    case: Case,
    outcome: Outcome,
    expected: Outcome,
    bench: Bench,
    *,
    signs: bool = False,
    code: str = "A101",
) -> Judgement:
    """Compare every result with the oracle's, each within its budget and in the dtype that is due."""
    broken = broken_oracle(expected)
    if broken is not None:
        return broken
    if len(outcome.results) != len(expected.results):
        return fail("A203", "wrong number of results", len(expected.results), len(outcome.results))
    overload = plan.overload
    rules = plan.due
    numbers = numbers_of(overload)
    judgements = []
    for index, (got, want) in enumerate(zip(outcome.results, expected.results, strict=True)):
        name, dtype = (rules[index][0].name, rules[index][2]) if index < len(rules) else (overload.results[0].name, "")
        budget = overload.judge.get(name, Budget("exact"))
        if budget.kind in ("law", "free"):
            continue
        if not isinstance(got, Array) or not isinstance(want, Array):
            judgements.append(_plainly(name, got, want, code))
        elif got.shape != want.shape:
            judgements.append(misshapen(name, got, want.shape))
        else:
            answer, truth = _defined(plan, case, _in_dtype(got, dtype), want.array)
            bounds = bench.bounds(case, index, expected, numbers)
            exactly = signs and budget.kind in (
                "exact",
                "ulp",
            )  # the sign of a composition's zeros comes from its last step
            count = summands(case, got.array.size)
            worst = measure(answer, truth, dtype, budget, bounds, signs=exactly, summands=count)
            judgements.append(Judgement("pass", compared=False) if worst is None else beyond(code, worst, name))
    return gravest(judgements)


def numbers_of(overload: Overload) -> frozenset[str]:
    """Return the names of the arguments that may be plain numbers: a sum's bound adds them up like tensors."""
    return frozenset(argument.name for argument in overload.arguments if "number" in " ".join(argument.kinds))


def _plainly(name: str, got: Any, want: Any, code: str) -> Judgement:
    """Compare results that are no tensors."""
    if got == want or (got != got and want != want):
        return Judgement("pass")
    return fail(code, f"{name} is {describe(got)}, not {describe(want)}", describe(want), describe(got))


def misshapen(name: str, got: Array, shape: tuple[int, ...]) -> Judgement:
    return fail("A201", f"{name} has shape {list(got.shape)}, not {list(shape)}", list(shape), list(got.shape))


def _in_dtype(got: Array, dtype: str) -> Host:
    """Return a result cast to the dtype that is due: a wrong dtype is the dtype facet's finding."""
    return got.array if got.dtype == dtype else rounded(got.array, dtype)


def _defined(plan: Plan, case: Case, answer: Host, truth: Host) -> tuple[Host, Host]:
    """Leave out the elements that PyTorch leaves undefined."""
    if not plan.overload.undefined:
        return answer, truth
    free = undefined_mask(plan.overload, case, answer.shape, plan.scope)
    return np.where(free, answer.dtype.type(0), answer), np.where(free, 0, truth)


def lawful(overload: Overload, case: Case, outcome: Outcome, scope: Mapping[str, Any]) -> Judgement | None:
    """Judge the laws, which must hold where PyTorch leaves the answer open."""
    for law in overload.laws:
        if not holds(law, overload, case, outcome, scope):
            return fail("A104", f"the law does not hold: {law}", law, "; ".join(map(_brief, outcome.results)))
    return None


def by_laws_and_oracle(case: Case, plan: Plan, outcome: Outcome, bench: Bench, *, signs: bool = False) -> Judgement:
    """Judge an answer by the op's laws, and by the oracle's answer where they do not decide."""
    overload = plan.overload
    wrong = structured(overload, outcome, plan.due) or lawful(overload, case, outcome, plan.scope)
    if wrong is not None:
        return wrong
    if settled_by_laws(overload):
        return PASS
    expected = bench.expect(case)
    if expected is None:
        return SELF
    verdict = compare(plan, case, outcome, expected, bench, signs=signs)
    return PASS if not verdict.compared and overload.laws else verdict


def settled_by_laws(overload: Overload) -> bool:
    """Return whether the laws decide about every result, so that no oracle is needed."""
    return bool(overload.laws) and all(budget.kind == "law" for budget in overload.judge.values())


def _brief(result: Any) -> str:
    return str(result.array.tolist())[:200] if isinstance(result, Array) else repr(result)
