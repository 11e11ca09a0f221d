"""examples: the worked examples of the spec and the documents, and the scenarios."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from assay.cases import written
from assay.cases.arrays import Host
from assay.cases.case import Case
from assay.cases.outcome import Array, Outcome
from assay.facets.base import (
    Facet,
    Judgement,
    Reason,
    SamplingRequest,
    Trial,
    beyond,
    describe,
    fail,
    gravest,
    is_raised,
    of_another_class,
    unanswered,
)
from assay.judge.bench import Bench
from assay.judge.budgets import Bounds
from assay.judge.comparison import Comparison, measure, show
from assay_spec import dtypes
from assay_spec.model import Budget, Example, Op, Overload, Scenario

_PRINTING: Final = ("repr(", "str(", "f'", 'f"')  # how an expression begins that prints
_LOOSE: Final = 32  # ulps of the largest element by which a composition's answer may differ from the written one


def applies(op: Op) -> bool:
    return bool(op.scenarios) or any(each.examples for each in op.overloads)


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for overload in op.overloads:
        for example in overload.examples:
            written_out = written.case(op, overload, example.call, wrt=tuple(example.gradient))
            case = _asking_gradients(written_out, example)
            yield Trial(case, partial(_as_written, case, overload, example), about=example)
    for scenario in op.scenarios:
        case = scenario_case(op, scenario)
        yield Trial(case, partial(_as_expected, case, scenario), about=scenario)


def scenario_case(op: Op, scenario: Scenario) -> Case:
    """Return the case of a scenario."""
    current = "current" in op.editions and "current" in scenario.editions
    return Case(
        op.name,
        scenario.trace.steps,
        scenario.trace.looks,
        scenario=scenario.name,
        needs=scenario.needs,
        documented=not current,
    )


def _asking_gradients(case: Case, example: Example) -> Case:
    """Return a case that takes the gradient of the first result's sum, if the example has one."""
    if not example.gradient:
        return case
    given = example.gives if not isinstance(example.gives, Mapping) else next(iter(example.gives.values()))
    ones = written.tensor(np.ones_like(written.array(given, "float32")).tolist(), "float32")
    arguments = {
        name: replace(value, requires_grad=True) if name in example.gradient else value
        for name, value in case.arguments.items()
    }
    return replace(case.with_arguments(arguments), upstream={0: ones})


def _as_written(case: Case, overload: Overload, example: Example, bench: Bench) -> Judgement:
    """Judge a worked example."""
    outcome = bench.ask(case)
    early = unanswered(outcome)
    if early is not None and outcome.during == "backward" and outcome.results:
        wrong = _example(overload, replace(example, gradient={}), outcome)  # the gradient may not be to blame
        return wrong if wrong.result == "fail" else early
    return early or _example(overload, example, outcome)


def _as_expected(case: Case, scenario: Scenario, bench: Bench) -> Judgement:
    """Judge a scenario: the exception that it must raise, or else the values that it expects."""
    outcome = bench.ask(case)
    if scenario.raises is not None and (outcome.unsupported is None or is_raised(scenario.raises, outcome)):
        return _as_refused(scenario, scenario.raises, outcome, bench.candidate.capabilities.speaks_torch)
    early = unanswered(outcome)
    if early is not None:
        return early
    seen = zip(scenario.expect.items(), outcome.results, strict=True)
    return gravest([_held(scenario, source, want, got) for (source, want), got in seen])


def _as_refused(scenario: Scenario, raises: str, outcome: Outcome, speaks_torch: bool) -> Judgement:
    """Judge a scenario that is to raise; where names are an adapter's, so are signatures and classes of exceptions."""
    if outcome.raised is None and raises == "TypeError" and not speaks_torch:
        return Judgement("unsupported", Reason("A003", "signatures are judged only where they are PyTorch's own"))
    if outcome.raised is None:
        form = f"no error for an invalid call; {raises} is due"
        return fail("A302", f"{scenario.name}: {form}", raises, "an answer", form=form)
    if speaks_torch and not is_raised(raises, outcome):
        return of_another_class(f"{scenario.name}: raises {outcome.raised}", raises, outcome.raised)
    return Judgement("pass")


def _held(scenario: Scenario, source: str, want: Any, got: Any) -> Judgement:
    """Judge an expression that a scenario looks at, which is often no more than a way of looking.

    To compare by `torch.equal` or to print says something about these, and not about the op.
    """
    what = f"{scenario.name}: {source}"
    if isinstance(got, Array) and isinstance(want, bool):
        asked = source.partition("(")[0] if "(" in source else "an expression"
        return fail(
            "A203", f"{what} is {describe(got)}", want, describe(got), form=f"{asked} gives a tensor, not a bool"
        )
    if isinstance(got, Array):
        found = _close("A107", what, got, want)
        return found if found.reason is None else replace(found, reason=replace(found.reason, code="A107"))
    if _equal(got, want):
        return Judgement("pass")
    if isinstance(got, str) and source.startswith(_PRINTING):
        return fail("A109", f"{what} is {got!r}", repr(want), repr(got), form="what is printed differs")
    return fail("A107", f"{what} is {got!r}, not {want!r}", repr(want), repr(got))


