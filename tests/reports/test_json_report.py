from __future__ import annotations

import json
from collections.abc import Callable

from assay_reports import json_report
from assay_reports.records import plain
from assay_reports.results import Finding, Result, Run

New = Callable[..., Result]
Find = Callable[..., Finding]
RunOf = Callable[..., Run]


def test_the_report_has_numbers_counts_and_results(result: New, run_of: RunOf) -> None:
    run = run_of(result("a::shape"), result("b::shape", "unsupported"))

    (found,) = json.loads(json_report.render([run]))["runs"]

    assert (found["coverage"], found["conformance"], found["complete"]) == (0.5, 1.0, True)
    assert found["items"] == {"pass": 1, "unsupported": 1}
    assert found["cases"] == {"total": 20, "passed": 10, "failed": 0, "self": 0, "unsupported": 10, "fallback": 0}
    assert found["causes"] == []
    assert found["header"] == plain(run.header)
    assert found["results"] == [plain(each) for each in run.results]


def test_a_cause_has_what_it_touches_and_its_smallest_finding(result: New, finding: Find, run_of: RunOf) -> None:
    long = finding("A202", form="wrong", snippet="print(1, 2)", cases=2)
    short = finding("A202", form="wrong", snippet="print(1)", cases=3)

    (cause,) = json_report.summary(
        run_of(result("a::dtype", "fail", findings=(long,)), result("b::dtype", "fail", findings=(short,)))
    )["causes"]

    assert cause == {
        "code": "A202", "form": "wrong", "ops": ["a", "b"], "items": ["a::dtype", "b::dtype"], "cases": 5,
        "item": "b::dtype", "smallest": plain(short),
    }  # fmt: skip


def test_a_share_of_nothing_is_left_out(run_of: RunOf) -> None:
    found = json_report.summary(run_of())

    assert {"coverage", "conformance"}.isdisjoint(found)
