"""The words of laws, and the budgets of products."""

from __future__ import annotations

import numpy as np
import pytest

from assay.judge.laws import anywhere, strays


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
