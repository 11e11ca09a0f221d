from __future__ import annotations

import numpy as np

from assay.cases.case import Call, ModuleSetup, Program, TensorValue
from assay.cases.spelling import numbers, one_line, program, tensor
from assay_spec.domains import Dtype
from assay_spec.plans import Slice


def test_a_call_on_one_line_names_tensors_by_dtype_and_shape() -> None:
    x = TensorValue.of(np.zeros((2, 3), np.float32))
    call = Call("torch.sum", {"input": x, "dim": -1, "keepdim": True}, positional=("input",))

    assert one_line(call) == "torch.sum(float32[2, 3], dim=-1, keepdim=True)"


def test_a_program_can_be_pasted() -> None:
    x = TensorValue.of(np.array([1.0, np.nan, -np.inf], np.float32))
    call = Call("torch.clamp", {"input": x, "min": 0.5}, positional=("input",))

    assert program(call) == (
        "import torch\n"
        "x = torch.tensor([1.0, float('nan'), float('-inf')], dtype=torch.float32)\n"
        "print(torch.clamp(x, min=0.5))"
    )


def test_an_operator_is_written_as_one() -> None:
    x = TensorValue.of(np.array(3, np.int64))
    call = Call("torch.sub", {"input": 2, "other": x}, positional=("input", "other"), form="reflected")

    assert program(call).splitlines()[-1] == "print(2 - other)"


def test_a_method_is_called_on_its_tensor() -> None:
    x = TensorValue.of(np.zeros(2, np.float32))
    call = Call("torch.Tensor.view", {"input": x, "size": (1, 2)}, ("input", "size"), "size", form="method")

    assert one_line(call) == "float32[2].view(*(1, 2))"


def test_an_index_is_written_in_brackets() -> None:
    x = TensorValue.of(np.zeros((2, 2), np.float32))
    call = Call("torch.Tensor.__getitem__", {"input": x, "index": (Slice(0, 1), Ellipsis, None)}, ("input", "index"))

    assert program(Call(**{**_fields(call), "form": "method"})).splitlines()[-1] == (
        "print(x[(slice(0, 1, None), ..., None)])"
    )


def _fields(call: Call) -> dict[str, object]:
    return {name: getattr(call, name) for name in ("op", "arguments", "positional")}


def test_gradients_are_asked_for_with_what_flows_in() -> None:
    x = TensorValue.of(np.array([2.0], np.float32), requires_grad=True)
    ones = TensorValue.of(np.array([1.0], np.float32))
    call = Call("torch.exp", {"input": x}, ("input",), wrt=("input",), upstream={0: ones})

    assert program(call).splitlines()[1:] == [
        "x = torch.tensor([2.0], dtype=torch.float32, requires_grad=True)",
        "y = torch.exp(x)",
        "torch.autograd.backward([y], [torch.tensor([1.0], dtype=torch.float32)])",
        "print(x.grad)",
    ]


def test_a_module_is_made_and_filled_before_it_is_called() -> None:
    weight = TensorValue.of(np.array([[2.0]], np.float32))
    setup = ModuleSetup({"in_features": 1, "out_features": 1, "bias": False}, {"weight": weight}, training=True)
    x = TensorValue.of(np.array([3.0], np.float32))

    lines = program(Call("torch.nn.Linear", {"input": x}, ("input",), module=setup)).splitlines()

    assert lines[2] == "module = torch.nn.Linear(in_features=1, out_features=1, bias=False).train(True)"
    assert lines[-1] == "print(module(x))"


def test_a_scenario_is_its_program_and_what_it_looks_at() -> None:
    case = Program("torch.no_grad", "off", "y = torch.ones(1)\n", ("y.requires_grad",))

    assert program(case) == "import torch\ny = torch.ones(1)\nprint(y.requires_grad)"


def test_strides_are_part_of_a_tensor() -> None:
    value = TensorValue("float32", (2, 2), np.arange(4, dtype=np.float32), (1, 2))

    assert tensor(value) == ("torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float32).as_strided((2, 2), (1, 2), 0)")


def test_complex_infinities_read_back() -> None:
    written = numbers(np.array([complex(np.inf, np.nan), 1 + 2j], np.complex64))

    assert written == "[complex(float('inf'), float('nan')), (1+2j)]"


def test_a_dtype_is_the_librarys_own() -> None:
    assert one_line(Call("torch.zeros", {"size": (2,), "dtype": Dtype("int64")}, ("size",))) == (
        "torch.zeros((2,), dtype=torch.int64)"
    )
