"""The CUDA path, on the strict stand-in for CuPy."""

from __future__ import annotations

import numpy as np
import pytest

import assay_reference as torch
from assay_reference.core import strict_cupy

pytestmark = pytest.mark.usefixtures("stand_in")


def test_a_tensor_on_cuda_is_the_stand_ins_array() -> None:
    x = torch.ones(2, device="cuda")

    assert isinstance(x._array, strict_cupy.ndarray)
    assert (x.device, x.is_cuda, x.type(), x.get_device()) == (
        torch.device("cuda:0"),
        True,
        "torch.cuda.FloatTensor",
        0,
    )
    assert torch.cuda.is_available()
    assert isinstance(x, torch.cuda.FloatTensor)


def test_the_stand_in_refuses_to_become_a_host_array() -> None:
    x = torch.ones(2, device="cuda")._array

    with pytest.raises(TypeError, match="Implicit conversion to a NumPy array is not allowed"):
        np.asarray(x)
    with pytest.raises(TypeError, match=r"Unsupported type <class 'numpy.ndarray'>"):
        x + np.ones(2)
    with pytest.raises(TypeError, match=r"Unsupported type <class 'numpy.ndarray'>"):
        np.ones(2) + x
    with pytest.raises(TypeError, match=r"Unsupported type <class 'numpy.ndarray'>"):
        np.where(x > 0, x, np.ones(2))


def test_tensors_of_two_devices_do_not_meet() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2, device="cuda") + torch.ones(2)

    assert str(caught.value) == (
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"
    )


def test_a_number_in_a_cpu_tensor_may_meet_a_cuda_tensor() -> None:
    x = torch.ones(2, device="cuda")

    assert (torch.tensor(2.0) * x).device == (x * torch.tensor(2.0)).device == x.device


def test_tensors_travel_there_and_back() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    y = (x.cuda() * 3).cpu()
    y.backward(torch.ones(2))

    assert y.tolist() == [3, 6]
    assert x.grad.tolist() == [3, 3]
    assert x.grad.device == torch.device("cpu")
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        x.cuda().numpy()


@pytest.mark.parametrize(
    "name",
    ["abs", "neg", "exp", "log", "sqrt", "square", "sigmoid", "tanh", "relu", "floor", "ceil", "trunc", "round", "sign",
     "isnan", "isinf", "isfinite", "logical_not", "reciprocal", "sin", "cos", "sgn", "conj", "tan", "asin",
     "acos", "atan", "sinh", "cosh", "rsqrt", "log1p", "frac", "erf", "erfinv"],
)  # fmt: skip
def test_functions_of_one_tensor_give_what_they_give_on_the_cpu(name: str) -> None:
    x = torch.tensor([0.5, -1.5, 2.0])
    function = getattr(torch, name)

    assert np.array_equal(function(x.cuda()).tolist(), function(x).tolist(), equal_nan=True)


@pytest.mark.parametrize("name", ["addcmul", "addcdiv"])
def test_functions_of_three_tensors_give_what_they_give_on_the_cpu(name: str) -> None:
    x, y, z = torch.tensor([0.5, -1.5]), torch.tensor([2.0, 3.0]), torch.tensor([4.0, -0.5])
    function = getattr(torch, name)

    assert function(x.cuda(), y.cuda(), z.cuda(), value=2).tolist() == function(x, y, z, value=2).tolist()


@pytest.mark.parametrize(
    "name",
    ["add", "sub", "mul", "div", "floor_divide", "remainder", "fmod", "pow", "maximum", "minimum", "eq", "lt",
     "logical_and", "clamp", "atan2"],
)  # fmt: skip
def test_functions_of_two_tensors_give_what_they_give_on_the_cpu(name: str) -> None:
    x, y = torch.tensor([0.5, -1.5, 2.0]), torch.tensor([2.0, 3.0, -1.0])
    function = getattr(torch, name)

    on_cuda = function(x.cuda(), y.cuda())

    assert on_cuda.is_cuda
    assert np.array_equal(on_cuda.tolist(), function(x, y).tolist(), equal_nan=True)


def test_creation_on_cuda_gives_what_it_gives_on_the_cpu() -> None:
    for make in (
        lambda device: torch.arange(5, device=device),
        lambda device: torch.linspace(0, 1, 3, device=device),
        lambda device: torch.logspace(0, 2, 3, device=device),
        lambda device: torch.eye(2, device=device),
        lambda device: torch.full((2,), 3, device=device),
        lambda device: torch.zeros_like(torch.ones(2), device=device),
        lambda device: torch.tensor([1.5], dtype=torch.bfloat16, device=device),
    ):
        assert make("cuda").is_cuda
        assert make("cuda").tolist() == make("cpu").tolist()


def test_gradients_stay_on_the_device() -> None:
    x = torch.tensor([0.5, 2.0], device="cuda", requires_grad=True)

    (x.sigmoid() * x.clamp(max=1) ** 2).add_(1).backward(torch.ones(2, device="cuda"))

    assert x.grad.device == x.device


def test_a_device_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="CUDA error: invalid device ordinal"):
        torch.zeros(1, device="cuda:7")


def test_numbers_are_written_into_cuda_tensors() -> None:
    x = torch.arange(4.0, device="cuda")

    x[0] = 7
    x[1:3] = True
    x[x > 6] = -1

    assert x.cpu().tolist() == [-1.0, 1.0, 1.0, 3.0]


def test_new_tensors_are_made_on_the_default_device() -> None:
    torch.set_default_device("cuda")
    try:
        made = torch.ones(2), torch.tensor([1.0]), torch.arange(3)
        assert torch.get_default_device() == torch.device("cuda:0")
    finally:
        torch.set_default_device(None)

    assert [each.device.type for each in made] == ["cuda"] * 3
    assert torch.ones(2).device == torch.get_default_device() == torch.device("cpu")


def test_arrays_of_two_devices_refuse_to_meet() -> None:
    first, second = (torch.ones(2, device=f"cuda:{number}")._array for number in (0, 1))

    with pytest.raises(ValueError, match=r"resides \(1\) is different from the current device \(0\)"):
        first + second
    with pytest.raises(ValueError, match="different from the current device"):
        np.sqrt(second)
    assert (second[:1].device.id, second.get().tolist()) == (1, [1.0, 1.0])


def test_a_tensor_is_computed_with_where_it_is() -> None:
    x = torch.arange(3.0, device="cuda:1", requires_grad=True)

    y = (x.view(1, 3) @ torch.ones(3, 2, device="cuda:1")).exp().sum()
    y.backward()

    assert [each.get_device() for each in (x, y, x.grad, x[x > 1], x.half())] == [1] * 5
    assert torch.cuda.current_device() == 0


def test_tensors_of_two_cuda_devices_do_not_meet() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2, device="cuda:0") + torch.ones(2, device="cuda:1")

    assert str(caught.value) == (
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cuda:1!"
    )


@pytest.mark.parametrize("source", ["cpu", "cuda:0", "cuda:1"])
@pytest.mark.parametrize("target", ["cpu", "cuda:0", "cuda:1"])
def test_copies_go_from_any_device_to_any(source: str, target: str) -> None:
    x = torch.tensor([1.0, 2.0], device=source, requires_grad=True)

    moved, written = x.to(target), torch.zeros(2, device=target).copy_(x)
    (moved * written).sum().backward()

    assert (moved.device, written.device, x.grad.device) == (*[torch.device(target)] * 2, torch.device(source))
    assert (written.tolist(), x.grad.tolist()) == ([1.0, 2.0], [2.0, 4.0])
