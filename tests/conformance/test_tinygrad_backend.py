"""tinygrad behind its table: plain calls, gradients, modules and optimizers mean what PyTorch means by them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.backends.self_check import self_check
from assay.cases.arrays import host_dtype
from assay.cases.case import Case, TensorValue, called, made, method_call
from assay.cases.outcome import Missing, Outcome
from assay.cases.runs import run
from assay.facets.examples import scenario_case
from assay_spec import load_corpus
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.steps import Form, Look, Ref

# Through the adapter, which chooses a device before tinygrad is imported.
BACKEND = pytest.importorskip("assay.backends.tinygrad").TinygradBackend()
MATRIX = [[3.0, 1.0], [2.0, 8.0]]


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
    return [each.array.tolist() for each in outcome.results]


def played(op: str, name: str) -> Outcome:
    """Perform the scenario of an op that has this name."""
    found = load_corpus()[op]
    return BACKEND.perform(scenario_case(found, next(each for each in found.scenarios if each.name == name)))


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (call("torch.tensor", ((1, 2), (3, 4))), [[[1, 2], [3, 4]]]),
        (call("torch.zeros", 2, 1, dtype=Dtype("int16")), [[[0], [0]]]),
        (call("torch.arange", 1, 7, 2), [[1, 3, 5]]),
        (call("torch.arange", 3), [[0, 1, 2]]),
        (call("torch.linspace", 0, 1, 3), [[0, 0.5, 1]]),
        (call("torch.eye", 2, 3), [[[1, 0, 0], [0, 1, 0]]]),
        (call("torch.add", MATRIX, 1, form="method"), [[[4, 2], [3, 9]]]),
        (call("torch.sub", 1, MATRIX, form="reflected"), [[[-2, 0], [-1, -7]]]),
        (call("torch.add", MATRIX, 1, form="in-place"), [[[4, 2], [3, 9]]]),
        (call("torch.clamp", MATRIX, min=2, form="in-place"), [[[3, 2], [2, 8]]]),
        (call("torch.abs_", [-1.0, 2.0]), [[1, 2]]),
        (call("torch.add", MATRIX, 1, form="in-place operator"), [[[4, 2], [3, 9]]]),
        (call("torch.div", MATRIX, 2, rounding_mode="floor"), [[[1, 0], [1, 4]]]),
        (call("torch.clamp", MATRIX, min=2, max=3), [[[3, 2], [2, 3]]]),
        (call("torch.remainder", [-3.0, 3.0], 2), [[1, 1]]),
        (call("torch.fmod", [-3.0, 3.0], 2), [[-1, 1]]),
        (call("torch.pow", MATRIX, 2), [[[9, 1], [4, 64]]]),
        (call("torch.pow", 2, [1.0, 3.0]), [[2, 8]]),
        (call("torch.lt", [1, 2, 3], 2), [[True, False, False]]),
        (call("torch.le", [1, 2, 3], 2, form="method"), [[True, True, False]]),
        (call("torch.gt", [1, 2, 3], 2), [[False, False, True]]),
        (call("torch.ge", [1, 2, 3], [2, 2, 2], form="operator"), [[False, True, True]]),
        (call("torch.ne", [1, 2], 2), [[True, False]]),
        (call("torch.where", [True, False], [1, 2], [3, 4]), [[1, 4]]),
        (call("torch.prod", [2, 3], dtype=Dtype("float64")), [6]),
        (call("torch.cumprod", [2, 3, 4], 0), [[2, 6, 24]]),
        (call("torch.sum", MATRIX, dim=1, keepdim=True), [[[4], [10]]]),
        (call("torch.std", [1.0, 2.0, 3.0]), [1]),
        (call("torch.max", MATRIX), [8]),
        (call("torch.max", MATRIX, 1), [[3, 8], [0, 1]]),
        (call("torch.max", [1, 5], [3, 4]), [[3, 5]]),
        (call("torch.min", MATRIX), [1]),
        (call("torch.min", MATRIX, 1), [[1, 2], [1, 0]]),
        (call("torch.min", [1, 5], [3, 4]), [[1, 4]]),
        (call("torch.sort", MATRIX, 0, True), [[[3, 8], [2, 1]], [[0, 1], [1, 0]]]),
        (call("torch.sort", [2, 1, 2], stable=True), [[1, 2, 2], [1, 0, 2]]),
        (call("torch.topk", [1.0, 5.0, 3.0], 2), [[5, 3], [1, 2]]),
        (call("torch.cat", [given([1]), given([2, 3])]), [[1, 2, 3]]),
        (call("torch.chunk", [1, 2, 3], 2), [[1, 2], [3]]),
        (call("torch.unbind", [[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (call("torch.unflatten", [1, 2, 3, 4], 0, (2, 2)), [[[1, 2], [3, 4]]]),
        (call("torch.squeeze", [[1, 2]], 0), [[1, 2]]),
        (call("torch.transpose", MATRIX, 0, 1), [[[3, 2], [1, 8]]]),
        (call("torch.Tensor.view", MATRIX, 4, form="method"), [[3, 1, 2, 8]]),
        (call("torch.Tensor.view", [1.0], Dtype("int32"), form="method"), [[0x3F800000]]),
        (call("torch.Tensor.repeat", [1, 2], 2, 2, form="method"), [[[1, 2, 1, 2], [1, 2, 1, 2]]]),
        (call("torch.Tensor.__getitem__", MATRIX, (Slice(None), 0), form="operator"), [[3, 2]]),
        (call("torch.Tensor.type", MATRIX, Dtype("int64"), form="method"), [[[3, 1], [2, 8]]]),
        (call("torch.Tensor", ((1, 2), (3, 4))), [[[1, 2], [3, 4]]]),
        (call("torch.dot", [1.0, 2.0], [3.0, 4.0]), [11]),
        (call("torch.mv", MATRIX, [1.0, 2.0]), [[5, 18]]),
        (call("torch.mm", MATRIX, MATRIX), [[[11, 11], [22, 66]]]),
        (call("torch.randint", 3, 4, (2,)), [[3, 3]]),
        (call("torch.randint", 1, (2,)), [[0, 0]]),
        (call("torch.normal", 3, 0.0, (2,)), [[3, 3]]),
        (call("torch.nn.functional.relu", [-1.0, 2.0]), [[0, 2]]),
        (call("torch.nn.functional.linear", [[1.0, 2.0]], MATRIX, [1.0, 1.0]), [[[6, 19]]]),
        (call("torch.nn.functional.embedding", [1, 0], MATRIX), [[[2, 8], [3, 1]]]),
        (call("torch.nn.functional.max_pool2d", [[MATRIX]], 2, return_indices=True), [[[[[8]]]], [[[[3]]]]]),
        (call("torch.nn.functional.conv2d", [[MATRIX]], [[[[1.0, 2.0]]]]), [[[[[5], [18]]]]]),
        (call("torch.nn.functional.dropout", [1.0, 2.0], 1.0), [[0, 0]]),
        (call("torch.nn.functional.dropout", [1.0, 2.0], 1.0, training=False), [[1, 2]]),
    ],
    ids=lambda value: value.op if isinstance(value, Case) else "",
)
def test_a_plain_call_means_what_pytorch_means_by_it(case: Case, expected: list[Any]) -> None:
    assert answers(BACKEND.perform(case)) == expected


@pytest.mark.parametrize(
    ("name", "of_a_half"),
    [
        ("acos", 1.0472), ("asin", 0.5236), ("atan", 0.4636), ("ceil", 1), ("cos", 0.8776), ("cosh", 1.1276),
        ("exp", 1.6487), ("floor", 0), ("log", -0.6931), ("neg", -0.5), ("reciprocal", 2), ("round", 0),
        ("rsqrt", 1.4142), ("sigmoid", 0.6225), ("sign", 1), ("sin", 0.4794), ("sqrt", 0.7071), ("tanh", 0.4621),
        ("trunc", 0),
    ],
)  # fmt: skip
def test_a_function_of_one_tensor_is_tinygrad_s_of_that_name(name: str, of_a_half: float) -> None:
    assert answers(BACKEND.perform(call(f"torch.{name}", [0.5]))) == [[pytest.approx(of_a_half, abs=1e-4)]]


@pytest.mark.parametrize(
    ("case", "unsupported"),
    [
        (call("torch.inverse", MATRIX), Missing("op", "no inverse")),
        (call("torch.squeeze", [[1.0]], form="in-place"), Missing("feature", "no in-place squeeze")),
        (call("torch.squeeze", [[1.0]], (0, 1)), Missing("feature", "no squeezing of several dimensions")),
        (call("torch.unbind", MATRIX, 1), Missing("feature", "no iteration but over the first dimension")),
        (call("torch.add", MATRIX, 1, out=MATRIX, form="out"), Missing("feature", "no parameter out")),
        (call("torch.add", MATRIX, 1, alpha=2, form="in-place"), Missing("feature", "no parameter alpha")),
        (call("torch.normal", [1.0], 1.0), Missing("feature", "no call without size")),
        (call("torch.Tensor", 3), Missing("feature", "no tensor but of nested lists")),
        (call("torch.zeros", 2, dtype=Dtype("complex64")), Missing("dtype", "no complex64")),
        (
            call("torch.topk", [1.0], 1, sorted=False),
            Missing("feature", "NotImplementedError: topk with sorted_=False is not supported"),
        ),
        (
            call("torch.Tensor.__getitem__", MATRIX, [True, False], form="operator"),
            Missing("feature", "IndexError: index dtype dtypes.bool is not supported"),
        ),
        (
            call("torch.tensor", (1j,)),
            Missing("feature", "RuntimeError: Could not infer dtype of 1j with type <class 'complex'>"),
        ),
        (
            call("torch.nn.functional.conv2d", [MATRIX], [[[[1.0]]]]),
            Missing("feature", "no images without a batch"),
        ),
    ],
    ids=lambda value: value.op if isinstance(value, Case) else "",
)
def test_what_tinygrad_does_not_have_is_unsupported_and_no_error(case: Case, unsupported: Missing) -> None:
    assert BACKEND.perform(case).unsupported == unsupported


def test_a_wrong_call_is_tinygrad_s_own_error() -> None:
    outcome = BACKEND.perform(call("torch.mm", [[1.0, 2.0]], [[1.0, 2.0]]))

    assert str(outcome.raised) == "RuntimeError: cannot dot (1, 2) and (1, 2)"


def test_what_a_lazy_call_gets_wrong_is_raised_though_nobody_reads_its_result() -> None:
    outcome = played("broadcasting", "other sizes are refused")

    message = "shape mismatch: objects cannot be broadcast to a single shape ((3,), (2,))"
    assert str(outcome.raised) == f"IndexError: {message}"


def test_the_dtype_of_python_numbers_is_reported_as_it_is() -> None:
    assert BACKEND.to_host(pytest.importorskip("tinygrad").Tensor(1.5)).dtype == "weakfloat"


def test_gradients_flow_from_what_flows_in() -> None:
    case = called(
        "torch.mul",
        {"input": given([2.0, 3.0]), "other": given([5.0, 7.0])},
        ("input", "other"),
        wrt=("input", "other"),
        upstream={0: given([1.0, 10.0])},
    )

    gradients = BACKEND.perform(case).gradients

    assert {name: each.array.tolist() for name, each in gradients.items() if each} == {
        "input": [5, 70],
        "other": [2, 30],
    }


@pytest.mark.parametrize("shape", [(), (1,), (2,)])
def test_reading_a_result_leaves_its_gradient(shape: tuple[int, ...]) -> None:
    ones = TensorValue.of(np.ones(shape, np.float32))
    case = called(
        "torch.Tensor.contiguous", {"input": ones}, ("input",), form="method", wrt=("input",), upstream={0: ones}
    )

    gradient = BACKEND.perform(case).gradients["input"]

    assert gradient is not None and gradient.array.tolist() == np.ones(shape).tolist()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("shape", [(), (2,)])
def test_every_tensor_can_be_written_into(shape: tuple[int, ...], dtype: str) -> None:
    ones = TensorValue.of(np.ones(shape, host_dtype(dtype)), dtype)

    outcome = BACKEND.perform(
        called("torch.add", {"input": ones, "other": 2}, ("input", "other"), form="in-place operator")
    )

    assert answers(outcome) == [np.full(shape, 3).tolist()]
    assert outcome.returned_self


def test_an_in_place_form_writes_to_the_tensor_and_returns_it() -> None:
    outcome = BACKEND.perform(replace(call("torch.exp", [0.0], form="in-place"), observe=frozenset({"mutation"})))

    assert (answers(outcome), outcome.returned_self, outcome.changed) == ([[1]], True, {"p0"})


@pytest.mark.parametrize(
    ("case", "shared"),
    [
        (call("torch.transpose", MATRIX, 0, 1), {"p0"}),
        (call("torch.Tensor.expand", [True], 2, 1, form="method"), {"p0"}),
        (call("torch.neg", MATRIX), set()),
        (call("torch.mul", [1.0], 0), set()),
    ],
    ids=lambda value: value.op if isinstance(value, Case) else "",
)
def test_views_share_memory_and_results_do_not(case: Case, shared: set[str]) -> None:
    assert BACKEND.perform(replace(case, observe=frozenset({"sharing"}))).shares == shared


@pytest.mark.parametrize(("training", "normed", "changed"), [(False, [1, 3], set()), (True, [-1, 1], {"p1", "p2"})])
def test_batch_norm_writes_statistics_in_training_only(training: bool, normed: list[int], changed: set[str]) -> None:
    case = call("torch.nn.functional.batch_norm", [[1.0], [3.0]], [0.0], [1.0], training=training)

    outcome = BACKEND.perform(replace(case, observe=frozenset({"mutation"})))

    assert answers(outcome) == [[[pytest.approx(each, abs=1e-4)] for each in normed]]
    assert outcome.changed == changed


def test_a_module_answers_with_the_state_it_was_given() -> None:
    state = {"weight": given([[2.0, 3.0]]), "bias": given([1.0])}
    linear = made("torch.nn.Linear", {"in_features": 2, "out_features": 1}, state)
    call = method_call({"input": given([[1.0, 1.0]])}, ("input",))

    outcome = BACKEND.perform(Case("torch.nn.Linear", (*linear, call), wrt=("weight",), upstream={0: given([[1.0]])}))

    assert answers(outcome) == [[[6]]]
    assert outcome.gradients["weight"].array.tolist() == [[1, 1]]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LayerNorm", {"normalized_shape": 2}),
        ("LayerNorm", {"normalized_shape": (2,), "elementwise_affine": False}),
        ("GroupNorm", {"num_groups": 1, "num_channels": 2}),
    ],
)
def test_a_norm_takes_the_mean_away(name: str, options: dict[str, Any]) -> None:
    op = f"torch.nn.{name}"
    call = method_call({"input": given([[1.0, 3.0]])}, ("input",))

    outcome = BACKEND.perform(Case(op, (*made(op, options, {}), call)))

    assert answers(outcome) == [[[pytest.approx(-1, abs=1e-4), pytest.approx(1, abs=1e-4)]]]


def test_an_lstm_cell_with_zero_weights_keeps_half_of_its_cell() -> None:
    state = {name: given([[0.0]] * 4) for name in ("weight_ih", "weight_hh")}
    cell = made("torch.nn.LSTMCell", {"input_size": 1, "hidden_size": 1, "bias": False}, state)
    hidden, before = given([[0.0]]), given([[1.0]])
    call = method_call({"input": given([[1.0]]), "hx": (hidden, before)}, ("input", "hx"))

    _, after = answers(BACKEND.perform(Case("torch.nn.LSTMCell", (*cell, call))))

    assert after == [[0.5]]


def test_a_module_lists_its_state_and_its_parameters() -> None:
    norm = made("torch.nn.BatchNorm1d", {"num_features": 1}, {})
    state, named = (method_call({}, (), name, name=name) for name in ("state_dict", "named_parameters"))
    looks = (Look(Ref("state_dict"), "state_dict"), Look(Ref("named_parameters"), "named_parameters"))

    held, listed = BACKEND.perform(Case("torch.nn.BatchNorm1d", (*norm, state, named), looks)).results

    assert set(held) == {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    assert [name for name, _ in listed] == ["weight", "bias"]


def test_batch_norm_keeps_running_statistics_in_training_only() -> None:
    def running_mean(training: bool) -> Any:
        norm = made("torch.nn.BatchNorm1d", {"num_features": 1}, {}, training=training)
        call = method_call({"input": given([[1.0], [3.0]])}, ("input",))
        after = method_call({}, (), "state_dict", name="after")
        case = Case("torch.nn.BatchNorm1d", (*norm, call, after), (Look(Ref("after"), "after"),))
        return BACKEND.perform(case).results[0]["running_mean"].array.round(6).tolist()

    assert running_mean(True) == pytest.approx([0.2])
    assert running_mean(False) == [0]


@pytest.mark.parametrize(
    ("op", "options"),
    [
        ("torch.nn.Embedding", {"num_embeddings": 2, "embedding_dim": 1, "padding_idx": 0}),
        ("torch.nn.BatchNorm1d", {"num_features": 2, "momentum": None}),
        ("torch.nn.Conv2d", {"in_channels": 1, "out_channels": 1, "kernel_size": 1, "padding": "valid"}),
        ("torch.nn.Conv2d", {"in_channels": 1, "out_channels": 1, "kernel_size": 1, "padding_mode": "circular"}),
    ],
)
def test_a_module_option_that_it_does_not_have_is_unsupported(op: str, options: dict[str, Any]) -> None:
    outcome = BACKEND.perform(Case(op, made(op, options, {})))

    assert outcome.unsupported is not None


def test_a_module_on_images_without_a_batch_is_unsupported() -> None:
    conv = made("torch.nn.Conv2d", {"in_channels": 1, "out_channels": 1, "kernel_size": 1}, {})
    call = method_call({"input": given([MATRIX])}, ("input",))

    outcome = BACKEND.perform(Case("torch.nn.Conv2d", (*conv, call)))

    assert outcome.unsupported == Missing("feature", "no images without a batch")


def test_an_optimizer_steps_each_group_by_its_own_rate() -> None:
    op = load_corpus()["torch.optim.SGD"]
    groups = ({"params": (given([1.0]),)}, {"params": (given([1.0]),), "lr": 0.25})
    gradients = ((given([1.0]), given([1.0])), (given([2.0]), given([2.0])))

    outcome = BACKEND.perform(run(op, op.overloads[0], {"params": groups, "lr": 0.5}, fed=gradients))

    assert answers(outcome) == [[0.5], [0.75], [-0.5], [0.25]]


def test_strided_tensors_come_with_their_elements() -> None:
    every_second = TensorValue("int64", (2, 2), np.arange(9), (4, 2), 1)

    assert answers(BACKEND.perform(call("torch.add", every_second, 0))) == [[[1, 3], [5, 7]]]


def test_scenarios_run_through_the_table() -> None:
    def runs(case: Case) -> bool:
        return BACKEND.perform(case).unsupported is None

    ops = [op for op in load_corpus() if op.area != "init"]  # whose random numbers take a minute
    scenarios = [scenario_case(op, each) for op in ops for each in op.scenarios if "current" in each.editions]

    assert sum(map(runs, scenarios)) >= 133


def test_a_closure_is_called_by_an_optimizer() -> None:
    outcome = played("torch.optim.SGD", "a step returns what its closure returned")

    assert outcome.results == (1.0, True)


def test_a_fresh_optimizer_continues_from_a_saved_state() -> None:
    op = load_corpus()["torch.optim.SGD"]
    made = {"params": (given([0.0]),), "lr": 1.0, "momentum": 0.5}

    outcome = BACKEND.perform(run(op, op.overloads[0], made, fed=((given([1.0]),),) * 2, reloads=(0,)))

    assert answers(outcome) == [[-1], [-2.5]]


def test_modules_in_a_sequence_take_what_the_one_before_gave() -> None:
    output, gradient, length = played("torch.nn.Sequential", "each module takes what the one before gave").results

    assert (output.array.tolist(), gradient.array.tolist(), length) == ([[2.5], [6.5]], [[2, 4], [-3, -6]], 3)


def test_another_default_dtype_ends_with_its_scenario() -> None:
    inside = played("torch.Tensor", "the default dtype is another")
    (after,) = BACKEND.perform(call("torch.zeros", 1)).results

    assert (inside.raised, inside.unsupported, after.dtype) == (None, None, "float32")


def test_a_folder_for_files_ends_with_its_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    saved = played("torch.save", "a state_dict comes back as it was")

    # To write the file tinygrad computes on the CPU, which needs a compiler.
    assert saved.unsupported in (
        None,
        Missing("feature", "FileNotFoundError: [Errno 2] No such file or directory: 'clang'"),
    )
    assert list(tmp_path.iterdir()) == []


def test_tinygrad_passes_the_self_check() -> None:
    self_check(BACKEND)
