"""The terms of budgets, one by one: how much each allows, and where it allows nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from assay.cases.arrays import Host
from assay.judge import budgets
from assay.judge.budgets import TERMS, Bounds, Expected, allowance, terms_of
from assay_spec.model import Budget

EPS = float(np.finfo(np.float32).eps)
CONDITIONED = Budget("conditioned")


def expecting(
    want: list[Any],
    dtype: str = "float32",
    budget: Budget = CONDITIONED,
    *,
    magnitude: float = 0.0,
    sensitivity: float = 0.0,
    flushed: float = 0.0,
    summands: float | None = None,
) -> Expected:
    """Return the expectation from an oracle with constant bounds."""
    bounds = Bounds(lambda: np.array(magnitude), lambda: np.array(sensitivity), flushed=lambda: np.array(flushed))
    return Expected.of(np.array(want), dtype, budget, bounds, summands)


def test_own_rounding_is_three_ulp_of_each_element() -> None:
    assert budgets.own_rounding(expecting([1.0, 4.0])).tolist() == [3 * EPS, 12 * EPS]


def test_a_complex_ulp_is_that_of_the_distance_from_zero() -> None:
    assert budgets.own_rounding(expecting([3 + 4j], "complex64")).tolist() == [12 * EPS]


def test_stated_ulps_are_as_many_as_the_spec_says() -> None:
    assert budgets.stated_ulps(expecting([1.0], budget=Budget("ulp", 2))).tolist() == [2 * EPS]


def test_summation_allows_four_eps_of_the_terms() -> None:
    assert budgets.summation(expecting([0.0], magnitude=8.0)) == 32 * EPS
    assert budgets.summation(expecting([0.0], budget=Budget("accumulation", 2), magnitude=8.0)) == 64 * EPS


def test_terms_that_overflow_together_count_as_the_largest_number() -> None:
    most = float(np.finfo(np.float32).max)
    assert budgets.summation(expecting([0.0], magnitude=1e300)) == 4 * EPS * most


def test_conditioning_allows_sixteen_times_what_the_answer_moves() -> None:
    assert budgets.conditioning(expecting([1.0], sensitivity=0.5)) == 8.0
    assert budgets.conditioning(expecting([1.0], budget=Budget("conditioned", 2), sensitivity=0.5)) == 16.0


@pytest.mark.parametrize(("dtype", "allowed"), [("float32", 8 * 2.0**-23), ("float16", 2 * 2.0**-10)])
def test_cancellation_allows_eps_of_the_largest_finite_result(dtype: str, allowed: float) -> None:
    assert budgets.cancellation(expecting([0.0, -4.0, math.inf, math.nan], dtype)) == 4 * allowed


def test_summation_order_allows_an_ulp_for_sixteen_summands_in_float32_alone() -> None:
    assert budgets.summation_order(expecting([1.0], summands=32)).tolist() == [2 * EPS]
    assert budgets.summation_order(expecting([1 + 0j], "complex64", summands=32)).tolist() == [2 * EPS]
    assert budgets.summation_order(expecting([1.0], "float16", summands=32)) == 0
    assert budgets.summation_order(expecting([1.0], "float64", summands=32)) == 0


def test_an_oracle_rounds_too_where_it_has_nothing_wider_to_compute_in() -> None:
    assert budgets.oracle_rounding(expecting([1.0], "float64", summands=32)).tolist() == [5 * 2.0**-52]
    assert budgets.oracle_rounding(expecting([1.0], "float32", summands=32)) == 0


def test_without_an_oracle_there_is_no_oracle_rounding() -> None:
    assert budgets.oracle_rounding(expecting([1.0], "float64")) == 0
    assert budgets.summation_order(expecting([1.0])) == 0


def test_the_absolute_floor_is_in_eps_of_one() -> None:
    assert budgets.absolute_floor(expecting([1e9], budget=Budget("conditioned", absolute=2.0))) == 2 * EPS


def test_eight_steps_may_each_lose_a_subnormal() -> None:
    assert budgets.flushed_steps(expecting([1.0])) == 8 * float(np.finfo(np.float32).tiny)


def test_flushed_inputs_allow_what_the_oracle_says_that_they_change() -> None:
    assert budgets.flushed_inputs(expecting([1.0], flushed=0.25)) == 0.25


@pytest.mark.parametrize("boundless", [math.inf, math.nan])
def test_a_distance_that_is_not_finite_allows_nothing(boundless: float) -> None:
    expected = expecting([1.0], magnitude=math.nan, sensitivity=boundless, flushed=boundless)

    assert budgets.summation(expected) == 0
    assert budgets.conditioning(expected) == 0
    assert budgets.flushed_inputs(expected) == 0


def test_each_kind_of_budget_has_its_terms() -> None:
    steps = ["absolute floor", "flushed steps", "flushed inputs", "oracle rounding"]
    assert {kind: list(terms) for kind, terms in TERMS.items()} == {
        "ulp": ["stated ulps", "oracle rounding"],
        "accumulation": ["own rounding", "summation", *steps],
        "conditioned": ["own rounding", "conditioning", "cancellation", "summation order", *steps],
    }


def test_a_budget_of_ulps_calls_the_oracle_no_further() -> None:
    def ask() -> Host:
        raise AssertionError("asked")

    expected = Expected.of(np.array([1.0]), "float32", Budget("ulp", 2), Bounds(ask, ask, flushed=ask))

    assert list(terms_of(expected)) == ["stated ulps", "oracle rounding"]


def test_an_allowance_is_the_sum_of_the_terms() -> None:
    bounds = Bounds(lambda: np.array([1.0, 2.0]), lambda: np.zeros(2), flushed=lambda: 0.5)

    allowed = allowance(np.array([1.0, 4.0]), "float32", Budget("accumulation"), bounds)

    assert allowed.tolist() == [0.5 + 7 * EPS, 0.5 + 20 * EPS]
