"""JAX behind its table: plain calls and gradients mean what PyTorch means by them; where JAX differs, it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.backends.self_check import self_check
from assay.cases.case import Case, TensorValue, called
from assay.cases.outcome import Array, Missing, Outcome
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.steps import Form

# Through the adapter, which sets JAX up before it is imported.
BACKEND = pytest.importorskip("assay.backends.jax").JaxBackend()
MATRIX = [[3.0, 1.0], [2.0, 8.0]]
TWICE = [[2.0, 0.0], [0.0, 4.0]]


def given(value: Any) -> Any:
    """Make lists tensors, float32 or int64, and leave everything else alone."""
    if not isinstance(value, list) or (value and isinstance(value[0], TensorValue)):
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


def derivatives(
    op: str,
    inputs: dict[str, Any],
    upstream: Any,
    second: dict[str, Any] | None = None,
    wrt: tuple[str, ...] | None = None,
) -> Outcome:
    tensors = {name: given(value) for name, value in inputs.items()}
    return BACKEND.perform(
        called(
            op, tensors, tuple(tensors), wrt=wrt or tuple(tensors), upstream={0: given(upstream)},
            second={name: given(value) for name, value in (second or {}).items()},
        )
    )  # fmt: skip


def lists(found: Any) -> dict[str, Any]:
    return {name: each.array.tolist() for name, each in found.items()}


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (call("torch.tensor", ((1, 2), (3, 4))), [[[1, 2], [3, 4]]]),
        (call("torch.zeros", 2, 1, dtype=Dtype("int16")), [[[0], [0]]]),
        (call("torch.ones", (2,), dtype=Dtype("bfloat16")), [[1, 1]]),
        (call("torch.arange", 1, 7, 2), [[1, 3, 5]]),
        (call("torch.arange", 3), [[0, 1, 2]]),
        (call("torch.linspace", 0, 1, 3), [[0, 0.5, 1]]),
        (call("torch.logspace", 0, 2, 3), [[1, 10, 100]]),
        (call("torch.eye", 2, 3), [[[1, 0, 0], [0, 1, 0]]]),
        (call("torch.add", MATRIX, 1), [[[4, 2], [3, 9]]]),
        (call("torch.sub", 1, MATRIX, form="reflected"), [[[-2, 0], [-1, -7]]]),
        (call("torch.div", MATRIX, 2, rounding_mode="floor"), [[[1, 0], [1, 4]]]),
        (call("torch.clamp", MATRIX, min=2, max=3), [[[3, 2], [2, 3]]]),
        (call("torch.remainder", [-3, 3], 2), [[1, 1]]),
        (call("torch.fmod", [-3, 3], 2), [[-1, 1]]),
        (call("torch.pow", 2, [1.0, 3.0]), [[2, 8]]),
        (call("torch.frac", [-1.5, 2.25]), [[-0.5, 0.25]]),
        (call("torch.round", [-15.0, 25.0], decimals=-1), [[-20, 20]]),
        (call("torch.where", [True, False], [1, 2], [3, 4]), [[1, 4]]),
        (call("torch.where", [True, False, True]), [[0, 2]]),
        (call("torch.equal", MATRIX, MATRIX), [True]),
        (call("torch.sum", MATRIX, dim=1, keepdim=True), [[[4], [10]]]),
        (call("torch.std", [1.0, 2.0, 3.0]), [1]),
        (call("torch.var", [1.0, 3.0], correction=0), [1]),
        (call("torch.max", MATRIX), [8]),
        (call("torch.max", MATRIX, 1), [[3, 8], [0, 1]]),
        (call("torch.min", [1, 5], [3, 4]), [[1, 4]]),
        (call("torch.norm", [[3.0, 0.0], [0.0, 4.0]]), [5]),
        (call("torch.norm", [[3.0, 0.0], [0.0, 4.0]], 1, (0, 1)), [7]),
        (call("torch.dist", [4.0, -2.0], [1.0, 2.0]), [5]),
        (call("torch.sort", MATRIX, 0, True), [[[3, 8], [2, 1]], [[0, 1], [1, 0]]]),
        (call("torch.topk", MATRIX, 1, 0), [[[3, 8]], [[0, 1]]]),
        (call("torch.kthvalue", [5.0, 1.0, 3.0], 2), [3, 2]),
        (call("torch.kthvalue", MATRIX, 1, 1, True), [[[1], [2]], [[1], [0]]]),
        (call("torch.cat", [given([1]), given([2, 3])]), [[1, 2, 3]]),
        (call("torch.split", [1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]),
        (call("torch.split", [1, 2, 3, 4, 5], (1, 4)), [[1], [2, 3, 4, 5]]),
        (call("torch.unbind", MATRIX, 1), [[3, 2], [1, 8]]),
        (call("torch.transpose", MATRIX, 0, 1), [[[3, 2], [1, 8]]]),
        (call("torch.permute", MATRIX, (1, 0)), [[[3, 2], [1, 8]]]),
        (call("torch.flatten", [[[1, 2]], [[3, 4]]], 0, 1), [[[1, 2], [3, 4]]]),
        (call("torch.flatten", MATRIX), [[3, 1, 2, 8]]),
        (call("torch.Tensor.view", MATRIX, 4, form="method"), [[3, 1, 2, 8]]),
        (call("torch.Tensor.view", [1.0], Dtype("int32"), form="method"), [[1065353216]]),
        (call("torch.Tensor.expand", [1, 2], 2, 2, form="method"), [[[1, 2], [1, 2]]]),
        (call("torch.Tensor.repeat", [1, 2], 2, 2, form="method"), [[[1, 2, 1, 2], [1, 2, 1, 2]]]),
        (call("torch.Tensor.__getitem__", MATRIX, (Slice(None), 0), form="operator"), [[3, 2]]),
        (call("torch.Tensor.type", MATRIX, Dtype("int64"), form="method"), [[[3, 1], [2, 8]]]),
        (call("torch.cross", [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 0), [[0, 0, 1]]),
        (call("torch.inverse", TWICE), [[[0.5, 0], [0, 0.25]]]),
        (call("torch.mm", MATRIX, MATRIX), [[[11, 11], [22, 66]]]),
        (call("torch.nn.functional.relu", [-1.0, 2.0]), [[0, 2]]),
        (call("torch.nn.functional.softmax", [[0.0, 0.0]], 1), [[[0.5, 0.5]]]),
        (call("torch.nn.functional.linear", [[1.0, 2.0]], MATRIX, [1.0, 1.0]), [[[6, 19]]]),
        (call("torch.nn.functional.conv2d", [[MATRIX]], [[[[1.0, 2.0]]]], [1.0]), [[[[[6], [19]]]]]),
        (
            call("torch.nn.functional.conv2d", [[MATRIX]], [[[[1.0]]]], stride=2, padding=(0, 1)),
            [[[[[0, 1]]]]],
        ),
        (
            call("torch.nn.functional.batch_norm", [[1.0], [3.0]], [1.0], [4.0], [2.0], [1.0], eps=0.0),
            [[[1], [3]]],
        ),
        (call("torch.nn.functional.embedding", [1, 0, 1], MATRIX), [[[2, 8], [3, 1], [2, 8]]]),
        (call("torch.nn.functional.mse_loss", [1.0, 2.0], [0.0, 4.0]), [2.5]),
        (call("torch.nn.functional.mse_loss", [1.0, 2.0], [0.0, 4.0], reduction="none"), [[1, 4]]),
        (call("torch.nn.functional.cross_entropy", [[0.0], [1.0]], [0, 0], reduction="sum"), [0]),
    ],
    ids=lambda value: value.op if isinstance(value, Case) else "",
)
def test_a_plain_call_means_what_pytorch_means_by_it(case: Case, expected: list[Any]) -> None:
    assert answers(BACKEND.perform(case)) == expected


@pytest.mark.parametrize(
    ("case", "unsupported"),
    [
        (call("torch.mode", MATRIX), Missing("op", "no mode")),
        (call("torch.nn.Linear", MATRIX), Missing("op", "no nn.Linear")),
        (call("torch.manual_seed", 0), Missing("op", "no manual_seed")),
        (call("torch.add", MATRIX, MATRIX, alpha=2), Missing("feature", "no parameter alpha")),
        (call("torch.add", MATRIX, 1, form="method"), Missing("feature", "no method add")),
        (call("torch.add", MATRIX, 1, form="in-place"), Missing("feature", "no in-place add")),
        (call("torch.add", MATRIX, 1, out=MATRIX, form="out"), Missing("feature", "no parameter out")),
        (call("torch.median", MATRIX, 0), Missing("feature", "no parameter p1")),
        (call("torch.topk", MATRIX, 1, largest=False), Missing("feature", "no smallest elements")),
        (call("torch.kthvalue", MATRIX, 0), Missing("feature", "no element before the first")),
        (call("torch.div", MATRIX, 2, rounding_mode="trunc"), Missing("feature", "no rounding mode 'trunc'")),
        (call("torch.Tensor.expand", MATRIX, 2, -1, form="method"), Missing("feature", "no size -1")),
        (call("torch.nn.functional.softmax", MATRIX), Missing("feature", "no call without dim")),
        (
            call("torch.nn.functional.conv2d", [MATRIX], [[[[1.0]]]]),
            Missing("feature", "no images without a batch"),
        ),
        (
            call("torch.nn.functional.batch_norm", MATRIX, [0.0, 0.0], [1.0, 1.0], training=True),
            Missing("feature", "no running statistics to write into"),
        ),
        (
            call("torch.nn.functional.cross_entropy", MATRIX, MATRIX),
            Missing("feature", "no probabilities for each class"),
        ),
    ],
    ids=lambda value: value.op if isinstance(value, Case) else "",
)
def test_what_jax_does_not_have_is_unsupported_and_no_error(case: Case, unsupported: Missing) -> None:
    assert BACKEND.perform(case).unsupported == unsupported


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            call("torch.rsqrt", [1, 4]),
            "TypeError: rsqrt does not accept dtype int64. Accepted dtypes are subtypes of floating, complexfloating.",
        ),
        (
            call("torch.inverse", TensorValue.of(np.eye(2, dtype=np.float16))),
            "NotImplementedError: (KeyError(<class 'numpy.float16'>), 'Unsupported dtype float16.')",
        ),
    ],
    ids=lambda value: value.op if isinstance(value, Case) else "",
)
def test_a_dtype_that_jax_itself_calls_unsupported_is(case: Case, message: str) -> None:
    assert BACKEND.perform(case).unsupported == Missing("feature", message)


def test_writing_into_an_array_is_unsupported() -> None:
    outcome = BACKEND.perform(call("torch.Tensor.__setitem__", MATRIX, 0, 1, form="operator"))

    assert outcome.unsupported is not None
    assert outcome.unsupported.message.startswith("TypeError: JAX arrays are immutable")


def test_a_wrong_call_is_jax_s_own_error() -> None:
    outcome = BACKEND.perform(call("torch.mm", [[1.0, 2.0]], [[1.0, 2.0]]))

    assert str(outcome.raised) == (
        "TypeError: dot_general requires contracting dimensions to have the same shape, got (2,) and (1,)."
    )


def test_an_index_out_of_range_is_clamped() -> None:
    positions = call("torch.Tensor.__getitem__", [1, 2, 3], (given([7]),), form="operator")
    position = call("torch.Tensor.__getitem__", [1, 2, 3], 7, form="operator")

    assert answers(BACKEND.perform(positions)) == [[3]]
    assert answers(BACKEND.perform(position)) == [3]


def test_a_row_that_a_table_does_not_have_is_nan() -> None:
    outcome = BACKEND.perform(call("torch.nn.functional.embedding", [2], MATRIX))

    assert str(answers(outcome)) == "[[[nan, nan]]]"


def test_a_tensor_without_dimensions_promotes_like_any_other() -> None:
    half, single = TensorValue.of(np.ones(2, np.float16)), TensorValue.of(np.ones((), np.float32))

    (result,) = BACKEND.perform(call("torch.add", half, single)).results

    assert result.dtype == "float32"


def test_a_dtype_that_pytorch_may_lack_is_reported_as_it_is() -> None:
    (result,) = BACKEND.perform(call("torch.sum", TensorValue.of(np.array([1, 2], np.uint8)))).results

    assert (result.dtype, result.array.tolist()) == ("uint64", 3)


def test_gradients_flow_from_what_flows_in() -> None:
    outcome = derivatives("torch.mul", {"input": [2.0, 3.0], "other": [5.0, 7.0]}, [1.0, 10.0])

    assert answers(outcome) == [[10, 21]]
    assert lists(outcome.gradients) == {"input": [5, 70], "other": [2, 30]}


def test_second_derivatives_come_of_the_gradients() -> None:
    outcome = derivatives("torch.mul", {"input": [2.0], "other": [5.0]}, [3.0], {"input": [7.0]})

    assert lists(outcome.gradients) == {"input": [15], "other": [6]}
    assert lists(outcome.second) == {"input": [0], "other": [21]}


def test_one_of_several_results_is_differentiated() -> None:
    outcome = derivatives("torch.max", {"input": MATRIX, "dim": 1}, [1.0, 10.0], wrt=("input",))

    assert answers(outcome) == [[3, 8], [0, 1]]
    assert lists(outcome.gradients) == {"input": [[1, 0], [0, 10]]}


def test_a_list_of_tensors_has_a_gradient_each() -> None:
    tensors = [given([1.0]), given([2.0, 3.0])]

    outcome = derivatives("torch.cat", {"tensors": tensors}, [5.0, 6.0, 7.0], wrt=("tensors.0", "tensors.1"))

    assert lists(outcome.gradients) == {"tensors.0": [5], "tensors.1": [6, 7]}


def test_complex_gradients_are_in_pytorch_s_convention() -> None:
    """PyTorch's gradient of a product is that of the result times the other factor's conjugate."""
    factors = {"input": given([1 + 2j]), "other": given([3 - 1j])}

    outcome = derivatives("torch.mul", factors, [1j])

    assert lists(outcome.gradients) == {"input": [1j * (3 + 1j)], "other": [1j * (1 - 2j)]}


def test_equal_largest_elements_along_a_dimension_share_the_gradient() -> None:
    outcome = derivatives("torch.max", {"input": [[3.0, 3.0]], "dim": 1}, [1.0], wrt=("input",))

    assert lists(outcome.gradients) == {"input": [[0.5, 0.5]]}


def test_a_gradient_of_another_dtype_than_the_result_is_taken() -> None:
    half, single = TensorValue.of(np.ones(1, np.float16)), TensorValue.of(np.ones((), np.float32))

    outcome = BACKEND.perform(
        called("torch.add", {"input": half, "other": single}, ("input", "other"), wrt=("input",), upstream={0: half})
    )

    gradient = outcome.gradients["input"]

    assert gradient is not None and (gradient.dtype, gradient.array.tolist()) == ("float16", [1])


def test_strided_tensors_come_with_their_elements() -> None:
    every_second = TensorValue("int64", (2, 2), np.arange(9), (4, 2), 1)

    assert answers(BACKEND.perform(call("torch.add", every_second, 0))) == [[[1, 3], [5, 7]]]


def test_jax_passes_the_self_check() -> None:
    self_check(BACKEND)
