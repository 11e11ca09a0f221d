"""The four faces of every domain but tensors: walk, draw, invalid and describe."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from assay_spec.builder import WORDS
from assay_spec.domains import CONSTRUCTORS, Domain, Dtype, Focus
from assay_spec.expression import Expression, ExpressionError
from assay_spec.plans import Fill, Made, Slice, TensorPlan

PLAIN = Focus()
OPTIONS = Focus(frozenset({"options"}))
SPECIAL = Focus(frozenset({"special"}))

SCOPE = {
    "x": TensorPlan("float32", (2, 3)),
    "cube": TensorPlan("float32", (2, 3, 4)),
    "one": TensorPlan("float32", ()),
    "empty": TensorPlan("float32", (0, 3)),
    "flat": TensorPlan("float32", (1, 3)),
    "low": 1,
    "high": 0,
}


def domain(source: str) -> Domain:
    found = Expression(source, WORDS)(dict(SCOPE))
    assert isinstance(found, Domain)
    return found


def drawn(subject: Domain, focus: Focus = PLAIN, count: int = 40) -> list[Any]:
    source = Random(0)
    return [subject.draw(lambda choice: choice(source), focus) for _ in range(count)]


def parameter(shape: tuple[int, ...], seed: int) -> TensorPlan:
    return TensorPlan("float32", shape, fill=Fill(seed=seed))


WALKS: list[tuple[str, Focus, list[Any]]] = [
    ("integer(1, 5)", PLAIN, [3, 5, 1, 2]),
    ("integer(1, 9, 2)", PLAIN, [2, 9, 1]),
    ("integer(4, 4)", PLAIN, [4]),
    ("integer(low, high)", PLAIN, []),
    ("dim(cube)", PLAIN, [0, -1, 1, 2, -3, -2]),
    ("dim(one)", PLAIN, [0, -1]),
    ("dim((2, 3))", PLAIN, [0, -1, 1, -2]),
    ("dims(cube)", PLAIN, [(0,), (0, 1, 2), (2, 0), (-2, -1)]),
    ("dims(one)", PLAIN, [()]),
    ("order(cube)", PLAIN, [(2, 1, 0), (0, 1, 2), (1, 2, 0), (-1, -2, -3)]),
    ("order(one)", PLAIN, [()]),
    ("number()", PLAIN, [2, -3, 0, 1, 0.5, -1.5, 2.0, 0.0]),
    ("number()", SPECIAL, [2, -3, 0, 1, 0.5, -1.5, 2.0, 0.0, math.inf, -math.inf, math.nan]),
    ("number(0, 1)", SPECIAL, [0, 1, 0.5, 0.0, 1.0]),
    ("number(10, 20)", PLAIN, [10.0, 20.0]),
    ("number(of=int8)", SPECIAL, [2, -3, 0, 1]),
    ("number(1, 5, of=int8)", PLAIN, [2, 1, 5]),
    ("number(0, 1, integral=False)", PLAIN, [0.5, 0.0, 1.0]),
    ("boolean()", PLAIN, [False, True]),
    ("one_of('mean', 'sum')", PLAIN, ["mean", "sum"]),
    ("dtype(half)", PLAIN, ["float16", "bfloat16"]),
    ("dtype(int8)", PLAIN, ["int8"]),
    ("pairs(integer(1, 3))", PLAIN, [2, 3, 1, (2, 3), (1, 3)]),
    ("pairs(integer(2, 2))", PLAIN, [2, (2, 2)]),
    ("pairs(integer(1, 3), 1)", PLAIN, [2, 3, 1, (2,), (1,)]),
    ("pairs(integer(1, 2), 3)", PLAIN, [2, 1, (2, 1, 2), (1, 2, 1)]),
    ("maybe(integer(1, 3))", PLAIN, [None, 2, 3, 1]),
    ("given(integer(1, 3))", PLAIN, [2, 3, 1]),
    ("many(integer(1, 3))", PLAIN, [(2, 2), (3, 2), (2, 3), (1, 2), (2, 1)]),
    ("together(integer(1, 3), one_of(7, 8))", PLAIN, [(2, 7), (3, 7), (1, 7), (2, 8)]),
    ("many(one_of(7), 1, 3)", OPTIONS, [(7, 7), (7,), (7, 7, 7)]),
    ("many(one_of(7), 4, 4)", PLAIN, [(7, 7, 7, 7)]),
    ("many(integer(1, 3), 0, 0)", OPTIONS, [()]),
    ("many(integer(low, high))", PLAIN, []),
    ("integer(1, 1) | one_of('same')", PLAIN, [1]),
    ("integer(1, 1) | one_of('same')", OPTIONS, [1, "same"]),
    ("shapes()", PLAIN, [(2, 3), (), (0,), (1,), (4,), (2, 0, 3), (2, 3, 4), (17,), (1025,)]),
    ("view_shapes(x)", PLAIN, [(6,), (-1,), (2, 3, -1), (-1, 6), (2, 3), (3, 2), (1, 2, 3, 1), (2, 1, 3)]),
    ("view_shapes(empty)", PLAIN, [(0,), (0, 3), (3, 0), (1, 0, 3, 1), (2, 0, 3)]),
    ("view_shapes(one)", PLAIN, [(1,), (-1,), (-1, 1), (), (1, 1)]),
    ("expand_shapes(flat)", PLAIN, [(2, 3, 3), (3, 3), (-1, -1), (0, 1, 3), (3, 1, 3, 3)]),
    ("index(one)", PLAIN, [
        (...,), (None,), (True,), (False,), (), ..., None, True, TensorPlan("bool", (), fill=Fill("given", given=True)),
    ]),
    ("parameter_groups()", Focus(seed=7), [
        ({"params": (parameter((2, 3), 7), parameter((4,), 8))},),
        ({"params": (parameter((2, 3), 7), parameter((4,), 8))}, {"params": (parameter((), 9),), "lr": 0.25}),
    ]),
    ("parameter_groups(1)", Focus(seed=7), [({"params": (parameter((2, 3), 7), parameter((4,), 8))},)]),
    ("made('f.G')", PLAIN, [Made("f.G", {})]),
    ("made('f.G', a=1, b=integer(1, 2), c=boolean())", PLAIN, [
        Made("f.G", {"a": 1, "b": 2, "c": False}),
        Made("f.G", {"a": 1, "b": 1, "c": False}),
        Made("f.G", {"a": 1, "b": 2, "c": True}),
    ]),
    ("made('f.G', inner=made('f.H', b=boolean()))", PLAIN, [
        Made("f.G", {"inner": Made("f.H", {"b": False})}), Made("f.G", {"inner": Made("f.H", {"b": True})}),
    ]),
    ("made('f.G', several=[boolean(), made('f.H'), 7])", PLAIN, [
        Made("f.G", {"several": (False, Made("f.H", {}), 7)}), Made("f.G", {"several": (True, Made("f.H", {}), 7)}),
    ]),
    ("made('f.G', a=integer(low, high))", PLAIN, []),
]  # fmt: skip


@pytest.mark.parametrize(("source", "focus", "values"), WALKS)
def test_a_walk_gives_the_plainest_value_first_and_then_the_boundaries(
    source: str, focus: Focus, values: list[Any]
) -> None:
    found = list(domain(source).walk(focus))

    assert list(map(repr, found)) == list(map(repr, values))  # repr tells 2 from 2.0, and nan is itself


def test_an_index_is_walked_with_each_kind_of_item() -> None:
    indices = list(domain("index(cube)").walk(PLAIN))

    assert {type(item) for index in indices if type(index) is tuple for item in index} == {
        int, Slice, type(None), type(...), list, TensorPlan,
    }  # fmt: skip
    assert {type(index) for index in indices} == {tuple, int, Slice, type(None), type(...), list, TensorPlan, bool}
    assert indices[0] == (Slice(0, 1),)


def test_an_index_that_is_written_to_names_no_element_twice() -> None:
    indices = list(domain("index(cube, once=True)").walk(PLAIN))

    assert [1, 0] in indices and [0, 0] not in indices
    assert all(each.dtype == "bool" or not each.shape for each in indices if isinstance(each, TensorPlan))


def is_int(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def are_dims(rank: int, value: Any, count: int | None = None) -> bool:
    dims = [dim % rank for dim in value if -rank <= dim < rank]
    return len(set(dims)) == len(value) and count in (None, len(value))


def of_six(value: Any) -> bool:
    known = math.prod(length for length in value if length != -1)
    return (known == 6) if -1 not in value else (value.count(-1) == 1 and 6 % known == 0)


def takes(value: Any, shape: tuple[int, ...] = (2, 3)) -> bool:
    """Return whether an index may stand in brackets after a tensor of a shape."""
    given = value if isinstance(value, tuple) else (value,)
    items = [item for item in given if item is not None and item is not ... and not isinstance(item, bool)]
    masks = [item for item in items if isinstance(item, TensorPlan) and item.dtype == "bool"]
    if masks:
        return all(_occurs(mask.shape, shape) for mask in masks)
    return len(items) <= len(shape) and all(
        isinstance(item, Slice) or _positions_fit(item, length) for item, length in zip(items, shape, strict=False)
    )


def _occurs(part: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return any(shape[at : at + len(part)] == part for at in range(len(shape)))


def _positions_fit(item: Any, length: int) -> bool:
    if isinstance(item, TensorPlan):
        return -length <= item.fill.low and item.fill.high < length
    return all(-length <= each < length for each in (item if isinstance(item, list) else [item]))


def are_parameters(params: Any, lr: float = 0.5) -> bool:
    return 0 < lr <= 1 and len(params) > 0 and all(isinstance(each, TensorPlan) for each in params)


INSIDE: list[tuple[str, Callable[[Any], bool]]] = [
    ("integer(1, 5)", is_int(1, 5)),
    ("dim(cube)", is_int(-3, 2)),
    ("dim(one)", is_int(-1, 0)),
    ("dims(cube)", lambda value: are_dims(3, value)),
    ("dims(one)", lambda value: value in ((), (0,), (-1,))),
    ("order(cube)", lambda value: are_dims(3, value, 3)),
    ("order(one)", lambda value: value == ()),
    ("number(10, 20)", lambda value: 10 <= value <= 20),
    ("number(-20, -10)", lambda value: -20 <= value <= -10),
    ("number(0, inf)", lambda value: value >= 0),
    ("number(0.1, 0.9)", lambda value: 0.1 <= value <= 0.9),
    ("number(0.01, 0.02)", lambda value: 0.01 <= value <= 0.02),
    ("number(-2, 2, of=int64)", is_int(-2, 2)),
    ("number(0, 1, integral=False)", lambda value: type(value) is float and 0 <= value <= 1),
    ("boolean()", lambda value: type(value) is bool),
    ("one_of('mean', 'sum')", lambda value: value in ("mean", "sum")),
    ("dtype(half)", lambda value: type(value) is Dtype and value in ("float16", "bfloat16")),
    ("pairs(integer(1, 3))", lambda value: all(map(is_int(1, 3), value if isinstance(value, tuple) else [value]))),
    ("maybe(integer(1, 3))", lambda value: value is None or 1 <= value <= 3),
    ("given(integer(1, 3))", is_int(1, 3)),
    ("together(integer(1, 3), one_of(7))", lambda value: value[0] in (1, 2, 3) and value[1:] == (7,)),
    ("many(integer(1, 3), 0, 2)", lambda value: len(value) <= 2 and all(map(is_int(1, 3), value))),
    ("integer(0, 2) | integer(3, 5)", is_int(0, 5)),
    ("integer(1, 3) | one_of(0, 'same')", lambda value: value in (0, 1, 2, 3, "same")),
    ("integer(1, 3) | number(0.5, 4)", lambda value: 0.5 <= value <= 4),
    ("maybe(integer(1, 3)) | pairs(integer(0, 0))", lambda value: value in (None, 0, 1, 2, 3, (0, 0))),
    ("dim(x) | dims(x)", lambda value: are_dims(2, value if isinstance(value, tuple) else (value,))),
    ("given(integer(1, 3)) | dim(x)", is_int(-2, 3)),
    ("shapes()", lambda value: all(map(is_int(0, 1025), value))),
    ("view_shapes(x)", of_six),
    ("expand_shapes(flat)", lambda value: len(value) >= 2 and value[-1] in (3, -1) and value[-2] in (1, 3, -1)),
    ("index(x)", takes),
    ("parameter_groups()", lambda value: all(are_parameters(**group) for group in value) and len(value) > 0),
    ("made('f.G', a=1, b=integer(1, 3), c=[boolean()])",
     lambda value: value.target == "f.G" and value.arguments["a"] == 1 and value.arguments["b"] in (1, 2, 3)
     and value.arguments["c"] in ((False,), (True,))),
]  # fmt: skip


@pytest.mark.parametrize(("source", "inside"), INSIDE)
def test_every_value_walked_and_drawn_lies_inside(source: str, inside: Callable[[Any], bool]) -> None:
    walked = list(domain(source).walk(OPTIONS))

    assert walked
    assert [value for value in (*walked, *drawn(domain(source), OPTIONS)) if not inside(value)] == []


@pytest.mark.parametrize(("source", "inside"), INSIDE)
def test_every_invalid_value_lies_outside_the_domain(source: str, inside: Callable[[Any], bool]) -> None:
    assert [value for value in domain(source).invalid() if inside(value)] == []


INVALID: list[tuple[str, list[Any]]] = [
    ("integer(1, 5)", [0, 6]),
    ("dim(cube)", [3, -4]),
    ("dim(one)", [1, -2]),
    ("dims(cube)", [(3,), (0, 0)]),
    ("dims(one)", [(1,)]),
    ("order(cube)", [(3, 3, 3), (0, 0, 0)]),
    ("order(one)", [(1,)]),
    ("pairs(integer(1, 3))", [0, 4]),
    ("maybe(integer(1, 3))", [0, 4]),
    ("given(integer(1, 3))", [0, 4]),
    ("integer(0, 2) | integer(3, 5)", [-1, 6]),
    ("integer(1, 3) | one_of(0)", [4]),
    ("integer(1, 3) | dims(x)", [0, 4, (2,), (0, 0)]),
    ("index(x)", [2, [2], (2,), (-3,), (Slice(), Slice(), Slice())]),
    ("index(one)", [(0,)]),
    ("number(0, 1)", []),
    ("one_of(1, 2)", []),
    ("many(integer(1, 3))", []),
    ("together(integer(1, 3), one_of(7))", []),
    ("shapes()", []),
    ("tensor(real)", []),
    ("parameter_groups()", [()]),
    ("made('f.G', a=1, b=integer(1, 3), c=boolean())", [
        Made("f.G", {"a": 1, "b": 0, "c": False}), Made("f.G", {"a": 1, "b": 4, "c": False}),
    ]),
    ("made('f.G', a=integer(low, high))", []),
]  # fmt: skip


@pytest.mark.parametrize(("source", "values"), INVALID)
def test_the_invalid_values_are_those_just_out_of_range(source: str, values: list[Any]) -> None:
    assert list(domain(source).invalid()) == values


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("integer(1, 3) | order(x)", (0, -1)),
        ("integer(1, 3) | maybe(dim(x))", None),
        ("integer(1, 3) | given(dim(x))", -2),
        ("dim(x) | pairs(integer(5, 6))", (5, 6)),
        ("dim(x) | number(0, 9)", 8.5),
        ("dim(x) | parameter_groups()", ({"params": ()},)),
        ("dim(x) | made('f.G', a=integer(1, 3), b=[dim(x), 7])", Made("f.G", {"a": 2, "b": (1, 7)})),
    ],
)
def test_either_holds_what_one_of_its_choices_holds(source: str, value: Any) -> None:
    assert domain(source).holds(value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("integer(1, 5)", "an integer from 1 to 5"),
        ("dim(cube)", "a dimension, counted from the front or, negative, from the back"),
        ("dims(cube)", "several different dimensions"),
        ("order(cube)", "every dimension once, in any order"),
        ("number()", "a number"),
        ("number(0, 0.5)", "a number in [0, 0.5]"),
        ("number(1, inf, of=int8)", "an integer in [1, inf]"),
        ("number(integral=False)", "a float"),
        ("boolean()", "one of False, True"),
        ("one_of('mean', None)", "one of 'mean', None"),
        ("dtype(half)", "one of 'float16', 'bfloat16'"),
        ("pairs(integer(1, 3))", "an integer from 1 to 3, or 2 of them"),
        ("maybe(boolean())", "None, or one of False, True"),
        ("given(boolean())", "one of False, True, always given"),
        ("many(boolean(), 1, 3)", "1 to 3 of: one of False, True"),
        ("together(boolean(), one_of(7))", "a tuple of one of False, True; one of 7"),
        ("integer(1, 3) | one_of('same')", "an integer from 1 to 3 or one of 'same'"),
        ("shapes()", "a shape"),
        ("parameter_groups()", "groups of parameters, some with a learning rate of their own"),
        ("parameter_groups(1)", "a group of parameters, perhaps with a learning rate of its own"),
        ("made('f.G', a=1, b=[boolean(), 'x'])", "f.G(a: 1; b: [one of False, True, 'x'])"),
        ("view_shapes(x)", "a shape of as many elements"),
        ("expand_shapes(x)", "a shape to broadcast to"),
        ("index(x)", "integers, slices, None, Ellipsis, booleans, lists and integer tensors"),
    ],
)
def test_a_domain_says_what_it_holds(source: str, words: str) -> None:
    assert domain(source).describe() == words


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("integer(low, high)", "there is no integer from 1 to 0"),
        ("number(0.5, 0.9, of=int8)", "there is no integer in [0.5, 0.9]"),
    ],
)
def test_nothing_is_drawn_from_an_empty_domain(source: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        drawn(domain(source))

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("other", "held"),
    [(Made("f.H", {"a": 2}), False), (Made("f.G", {"b": 2}), False), (Made("f.G", {"a": 4}), False), (2, False)],
)
def test_an_object_of_another_kind_is_not_held(other: Any, held: bool) -> None:
    assert domain("made('f.G', a=integer(1, 3))").holds(other) is held


def test_an_object_fixes_the_sizes_of_its_arguments() -> None:
    made = domain("made('f.G', weight=tensor(floating, shape=[N, 2]), a=1)")
    scope: dict[str, Any] = {}

    made.bind(Made("f.G", {"weight": TensorPlan("float32", (5, 2)), "a": 1}), scope)

    assert scope == {"N": 5}


def test_every_domain_is_tested() -> None:
    tested = " ".join(source for source, *_ in (*WALKS, *INSIDE, *INVALID))

    # tensors have a file of their own
    assert [name for name in CONSTRUCTORS if f"{name}(" not in tested] == ["varying"]
