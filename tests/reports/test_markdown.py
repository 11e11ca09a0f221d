from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assay_reports import markdown
from assay_reports.expectations import Expectations
from assay_reports.results import Event, Finding, Result, Run

New = Callable[..., Result]
Find = Callable[..., Finding]
RunOf = Callable[..., Run]

SETTINGS = {"backend": "exec:./harness | tee log", "seed": 3, "time_limit": 0.5}


def test_the_summary_shows_two_numbers_and_the_causes(result: New, run_of: RunOf) -> None:
    run = run_of(
        result("a::shape", "fail", "A201"), result("a::layout", "fail", "A201"), result("b::shape", "self", self=10),
        settings=SETTINGS, complete=False,
    )  # fmt: skip

    assert markdown.render([run]).splitlines() == [
        "# Assay",
        "",
        "| backend | coverage | conformance | items | with findings | cases not judged |",
        "| --- | --- | --- | --- | --- | --- |",
        "| `toy 1.0` (partial) | 100% | 50.0% | 3 | 2 | 10 |",
        "",
        "`toy`: 1 cause, the gravest first.",
        "",
        "1. A201 `a: result differs` (1 op, 2 items, 10 cases): `torch.exp(float32[1])`",
        "",
        "Again: `assay repro a::layout --backend 'exec:./harness | tee log' --seed 3 --time-limit 0.5`",
    ]


def test_where_nothing_is_wrong_the_summary_says_so(result: New, run_of: RunOf) -> None:
    assert markdown.render([run_of(result("a::shape"))]).splitlines()[-1] == "`toy`: no findings."


def test_the_summary_says_what_was_excused(result: New, run_of: RunOf) -> None:
    excusing = result("torch.exp::special[float32]", excused={"flushed subnormal": 12})

    assert "\n- `toy`: `12 elements excused: flushed subnormal`\n" in markdown.render([run_of(excusing)])
    assert "excused" not in markdown.render([run_of(result("torch.exp::shape"))])


def test_the_summary_has_at_most_sixty_lines_and_fifteen_causes(result: New, run_of: RunOf) -> None:
    run = run_of(*[result(f"op{number}::shape", "fail", "A201") for number in range(200)])

    lines = markdown.render([run]).splitlines()

    assert len(lines) <= 60
    assert lines[6] == "`toy`: 200 causes, the gravest first."
    assert lines[-5].startswith("14. A201 `op111: result is 1, not 2` (1 op, 1 item, 5 cases): `")
    assert lines[-4].startswith("15. A201 `op112: result is 1, not 2` (1 op, 1 item, 5 cases): `")
    assert lines[-3] == "- and 185 more"


@pytest.mark.parametrize("number", [2, 4, 10])
def test_several_runs_share_the_sixty_lines(number: int, result: New, run_of: RunOf) -> None:
    run = run_of(*[result(f"op{index}::shape", "fail", "A201") for index in range(30)])

    lines = markdown.render([run] * number).splitlines()

    assert len(lines) <= 60
    assert lines[4 : 4 + number] == ["| `toy 1.0` | 100% | 50.0% | 30 | 30 | 0 |"] * number


def test_what_has_no_room_is_counted(result: New, run_of: RunOf) -> None:
    lines = markdown.render([run_of(result("a::shape", "fail", "A201"))] * 50).splitlines()

    assert len(lines) == 60
    assert lines[-1] == "And 296 lines more; `assay report` shows it all."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("plain", "`plain`"),
        ("a `b` c", "``a `b` c``"),
        ("``", "``` `` ```"),
        ("`a", "`` `a ``"),
        ("<script> & @you [x](y) *z*", "`<script> & @you [x](y) *z*`"),
        ("two\nlines", "`two\\nlines`"),
    ],
)
def test_what_others_say_is_code(text: str, code: str) -> None:
    assert markdown.code(text) == code


def test_a_long_message_and_a_long_call_are_cut(result: New, finding: Find, run_of: RunOf) -> None:
    long = finding("A202", message="f" * 200, call="c" * 200)

    text = markdown.render([run_of(result("a::shape", "fail", findings=(long,)))])

    assert f"1. A202 `a: {'f' * 117}` (1 op, 1 item, 5 cases): `{'c' * 120}`\n" in text


KNOWN = "- {code: A101, form: result differs, items: {'a::*': 5, 'c::shape': 5}, reason: rounding}\n"


def test_with_expectations_the_summary_shows_what_is_unexpected_and_what_no_longer_holds(
    result: New, finding: Find, run_of: RunOf, tmp_path: Path
) -> None:
    known = Expectations.of(tmp_path / "k", KNOWN)
    shape = result("b::shape", "fail", findings=(finding("A202", form="wrong"),))
    run = run_of(result("a::values", "fail", "A101"), shape, result("c::shape"))

    lines = markdown.render([run], known).splitlines()[6:]

    assert [line.replace(str(tmp_path / "k"), "k") for line in lines] == [
        "`toy`: 2 causes, 1 unexpected, the gravest first.",
        "",
        "1. A202 `b: result is 1, not 2` (1 op, 1 item, 5 cases): `torch.exp(float32[1])`",
        "",
        "- ``improved: k:1: c::shape no longer shows A101; `assay expect update` deletes it``",
        "",
        "Again: `assay repro b::shape --backend toy.py:Toy`",
    ]


def test_where_all_is_expected_the_summary_counts_it(result: New, run_of: RunOf, tmp_path: Path) -> None:
    known = Expectations.of(tmp_path / "k", KNOWN.replace(", 'c::shape': 5", ""))

    lines = markdown.render([run_of(result("a::values", "fail", "A101"))], known).splitlines()

    assert lines[6:] == ["`toy`: 1 cause, 0 unexpected."]


def test_the_summary_says_what_did_not_happen_again(result: New, run_of: RunOf) -> None:
    run = replace(
        run_of(result("torch.exp::shape")),
        events=(
            Event("incident", "torch.exp::shape", message="no answer within 3 s"),
            Event("incident", "torch.exp::dtype"),
            Event("crash", "torch.exp::values"),
        ),
    )

    said = "2 incidents that did not happen again, the first at torch.exp::shape: no answer within 3 s"
    assert f"\n- `toy`: `{said}`\n" in markdown.render([run])
    assert "incident" not in markdown.render([run_of(result("torch.exp::shape"))])
