"""NumPy behind its table: translated honestly, its own results left as they are, the rest unsupported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.backends.numpy import NumpyBackend
from assay.backends.self_check import self_check
from assay.cases.case import Case, TensorValue, called
from assay.cases.outcome import Array, Missing, Outcome
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.steps import Form

BACKEND = NumpyBackend()
F, I = [[4.0, 1.0], [2.0, 8.0]], [[3, 1], [2, 8]]  # noqa: E741 - floats and integers


def given(value: Any) -> Any:
    """Make lists tensors, float32 or int64, and leave everything else alone."""
    if not isinstance(value, list):
        return value
    if value and isinstance(value[0], TensorValue):
        return value
    array = np.array(value)
    return TensorValue.of(array.astype(np.float32) if array.dtype == np.float64 else array)


def call(op: str, *positional: Any, form: Form = "function", **named: Any) -> Case:
    named_by_position = {f"p{index}": given(value) for index, value in enumerate(positional)}
    return called(
        op, {**named_by_position, **{k: given(v) for k, v in named.items()}}, tuple(named_by_position), form=form
    )


def answers(outcome: Outcome) -> list[Any]:
    assert outcome.raised is None and outcome.unsupported is None, outcome
    return [each.array.tolist() if isinstance(each, Array) else each for each in outcome.results]


def array(outcome: Outcome) -> Array:
    assert outcome.raised is None and outcome.unsupported is None, outcome
    (result,) = outcome.results
    assert isinstance(result, Array)
    return result


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (call("torch.tensor", ((1, 2), (3, 4))), [[[1, 2], [3, 4]]]),
        (call("torch.zeros", (2,), dtype=Dtype("int32")), [[0, 0]]),
        (call("torch.arange", 1, 7, 2), [[1, 3, 5]]),
        (call("torch.arange", 3), [[0, 1, 2]]),
        (call("torch.linspace", 0, 1, 3), [[0, 0.5, 1]]),
        (call("torch.logspace", 0, 2, 3), [[1, 10, 100]]),
        (call("torch.eye", 2, 3), [[[1, 0, 0], [0, 1, 0]]]),
        (call("torch.add", F, 1), [[[5, 2], [3, 9]]]),
        (call("torch.sub", 1, F, form="reflected"), [[[-3, 0], [-1, -7]]]),
        (call("torch.sub", F, 1, form="operator"), [[[3, 0], [1, 7]]]),
        (call("torch.div", I, 2, rounding_mode="floor"), [[[1, 0], [1, 4]]]),
        (call("torch.clamp", I, min=2, max=3), [[[3, 2], [2, 3]]]),
        (call("torch.remainder", [-3, 3], 2), [[1, 1]]),
        (call("torch.fmod", [-3, 3], 2), [[-1, 1]]),
        (call("torch.where", [True, False], [1, 2], [3, 4]), [[1, 4]]),
        (call("torch.sum", I, dim=1, keepdim=True), [[[4], [10]]]),
        (call("torch.std", [1.0, 2.0, 3.0]), [1]),
        (call("torch.std", [1.0, 2.0, 3.0], correction=1), [1]),
        (call("torch.max", I), [8]),
        (call("torch.max", I, 1), [[3, 8], [0, 1]]),
        (call("torch.max", [1, 5], [3, 4]), [[3, 5]]),
        (call("torch.norm", [[3.0, 0.0], [0.0, 4.0]]), [5]),
        (call("torch.norm", [[3.0, 0.0], [0.0, 4.0]], 1), [7]),
        (call("torch.equal", I, I), [True]),
        (call("torch.sort", I, 0), [[[2, 1], [3, 8]], [[1, 0], [0, 1]]]),
        (call("torch.kthvalue", [5.0, 1.0, 3.0], 2), [3, 2]),
        (call("torch.cat", [given([1]), given([2, 3])]), [[1, 2, 3]]),
        (call("torch.split", [1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]),
        (call("torch.split", [1, 2, 3, 4, 5], (1, 4)), [[1], [2, 3, 4, 5]]),
        (call("torch.transpose", I, 0, 1), [[[3, 2], [1, 8]]]),
        (call("torch.Tensor.view", I, 4, form="method"), [[3, 1, 2, 8]]),
        (call("torch.Tensor.repeat", [1, 2], 2, 2, form="method"), [[[1, 2, 1, 2], [1, 2, 1, 2]]]),
        (call("torch.Tensor.expand", [1, 2], 2, 2, form="method"), [[[1, 2], [1, 2]]]),
        (call("torch.permute", I, (1, 0)), [[[3, 2], [1, 8]]]),
        (call("torch.Tensor.is_contiguous", I, form="method"), [True]),
        (call("torch.Tensor.__getitem__", I, (Slice(None), 0), form="operator"), [[3, 2]]),
        (call("torch.Tensor.type", I, Dtype("float64"), form="method"), [[[3, 1], [2, 8]]]),
        (call("torch.mm", I, I), [[[11, 11], [22, 66]]]),
        (call("torch.inverse", [[2.0, 0.0], [0.0, 4.0]]), [[[0.5, 0], [0, 0.25]]]),
    ],
    ids=lambda value: value.op if isinstance(value, Case) else "",
)
def test_a_plain_call_means_what_pytorch_means_by_it(case: Case, expected: list[Any]) -> None:
    assert answers(BACKEND.perform(case)) == expected


def test_its_own_promotion_is_left_as_it_is() -> None:
    outcome = BACKEND.perform(call("torch.sum", TensorValue.of(np.array([1, 2], np.uint8))))

    assert (array(outcome).dtype, array(outcome).array.tolist()) == ("uint64", 3)


def test_the_median_of_two_is_numpy_s_mean_of_them() -> None:
    assert answers(BACKEND.perform(call("torch.median", [1.0, 2.0]))) == [1.5]


@pytest.mark.parametrize(
    ("case", "unsupported"),
    [
        (call("torch.sigmoid", F), Missing("op", "no sigmoid")),
        (call("torch.nn.Linear", F), Missing("op", "no nn.Linear")),
        (call("torch.add", F, F, alpha=2), Missing("feature", "no parameter alpha")),
        (call("torch.median", F, 0), Missing("feature", "no parameter p1")),
        (call("torch.sort", F, descending=True), Missing("feature", "no descending order")),
        (call("torch.add", F, F, form="method"), Missing("feature", "no method add")),
        (call("torch.sum", F, form="in-place operator"), Missing("feature", "no operator for sum")),
        (call("torch.sort", F, form="in-place"), Missing("feature", "no in-place sort")),
        (
            call("torch.cumsum", TensorValue.of(np.ones(())), 0, out=TensorValue.of(np.ones(())), form="out"),
            Missing("feature", "no out= for 0 dimensions: NumPy ends the process"),
        ),
        (call("torch.zeros", (2,), dtype=Dtype("bfloat16")), Missing("dtype", "no bfloat16")),
    ],
    ids=lambda value: value.op if isinstance(value, Case) else "",
)
def test_what_numpy_does_not_have_is_unsupported_and_no_error(case: Case, unsupported: Missing) -> None:
    assert BACKEND.perform(case).unsupported == unsupported


def test_an_inverse_in_half_precision_is_unsupported() -> None:
    half = TensorValue.of(np.eye(2, dtype=np.float16))

    assert BACKEND.perform(call("torch.inverse", half)).unsupported == Missing(
        "feature", "TypeError: array type float16 is unsupported in linalg"
    )


def test_a_wrong_call_is_numpy_s_own_error() -> None:
    outcome = BACKEND.perform(call("torch.add", [1, 2], [1, 2, 3]))

    assert outcome.raised is not None and outcome.raised.classes[0] == "ValueError"


def test_the_in_place_form_changes_and_returns_its_array() -> None:
    case = called(
        "torch.add",
        {"input": given(F), "other": 1},
        ("input", "other"),
        form="in-place",
        observe=frozenset({"mutation"}),
    )

    outcome = BACKEND.perform(case)

    assert outcome.returned_self and outcome.changed == {"input"}
    assert array(outcome).array.tolist() == [[5, 2], [3, 9]]


def test_a_transposed_array_is_a_view_and_a_sum_is_none() -> None:
    sharing = frozenset({"sharing"})

    view = BACKEND.perform(called("torch.t", {"input": given(F)}, ("input",), observe=sharing))
    copy = BACKEND.perform(called("torch.add", {"input": given(F), "other": 1}, ("input", "other"), observe=sharing))

    assert (view.shares, copy.shares) == ({"input"}, frozenset())


def test_strided_arrays_come_as_they_are_described() -> None:
    every_second = TensorValue("int64", (2, 2), np.arange(9), (4, 2), 1)

    assert answers(BACKEND.perform(call("torch.add", every_second, 0))) == [[[1, 3], [5, 7]]]


def test_warnings_of_numpy_do_not_escape() -> None:
    outcome = BACKEND.perform(call("torch.div", [1.0, 0.0], 0))

    assert str(array(outcome).array.tolist()) == "[inf, nan]"


def test_numpy_passes_the_self_check() -> None:
    self_check(BACKEND)
