"""torch.Tensor(...), torch.FloatTensor and its like, and the type of tensors by default, against real PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import assay_reference
from assay_reference.storage import warn_once

EXPRESSIONS = """
torch.Tensor(), torch.Tensor(device='cpu'), torch.Tensor([]), torch.Tensor(())
torch.Tensor(3).shape, torch.Tensor(2, 3).shape, torch.Tensor(2, 0).shape, torch.Tensor(torch.Size([2, 3])).shape
torch.Tensor(size=(2,)).shape, torch.Tensor(np.int64(3)).shape, torch.Tensor(torch.tensor(2), 3).shape
torch.Tensor(-1)
torch.Tensor(2, -1)
torch.Tensor(2, 3.5)
torch.Tensor(2, [3])
torch.Tensor([2, 3]), torch.Tensor((2, 3)), torch.Tensor(range(3)), torch.Tensor([[1, 2], [3, 4]])
torch.Tensor([True, 2.5]), torch.Tensor([2**70]), torch.Tensor([torch.tensor(1), 2.5]), torch.Tensor(data=[1, 2])
torch.Tensor([[1, 2], [3]])
torch.Tensor([[1], 2])
torch.Tensor([1, [2]])
torch.Tensor([1, 'a'])
torch.Tensor(1.5)
torch.Tensor(True)
torch.Tensor('a')
torch.Tensor(b'a')
torch.Tensor(None)
torch.Tensor([None])
torch.Tensor(['a'])
torch.Tensor({1: 2})
torch.Tensor(np.float64(3))
torch.Tensor([1 + 2j])
torch.Tensor(data=3)
torch.Tensor(np.ones(2)), torch.Tensor(np.array(3.0)), torch.Tensor(np.array([[1, 2]], dtype=np.int32))
torch.Tensor(torch.ones(2)), torch.Tensor(torch.tensor(3)), torch.Tensor(other=torch.ones(2, dtype=torch.float64))
torch.Tensor(torch.ones(2, requires_grad=True))
torch.Tensor(torch.ones(2), device='cpu')
torch.Tensor([2], device='meta')
torch.Tensor(2.0, 3)
torch.Tensor([2], 3)
torch.Tensor((2,), (3,))
torch.Tensor(torch.ones(2), 3)
torch.Tensor([1], dtype=torch.int64)
torch.Tensor([1], requires_grad=True)
torch.FloatTensor(), torch.FloatTensor([1, 2.5]), torch.FloatTensor(np.ones((2, 2), dtype=np.int64))
torch.FloatTensor(2, 3).shape, torch.FloatTensor(2, device='cpu').shape, torch.DoubleTensor(2).dtype
torch.FloatTensor(torch.ones(2, dtype=torch.int64))
torch.FloatTensor(torch.ones(2, dtype=torch.bfloat16))
torch.FloatTensor(2, device='cuda')
torch.FloatTensor([1], dtype=torch.int64)
torch.FloatTensor(1.5)
torch.DoubleTensor([0.1]), torch.HalfTensor([1e6]), torch.BFloat16Tensor([1 / 3]), torch.BoolTensor([0, 1, 2.5])
torch.LongTensor([1.5, -1.5]), torch.LongTensor([True]), torch.LongTensor(np.array([1.5])), torch.LongTensor(2).dtype
torch.LongTensor(['a'])
torch.LongTensor([1, 'a'])
torch.LongTensor([None])
torch.LongTensor([float('nan')])
torch.LongTensor([2**63])
torch.LongTensor(torch.tensor([1.0]))
torch.ByteTensor([1, 255]), torch.ByteTensor([-1]), torch.CharTensor([-1]), torch.ShortTensor([1.9])
torch.ByteTensor([256])
torch.CharTensor([200])
torch.CharTensor([-129])
torch.IntTensor([2**31])
torch.cuda.FloatTensor(2)
torch.ComplexFloatTensor is None
torch.FloatTensor, torch.cuda.FloatTensor, torch.FloatTensor.__name__, torch.FloatTensor.dtype, torch.LongTensor.dtype
torch.FloatTensor.is_cuda, torch.cuda.FloatTensor.is_cuda, torch.FloatTensor.layout, torch.FloatTensor.is_sparse
isinstance(torch.ones(1), torch.FloatTensor), isinstance(torch.ones(1), torch.DoubleTensor)
isinstance(torch.ones(1), torch.cuda.FloatTensor), isinstance(3, torch.FloatTensor)
isinstance(torch.nn.Parameter(torch.ones(1)), torch.FloatTensor), issubclass(torch.FloatTensor, torch.Tensor)
torch.ones(2).type(), torch.ones(2).type(None), torch.ones(2, dtype=torch.complex64).type()
torch.ones(2).type(torch.float64), torch.ones(2).type('torch.DoubleTensor'), torch.ones(2).type(torch.LongTensor)
torch.ones(2, dtype=torch.float64).type(torch.Tensor), torch.ones(2).type('torch.ComplexFloatTensor')
torch.ones(2).type('torch.FooTensor')
torch.ones(2).type(float)
torch.ones(2).type(3)
torch.tensor([1, 2]).new(3).shape, torch.tensor([1, 2]).new([1.5, 2]), torch.tensor([1, 2]).new()
torch.ones(2, dtype=torch.float64).new(2, 3).dtype, torch.ones(2).new(torch.ones(1, requires_grad=True))
torch.ones(2).new(torch.ones(1, dtype=torch.int64))
[torch.set_default_tensor_type(torch.DoubleTensor), torch.tensor([1.0]).dtype, torch.Tensor([1]), torch.zeros(1)]
[torch.set_default_tensor_type(torch.DoubleTensor), torch.tensor([1]), torch.get_default_dtype(), torch.tensor([1j])]
[torch.set_default_tensor_type('torch.HalfTensor'), torch.tensor([1.0]).dtype, torch.ones(1)]
torch.set_default_tensor_type('float32')
torch.set_default_tensor_type('foo.bar')
torch.set_default_tensor_type('math.pi')
torch.set_default_tensor_type('')
torch.set_default_tensor_type(torch.LongTensor)
torch.set_default_tensor_type('torch.LongTensor')
torch.set_default_tensor_type(torch.float32)
torch.set_default_tensor_type(torch.Tensor)
torch.set_default_tensor_type(None)
torch.set_default_tensor_type(torch.cuda.FloatTensor)
torch.set_default_tensor_type('torch.cuda.FloatTensor')
torch.set_default_tensor_type(t=torch.FloatTensor)
torch.set_default_tensor_type()
[(each, each.is_floating_point, each.is_complex, each.is_signed, each.itemsize) for each in (torch.float, torch.bool)]
[(each, each.is_floating_point, each.is_complex, each.is_signed, each.itemsize) for each in (torch.long, torch.cdouble)]
[each.to_complex() for each in (torch.bfloat16, torch.float32, torch.float64, torch.complex64)]
[each.to_real() for each in (torch.complex64, torch.complex128, torch.float32, torch.int64)]
torch.int64.to_complex()
torch.float is torch.float32, torch.double is torch.float64, torch.half is torch.float16, torch.long is torch.int64
torch.int is torch.int32, torch.short is torch.int16, torch.cfloat is torch.complex64, torch.cdouble is torch.complex128
""".strip().splitlines()


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
        assay_reference.set_default_tensor_type(assay_reference.FloatTensor)


def answer(library: Any, expression: str) -> str:
    """Evaluate an expression; give what it shows, or its error."""
    try:
        shown = repr(eval(expression, {"torch": library, "np": np}))
    except Exception as error:
        shown = f"{type(error).__name__}: {error}"
    finally:
        library.set_default_dtype(library.float32)
    # Which of its forms an argument does not fit, only PyTorch says.
    lines = [each for each in shown.split("\n") if "didn't match because" not in each]
    return "\n".join(lines).replace("module 'assay_reference", "module 'torch")


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_type_answers_as_in_pytorch(expression: str) -> None:
    torch = pytest.importorskip("torch")

    assert answer(assay_reference, expression) == answer(torch, expression)


def test_a_tensor_made_of_another_shares_its_memory() -> None:
    x = assay_reference.ones(2)

    assay_reference.Tensor(x)[0] = 5

    assert x.tolist() == [5, 1]


def test_that_default_tensor_types_are_going_is_said_once() -> None:
    warn_once.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assay_reference.set_default_tensor_type(assay_reference.FloatTensor)
        assay_reference.set_default_tensor_type("torch.FloatTensor")

    assert [str(each.message) for each in caught] == [
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives."
    ]
    assert caught[0].filename == __file__


def test_tensors_are_made_on_cuda_where_that_is_the_default(stand_in: None) -> None:
    assay_reference.set_default_tensor_type("torch.cuda.DoubleTensor")
    x = assay_reference.zeros(2)

    assert {each.type() for each in (x, assay_reference.tensor([1.0]), assay_reference.Tensor(2))} == {
        "torch.cuda.DoubleTensor"
    }
    assert repr(x) == "tensor([0., 0.])"
    assert repr(x.cpu()) == "tensor([0., 0.], device='cpu')"


def test_types_on_cuda_make_tensors_and_storages_there(stand_in: None) -> None:
    x = assay_reference.cuda.FloatTensor([1, 2])
    storage = assay_reference.cuda.FloatStorage([3, 4])

    assert isinstance(x, assay_reference.cuda.FloatTensor)
    assert not isinstance(x, assay_reference.FloatTensor)
    assert isinstance(x.storage(), assay_reference.cuda.FloatStorage)
    assert repr(storage) == " 3.0\n 4.0\n[torch.storage.TypedStorage(dtype=torch.float32, device=cuda:0) of size 2]"
    assert assay_reference.cuda.FloatTensor(storage).sum().item() == 7
    assert x.storage().copy_(storage.cpu()).tolist() == x.tolist() == [3, 4]
