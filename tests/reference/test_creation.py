"""New tensors: literals, and calls whose answers and errors are compared with real PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import assay_reference

CALLS = """
tensor([[1, 2], [3]])
tensor('a')
tensor(['a'])
tensor(None)
tensor([1, 'a'])
tensor([[1], 2])
tensor(2**64)
tensor([2**63])
tensor(300, dtype=torch.uint8)
tensor([-1], dtype=torch.uint8)
tensor([1.5], dtype=torch.int64)
tensor(1e40)
tensor(1j, dtype=torch.float32)
tensor([1, 2.5, True])
tensor([True, 2])
tensor([])
tensor([[], []])
tensor(range(3))
tensor([torch.tensor(1), torch.tensor(2.5)])
tensor([torch.ones(2)])
tensor([np.float64(1), 2])
tensor([np.int8(1)])
tensor(np.float32(1))
tensor(np.array(['a']))
tensor([1], dtype=int)
tensor([1], dtype='int')
tensor([1.0], pin_memory=True)
arange(3, pin_memory=True)
rand(2, pin_memory=True)
empty_like(torch.ones(2), pin_memory=True)
zeros(2, layout=torch.sparse_coo, pin_memory=True)
sparse_coo_tensor([[0]], [1.0], (2,), pin_memory=True)
sparse_csr_tensor([0, 1], [0], [1.0], pin_memory=True)
tensor([1], requires_grad=True)
tensor([1 + 2j])
zeros(2, -1)
zeros('a')
zeros(())
zeros(2.0)
zeros([2, 3])
zeros(size=(2,))
zeros(2, dtype=torch.int64, requires_grad=True)
zeros(2, out=torch.ones(2, dtype=torch.int64))
zeros(2, dtype=torch.float32, out=torch.ones(2, dtype=torch.int64))
zeros(torch.tensor(2), 3)
ones((2, 1), dtype=torch.bool)
full((2,), 1)
full((2,), 1.5)
full((2,), True)
full((2,), 1.5, dtype=torch.int64)
full((2,), torch.tensor(2))
full_like(torch.ones(2, dtype=torch.long), 1.5)
arange(5)
arange(1, 2.5, 0.5)
arange(0, 5, 0)
arange(5, 0)
arange(0, 5, -1)
arange(5, 0, -2)
arange(0, 1, 0.1)
arange(2, dtype=torch.bool)
arange(0, 5, 1.0)
arange(float('nan'))
arange(float('inf'))
arange(3, requires_grad=True)
arange(5, dtype=torch.float16)
arange(torch.tensor(3))
arange(0.5, 3, dtype=torch.int64)
arange(end=3)
arange(1, step=2, end=6)
arange(3, out=torch.zeros(0))
arange(0, 1, 0.5, dtype=torch.int64)
arange(0, 1, float('nan'))
arange(0, float('inf'), 0)
range(1, 4)
range(1, 4.5, 2)
range(0.5, 4, 1.5, dtype=torch.int32)
range(-0.5, 4.5, 2.9, dtype=torch.int64)
range(5, 1, -1.5)
range(0, 1, 0.1)
range(2, 2)
range(1, 0)
range(0, 1, 0)
range(0, float('inf'))
range(0, 3, dtype=torch.float16)
range(0, 3, dtype=torch.bool)
range(0, 3, dtype=torch.complex64)
range(0, 300, 100, dtype=torch.uint8)
range(1, 3, out=torch.empty(0, dtype=torch.int64))
range(1, 3, requires_grad=True)
linspace(0, 10, 5)
linspace(0, 10, 1)
linspace(0, 10, 0)
linspace(0, 10, -1)
linspace(0, 10, 5, dtype=torch.int64)
linspace(-3, 10, 5, dtype=torch.int64)
linspace(0, 1j, 3)
linspace(0, 1j, 3, dtype=torch.float32)
linspace(torch.tensor(0), torch.tensor(1.0), 3)
linspace(torch.tensor([0]), 1.0, 3)
linspace(0, 1, steps=3, dtype=torch.float16)
linspace(-1, 2, 7)
logspace(0, 2, 3)
logspace(0, 2, 3, base=2)
logspace(0, 2, 3, dtype=torch.int64)
logspace(0, 2, -1)
eye(3)
eye(2, 3)
eye(-1)
eye(2, -1)
eye(2, dtype=torch.bool)
eye(2.0)
eye(n=2, m=1)
from_numpy([1])
from_numpy(np.zeros(3, dtype='>f4'))
from_numpy(np.zeros(3)[::-1])
as_tensor([1, 2])
as_tensor(np.zeros(2))
zeros_like([1])
ones_like(torch.ones(2, requires_grad=True))
empty_like(torch.ones(0, 2), dtype=torch.int8)
Tensor([2, 3])
Tensor()
FloatTensor([1, 2])
LongTensor([1.5])
tensor([1, 2]).new_zeros(3)
tensor([1, 2]).new_tensor([1.5])
tensor([1, 2]).new_full((2,), 3.5)
tensor([1, 2]).new_ones((2,), dtype=torch.float16)
scalar_tensor(2)
""".strip().splitlines()


def answer(library: Any, call: str) -> tuple[tuple[Any, ...], Any]:
    """Make a tensor; give what it is and its elements, or its error."""
    try:
        made = eval(f"torch.{call}", {"torch": library, "np": np})
    except Exception as error:
        return (type(error).__name__, str(error)), []
    return (str(made.dtype), tuple(made.shape), made.requires_grad), made.tolist()


@pytest.mark.parametrize("call", CALLS)
def test_a_call_answers_as_pytorch_does(call: str) -> None:
    torch = pytest.importorskip("torch")
    expected, elements = answer(torch, call)

    what, actual = answer(assay_reference, call)

    assert what == expected
    np.testing.assert_allclose(actual, elements, rtol=1e-6)


def test_numbers_are_inferred_from_nested_lists() -> None:
    x = assay_reference.tensor([[1, 2.5], [True, 0]])

    assert x.dtype is assay_reference.float32
    assert x.tolist() == [[1.0, 2.5], [1.0, 0.0]]


def test_tensor_copies_and_as_tensor_does_not() -> None:
    array = np.zeros(2, np.float32)

    assay_reference.tensor(array).add_(1)
    assert array.tolist() == [0, 0]
    assay_reference.as_tensor(array).add_(1)
    assert array.tolist() == [1, 1]


def test_like_keeps_the_strides_of_a_dense_tensor() -> None:
    x = assay_reference.from_numpy(np.zeros((2, 3)).T)

    assert assay_reference.zeros_like(x).stride() == (1, 3)


def test_a_constructor_of_old_takes_a_size_or_data() -> None:
    assert assay_reference.Tensor(2, 3).shape == (2, 3)
    assert assay_reference.Tensor([2, 3]).tolist() == [2.0, 3.0]
    assert assay_reference.LongTensor(2).dtype is assay_reference.int64


def test_linspace_comes_from_both_ends() -> None:
    assert assay_reference.linspace(0, 1, 5).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert assay_reference.linspace(0, 1, 5, dtype=assay_reference.int64).tolist() == [0, 0, 0, 0, 1]
