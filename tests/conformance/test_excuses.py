"""The excuses, one by one: what each marks, and what it does not."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from assay.cases.arrays import Host
from assay.judge import excuses
from assay.judge.budgets import Bounds, Expected
from assay.judge.excuses import EXCUSES, excuse
from assay_spec.model import Budget

INF, NAN = math.inf, math.nan
MOST = float(np.finfo(np.float32).max)
NOTHING = Bounds(lambda: np.zeros(()), lambda: np.zeros(()))


def expecting(
    want: list[Any], bounds: Bounds = NOTHING, *, headroom: float = 64.0, kind: Any = "conditioned", dtype: str = ""
) -> Expected:
    dtype = dtype or ("complex64" if isinstance(want[0], complex) else "float32")
    return Expected.of(np.array(want), dtype, Budget(kind), bounds, None, headroom)


def marked(function: Any, got: list[Any], expected: Expected, allowed: float = 0.0) -> list[bool]:
    """Return which elements an excuse marks."""
    with np.errstate(all="ignore"):
        found: list[bool] = function(np.array(got), expected, np.full(len(got), allowed)).tolist()
    return found


def test_an_infinity_is_excused_on_the_brink_of_overflow_on_its_own_side() -> None:
    got, want = [INF, -INF, INF, NAN, -INF], [MOST, MOST, MOST / 2, MOST, -MOST]

    assert marked(excuses.brink_of_overflow, got, expecting(want)) == [True, False, False, False, True]


def test_the_brink_is_as_wide_as_the_budget() -> None:
    assert marked(excuses.brink_of_overflow, [INF], expecting([MOST / 2]), allowed=MOST / 2) == [True]


def test_the_largest_number_is_excused_where_infinity_is_as_near() -> None:
    beyond = MOST + 2.0**103  # half an ulp more, which rounds to infinity

    assert marked(excuses.brink_of_overflow, [MOST], expecting([beyond]), allowed=2.0**104) == [True]
    assert marked(excuses.brink_of_overflow, [MOST], expecting([INF]), allowed=2.0**104) == [False]


def test_a_complex_number_on_the_brink_is_infinite_in_the_part_that_is_large() -> None:
    got, want = [complex(INF, 1), complex(-INF, 1), complex(1, INF)], [complex(MOST, 1)] * 2 + [complex(1, MOST)]

    assert marked(excuses.brink_of_overflow, got, expecting(want)) == [True, False, True]


def test_a_step_may_overflow_to_either_side_where_its_result_is_large() -> None:
    got, want = [INF, -INF, NAN, INF, 1.0], [MOST / 8, MOST / 8, MOST / 8, MOST / 100, MOST / 8]

    assert marked(excuses.overflow_on_the_way, got, expecting(want)) == [True, True, True, False, False]


def test_without_headroom_no_step_overflows() -> None:
    assert marked(excuses.overflow_on_the_way, [INF], expecting([MOST], headroom=1.0)) == [False]


def test_where_nothing_is_wider_it_may_be_the_oracle_that_overflows() -> None:
    most = float(np.finfo(np.float64).max)
    got = [most / 2, most / 100, most, -INF]

    assert marked(excuses.overflow_on_the_way, got, expecting([INF] * 4, dtype="float64")) == [True, False, False, True]
    assert marked(excuses.overflow_on_the_way, [MOST / 2], expecting([INF])) == [False]


def test_which_part_of_a_complex_overflow_is_nan_is_left_open() -> None:
    got = [complex(INF, NAN), complex(NAN, NAN), complex(1, 2), complex(INF, 1)]
    want = [complex(NAN, INF), complex(INF, 1), complex(INF, 2), complex(1, 1)]

    assert marked(excuses.nonfinite_complex, got, expecting(want)) == [True, True, False, False]


def test_a_real_number_is_no_complex_one() -> None:
    assert marked(excuses.nonfinite_complex, [NAN], expecting([INF])) == [False]


def test_infinities_that_meet_are_nan_in_one_order_and_not_in_another() -> None:
    met = Bounds(*[lambda: np.zeros(())] * 2, genuine_nan=lambda: np.zeros(3, dtype=bool))

    assert marked(excuses.infinities_that_meet, [INF, NAN, 1.0], expecting([NAN, INF, NAN], met)) == [True, True, False]


def test_a_genuine_nan_must_be_nan() -> None:
    genuine = Bounds(*[lambda: np.zeros(())] * 2, genuine_nan=lambda: np.ones(2, dtype=bool))

    assert marked(excuses.infinities_that_meet, [INF, NAN], expecting([NAN, INF], genuine)) == [False, True]


def test_infinities_that_meet_nowhere_cost_no_further_answer() -> None:
    def ask() -> Host:
        raise AssertionError("asked")

    expected = expecting([1.0], Bounds(*[lambda: np.zeros(())] * 2, genuine_nan=ask))

    assert marked(excuses.infinities_that_meet, [2.0], expected) == [False]


def test_a_quotient_by_a_flushed_subnormal_is_excused_where_it_is_not_finite() -> None:
    divided = Bounds(*[lambda: np.zeros(())] * 2, flushed=lambda: np.array([INF, INF, 1.0, INF]))
    got, want = [INF, 9.0, INF, 8.0], [8.0, 8.0, 8.0, INF]

    assert marked(excuses.flushed_subnormal, got, expecting(want, divided)) == [True, False, False, True]


def test_a_partial_sum_may_overflow_where_its_terms_together_do() -> None:
    summed = Bounds(lambda: np.array([1e39, 1e38, 1e39]), lambda: np.zeros(()))
    expected = expecting([1.0] * 3, summed, headroom=1)

    assert marked(excuses.partial_sum_overflows, [INF, INF, 2.0], expected) == [True, False, False]


def test_a_sum_may_overflow_where_its_mean_does_not() -> None:
    averaged = Bounds(lambda: np.array([1e37, 1e36]), lambda: np.zeros(()))

    assert marked(excuses.partial_sum_overflows, [INF, INF], expecting([0.0] * 2, averaged)) == [True, False]


def test_across_a_discontinuity_both_sides_are_right_and_nothing_between() -> None:
    near = Bounds(*[lambda: np.zeros(())] * 2, nearby=lambda: [np.full(2, 2.0), np.full(2, 3.0)])

    assert marked(excuses.across_a_discontinuity, [3.0, 2.5], expecting([2.0] * 2, near), 1e-6) == [True, False]


def test_what_moves_within_the_budget_crosses_no_discontinuity() -> None:
    near = Bounds(*[lambda: np.zeros(())] * 2, nearby=lambda: [np.array([2.003])])

    assert marked(excuses.across_a_discontinuity, [2.018], expecting([2.0], near), 0.016) == [False]


def test_each_kind_of_budget_has_its_excuses() -> None:
    assert {kind: list(each) for kind, each in EXCUSES.items()} == {
        "ulp": ["brink of overflow", "nonfinite complex"],
        "accumulation": [
            "brink of overflow", "overflow on the way", "nonfinite complex", "partial sum overflows",
            "flushed subnormal",
        ],
        "conditioned": [
            "brink of overflow", "overflow on the way", "nonfinite complex", "flushed subnormal",
            "infinities that meet", "across a discontinuity",
        ],
    }  # fmt: skip


@pytest.mark.parametrize("kind", EXCUSES)
def test_their_order_decides_about_no_verdict(kind: str) -> None:
    """Each element here is marked by another excuse or by several, and the last by none."""
    answer, want = np.array([INF, INF, INF, NAN, 3.0, 2.0]), [MOST, MOST / 2, 1.0, INF, 1.0, 1.0]
    flushed, moved = np.array([0.0, INF, INF, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0, 3.0, 1.0])
    bounds = Bounds(lambda: np.full(6, 1e39), lambda: np.zeros(()), flushed=lambda: flushed, nearby=lambda: [moved])
    expected, wrong = expecting(want, bounds, kind=kind), np.ones(6, dtype=bool)

    with np.errstate(all="ignore"):
        verdicts = {
            tuple(excuse(answer, expected, np.zeros(6), wrong, dict(order))[0].tolist())
            for order in itertools.permutations(EXCUSES[kind].items())
        }

    assert len(verdicts) == 1
    assert verdicts.pop()[-1] is True


def test_an_element_is_counted_under_the_first_excuse_that_marks_it() -> None:
    bounds = Bounds(lambda: np.full(2, 1e39), lambda: np.zeros(()))

    left, excused = excuse(
        np.array([INF, INF]),
        expecting([MOST / 2, 1.0], bounds, kind="accumulation"),
        np.zeros(2),
        np.ones(2, dtype=bool),
        EXCUSES["accumulation"],
    )

    assert (left.tolist(), excused) == ([False, False], {"overflow on the way": 1, "partial sum overflows": 1})
