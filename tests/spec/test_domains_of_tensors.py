"""The four faces of the domain of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from assay_spec.builder import WORDS
from assay_spec.domains import Axis, Focus, Tensors, tensor, varying
from assay_spec.dtypes import CLASSES
from assay_spec.expression import Expression, Free, FreeMany
from assay_spec.plans import LAYOUTS, TensorPlan

EVERYTHING = Focus(frozenset({"shape", "dtype", "layout", "values", "special", "options"}))


def domain(source: str) -> Tensors:
    found = Expression(source, WORDS)({"x": TensorPlan("float32", (2, 3)), "row": TensorPlan("float32", (1, 3))})
    assert isinstance(found, Tensors)
    return found


def walked(source: str, *axes: Axis, dtype: str | None = None, seed: int = 0) -> list[TensorPlan]:
    return list(domain(source).walk(Focus(frozenset(axes), dtype, seed)))


def drawn(source: str, focus: Focus = EVERYTHING, count: int = 200) -> list[TensorPlan]:
    chance = Random(0)
    return [domain(source).draw(lambda choice: choice(chance), focus) for _ in range(count)]


def test_the_plainest_tensor_is_a_small_matrix_of_the_first_dtype() -> None:
    assert walked("tensor(real)") == [TensorPlan("float32", (2, 3))]


def test_a_focus_on_a_dtype_keeps_to_it_where_the_domain_has_it() -> None:
    assert [plan.dtype for plan in walked("tensor(real)", dtype="int8")] == ["int8"]
    assert [plan.dtype for plan in walked("tensor(floating)", dtype="int8")] == ["float32"]


def test_the_dtype_axis_walks_the_other_dtypes() -> None:
    assert [plan.dtype for plan in walked("tensor(half | bool)", "dtype")] == ["float16", "bfloat16", "bool"]


def test_the_shape_axis_walks_every_rank_the_empty_and_the_wide() -> None:
    shapes = [plan.shape for plan in walked("tensor(real)", "shape")]

    assert shapes[0] == (2, 3)
    assert {len(shape) for shape in shapes} == {0, 1, 2, 3, 4, 5}
    assert {(0,), (3, 0), (1,), (17,), (1025,)} <= set(shapes)
    assert len(set(shapes)) == len(shapes)


def test_the_layout_axis_walks_the_layouts_of_matrices_vectors_and_scalars() -> None:
    layouts = [(plan.ndim, plan.layout) for plan in walked("tensor(real)", "layout")]

    assert layouts == [
        (2, "contiguous"), (2, "transposed"), (4, "channels-last"), (3, "channels-last"),
        (2, "expanded"), (2, "offset"), (2, "block"), (2, "stepped"),
        (1, "stepped"), (1, "offset"), (1, "expanded"), (0, "offset"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "layouts"),
    [
        ("dense=True", ["contiguous"]),
        ("overlap=False", ["contiguous", "transposed", "offset", "block", "stepped"]),
        ("distinct=True", ["contiguous", "transposed", "offset", "block", "stepped"]),
        ("invertible=True", ["contiguous", "transposed", "offset", "block", "stepped"]),
    ],
)
def test_elements_are_not_repeated_where_the_domain_says_so(limit: str, layouts: list[str]) -> None:
    source = f"tensor(real, {limit})"

    walked_layouts = [plan.layout for plan in walked(source, "layout") if plan.ndim > 1]
    assert [each for each in walked_layouts if each != "channels-last"] == layouts
    assert {plan.layout for plan in drawn(source)} - {"channels-last"} == set(layouts)


def test_the_values_axis_walks_kinds_and_seeds() -> None:
    fills = [(plan.fill.kind, plan.fill.seed) for plan in walked("tensor(real)", "values", seed=7)]

    assert fills == [
        ("plain", 7), ("ties", 7), ("large", 7), ("small", 7), ("wide", 7), *[("negative", 7)] * 4,
        ("plain", 8), ("plain", 9), ("plain", 10),
    ]  # fmt: skip


def test_many_elements_of_one_sign_lie_along_each_dimension() -> None:
    shapes = [plan.shape for plan in walked("tensor(real)", "values") if plan.fill.kind == "negative"]

    assert shapes == [(2, 3), (70,), (2, 70), (70, 2)]


def test_the_special_axis_walks_special_values_alone_past_a_vectors_width_and_in_the_majority() -> None:
    plans = walked("tensor(real)", "special")[1:]

    assert {plan.shape for plan in plans if plan.fill.kind == "special"} == {(64,), (8, 8), (1,), ()}
    assert {plan.shape for plan in plans if plan.fill.kind == "extremes"} == {(5,)}
    assert {plan.shape for plan in walked("tensor(real, like=x)", "special")[1:]} == {(2, 3), ()}


@pytest.mark.parametrize("limit", ["distinct=True", "invertible=True"])
def test_special_values_would_break_what_some_domains_promise(limit: str) -> None:
    assert len(walked(f"tensor(real, {limit})", "special")) == 1


def test_the_fill_keeps_the_limits_of_the_domain() -> None:
    plans = walked("tensor(real, within=(0, 1), distinct=True, nonzero=True, invertible=True)", "values")

    assert {(p.fill.low, p.fill.high, p.fill.distinct, p.fill.nonzero, p.fill.invertible) for p in plans} == {
        (0, 1, True, True, True)
    }


def test_a_pattern_is_walked_with_each_size_at_its_boundaries() -> None:
    shapes = [plan.shape for plan in walked("tensor(real, shape=[*N, C, 3])", "shape")]

    assert shapes == [
        (2, 3, 3), (3, 3), (2, 3, 3, 3), (1, 3, 3), (0, 3, 3), (3, 1, 3, 3), (2, 1, 3), (2, 0, 3), (2, 17, 3),
        (2, 33, 3), (1, 3),
    ]  # fmt: skip


def test_the_same_name_is_the_same_size_and_others_differ() -> None:
    assert walked("tensor(real, shape=[M, M])")[0].shape == (3, 3)
    assert walked("tensor(real, shape=[N, C])")[0].shape == (2, 3)
    assert all(plan.shape[0] == plan.shape[1] for plan in walked("tensor(real, shape=[M, M])", "shape"))
    assert all(plan.shape[0] == plan.shape[1] for plan in drawn("tensor(real, shape=[M, M])"))


def test_partners_of_a_shape_broadcast_with_it() -> None:
    shapes = [plan.shape for plan in walked("tensor(real, like=x)", "shape")]

    assert shapes == [(2, 3), (), (3,), (1,), (1, 3), (2, 1), (1, 1), (2, 2, 3), (1, 2, 3)]


def test_a_partner_may_stretch_what_is_one() -> None:
    assert walked("tensor(real, like=row)")[0].shape == (3, 3)


def test_an_inner_partner_enlarges_nothing() -> None:
    shapes = [plan.shape for plan in walked("tensor(real, like=row, inner=True)", "shape")]

    assert shapes == [(1, 3), (), (3,), (1,), (1, 1)]


INSIDE: list[tuple[str, Callable[[TensorPlan], bool]]] = [
    ("tensor(half)", lambda plan: plan.dtype in ("float16", "bfloat16") and plan.ndim <= 5),
    ("tensor(int8)", lambda plan: plan.dtype == "int8"),
    ("tensor(real, rank=2)", lambda plan: plan.ndim == 2),
    ("tensor(real, min_rank=1, max_rank=3)", lambda plan: 1 <= plan.ndim <= 3),
    ("tensor(real, min_size=2)", lambda plan: all(length >= 2 for length in plan.shape)),
    ("tensor(real, min_numel=3)", lambda plan: plan.numel >= 3),
    ("tensor(real, min_size=2, min_numel=3)", lambda plan: plan.numel >= 3 and min(plan.shape) >= 2),
    ("tensor(real, within=(0, 1))", lambda plan: (plan.fill.low, plan.fill.high) == (0, 1)),
    ("tensor(real, distinct=True)", lambda plan: plan.fill.distinct and plan.fill.kind != "special"),
    ("tensor(real, shape=[4, 3])", lambda plan: plan.shape == (4, 3)),
    ("tensor(real, shape=[])", lambda plan: plan.shape == ()),
    ("tensor(real, shape=[*N, C, 3])", lambda plan: 2 <= plan.ndim <= 4 and plan.shape[-1] == 3),
    ("tensor(real, shape=[*N, C], max_rank=2)", lambda plan: 1 <= plan.ndim <= 2),
    ("tensor(real, shape=[*N, C], min_rank=3)", lambda plan: 3 <= plan.ndim <= 4),
    ("tensor(real, shape=[C, 3], min_numel=7)", lambda plan: plan.shape[1] == 3 and plan.shape[0] >= 3),
    ("tensor(real, shape=[M, M], min_size=1)", lambda plan: plan.shape[0] == plan.shape[1] > 0),
    ("tensor(real, shape=varying((2, 5), -1))", lambda plan: plan.ndim == 2 and plan.shape[0] == 2),
    ("tensor(real, like=row)", lambda plan: plan.ndim < 1 or plan.shape[-1] in (1, 3)),
    ("tensor(real, like=(0, 2))", lambda plan: plan.ndim < 2 or plan.shape[-2:] in ((0, 2), (1, 2), (0, 1), (1, 1))),
]


@pytest.mark.parametrize(("source", "inside"), INSIDE)
def test_every_tensor_walked_and_drawn_lies_inside(source: str, inside: Callable[[TensorPlan], bool]) -> None:
    plans = [*domain(source).walk(EVERYTHING), *drawn(source)]

    assert [plan for plan in plans if not inside(plan)] == []


def test_a_tensor_has_no_invalid_values() -> None:
    assert list(domain("tensor(real)").invalid()) == []


def test_nothing_is_walked_where_no_shape_is_allowed() -> None:
    assert walked("tensor(real, shape=[0, C], min_numel=1)", "shape") == []


def test_draws_reach_every_dtype_rank_layout_and_kind() -> None:
    plans = drawn("tensor(half)", count=200)

    assert {plan.dtype for plan in plans} == {"float16", "bfloat16"}
    assert {plan.ndim for plan in plans} == {0, 1, 2, 3, 4}
    assert {plan.layout for plan in plans} == set(LAYOUTS)
    assert {plan.fill.kind for plan in plans} == {"plain", "ties", "small"}


def test_draws_keep_the_dtype_and_layout_that_are_not_in_focus() -> None:
    plans = drawn("tensor(half)", Focus(frozenset({"shape"}), "bfloat16"))

    assert {(plan.dtype, plan.layout) for plan in plans} == {("bfloat16", "contiguous")}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("tensor(half)", "a tensor of float16 | bfloat16"),
        ("tensor(int8, rank=1)", "a tensor of int8, of 1 dimension"),
        ("tensor(int8, rank=2)", "a tensor of int8, of 2 dimensions"),
        ("tensor(int8, min_rank=1)", "a tensor of int8, of 1 to 5 dimensions"),
        ("tensor(int8, shape=[*N, C, 3, C + 1])", "a tensor of int8, shape [*N, C, 3, any]"),
        ("tensor(int8, like=x)", "a tensor of int8, of a shape that broadcasts"),
        ("tensor(int8, like=x, inner=True)", "a tensor of int8, of a shape that broadcasts and enlarges nothing"),
        ("tensor(int8, within=(0, inf))", "a tensor of int8, values in [0, inf]"),
        ("tensor(int8, min_size=2, min_numel=3)", "a tensor of int8, no size below 2, 3 elements or more"),
        ("tensor(int8, apart=2)", "a tensor of int8, no element twice within the last 2 dimensions"),
        ("tensor(int8, distinct=True, nonzero=True)", "a tensor of int8, no element twice, no zeros"),
        ("tensor(int8, dense=True)", "a tensor of int8, contiguous"),
        (
            "tensor(float32, shape=[M, M], invertible=True, overlap=False)",
            "a tensor of float32, shape [M, M], invertible, not expanded",
        ),
    ],
)
def test_a_domain_of_tensors_says_what_it_holds(source: str, words: str) -> None:
    assert domain(source).describe() == words


def test_a_chosen_tensor_fixes_the_sizes_that_its_shape_names() -> None:
    scope: dict[str, Any] = {}

    domain("tensor(real, shape=[*N, C, 3])").bind(TensorPlan("float32", (5, 6, 7, 3)), scope)

    assert scope == {"N": (5, 6), "C": 7}


@pytest.mark.parametrize("value", [TensorPlan("float32", (3,)), 1.5])
def test_a_value_of_another_alternative_fixes_no_size(value: Any) -> None:
    scope: dict[str, Any] = {}

    (domain("tensor(real, shape=[N, C])") | domain("tensor(real, shape=[N, C, 2])")).bind(value, scope)

    assert scope == {}


def test_sizes_are_fixed_through_what_stands_around_a_tensor() -> None:
    scope: dict[str, Any] = {}

    Expression("maybe(given(tensor(real, shape=[N])))", WORDS)({}).bind(TensorPlan("float32", (5,)), scope)

    assert scope == {"N": 5}


def test_varying_frees_one_size() -> None:
    assert varying((2, 3, 4), -2) == (2, Free(""), 4)


def test_a_pattern_sets_the_rank() -> None:
    real = CLASSES["real"]

    assert (tensor(real, shape=[Free("N"), 3]).min_rank, tensor(real, shape=[Free("N"), 3]).max_rank) == (2, 2)
    assert (tensor(real, shape=[FreeMany("N"), 3]).min_rank, tensor(real, shape=[FreeMany("N"), 3]).max_rank) == (1, 5)


def test_a_plan_past_the_width_of_vectors_is_walked_for_every_free_size() -> None:
    assert max(math.prod(plan.shape) for plan in walked("tensor(real, shape=[N])", "shape")) == 33
