from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from assay_spec.plans import ABSENT, LAYOUTS, Fill, Layout, TensorPlan, row_major


@pytest.mark.parametrize(
    ("shape", "strides"),
    [((2, 3, 4), (12, 4, 1)), ((5,), (1,)), ((), ()), ((2, 0, 3), (3, 3, 1)), ((0,), (1,)), ((3, 1), (1, 1))],
)
def test_the_last_dimension_varies_fastest(shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    assert row_major(shape) == strides


@pytest.mark.parametrize(
    ("shape", "layout", "strides"),
    [
        ((2, 3), "contiguous", (3, 1)),
        ((2, 3), "offset", (3, 1)),
        ((2, 3), "transposed", (1, 2)),
        ((2, 3, 4), "transposed", (1, 2, 6)),
        ((2, 3), "stepped", (6, 2)),
        ((2, 3), "expanded", (0, 1)),
        ((4,), "expanded", (0,)),
        ((1, 3), "expanded", (3, 1)),
        ((0, 3), "expanded", (3, 1)),
        ((), "expanded", ()),
        ((), "transposed", ()),
        ((2, 3), "block", (5, 1)),
        ((), "block", ()),
        ((2, 3, 4, 5), "channels-last", (60, 1, 15, 3)),
        ((2, 3, 4), "channels-last", (12, 1, 3)),
        ((2, 3), "channels-last", (3, 1)),
    ],
)
def test_a_layout_gives_strides(shape: tuple[int, ...], layout: Layout, strides: tuple[int, ...]) -> None:
    assert TensorPlan("float32", shape, layout).strides == strides


@pytest.mark.parametrize(
    ("shape", "layout", "offset"),
    [
        ((2, 3), "offset", 9), ((4,), "offset", 3), ((), "offset", 3), ((2, 3), "block", 6), ((4,), "block", 1),
        ((2, 3), "transposed", 0), ((2, 3), "expanded", 0),
    ],
)  # fmt: skip
def test_a_layout_gives_an_offset(shape: tuple[int, ...], layout: Layout, offset: int) -> None:
    assert TensorPlan("float32", shape, layout).offset == offset


def test_the_plainest_layout_is_the_first() -> None:
    assert LAYOUTS == ("contiguous", "transposed", "channels-last", "expanded", "offset", "block", "stepped")
    assert TensorPlan("float32", (2,)).layout == "contiguous"


@pytest.mark.parametrize(("shape", "ndim", "numel"), [((2, 3), 2, 6), ((), 0, 1), ((2, 0), 2, 0)])
def test_a_plan_counts_its_dimensions_and_elements(shape: tuple[int, ...], ndim: int, numel: int) -> None:
    plan = TensorPlan("float32", shape)

    assert (plan.ndim, plan.numel) == (ndim, numel)


def test_plans_that_say_the_same_are_equal_and_cannot_change() -> None:
    plan = TensorPlan("int8", (2,), "offset", Fill("ties", 3))

    assert plan == TensorPlan("int8", (2,), "offset", Fill("ties", 3))
    with pytest.raises(FrozenInstanceError):
        plan.shape = (3,)  # type: ignore[misc]


def test_an_argument_left_out_says_so() -> None:
    assert repr(ABSENT) == "ABSENT"
