from __future__ import annotations

from collections.abc import Callable

import pytest

from assay_reports.diff import compare, render
from assay_reports.results import Finding, Result, Run

New = Callable[..., Result]
Find = Callable[..., Finding]
RunOf = Callable[..., Run]

LACKING = {"unsupported": 10, "passed": 0}
PARTIAL = {"unsupported": 6, "passed": 4}


def test_a_regression_is_told_from_a_changed_test(result: New, run_of: RunOf) -> None:
    before = run_of(result("a::shape"), result("b::shape"), result("c::shape", "fail", "A201"))
    after = run_of(
        result("a::shape", "fail", "A201"), result("b::shape", "fail", "A201", hash="new"), result("c::shape")
    )

    assert render(compare(before, after)) == (
        "regressed: 1\n  a::shape: pass -> fail A201 (5 of 10 cases pass)\n"
        "fixed: 1\n  c::shape: fail A201 (5 of 10 cases pass) -> pass\n"
        "test changed: 1\n  b::shape: pass -> fail A201 (5 of 10 cases pass)"
    )


@pytest.mark.parametrize(
    ("before", "after", "bucket"),
    [
        (("pass", {}), ("pass", {"ms": 9.0}), None),
        (("pass", {}), ("unsupported", LACKING), "support lost"),
        (("pass", {}), ("partial", PARTIAL), "support lost"),
        (("fail", {}), ("unsupported", LACKING), "support lost"),
        (("partial", PARTIAL), ("unsupported", {"unsupported": 1, "cases": 1, "passed": 0}), "support lost"),
        (("partial", PARTIAL), ("partial", {"unsupported": 7, "passed": 3}), "support lost"),
        (("unsupported", LACKING), ("pass", {}), "newly supported"),
        (("unsupported", LACKING), ("partial", PARTIAL), "newly supported"),
        (("partial", PARTIAL), ("pass", {}), "newly supported"),
        (("unsupported", LACKING), ("fail", {}), "regressed"),
        (("unsupported", LACKING), ("not_run", {}), "otherwise changed"),
        (("not_run", {}), ("unsupported", LACKING), "otherwise changed"),
        (("pass", {}), ("self", {}), "otherwise changed"),
        (("fail", {}), ("not_run", {}), "otherwise changed"),
        (("fail", {}), ("pass", {}), "fixed"),
        (("pass", {}), ("crash", {}), "regressed"),
    ],
)
def test_an_item_falls_into_one_bucket(
    before: tuple[str, dict[str, int]],
    after: tuple[str, dict[str, int]],
    bucket: str | None,
    result: New,
    run_of: RunOf,
) -> None:
    old, new = (run_of(result("a::shape", outcome, "A201", **counts)) for outcome, counts in (before, after))

    found = [name for name, rows in compare(old, new).items() if rows]

    assert found == ([] if bucket is None else [bucket])


@pytest.mark.parametrize(
    ("before", "after", "bucket"),
    [
        ({"known": 5}, {"known": 10}, None),
        ({"known": 5}, {"known": 11}, "regressed"),
        ({"known": 11}, {"known": 5}, "fixed"),
        ({"known": 5}, {"known": 5, "new": 1}, "regressed"),
        ({"known": 5, "gone": 1}, {"known": 5}, "fixed"),
        ({"gone": 5}, {"new": 5}, "regressed"),
    ],
)
def test_findings_are_compared_by_their_form_and_how_many_cases_show_them(
    before: dict[str, int], after: dict[str, int], bucket: str | None, result: New, finding: Find, run_of: RunOf
) -> None:
    old, new = (
        run_of(result("a::shape", "fail", findings=tuple(finding(form=form, cases=n) for form, n in forms.items())))
        for forms in (before, after)
    )

    found = [name for name, rows in compare(old, new).items() if rows]

    assert found == ([] if bucket is None else [bucket])


def test_items_that_came_and_went_are_told(result: New, run_of: RunOf) -> None:
    found = compare(run_of(result("a::shape")), run_of(result("b::shape")))

    assert render(found) == "added: 1\n  b::shape: pass\nremoved: 1\n  a::shape: pass"


def test_nothing_changed_is_said(result: New, run_of: RunOf) -> None:
    assert render(compare(run_of(result("a::shape")), run_of(result("a::shape")))) == "nothing changed"


def test_a_difference_prints_as_text(result: New, run_of: RunOf) -> None:
    found = compare(run_of(), run_of(result("\x1b[2J::shape")))

    assert render(found) == "added: 1\n  \\x1b[2J::shape: pass"
