"""Inputs changed a little, and how far answers move with them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assay.cases.case import TensorValue
from assay.judge.sensitivity import absolute, distance, flushed, perturbed, sensitivity, subnormals, tamed

TINY = float(np.finfo(np.float32).tiny)


def tensor(*elements: float, dtype: str = "float32") -> TensorValue:
    return TensorValue.of(np.array(elements, dtype), dtype)


def source() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=0))


def test_a_perturbed_tensor_has_moved_by_up_to_eps_in_float64() -> None:
    moved = perturbed(tensor(*[3.0] * 1000), source())

    steps = np.abs(moved.array() / 3 - 1) / np.finfo(np.float32).eps
    assert moved.dtype == "float64"
    assert 0.9 < steps.max() <= 1


def test_what_moves_inwards_comes_nearer_to_zero() -> None:
    moved = perturbed(tensor(1.0, -1.0, 0.0), source(), inwards=True).array()

    assert np.all(np.abs(moved[:2]) < 1) and moved[2] == 0


def test_each_element_of_an_expanded_tensor_moves_by_itself() -> None:
    expanded = TensorValue("float32", (4,), np.ones(1, np.float32), (0,), 0)

    assert len(set(perturbed(expanded, source()).array().tolist())) == 4


def test_what_has_no_fractions_or_no_headroom_does_not_move() -> None:
    most = float(np.finfo(np.float64).max)
    integers = tensor(1, 2, dtype="int64")

    assert perturbed(integers, source()) is integers
    assert np.all(np.isfinite(perturbed(tensor(*[most] * 100, dtype="float64"), source()).array()))


def test_sizes_are_those_of_finite_elements() -> None:
    assert absolute(tensor(-2.0, math.inf, math.nan)).array().tolist() == [2.0, 0.0, 0.0]
    assert absolute(tensor(-2, dtype="int64")).array().tolist() == [-2]


def test_what_may_become_infinite_on_the_way_is_tamed() -> None:
    assert tamed(tensor(-math.inf, 3.0, dtype="float64")).array().tolist() == [1.0, 3.0]
    assert tamed(tensor(1e100, 1e70, dtype="float64")).array().tolist() == [1.0, 1e70]


def test_subnormals_are_flushed_and_nothing_else() -> None:
    value = tensor(TINY / 2, TINY, 0.0, math.nan)

    assert subnormals(value).tolist() == [True, False, False, False]
    assert flushed(value).array()[:3].tolist() == [0.0, TINY, 0.0]


def test_sensitivity_is_the_root_of_the_mean_square() -> None:
    assert sensitivity(np.array([1.0]), [np.array([1.0 + 7]), np.array([1.0 - 1])], 0).tolist() == pytest.approx([5.0])


def test_sensitivity_grows_with_the_root_of_the_summands() -> None:
    assert sensitivity(np.array([0.0]), [np.array([1.0])], 64).tolist() == [2.0]


def test_movements_that_are_not_finite_or_whose_squares_overflow_are_borne() -> None:
    moved = [np.array([math.nan, 3e300]), np.array([4.0, 4e300])]

    assert sensitivity(np.array([0.0, 0.0]), moved, 0).tolist() == pytest.approx([8**0.5, 5e300 / 2**0.5])


def test_the_same_nan_or_infinity_is_no_distance_away() -> None:
    left, right = np.array([math.nan, math.inf, math.inf, 1.0, 3.0]), np.array([math.nan, math.inf, 1.0, math.nan, 1.0])

    assert distance(left, right).tolist() == [0.0, 0.0, math.inf, math.inf, 2.0]