def _equal(got: Any, want: Any) -> bool:
    if isinstance(got, (list, tuple)) and isinstance(want, (list, tuple)):
        return len(got) == len(want) and all(map(_equal, got, want))
    if isinstance(got, Array):
        return _close("A107", "", got, want).result == "pass"
    if isinstance(got, Mapping) and isinstance(want, Mapping):
        return list(got) == list(want) and all(_equal(got[key], want[key]) for key in want)
    if isinstance(got, float) and isinstance(want, (int, float)) and not isinstance(want, bool):
        return math.isclose(got, want, rel_tol=1e-6, abs_tol=1e-9) or (math.isnan(got) and math.isnan(want))
    return type(got) is type(want) and bool(got == want)


def _example(overload: Overload, example: Example, outcome: Outcome) -> Judgement:
    gives = example.gives
    wanted = gives if isinstance(gives, Mapping) and overload.named else {"result": gives}
    names = list(wanted)
    if len(wanted) == 1 and len(outcome.results) > 1:
        wanted, names = (
            {str(index): each for index, each in enumerate(gives)},
            [str(p) for p in range(len(gives))],
        )
    if len(names) != len(outcome.results):
        return fail("A203", "wrong number of results", len(names), len(outcome.results))
    parts = [
        _part(overload, example, name, wanted[name], result)
        for name, result in zip(names, outcome.results, strict=True)
        if example.gives is not None
    ]
    for name, want in example.gradient.items():
        gradient = outcome.gradients.get(name)
        if gradient is None:
            return fail("A502", f"{name} has no gradient", "a gradient", "none")
        parts.append(_close("A501", f"the gradient of {name}", gradient, want))
    return gravest(parts)


def _part(overload: Overload, example: Example, name: str, want: Any, got: Any) -> Judgement:
    if got is None and want is not None:
        return fail("A203", "None is no tensor", repr(want), "None")
    if not isinstance(got, Array):
        return (
            Judgement("pass")
            if _equal(got, want)
            else fail("A105", f"returns {got!r}, not {want!r}", repr(want), repr(got))
        )
    budget = next((overload.judge[rule.name] for rule in overload.results if rule.name == name), None)
    budget = budget or next(iter(overload.judge.values()), Budget("exact"))
    return _close("A105", name, got, want, budget, example.decimals)


def _close(
    code: str, what: str, got: Array, want: Any, budget: Budget | None = None, decimals: int | None = None
) -> Judgement:
    """Compare an array with the numbers of the file: shape, dtype if the file has one, then values."""
    if got.dtype not in dtypes.ALL:
        return fail("A202", f"{what} is {got.dtype}, which is no dtype of PyTorch", "a dtype of PyTorch", got.dtype)
    if isinstance(want, Mapping):
        if "dtype" in want and got.dtype != want["dtype"]:
            return fail("A202", f"{what} is {got.dtype}, not {want['dtype']}", want["dtype"], got.dtype)
        if "shape" in want and list(got.shape) != list(want["shape"]):
            return fail("A201", f"{what} has shape {list(got.shape)}", list(want["shape"]), list(got.shape))
        if "tensor" not in want:
            return Judgement("pass")
    if _is_complex(want) and not dtypes.is_complex(got.dtype):
        return fail("A202", f"{what} is {got.dtype}, and the numbers are complex", "a complex dtype", got.dtype)
    if isinstance(want, Mapping):
        want = np.array(
            written.array(want["tensor"], "complex128" if dtypes.is_complex(got.dtype) else "float64")
        ).reshape(want.get("shape", np.shape(want["tensor"])))
    target: Host = (
        written.array(want, "complex128")
        if dtypes.is_complex(got.dtype) and not isinstance(want, np.ndarray)
        else np.array(want)
    )
    if got.shape != target.shape:
        return fail(
            "A201",
            f"{what} has shape {list(got.shape)}, not {list(target.shape)}",
            list(target.shape),
            list(got.shape),
        )
    if dtypes.is_integral(got.dtype) and np.any(target != np.trunc(target.real)):
        return fail("A202", f"{what} is {got.dtype}, and the numbers have fractions", target.tolist(), got.dtype)
    if decimals is not None:
        return _printed(code, what, got, target, decimals)
    exact = budget is not None and budget.kind in ("exact", "ulp")
    scale = np.full(target.shape, np.max(np.abs(target), initial=0.0, where=np.isfinite(target)))
    bounds = Bounds(lambda: scale * _LOOSE / 4, lambda: scale)
    worst = measure(
        got.array,
        target,
        got.dtype,
        budget if exact and budget else Budget("accumulation"),
        bounds,
        headroom=1.0,
    )
    return Judgement("pass", compared=not target.size) if worst is None else beyond(code, worst, what)


def _is_complex(want: Any) -> bool:
    """Return whether the file has complex numbers, which it writes as text."""
    return np.array(want["tensor"] if isinstance(want, Mapping) else want).dtype.kind in "Uc"


def _printed(code: str, what: str, got: Array, want: Host, decimals: int) -> Judgement:
    """Compare an array with numbers that a document printed with a few decimals."""
    error = np.abs(got.array.astype(np.float64) - want)
    allowed = 0.50001 * 10.0**-decimals
    index = tuple(int(each) for each in np.unravel_index(int(np.argmax(error)), error.shape)) if error.ndim else ()
    worst = Comparison(
        float(error[index]) / allowed,
        None,
        index,
        show(got.array[index]),
        show(want[index]),
        f"{decimals} decimals",
    )
    return beyond(code, worst, what)


FACET = Facet("examples", applies, trials)
