from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from assay_reports import terminal
from assay_reports.expectations import Expectations
from assay_reports.results import Event, Finding, Result, Run

Make = Callable[..., Run]
New = Callable[..., Result]
Find = Callable[..., Finding]

PARTIAL = {"passed": 6, "unsupported": 4}


def test_the_table_shows_both_numbers_by_area(result: New, run_of: Make) -> None:
    run = run_of(
        result("torch.exp::shape"), result("torch.sin::shape", "fail", "A201"),
        result("torch.sum::shape", "partial", area="reduction", **PARTIAL),
    )  # fmt: skip

    assert terminal.table([run]).splitlines() == [
        "┌───────────┬─────────┬────────────┬───────────────┐",
        "│ area      │   items │        toy │           toy │",
        "│           │         │   coverage │   conformance │",
        "├───────────┼─────────┼────────────┼───────────────┤",
        "│ pointwise │       2 │       100% │         75.0% │",
        "│ reduction │       1 │      60.0% │          100% │",
        "│ all       │       3 │      86.7% │         83.3% │",
        "└───────────┴─────────┴────────────┴───────────────┘",
        "toy 1.0, values judged by torch 2.13.0: 1 pass, 1 fail, 1 partial",
    ]


def test_runs_stand_side_by_side(result: New, run_of: Make) -> None:
    one = run_of(result("a::shape"), result("b::shape"), backend={"name": "one"})
    other = run_of(result("a::shape", "unsupported"), backend={"name": "other"})

    lines = terminal.table([one, other]).splitlines()

    assert lines[4] == "│ pointwise │       2 │       100% │          100% │         0% │             – │"
    assert [line.partition(",")[0] for line in lines[-2:]] == ["one 1.0", "other 1.0"]


def test_the_table_says_what_was_not_judged_and_what_was_excused(result: New, run_of: Make) -> None:
    run = run_of(
        result("torch.exp::special[float32]", "self", passed=0, self=1200, excused={"flushed subnormal": 12}),
        complete=False,
    )

    assert terminal.table([run]).splitlines()[-1] == (
        "toy 1.0, values judged by torch 2.13.0: 1 self; 1,200 cases not judged for want of PyTorch; "
        "12 elements excused: flushed subnormal; PARTIAL: the run did not finish, go on with --resume"
    )


def test_the_table_says_what_did_not_happen_again(result: New, run_of: Make) -> None:
    run = replace(run_of(result("a::shape")), events=(Event("incident", "a::shape", message="exit 0"),))

    assert (
        terminal.table([run])
        .splitlines()[-1]
        .endswith(": 1 pass; 1 incident that did not happen again, the first at a::shape: exit 0")
    )


def test_a_run_without_an_oracle_is_judged_by_itself(result: New, run_of: Make) -> None:
    run = run_of(result("a::shape"), oracle={"name": "none", "version": ""})

    assert terminal.table([run]).splitlines()[-1] == "toy 1.0, values judged by itself: 1 pass"


def test_a_cause_is_printed_once_with_its_smallest_call_and_the_command_that_repeats_it(
    result: New, run_of: Make
) -> None:
    run = run_of(result("torch.exp::values[float32]", "fail", "A101"), result("torch.exp::layout", "fail", "A101"))

    assert terminal.summary(run) == (
        "toy: 2 items with findings, 1 cause\n"
        "\n"
        "1. A101 torch.exp: result differs  (1 op, 2 items, 10 cases)\n"
        "  expected: 2\n"
        "  actual:   1\n"
        "  budget:   exact\n"
        "    import torch\n"
        "    print(1)\n"
        "  again: assay repro torch.exp::layout --backend toy.py:Toy"
    )


def test_causes_are_printed_gravest_first(result: New, finding: Find, run_of: Make) -> None:
    found = (
        finding("A305", message="refuses"), finding("A101", message="differs"), finding("A202", message="wrong"),
    )  # fmt: skip

    blocks = terminal.summary(run_of(result("a::shape", "fail", findings=found))).split("\n\n")

    assert [block.partition("  ")[0] for block in blocks[1:]] == [
        "1. A101 a: differs; and 1 more finding", "2. A305 a: refuses",
    ]  # fmt: skip


def test_only_the_gravest_causes_are_printed(result: New, run_of: Make) -> None:
    run = run_of(*[result(f"op{number}::shape", "fail", "A201") for number in range(5)])

    blocks = terminal.summary(run, most=3).split("\n\n")

    assert len(blocks) == 1 + 3 + 1
    assert blocks[-1] == "and 2 more causes; the report shows them all"


def test_where_nothing_is_wrong_there_is_no_summary(result: New, run_of: Make) -> None:
    assert terminal.summary(run_of(result("a::shape"), result("b::shape", "unsupported"))) == ""


def test_a_failing_item_shows_all_its_findings(result: New, finding: Find) -> None:
    both = (
        finding("A301", "error", message="no alpha", expected="", actual="TypeError", budget=None, snippet="", cases=1),
        finding("A101", cases=3),
    )
    item = result("torch.add::values[float32]", "error", findings=both, excused={"flushed subnormal": 12})

    assert terminal.failure(item, {"backend": "numpy", "seed": 3}) == (
        "torch.add::values[float32]  error  5 of 10 cases pass\n"
        "A301 no alpha  (1 case)\n"
        "  actual:   TypeError\n"
        "A101 result is 1, not 2  (3 cases)\n"
        "  expected: 2\n"
        "  actual:   1\n"
        "  budget:   exact\n"
        "    import torch\n"
        "    print(1)\n"
        "  12 elements excused: flushed subnormal\n"
        "  again: assay repro 'torch.add::values[float32]' --backend numpy --seed 3"
    )


KNOWN = "- {code: A101, form: result differs, items: {'a::*': 5}, reason: rounding}\n"


def test_with_expectations_only_the_unexpected_causes_are_printed_however_grave_the_others(
    result: New, finding: Find, run_of: Make, tmp_path: Path
) -> None:
    known = Expectations.of(tmp_path / "known.yaml", KNOWN)
    run = run_of(result("a::values", "fail", "A101"), result("b::shape", "fail", findings=(finding("A202"),)))

    head, *causes = terminal.summary(run, known).split("\n\n")

    assert head == "toy: 2 items with findings, 2 causes, 1 unexpected"
    assert [cause.splitlines()[0] for cause in causes] == ["1. A202 b: result is 1, not 2  (1 op, 1 item, 5 cases)"]
    assert causes[0].splitlines()[-1] == "  again: assay repro b::shape --backend toy.py:Toy"


def test_a_known_cause_that_shows_in_many_more_cases_is_printed(
    result: New, finding: Find, run_of: Make, tmp_path: Path
) -> None:
    known = Expectations.of(tmp_path / "known.yaml", KNOWN)
    run = run_of(result("a::values", "fail", findings=(finding("A101", cases=11),)))

    assert "1. A101 a: " in terminal.summary(run, known)


def test_where_all_is_known_nothing_but_the_count_is_printed(result: New, run_of: Make, tmp_path: Path) -> None:
    known = Expectations.of(tmp_path / "known.yaml", KNOWN)

    assert terminal.summary(run_of(result("a::values", "fail", "A101")), known) == (
        "toy: 1 item with findings, 1 cause, 0 unexpected"
    )
