from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from assay_reports import badge
from assay_reports.results import Result, Run

New = Callable[..., Result]
RunOf = Callable[..., Run]


def test_the_badge_shows_both_numbers(result: New, run_of: RunOf) -> None:
    run = run_of(result("a::shape"), result("b::shape", "fail", "A201"), result("c::shape", "unsupported"))

    picture = ElementTree.fromstring(badge.render(run))

    assert picture.get("aria-label") == "assay · toy: 66.7% covered, 75.0% right"
    assert [each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")] == [
        "assay · toy", "66.7% covered, 75.0% right",
    ]  # fmt: skip


def test_the_badge_of_a_partial_run_says_so(result: New, run_of: RunOf) -> None:
    assert badge.endpoint(run_of(result("a::shape"), complete=False)) == {
        "schemaVersion": 1,
        "label": "assay · toy",
        "message": "100% covered, 100% right (partial)",
        "color": "brightgreen",
    }


@pytest.mark.parametrize(
    ("passed", "colour", "fill"), [(999, "brightgreen", "#2f7d4f"), (800, "yellow", "#8a6d1f"), (799, "red", "#a63d2f")]
)
def test_the_colour_is_that_of_conformance(passed: int, colour: str, fill: str, result: New, run_of: RunOf) -> None:
    run = run_of(result("a::shape", "fail", "A201", cases=1000, passed=passed, failed=1000 - passed))

    assert badge.endpoint(run)["color"] == colour
    assert f'fill="{fill}"' in badge.render(run)


def test_a_name_of_any_characters_and_length_is_text(run_of: RunOf) -> None:
    run = run_of(backend={"name": '<b>&"\x00\uffff' + "x" * 1000})

    picture = ElementTree.fromstring(badge.render(run))

    assert picture.get("aria-label") == f'assay · <b>&"\\x00\\uffff{"x" * 25}…: – covered, – right'
