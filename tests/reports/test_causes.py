from __future__ import annotations

from collections.abc import Callable

import pytest

from assay_reports.causes import among, causes, function
from assay_reports.results import Finding, Result, Run

New = Callable[..., Result]
Find = Callable[..., Finding]
RunOf = Callable[..., Run]


def test_one_cause_over_many_items_is_one(result: New, finding: Find, run_of: RunOf) -> None:
    lacks = [
        result(f"{op}::{facet}", "error", findings=(finding("A301", "error", form="no kernel", cases=3),))
        for op in ("a", "b")
        for facet in ("shape", "layout")
    ]

    (cause,) = causes(run_of(*lacks))

    assert (cause.title, cause.op, cause.ops, cause.cases) == ("no kernel", None, ["a", "b"], 12)
    assert cause.touched == "2 ops, 4 items, 12 cases"


def test_values_that_differ_in_two_ops_are_two_causes(result: New, finding: Find) -> None:
    wrong = finding("A101", form="result differs")

    found = causes([result("a::shape", "fail", findings=(wrong,)), result("b::shape", "fail", findings=(wrong,))])

    assert [cause.title for cause in found] == ["a: result is 1, not 2", "b: result is 1, not 2"]


def test_a_cause_of_one_item_is_called_what_is_wrong_there(result: New, finding: Find) -> None:
    wrong = finding("A201", form="result has shape #, not #", message="\nresult has shape [2], not []\nat all")
    ids = ("a::shape", "a::values")

    one, several = (causes([result(id, "fail", findings=(wrong,)) for id in shown])[0] for shown in (ids[:1], ids))

    assert one.title == "a: result has shape [2], not []"
    assert several.title == "a: result has shape #, not #"
    assert one.slug == several.slug


def test_a_check_that_two_ops_lack_is_one_cause(result: New, finding: Find) -> None:
    lacks = finding("A302", form="no error for an invalid call: the index is out of range")

    (cause,) = causes([result("a::errors", "fail", findings=(lacks,)), result("b::errors", "fail", findings=(lacks,))])

    assert (cause.op, cause.ops) == (None, ["a", "b"])


@pytest.mark.parametrize("code", ["A101", "A301"])
def test_what_is_wrong_with_one_function_alone_is_one_cause(result: New, finding: Find, code: str) -> None:
    shown = {
        "torch.nn.Tanh::values": ("one", 2),
        "torch.tanh::values": ("two", 9),
        "torch.Tensor.tanh_::shape": ("two", 1),
    }

    (cause,) = causes([
        result(id, "fail", findings=(finding(code, form=form, cases=cases, message=form),))
        for id, (form, cases) in shown.items()
    ])  # fmt: skip

    assert cause.title == "torch.tanh (and 2 more names): two; and 1 more finding"
    assert cause.touched == "3 ops, 3 items, 12 cases"
    assert [finding.form for _, finding in cause.ways] == ["two", "one"]


def test_checks_that_one_function_each_lacks_are_one_cause(result: New, finding: Find) -> None:
    lacks = {op: finding("A302", form=f"no error: {op} is odd", message=f"no error: {op} is 3") for op in ("a", "b")}

    (cause,) = causes([result(f"{op}::errors", "fail", findings=(each,)) for op, each in lacks.items()])

    assert (cause.title, cause.op) == ("a: no error: a is 3; and 1 more finding", None)


def test_what_the_same_functions_show_is_one_cause(result: New, finding: Find) -> None:
    both = (finding("A301", "error", form="no axis"), finding("A203", form="no tuple"))

    (cause,) = causes([result(f"torch.{op}::shape", "error", findings=both) for op in ("max", "min")])

    assert ([finding.form for _, finding in cause.ways], cause.op) == (["no tuple", "no axis"], None)


def test_scenarios_of_one_function_each_are_one_cause(result: New, finding: Find) -> None:
    odd = [result(f"torch.{op}::examples", "fail", findings=(finding("A107", form=op),)) for op in ("grad", "data")]

    (cause,) = causes(odd)

    assert (cause.of, cause.ops) == ("code", ["torch.grad", "torch.data"])


def test_any_parameter_that_is_not_there_is_one_cause(result: New, finding: Find) -> None:
    lacks = [finding("A301", "error", form=f"got an unexpected keyword argument '{name}'") for name in ("out", "eps")]

    (cause,) = causes([result(f"{op}::shape", "error", findings=(each,)) for op, each in zip("ab", lacks, strict=True)])

    assert len(cause.ways) == 2


