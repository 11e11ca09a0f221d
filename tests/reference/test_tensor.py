"""What a tensor is, and how it becomes Python's and NumPy's."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import assay_reference as torch


def test_a_tensor_knows_its_shape_strides_and_size() -> None:
    x = torch.zeros(2, 3, dtype=torch.int16)

    assert x.shape == torch.Size([2, 3]) == x.size()
    assert (x.size(-1), x.dim(), x.ndim, x.numel(), len(x)) == (3, 2, 2, 6, 2)
    assert (x.stride(), x.stride(0), x.element_size(), x.nbytes, x.storage_offset()) == ((3, 1), 3, 2, 12, 0)
    assert repr(x.shape) == "torch.Size([2, 3])"
    assert x.shape.numel() == 6


def test_a_dimension_out_of_range_is_an_index_error() -> None:
    with pytest.raises(IndexError) as caught:
        torch.zeros(2).size(2)

    assert str(caught.value) == "Dimension out of range (expected to be in range of [-1, 0], but got 2)"


def test_from_numpy_and_numpy_share_memory_both_ways() -> None:
    array = np.array([1.0, 2.0])
    x = torch.from_numpy(array)

    array[0] = 5
    x.numpy()[1] = 7

    assert x.tolist() == [5, 7]
    assert array.tolist() == [5, 7]


def test_detach_shares_memory_and_version_but_no_history() -> None:
    x = torch.ones(2, requires_grad=True) * 1
    y = x.detach()

    y.add_(1)

    assert x.tolist() == [2, 2]
    assert x._version == y._version == 1
    assert not y.requires_grad


def test_clone_has_memory_of_its_own() -> None:
    x = torch.ones(2)

    x.clone().add_(1)

    assert x.tolist() == [1, 1]


def test_data_may_be_assigned() -> None:
    x = torch.ones(2, requires_grad=True)

    x.data = torch.zeros(3)
    x.data.add_(1)

    assert x.tolist() == [1, 1, 1]
    assert x._version == 0


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: torch.ones(1, requires_grad=True).numpy(), RuntimeError, "Can't call numpy() on Tensor that requires"),
        (lambda: torch.ones(2).item(), RuntimeError, "a Tensor with 2 elements cannot be converted to Scalar"),
        (lambda: float(torch.ones(2)), ValueError, "only one element tensors can be converted to Python scalars"),
        (lambda: bool(torch.ones(2)), RuntimeError, "Boolean value of Tensor with more than one value is ambiguous"),
        (lambda: bool(torch.ones(0)), RuntimeError, "Boolean value of Tensor with no values is ambiguous"),
        (lambda: len(torch.tensor(1)), TypeError, "len() of a 0-d tensor"),
        (lambda: iter(torch.tensor(1)), TypeError, "iteration over a 0-d tensor"),
        (
            lambda: [1][torch.tensor(0.0)],
            TypeError,
            "only integer tensors of a single element can be converted",
        ),
        (
            lambda: torch.tensor([1]).requires_grad_(),
            RuntimeError,
            "only Tensors of floating point dtype can require",
        ),
        (lambda: torch.ones(2).type("torch.Foo"), ValueError, "invalid type: 'torch.Foo'"),
        (lambda: torch.ones(1).cuda(), AssertionError, "Torch not compiled with CUDA enabled"),
        (lambda: torch.device("foo"), RuntimeError, "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl"),
        (lambda: torch.device("cuda:x"), RuntimeError, "Invalid device string: 'cuda:x'"),
        (
            lambda: setattr(torch.ones(2), "grad", torch.ones(3)),
            RuntimeError,
            "attempting to assign a gradient of size '[3]' to",
        ),
        (lambda: torch.ones(2).real.imag, RuntimeError, "imag is not implemented for tensors with non-complex dtypes."),
    ],
)
def test_misuse_is_answered_in_pytorchs_words(make: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        make()

    assert str(caught.value).startswith(message)


def test_numbers_come_out_as_python_numbers() -> None:
    assert (float(torch.tensor([2])), int(torch.tensor(2.7)), complex(torch.tensor(1j))) == (2.0, 2, 1j)
    assert ["a", "b"][torch.tensor(1)] == "b"
    assert torch.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert torch.tensor([1.5], dtype=torch.bfloat16).item() == 1.5
    assert not torch.tensor([[0.0]])


def test_type_names_a_type_and_converts_to_one() -> None:
    x = torch.ones(2)

    assert x.type() == "torch.FloatTensor"
    assert x.type("torch.LongTensor").dtype is x.type(torch.int64).dtype is x.type(torch.LongTensor).dtype
    assert isinstance(x, torch.FloatTensor)
    assert not isinstance(x, torch.LongTensor)


def test_to_gives_the_tensor_itself_unless_something_changes() -> None:
    x = torch.ones(2)

    assert x.to("cpu") is x.to(torch.float32) is x.to(x) is x.to(device="cpu", dtype=torch.float32) is x
    assert x.to(torch.float32, copy=True) is not x
    assert x.to("cpu", torch.int8).dtype is x.to(dtype=torch.int8).dtype is torch.int8
    assert x.to(torch.zeros(1, dtype=torch.float64)).dtype is torch.float64


def test_conversions_round_towards_zero_and_wrap_around() -> None:
    assert torch.tensor([1.5, -1.5]).int().tolist() == [1, -1]
    assert torch.tensor([300, -1]).to(torch.uint8).tolist() == [44, 255]
    assert torch.tensor([float("nan"), 0.0]).bool().tolist() == [True, False]
    assert torch.tensor([1 + 2j]).float().tolist() == [1.0]


def test_doubles_become_halves_by_way_of_floats() -> None:
    above_a_tie = 1 + 2**-11 + 2**-30

    assert torch.tensor([above_a_tie], dtype=torch.float64).half().tolist() == [1.0]
    assert torch.tensor([above_a_tie], dtype=torch.float16).tolist() == [1.0]


def test_copy_broadcasts_and_casts() -> None:
    x = torch.zeros(2, 2, dtype=torch.int64)

    x.copy_(torch.tensor([1.7, 2.7]))

    assert x.tolist() == [[1, 2], [1, 2]]


def test_fill_and_zero_write_in_place() -> None:
    x = torch.ones(2)

    assert x.fill_(3) is x
    assert x.tolist() == [3, 3]
    assert x.zero_().tolist() == [0, 0]
    assert x._version == 2


def test_the_gradient_of_a_copy_goes_to_the_source() -> None:
    x = torch.ones(2, requires_grad=True)
    y = torch.zeros(2)

    y.copy_(x * 3)
    y.backward(torch.tensor([1.0, 2.0]))

    assert x.grad.tolist() == [3, 6]


def test_an_expanded_tensor_cannot_be_written_to() -> None:
    x = torch.from_numpy(np.broadcast_to(np.ones(1), (3,)).view())

    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory"):
        x.add_(1)


def test_deepcopy_copies_leaves_only() -> None:
    x = torch.ones(2, requires_grad=True)

    copied = copy.deepcopy([x, x])

    assert copied[0] is copied[1]
    assert copied[0].requires_grad
    assert copied[0].data_ptr() != x.data_ptr()
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(x * 1)


def test_devices_compare_and_show_as_in_pytorch() -> None:
    assert torch.device("cuda:1") == torch.device("cuda", 1)
    assert torch.device("cpu") != torch.device("cpu", 0)
    assert repr(torch.device("cuda:1")) == "device(type='cuda', index=1)"
    assert str(torch.device("cuda")) == "cuda"


def test_without_cuda_nothing_is_available() -> None:
    assert torch.cuda.is_available() is False
    assert torch.cuda.device_count() == 0


@pytest.mark.parametrize(
    "call",
    [
        "torch.Size([2, 3])[1:]",
        "torch.Size([2]) + (3,)",
        "(3,) + torch.Size([2])",
        "2 * torch.Size([2])",
        "torch.Size(torch.tensor([2, 3]))",
        "torch.Size([True])",
        "torch.Size([2]) + [1]",
        "torch.Size([2.5])",
        "torch.Size('ab')",
        "torch.device('mps:0')",
        "torch.device('cuda', 1)",
        "torch.device('cpu', -1)",
        "torch.device('cuda:01')",
        "torch.device('cuda:0', 1)",
        "torch.device('silver')",
        "torch.ones(1).to('mps')",
    ],
)
def test_sizes_and_devices_are_those_of_pytorch(call: str) -> None:
    theirs = pytest.importorskip("torch")

    assert said(torch, call) == said(theirs, call)


def said(library: Any, call: str) -> str:
    """Make a call; return the result, or what it raises in words."""
    try:
        return repr(eval(call, {"torch": library}))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
