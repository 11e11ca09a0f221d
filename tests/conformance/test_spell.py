from __future__ import annotations

import numpy as np

from assay.cases.case import Case, TensorValue, called, made, method_call
from assay.cases.runs import run
from assay.cases.spelling import numbers, one_line, program, tensor
from assay_spec import load_corpus
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.scenarios import trace


def test_a_call_on_one_line_names_tensors_by_dtype_and_shape() -> None:
    x = TensorValue.of(np.zeros((2, 3), np.float32))
    call = called("torch.sum", {"input": x, "dim": -1, "keepdim": True}, positional=("input",))

    assert one_line(call) == "torch.sum(float32[2, 3], dim=-1, keepdim=True)"


def test_a_program_can_be_pasted() -> None:
    x = TensorValue.of(np.array([1.0, np.nan, -np.inf], np.float32))
    call = called("torch.clamp", {"input": x, "min": 0.5}, positional=("input",))

    assert program(call) == (
        "import torch\n"
        "x = torch.tensor([1.0, float('nan'), float('-inf')], dtype=torch.float32)\n"
        "print(torch.clamp(x, min=0.5))"
    )


def test_an_operator_is_written_as_one() -> None:
    x = TensorValue.of(np.array(3, np.int64))
    call = called("torch.sub", {"input": 2, "other": x}, positional=("input", "other"), form="reflected")

    assert program(call).splitlines()[-1] == "print(2 - other)"


def test_a_method_is_called_on_its_tensor() -> None:
    x = TensorValue.of(np.zeros(2, np.float32))
    call = called("torch.Tensor.view", {"input": x, "size": (1, 2)}, ("input", "size"), unpacked="size", form="method")

    assert one_line(call) == "float32[2].view(*(1, 2))"


def test_an_index_is_written_in_brackets() -> None:
    x = TensorValue.of(np.zeros((2, 2), np.float32))
    index = (Slice(0, 1), Ellipsis, None)
    call = called("torch.Tensor.__getitem__", {"input": x, "index": index}, ("input", "index"), form="method")

    assert program(call).splitlines()[-1] == "print(x[(slice(0, 1, None), ..., None)])"


def test_an_assignment_to_elements_is_a_statement() -> None:
    x = TensorValue.of(np.array([1.0, 2.0], np.float32))
    name = "torch.Tensor.__setitem__"
    call = called(name, {"input": x, "index": Slice(1, None), "value": 5}, ("input", "index", "value"), form="operator")

    assert one_line(call) == "float32[2][slice(1, None, None)] = 5"
    assert program(call).splitlines()[-2:] == ["x[slice(1, None, None)] = 5", "print(x)"]


def test_an_operator_in_place_is_a_statement() -> None:
    x = TensorValue.of(np.array([3.0], np.float32))
    call = called("torch.add", {"input": x, "other": 2}, ("input", "other"), form="in-place operator")

    assert program(call).splitlines()[2:] == ["x += 2", "print(x)"]


def test_gradients_are_written_with_their_upstream_gradients() -> None:
    x = TensorValue.of(np.array([2.0], np.float32), requires_grad=True)
    ones = TensorValue.of(np.array([1.0], np.float32))
    call = called("torch.exp", {"input": x}, ("input",), wrt=("input",), upstream={0: ones})

    assert program(call).splitlines()[1:] == [
        "x = torch.tensor([2.0], dtype=torch.float32, requires_grad=True)",
        "y = torch.exp(x)",
        "print(y)",
        "torch.autograd.backward([y], [torch.tensor([1.0], dtype=torch.float32)])",
        "print(x.grad)",
    ]


def test_a_module_is_made_and_filled_before_it_is_called() -> None:
    weight = TensorValue.of(np.array([[2.0]], np.float32))
    linear = made("torch.nn.Linear", {"in_features": 1, "out_features": 1}, {"weight": weight}, training=False)
    x = TensorValue.of(np.array([3.0], np.float32))
    case = Case("torch.nn.Linear", (*linear, method_call({"input": x}, ("input",))))

    assert one_line(case) == "torch.nn.Linear(in_features=1, out_features=1)(float32[1])"
    assert program(case).splitlines()[1:] == [
        "made = torch.nn.Linear(in_features=1, out_features=1)",
        "made.load_state_dict({'weight': torch.tensor([[2.0]], dtype=torch.float32)})",
        "made.eval()",
        "x = torch.tensor([3.0], dtype=torch.float32)",
        "print(made(x))",
    ]


def scenario(run: str, *expressions: str) -> Case:
    found = trace(run, expressions)
    return Case("torch.f", found.steps, found.looks, scenario="a scenario")


def test_a_scenario_is_its_lines_and_what_it_looks_at() -> None:
    lines = [
        "x = torch.tensor([1.0, 2.0], requires_grad=True)",
        "(x * x).sum().backward()",
        "x.grad = -x.grad",
        "values, indices = torch.sort(x, descending=True)",
        "x[0] = 5.0",
        "f = lambda t: t.exp()",
    ]

    assert program(scenario("\n".join(lines), "x.grad[0]", "values.shape")).splitlines() == [
        "import torch", *lines, "print(x.grad[0])", "print(values.shape)",
    ]  # fmt: skip


def test_a_scenario_that_stayed_a_program_is_that_program() -> None:
    case = scenario("with torch.no_grad():\n    y = torch.ones(1)\n", "y.requires_grad")

    assert program(case) == "import torch\nwith torch.no_grad():\n    y = torch.ones(1)\nprint(y.requires_grad)"


def test_a_run_sets_gradients_calls_and_looks() -> None:
    op, one = load_corpus()["torch.optim.SGD"], TensorValue.of(np.ones(1, np.float32))
    case = run(op, op.overloads[0], {"params": ({"params": (one,)},), "lr": 0.5}, fed=((one,),), closure=True)

    assert one_line(case) == "torch.optim.SGD(params=[{'params': [p0]}], lr=0.5), 1 calls"
    assert program(case).splitlines()[1:] == [
        "p0 = torch.tensor([1.0], dtype=torch.float32, requires_grad=True)",
        "made = torch.optim.SGD(params=[{'params': [p0]}], lr=0.5)",
        "def closure0():",
        "    p0.grad = torch.tensor([1.0], dtype=torch.float32)",
        "    return torch.tensor(0.0, dtype=torch.float32)",
        "made.step(closure0)",
        "print(p0)",
    ]


def test_strides_are_part_of_a_tensor() -> None:
    value = TensorValue("float32", (2, 2), np.arange(4, dtype=np.float32), (1, 2))

    assert tensor(value) == ("torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float32).as_strided((2, 2), (1, 2), 0)")


def test_complex_infinities_read_back() -> None:
    written = numbers(np.array([complex(np.inf, np.nan), 1 + 2j], np.complex64))

    assert written == "[complex(float('inf'), float('nan')), (1+2j)]"


def test_a_dtype_is_the_librarys_own() -> None:
    assert one_line(called("torch.zeros", {"size": (2,), "dtype": Dtype("int64")}, ("size",))) == (
        "torch.zeros((2,), dtype=torch.int64)"
    )
