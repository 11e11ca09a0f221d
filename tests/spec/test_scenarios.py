"""A scenario is parsed to steps where it is a straight line, and stays a program, with the reason, where it is none."""

from __future__ import annotations

import pytest

from assay_spec import load_corpus
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.scenarios import lines, trace
from assay_spec.steps import Function, Look, Named, Ref


def written(run: str, *expressions: str) -> list[tuple[str, str, str, tuple[object, ...]]]:
    """Return each step as name, form, target and arguments."""
    found = trace(run, expressions)
    assert found.stayed_a_program is None
    return [(each.name, each.form, each.target, tuple(each.arguments.values())) for each in found.steps]


def test_a_call_is_a_step_under_the_name_that_it_is_given() -> None:
    assert written("x = torch.zeros(2, dtype=torch.int64)") == [
        ("x", "function", "torch.zeros", (2, Dtype("int64"))),
    ]


def test_what_stands_inside_another_expression_is_a_step_before_it() -> None:
    assert written("y = -torch.ones(1) * 2") == [
        ("_0", "function", "torch.ones", (1,)),
        ("_1", "operator", "neg", (Ref("_0"),)),
        ("y", "operator", "mul", (Ref("_1"), 2)),
    ]


def test_methods_attributes_and_indices_are_of_their_owner() -> None:
    assert written("x = torch.ones(3)\ny = x[1:].sum()\nx.grad = None", "x.grad.shape") == [
        ("x", "function", "torch.ones", (3,)),
        ("_0", "operator", "__getitem__", (Ref("x"), Slice(1, None, None))),
        ("y", "method", "sum", (Ref("_0"),)),
        ("_1", "set attribute", "grad", (Ref("x"), None)),
    ]
    assert trace("x = torch.ones(3)", ("x.grad.shape",)).looks == (Look(Ref("x", ("grad", "shape")), "x"),)


def test_several_names_take_the_parts_of_one_value() -> None:
    assert written("a, (b, c) = torch.f(1)") == [
        ("_0", "function", "torch.f", (1,)),
        ("_1", "iterate", "", (Ref("_0"),)),
        ("a", "value", "", (Ref("_1", (0,)),)),
        ("_2", "iterate", "", (Ref("_1", (1,)),)),
        ("b", "value", "", (Ref("_2", (0,)),)),
        ("c", "value", "", (Ref("_2", (1,)),)),
    ]


def test_another_name_for_a_value_keeps_it() -> None:
    assert written("x = torch.ones(1)\ny = x")[1] == ("y", "value", "", (Ref("x"),))


def test_a_function_is_a_closure() -> None:
    (step,) = trace("def f(t):\n    u = t.exp()\n    return u", ()).steps
    function = step.arguments["0"]

    assert isinstance(function, Function)
    assert (function.parameters, function.result) == (("t",), Ref("u"))
    assert [(each.name, each.target) for each in function.steps] == [("u", "exp")]


def test_a_comprehension_maps_a_closure() -> None:
    assert [step[1:3] for step in written("x = torch.ones(2)\nrows = [row.item() for row in x]")] == [
        ("function", "torch.ones"), ("builtin", "map"), ("builtin", "list"),
    ]  # fmt: skip


def test_a_thing_of_the_library_or_of_python_is_named() -> None:
    assert written("same = isinstance(torch.strided, torch.layout)\nkind = int")[0][3] == (
        Named("torch.strided"), Named("torch.layout"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ("with torch.no_grad():\n    x = 1", "a with block"),
        ("for x in torch.ones(2):\n    pass", "a loop"),
        ("if torch.cuda.is_available():\n    x = 1", "a condition"),
        ("class Square(torch.autograd.Function):\n    pass", "a class"),
        ("import math", "an import"),
        ("x = [y for y in torch.ones(2) if y > 0]", "a comprehension with a condition"),
        ("x = math.pi", "the name 'math'"),
        ("x = torch.f(**{})", "unpacking"),
        ("x = f'{1}'", "an f-string"),
        ("x = 1 < 2 < 3", "a chained comparison"),
        ("n = 1\nx = torch.ones(2)[n:]", "a slice whose ends are computed"),
        ("def f(t=1):\n    return t", "a function with defaults or any number of arguments"),
    ],
)
def test_what_is_no_straight_line_stays_a_program_and_says_why(run: str, reason: str) -> None:
    found = trace(run, ("x",))

    assert found.stayed_a_program == reason
    assert [(step.form, step.target) for step in found.steps] == [("program", run)]


def test_an_expression_alone_is_looked_at() -> None:
    assert trace("", ("torch.strided",)).looks == (Look(Ref("_0"), "_0"),)


def test_lines_may_use_names_that_others_gave() -> None:
    found = lines("kept = optimizer.param_groups[0]['lr']", (), ("optimizer",), "kept.")

    assert [(each.name, each.arguments["0"]) for each in found.steps] == [
        ("kept.0", Ref("optimizer", ("param_groups",))),
        ("kept", Ref("kept.0")),
    ]


def test_few_scenarios_stay_programs() -> None:
    scenarios = [each for op in load_corpus() for each in op.scenarios]
    programs = [each for each in scenarios if trace(each.run, tuple(each.expect)).stayed_a_program]

    assert len(programs) < len(scenarios) / 5
