from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_reports.results import Result
from assay_reports.score import Score, percent

New = Callable[..., Result]


def counts(id: str, outcome: str, new: New, **cases: int) -> Result:
    return new(id, outcome, "A101", **{"passed": 0, "failed": 0, "unsupported": 0, "cases": 10, **cases})


def test_both_numbers_are_means_over_ops_of_means_over_items_of_cases(result: New) -> None:
    results = [
        counts("a::shape", "pass", result, passed=10),
        counts("a::values[float32]", "fail", result, passed=5, failed=5),
        counts("a::values[int64]", "partial", result, passed=3, unsupported=1, cases=4),
        counts("b::shape", "unsupported", result, unsupported=1, cases=1),
    ]

    score = Score.over(results)

    # a: (1 + 1 + 3/4) / 3 of its cases are offered, and (1 + 1/2 + 1) / 3 of these are right; b is not offered.
    assert score.coverage == pytest.approx((11 / 12 + 0) / 2)
    assert score.conformance == pytest.approx(5 / 6)
    assert score.texts == ("45.8%", "83.3%")


def test_one_difference_in_each_item_does_not_make_the_whole_wrong(result: New) -> None:
    results = [
        counts(f"sum::values[{dtype}]", "fail", result, passed=88, failed=12) for dtype in ("float32", "float64")
    ]

    assert Score.over(results).texts == ("100%", "88.0%")


def test_eleven_refusals_in_twelve_are_not_full_coverage(result: New) -> None:
    refusing = counts("a::values[int8]", "partial", result, passed=1, unsupported=11, cases=12)

    assert Score.over([refusing]).texts == ("8.3%", "100%")


@pytest.mark.parametrize(
    ("outcome", "cases"),
    [("self", {"self": 10}), ("not_run", {"cases": 1}), ("suite_error", {"cases": 10})],
)
def test_what_was_not_judged_counts_in_neither(outcome: str, cases: dict[str, int], result: New) -> None:
    judged = counts("a::shape", "fail", result, passed=5, failed=5)
    other = counts("a::values[float32]", outcome, result, **cases)

    assert Score.over([judged, other]) == Score.over([judged])
    assert Score.over([other]).texts == ("–", "–")


def test_the_judged_cases_of_an_item_count_beside_those_that_need_pytorch(result: New) -> None:
    partial = counts("a::values[float32]", "partial", result, passed=2, self=8)

    assert Score.over([partial]).texts == ("100%", "100%")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"), (0.0, "0%"), (1.0, "100%"), (0.5, "50.0%"), (2 / 3, "66.7%"), (0.99951, "99.9%"),
        (1 - 1e-12, "99.9%"), (1e-12, "0.1%"),
    ],
)  # fmt: skip
def test_a_share_is_shown_with_a_decimal(share: float | None, text: str) -> None:
    assert percent(share) == text


@given(st.floats(0, 1))
def test_no_share_is_rounded_to_all_or_to_nothing(share: float) -> None:
    assert (percent(share) == "100%") == (share == 1)
    assert (percent(share) == "0%") == (share == 0)


COUNTS = st.integers(0, 50)


@given(items=st.lists(st.tuples(st.integers(0, 3), COUNTS, COUNTS, COUNTS), min_size=1))
def test_a_run_in_which_anything_is_wrong_or_unsupported_is_never_full(
    items: list[tuple[int, int, int, int]], result: New
) -> None:
    results = [
        counts(f"op{op}::shape", "partial", result, passed=passed, failed=failed, unsupported=unsupported)
        for op, passed, failed, unsupported in items
    ]

    coverage, conformance = Score.over(results).texts

    assert (coverage == "100%") == (
        any(each.passed or each.failed for each in results) and not any(each.unsupported for each in results)
    )
    assert (conformance == "100%") == (
        any(each.passed for each in results) and not any(each.failed for each in results)
    )
