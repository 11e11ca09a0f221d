"""The functions of laws, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from assay.judge.laws import (
    anywhere,
    close,
    different,
    eigenpairs,
    extremes,
    gather,
    kth,
    monotone,
    on_the_brink,
    permutation,
    restored,
    same,
    stable,
    strays,
)

NAN = float("nan")


def test_elements_are_gathered_along_a_dimension() -> None:
    values, indices = np.array([[5, 6, 7], [8, 9, 10]]), np.array([[2, 0], [1, 1]])

    assert gather(values, 1, indices).tolist() == [[7, 5], [9, 9]]
    assert gather(np.array(5), 0, np.array([0, 0])).tolist() == [5, 5]


@pytest.mark.parametrize(
    ("values", "descending", "strict", "holds"),
    [
        ([1.0, 2.0, 2.0], False, False, True),
        ([1.0, 2.0, 2.0], False, True, False),
        ([2.0, 1.0], False, False, False),
        ([2.0, 1.0], True, False, True),
        ([1.0, NAN], False, False, True),  # NaN counts as the largest
        ([NAN, 1.0], False, False, False),
        ([NAN, 1.0], True, False, True),
        ([1.0], False, True, True),
    ],
)
def test_order_is_that_of_neighbours(values: list[float], descending: bool, strict: bool, holds: bool) -> None:
    assert monotone(np.array(values), 0, descending, strict) is holds


def test_a_permutation_has_every_index_once() -> None:
    assert permutation(np.array([[2, 0, 1], [0, 1, 2]]), 1)
    assert not permutation(np.array([0, 2, 2]), 0)
    assert permutation(np.array(0), 0)
    assert not permutation(np.array(1), 0)


def test_distinct_indices_have_no_duplicates() -> None:
    assert different(np.array([7, 3]), 0)
    assert not different(np.array([3, 7, 3]), 0)


def test_a_stable_order_keeps_equal_neighbours_in_theirs() -> None:
    assert stable(np.array([1.0, 1.0, NAN, NAN]), np.array([0, 2, 1, 3]), 0)
    assert not stable(np.array([1.0, 1.0]), np.array([2, 0]), 0)
    assert not stable(np.array([NAN, NAN]), np.array([2, 0]), 0)


def test_the_same_arrays_have_nan_in_the_same_elements() -> None:
    assert same([1.0, NAN], [1.0, NAN])
    assert not same([1.0, NAN], [NAN, 1.0])


def test_closeness_is_relative_to_the_largest_element() -> None:
    assert close(np.array([100.0, 0.5]), np.array([100.0, 0.0]), 0.01)
    assert not close(np.array([100.0, 1.5]), np.array([100.0, 0.0]), 0.01)
    assert not close(np.array([1e-9]), np.array([0.0]), 0.01)


def test_a_reduced_dimension_is_restored_where_it_was_dropped() -> None:
    model = np.zeros((2, 3))

    assert restored(np.zeros(2), model, 1, False).shape == (2, 1)
    assert restored(np.zeros((2, 1)), model, 1, True).shape == (2, 1)
    assert restored(np.zeros(()), np.zeros(()), 0, False).shape == ()


def test_extremes_are_the_largest_or_smallest_in_any_order() -> None:
    model = np.array([3.0, NAN, 1.0, 2.0])

    assert extremes(np.array([3.0, NAN]), model, 0, True)
    assert extremes(np.array([2.0, 1.0]), model, 0, False)
    assert not extremes(np.array([3.0, 2.0]), model, 0, True)


def test_the_kth_element_is_counted_from_the_smallest_and_nan_is_the_largest() -> None:
    model = np.array([[3.0, NAN, 1.0], [5.0, 4.0, 6.0]])

    assert kth(model, 2, 1).tolist() == [3.0, 5.0]
    assert kth(model, 1, -1, True).tolist() == [[1.0], [4.0]]
    assert kth(np.array(7.0), 1, 0).tolist() == 7.0


def test_a_quotient_is_on_the_brink_where_a_rounding_makes_it_an_integer() -> None:
    above = np.nextafter(np.float32(6), np.float32(7))

    assert on_the_brink(np.array([above, 6.0, 6.5], np.float32), np.array(2.0)).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("values", "vectors", "holds"),
    [
        ([[0.0, 1.0], [0.0, -1.0]], [[1.0, 0.0], [0.0, 1.0]], True),  # the vectors (1, i) and (1, -i)
        ([[0.0, -1.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], False),
        ([[0.0, 1.0], [0.0, -1.0]], [[0.0, 0.0], [0.0, 0.0]], False),
    ],
)
def test_a_rotation_has_a_complex_pair_in_two_columns(
    values: list[list[float]], vectors: list[list[float]], holds: bool
) -> None:
    rotation = np.array([[0.0, 1.0], [-1.0, 0.0]])

    assert eigenpairs(rotation, np.array(values), np.array(vectors)) is holds


def test_a_mark_along_a_dimension_is_found() -> None:
    mask = np.array([[False, True], [False, False]])

    assert anywhere(mask, 1).tolist() == [True, False]
    assert anywhere(mask, 0, True).tolist() == [[False, True]]
    assert anywhere(mask).tolist() is True
    assert anywhere(np.array(True), 0).tolist() is True


@pytest.mark.parametrize(
    ("factors", "marked"),
    [
        ([2.0, 3.0], False),
        ([3e38, 2.0], False),  # it overflows in every order
        ([3e38, 2.0, 0.5], True),
        ([3e38, 2.0, 0.0], True),
        ([3e38, 0.0], False),
        ([1e-38, 1e-38], False),
        ([1e-38, 1e-38, 1e38], True),
        ([float("nan"), 2.0], False),
    ],
)
def test_a_product_strays_where_its_order_decides_about_overflow(factors: list[float], marked: bool) -> None:
    assert strays(np.array(factors, np.float32)).tolist() is marked


def test_products_stray_line_by_line() -> None:
    input = np.array([[60000.0, 2.0, 0.5], [1.0, 2.0, 3.0]], np.float16)

    assert strays(input, 1).tolist() == [True, False]
    assert strays(input, -1, True).tolist() == [[True], [False]]
    assert strays(np.array([2, 3])).tolist() is False
