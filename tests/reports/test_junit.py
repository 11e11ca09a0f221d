from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

from assay_reports import junit
from assay_reports.results import Finding, Result, Run

New = Callable[..., Result]
Find = Callable[..., Finding]
RunOf = Callable[..., Run]


def test_every_item_is_a_test_case(result: New, finding: Find, run_of: RunOf) -> None:
    unsupported = result("a::dtype", "unsupported", findings=(finding("A001", "unsupported", message="no a"),))
    run = run_of(
        result("a::shape"), result("a::layout", "partial"), result("a::values[float32]", "fail", "A101"),
        result("a::errors", "crash", "A801"), unsupported, result("a::random", "self"),
    )  # fmt: skip

    suite = ElementTree.fromstring(junit.render(run))

    assert suite.attrib == {
        "name": "assay.toy", "tests": "6", "failures": "1", "errors": "1", "skipped": "2", "time": "0.009",
    }  # fmt: skip
    told = [[(each.tag, each.get("message")) for each in case] for case in suite]
    assert [(case.get("classname"), case.get("name"), each) for case, each in zip(suite, told, strict=True)] == [
        ("a", "shape", []),
        ("a", "layout", []),
        ("a", "values[float32]", [("failure", "A101: result is 1, not 2")]),
        ("a", "errors", [("error", "A801: result is 1, not 2")]),
        ("a", "dtype", [("skipped", "A001: no a")]),
        ("a", "random", [("skipped", "self")]),
    ]  # fmt: skip


def test_a_failure_has_all_findings_and_the_command_that_repeats_it(result: New, finding: Find, run_of: RunOf) -> None:
    both = (finding("A301", "error", message="no alpha", cases=1, call="", snippet=""), finding())
    run = run_of(result("a::shape", "error", findings=both), settings={"backend": "exec:./harness --quiet", "seed": 3})

    (case,) = ElementTree.fromstring(junit.render(run))

    assert str(case[0].text).splitlines() == [
        "A301 no alpha (1 case)",
        "A101 result is 1, not 2 (5 cases)",
        "torch.exp(float32[1])",
        "import torch",
        "print(1)",
        "again: assay repro a::shape --backend 'exec:./harness --quiet' --seed 3",
    ]


def test_what_xml_forbids_is_replaced(result: New, finding: Find, run_of: RunOf) -> None:
    told = finding(message="bell \x07 <tag> & more", snippet="\x00\udc80\ufffe]]>")
    run = run_of(result("a\x1b::shape\x0c", "fail", findings=(told,)), backend={"name": "\x1b[31m"})

    suite = ElementTree.fromstring(junit.render(run))

    assert (suite.get("name"), suite[0].get("classname"), suite[0].get("name")) == (
        "assay.\ufffd[31m", "a\ufffd", "shape\ufffd",
    )  # fmt: skip
    assert suite[0][0].get("message") == "A101: bell \ufffd <tag> & more"
    assert "\ufffd\ufffd\ufffd]]>" in str(suite[0][0].text)
