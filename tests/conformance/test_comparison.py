"""Comparing: what is within the budget, just within it, just beyond it, and excused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.cases.arrays import Host
from assay.judge.budgets import Bounds
from assay.judge.comparison import Comparison, compare_nonfinite, measure
from assay.judge.floats import rounded, ulp_of
from assay_spec.model import Budget

EXACT, ACCUMULATION, CONDITIONED = Budget("exact"), Budget("accumulation"), Budget("conditioned")
FLOATS = {"float16": np.float16, "float32": np.float32, "float64": np.float64}


def judged(
    got: list[float],
    want: list[float],
    budget: Budget,
    dtype: str = "float32",
    *,
    sensitivity: float = 0.0,
    magnitude: float = 0.0,
    signs: bool = False,
    headroom: float = 64.0,
) -> float:
    """Return the fraction of the budget that the worst element takes."""
    bounds = Bounds(lambda: np.full(len(want), magnitude), lambda: np.full(len(want), sensitivity))
    answer: Host = np.array(got, FLOATS[dtype])
    found = measure(answer, np.array(want), dtype, budget, bounds, signs=signs, headroom=headroom)
    assert isinstance(found, Comparison)
    return found.fraction


def test_nothing_is_compared_where_nothing_is() -> None:
    assert measure(np.zeros(0, np.float32), np.zeros(0), "float32", EXACT, Bounds(lambda: 0, lambda: 0)) is None


@given(st.floats(allow_subnormal=True), st.sampled_from(["float16", "float32", "float64"]))
def test_the_oracle_rounded_once_is_exact(value: float, dtype: str) -> None:
    assert judged([float(rounded(np.array(value), dtype))], [value], EXACT, dtype, signs=True) == 0.0


@pytest.mark.parametrize(
    ("got", "want"), [(1.0, np.nextafter(np.float32(1), np.float32(2))), (math.nan, 1.0), (math.inf, 1.0)]
)
def test_anything_else_is_not(got: float, want: float) -> None:
    assert judged([got], [float(want)], EXACT) == math.inf


def test_the_sign_of_zero_counts_where_signs_are_compared() -> None:
    assert judged([-0.0], [0.0], EXACT) == 0.0
    assert judged([-0.0], [0.0], EXACT, signs=True) == math.inf


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_an_ulp_is_the_distance_to_the_next_number(dtype: str) -> None:
    kind = FLOATS[dtype]
    for value in (1.0, 1.5, 1024.0, 0.1, float(np.finfo(kind).tiny), float(np.finfo(kind).smallest_subnormal)):
        assert ulp_of(np.array([value]), dtype) == np.spacing(kind(value)), value


def test_the_fraction_is_that_of_the_budget() -> None:
    two_off = float(1 + 2 * np.finfo(np.float32).eps)
    assert judged([two_off], [1.0], Budget("ulp", 4)) == 0.5
    assert judged([two_off], [1.0], Budget("ulp", 1)) == 2.0


@pytest.mark.parametrize(
    ("got", "want", "ulp"),
    [(1.0, 1.0, 0.0), (1.0, 1 + 2.0**-23, 1.0), (-0.0, -1.0, None), (1.0, -1.0, None), (1e-30, 0.0, None)],
)
def test_ulps_are_counted_on_one_side_of_zero_only(got: float, want: float, ulp: float | None) -> None:
    nothing = Bounds(lambda: np.zeros(1), lambda: np.zeros(1))

    found = measure(np.float32([got]), np.array([want]), "float32", Budget("ulp", 0.25), nothing)

    assert found is not None and found.ulp == ulp


def test_a_sum_may_lose_in_proportion_to_its_terms() -> None:
    lost = 3 * np.finfo(np.float32).eps
    assert judged([lost], [0.0], ACCUMULATION, magnitude=1.0) <= 1
    assert judged([lost], [0.0], ACCUMULATION, magnitude=0.1) > 1


def test_a_composition_may_lose_in_proportion_to_its_own_movement() -> None:
    assert judged([1.0, 2.001], [1.0, 2.0], CONDITIONED, sensitivity=1e-4) <= 1
    assert judged([1.0, 2.001], [1.0, 2.0], CONDITIONED, sensitivity=1e-6) > 1


def test_a_composition_may_lose_eps_of_its_largest_result() -> None:
    lost = 4 * np.finfo(np.float32).eps
    assert judged([1.0, lost], [1.0, 0.0], CONDITIONED) <= 1
    assert judged([lost], [0.0], CONDITIONED) > 1


def test_a_composition_may_flush_subnormals() -> None:
    subnormal = float(np.finfo(np.float32).tiny) / 2
    assert judged([0.0], [subnormal], CONDITIONED) <= 1
    assert judged([0.0], [subnormal], Budget("ulp", 2)) > 1


def test_a_step_may_overflow_where_its_result_just_does_not() -> None:
    near = float(np.finfo(np.float32).max) / 8
    assert judged([math.inf], [near], CONDITIONED) == 0.0
    assert judged([math.inf], [near], CONDITIONED, headroom=4.0) == math.inf
    assert judged([math.inf], [near], Budget("ulp", 2)) == math.inf


def test_a_complex_step_may_overflow_where_its_result_just_does_not() -> None:
    near, far = np.array([1e37 + 8e37j]), np.array([1e30 + 8e30j])
    infinite, zeros = np.array([complex(math.inf, math.inf)], np.complex64), Bounds(lambda: 0, lambda: 0)

    fractions = [
        found.fraction
        for want, budget in ((near, CONDITIONED), (far, CONDITIONED), (near, Budget("ulp", 2)))
        if (found := measure(infinite, want, "complex64", budget, zeros)) is not None
    ]

    assert fractions == [0.0, math.inf, math.inf]


def test_a_step_may_overflow_to_either_side_and_a_result_to_its_own() -> None:
    most = float(np.finfo(np.float32).max)
    assert judged([-math.inf], [most], CONDITIONED) == 0.0
    assert judged([math.inf], [most], Budget("ulp", 2)) == 0.0
    assert judged([-math.inf], [most], Budget("ulp", 2)) == math.inf


def test_a_quotient_by_a_flushed_subnormal_is_infinite() -> None:
    zeros, far = np.zeros(1), np.array([math.inf])
    got, want = np.array([math.inf], np.float32), np.array([8.0])

    flushed = measure(got, want, "float32", CONDITIONED, Bounds(lambda: zeros, lambda: zeros, flushed=lambda: far))
    kept = measure(got, want, "float32", CONDITIONED, Bounds(lambda: zeros, lambda: zeros))

    assert flushed is not None and kept is not None
    assert (flushed.fraction, kept.fraction) == (0.0, math.inf)


@pytest.mark.parametrize(("got", "fraction"), [(2.0, 0.0), (3.0, 0.0), (2.5, 0.5 / 8e-6)])
def test_near_a_discontinuity_both_sides_are_right_and_nothing_between(got: float, fraction: float) -> None:
    zeros, far_side = np.zeros(1), [np.array([2.0]), np.array([3.0])]
    bounds = Bounds(lambda: zeros, lambda: np.array([5e-7]), nearby=lambda: far_side)

    found = measure(np.array([got], np.float32), np.array([2.0]), "float32", CONDITIONED, bounds)

    assert found is not None
    assert found.fraction == pytest.approx(fraction, rel=0.5)


def test_what_moves_within_the_budget_is_no_discontinuity() -> None:
    sensitivity = np.array([1e-3])
    bounds = Bounds(lambda: np.zeros(1), lambda: sensitivity, nearby=lambda: [np.array([2.003])])

    found = measure(np.array([2.018], np.float32), np.array([2.0]), "float32", CONDITIONED, bounds)

    assert found is not None
    assert found.fraction > 1


def test_infinities_that_meet_are_nan_in_any_order_of_steps() -> None:
    bounds = Bounds(lambda: np.zeros(1), lambda: np.zeros(1), genuine_nan=lambda: np.array([False]))
    genuine = Bounds(lambda: np.zeros(1), lambda: np.zeros(1), genuine_nan=lambda: np.array([True]))
    got, want = np.array([math.inf], np.float32), np.array([math.nan])

    met, held = measure(got, want, "float32", CONDITIONED, bounds), measure(got, want, "float32", CONDITIONED, genuine)

    assert met is not None and held is not None
    assert (met.fraction, held.fraction) == (0.0, math.inf)


def test_a_complex_number_is_judged_by_its_distance() -> None:
    bounds = Bounds(lambda: np.ones(1), lambda: np.zeros(1))
    eps = np.finfo(np.float32).eps
    got = np.array([complex(1.0, 2 * eps)], np.complex64)

    found = measure(got, np.array([1.0 + 0j]), "complex64", Budget("ulp", 4), bounds)

    assert found is not None
    assert (found.fraction, found.ulp) == (0.5, 2.0)


def test_the_worst_element_is_shown() -> None:
    bounds = Bounds(lambda: np.zeros((2, 2)), lambda: np.zeros((2, 2)))
    got, want = np.array([[1, 2], [3, 5]], np.float32), np.array([[1.0, 2.0], [3.0, 4.0]])

    assert measure(got, want, "float32", EXACT, bounds) == Comparison(math.inf, None, (1, 1), "5.0", "4.0")


def test_what_is_not_finite_agrees_with_itself_alone() -> None:
    answer, target = np.array([math.nan, math.inf, math.inf, 1.0]), np.array([math.nan, math.inf, -math.inf, math.inf])

    assert compare_nonfinite(answer, target).tolist() == [True, True, False, False]


def never() -> Host:
    raise AssertionError("the oracle was asked")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("budget", [ACCUMULATION, CONDITIONED])
def test_an_answer_within_an_ulp_calls_the_oracle_no_further(dtype: str, budget: Budget) -> None:
    want = np.array([1.0, 3.0, math.inf, math.nan, 0.0])

    found = measure(rounded(want, dtype), want, dtype, budget, Bounds(never, never, never, never, never))

    assert found is not None
    assert (found.fraction, found.excused) == (0.0, {})


def test_a_comparison_names_what_it_excused_and_counts_it() -> None:
    most = float(np.finfo(np.float32).max)
    bounds = Bounds(lambda: np.zeros(4), lambda: np.zeros(4), flushed=lambda: np.array([0, 0, 0, math.inf]))
    got, want = np.array([1.0, math.inf, math.nan, math.inf], np.float32), np.array([1.0, most / 2, most / 4, 1.0])

    found = measure(got, want, "float32", CONDITIONED, bounds)

    assert found is not None
    assert (found.fraction, found.excused) == (0.0, {"overflow on the way": 2, "flushed subnormal": 1})


def test_a_complex_number_has_the_excuses_of_a_real_one() -> None:
    zeros = np.zeros(1)
    bounds = Bounds(lambda: zeros, lambda: zeros, flushed=lambda: np.array([math.inf]))

    found = measure(
        np.array([complex(math.nan, 1)], np.complex64), np.array([1 + 1j]), "complex64", CONDITIONED, bounds
    )

    assert found is not None
    assert (found.fraction, found.excused) == (0.0, {"flushed subnormal": 1})


def test_a_budget_that_was_exceeded_says_its_terms() -> None:
    bounds = Bounds(lambda: np.ones(1), lambda: np.array([1e-7]))

    found = measure(np.array([2.0], np.float32), np.array([1.0]), "float32", CONDITIONED, bounds)

    assert found is not None
    assert found.budget == "2.91e-06 (conditioned: own rounding 3.6e-07, conditioning 1.6e-06, cancellation 9.5e-07)"


def test_a_budget_that_was_kept_says_its_size() -> None:
    two_off = np.array([1 + 2 * np.finfo(np.float32).eps], np.float32)

    found = measure(two_off, np.array([1.0]), "float32", Budget("ulp", 4), Bounds(never, never))

    assert found is not None
    assert found.budget == "4.77e-07 (4 ulp)"
