"""random: distribution, range, seeds; each test has a stated false positive rate, never a fixed sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, Final

import numpy as np

from assay.cases.arrays import Host
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome
from assay.cases.plan import Plan
from assay.facets.base import PASS, Facet, Judgement, SamplingRequest, Trial, drawn_trial, fail, plans, unanswered
from assay.facets.results import shaped, typed
from assay.judge.bench import Bench
from assay.judge.statistics import correlated, is_certain, out_of_range, unlikely
from assay_spec.model import Op, Overload
from assay_spec.scope import Scope

_SAMPLES: Final = 4000
_CALLS: Final = 200  # successive calls of one case at most


def is_random(overload: Overload) -> bool:
    return overload.random is not None


def applies(op: Op) -> bool:
    return any(map(is_random, op.overloads))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    varied = plans(op, request, "options", "shape", fits=is_random, limit=12)
    laid_out = plans(op, request, "layout", fits=is_random, limit=6)
    for index, plan in enumerate(chain(varied, laid_out)):
        count = sum(int(np.prod(shape)) for _, shape, _ in plan.due)
        repeat = max(2, min(_CALLS, -(-_SAMPLES // max(count, 1))))
        yield drawn_trial(op, plan, judge, seed=request.seed + 100 + index, repeat=repeat)


def judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    outcome = bench.ask(case)
    early = unanswered(outcome)
    if early is not None:
        return early
    rules = plan.due * case.repeat
    if len(outcome.results) != len(rules) or not all(isinstance(each, Array) for each in outcome.results):
        return fail("A203", "wrong number of results", len(rules), len(outcome.results))
    early = shaped(outcome, rules) or typed(outcome, rules)
    if early is not None:
        return early
    samples = np.stack([each.array for each in outcome.results])
    if not samples.size:
        return Judgement("pass", compared=False)
    assert plan.overload.random is not None
    distribution = plan.overload.random(_with_arrays(plan.scope, case))
    return _distributed(samples, distribution) or _seeded(case, samples, distribution, outcome, bench) or PASS


def _with_arrays(scope: Scope, case: Case) -> Scope:
    """Return the scope with arguments as arrays, so that a distribution's parameters may vary by element."""
    names = scope.copy()
    for name, value in case.arguments.items():
        if isinstance(value, TensorValue):
            names[name] = value.array().astype(np.float64) if value.dtype != "bool" else value.array()
    return names


def _distributed(samples: Host, distribution: tuple[Any, ...]) -> Judgement | None:
    stray = out_of_range(samples, distribution)
    if stray is not None:
        return fail("A601", stray, f"{distribution[0]}", stray)
    finding = unlikely(samples, distribution)
    return fail("A602", f"not {distribution[0]}: {finding}", distribution[0], finding) if finding else None


def _seeded(
    case: Case, samples: Host, distribution: tuple[Any, ...], outcome: Outcome, bench: Bench
) -> Judgement | None:
    again = bench.ask(case)
    if any(
        not np.array_equal(first.array, second.array)
        for first, second in zip(outcome.results, again.results, strict=True)
    ):
        return fail("A603", "the same seed gives different numbers", "the same numbers", "others")
    if is_certain(distribution) or samples[0].size * case.repeat < 64:
        return None
    assert case.seed is not None
    other = np.stack([each.array for each in bench.ask(replace(case, seed=case.seed + 1)).results])
    if np.array_equal(samples, other):
        return fail("A604", "different seeds give the same numbers", "other numbers", "the same")
    hanging = correlated(samples, distribution)
    return fail("A604", hanging, "independent calls", hanging) if hanging else None


FACET = Facet("random", applies, trials, split=True, needs=("random",))