@pytest.mark.parametrize(
    ("ops", "name"),
    [
        (("torch.abs", "torch.abs_", "torch.Tensor.abs"), "abs"),
        (("torch.nn.AvgPool1d", "torch.nn.functional.avg_pool3d"), "avgpool"),
        (("torch.nn.KLDivLoss", "torch.nn.functional.kl_div"), "kldiv"),
        (("torch.nn.L1Loss", "torch.nn.functional.l1_loss"), "l1"),
        (("torch.norm",), "norm"),
        (("torch.linalg.norm",), "torch.linalg.norm"),
        (("torch.Size",), "torch.Size"),
        (("torch.Tensor.__getitem__",), "torch.Tensor.__getitem__"),
        (("broadcasting",), "broadcasting"),
    ],
)
def test_a_function_has_several_names(ops: tuple[str, ...], name: str) -> None:
    assert {function(op) for op in ops} == {name}


def test_a_part_of_what_is_wrong_has_the_causes_of_the_whole(result: New, finding: Find) -> None:
    lacks = finding("A301", "error", form="no kernel")
    results = [result(f"{op}::shape", "error", findings=(lacks,)) for op in ("a", "b")]
    whole = causes(results)

    (part,) = among(whole, [(results[1], lacks)])

    assert (part.slug, part.ops) == (whole[0].slug, ["b"])


def test_a_wrong_dtype_in_two_ops_is_one_cause(result: New, finding: Find) -> None:
    wrong = finding("A202", form="result is dtype, not dtype")

    found = causes([result("a::dtype", "fail", findings=(wrong,)), result("b::dtype", "fail", findings=(wrong,))])

    assert [cause.ops for cause in found] == [["a", "b"]]


def test_every_finding_of_an_item_counts(result: New, finding: Find) -> None:
    both = (finding("A301", "error", form="no alpha"), finding("A101", form="result differs"))

    found = causes([result("add::values[float32]", "error", findings=both)])

    assert [[finding.code for _, finding in cause.ways] for cause in found] == [["A101", "A301"]]


def test_wrong_answers_come_before_missing_errors_and_first_what_most_items_and_cases_show(
    result: New, finding: Find
) -> None:
    results = [
        result("a::signature", "fail", findings=(finding("A305", form="refuses", cases=900),)),
        result("a::errors", "fail", findings=(finding("A302", form="accepts"),)),
        result("a::dtype", "fail", findings=(finding("A202", form="rare"), finding("A202", form="often", cases=7))),
        result("b::dtype", "fail", findings=(finding("A202", form="everywhere"), finding("A202", form="often"))),
        result("c::shape", "fail", findings=(finding("A202", form="everywhere"), finding("A202", form="everywhere"))),
        result("d::shape", "fail", findings=(finding("A202", form="rare"),)),
        result("a::values[float32]", "fail", findings=(finding("A101", form="differs", cases=1),)),
        result("a::shape", "crash", findings=(finding("A801", "crash", form="died", cases=1),)),
    ]

    assert [(cause.code, cause.form) for cause in causes(results)] == [
        ("A801", "died"), ("A202", "everywhere"), ("A202", "often"), ("A202", "rare"), ("A101", "differs"),
        ("A302", "accepts"), ("A305", "refuses"),
    ]  # fmt: skip


def test_a_cause_is_shown_by_its_shortest_program(result: New, finding: Find) -> None:
    long, short, none = (finding("A202", form="f", snippet=text, case=text) for text in ("print(1, 2)", "print(1)", ""))

    (cause,) = causes([
        result("a::shape", "fail", findings=(none,)),
        result("b::shape", "fail", findings=(long,)),
        result("c::shape", "fail", findings=(short,)),
    ])  # fmt: skip

    assert (cause.smallest[0].id, cause.smallest[1]) == ("c::shape", short)


def test_what_is_only_unsupported_is_no_cause(result: New, finding: Find) -> None:
    unsupported = result("a::shape", "unsupported", findings=(finding("A001", "unsupported", form="no a"),))

    assert causes([unsupported]) == []


def test_a_cause_keeps_its_address_from_run_to_run(result: New, finding: Find) -> None:
    first, second = (
        causes([result(f"a::{facet}", "fail", findings=(finding("A101", form="differs", cases=cases),))])[0]
        for facet, cases in (("shape", 1), ("layout", 7))
    )

    assert first.slug == second.slug
    assert first.slug.startswith("A101-")
