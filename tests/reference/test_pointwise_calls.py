"""Calls of pointwise functions: operators, numbers, in-place, out=, and errors, compared with real PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import assay_reference

CALLS = """
torch.tensor([1, 2]) + 'a'
torch.add(torch.tensor([1, 2]), 'a')
torch.tensor([1]).add('a')
torch.add(torch.tensor([1, 2]), 1, bogus=1)
torch.add(torch.tensor([1]), 1, 1, 1)
torch.add(1, 2)
torch.exp('a')
torch.exp(1)
torch.exp()
torch.exp(torch.ones(1), 1)
torch.ones(2, 3) + torch.ones(2, 4)
torch.ones(3).add_(torch.ones(2, 3))
torch.ones(3, dtype=torch.long).add_(1.5)
torch.add(torch.ones(3), 1, out=torch.ones(3, dtype=torch.long))
torch.add(torch.ones(3, requires_grad=True), 1, out=torch.ones(3))
torch.add(torch.ones(3), 1, out=torch.ones(3, requires_grad=True))
torch.add(torch.ones(3), 1, out=torch.ones(2))
torch.add(torch.ones(3), 1, out=torch.ones(0))
torch.eq(torch.ones(3), 1, out=torch.ones(3))
torch.add(torch.tensor([1]), torch.tensor([1]), alpha=1.5)
torch.add(torch.tensor([True]), torch.tensor([True]), alpha=2)
torch.add(torch.tensor([1]), torch.tensor([1]), alpha=True)
torch.add(torch.tensor([1.0]), torch.tensor([1]), alpha=1j)
torch.add(torch.tensor([1.0]), torch.tensor([1]), alpha='a')
torch.add(torch.tensor([1.0]), torch.tensor([3.0]), alpha=0.5)
torch.sub(torch.tensor([5]), 3, alpha=2)
torch.sub(torch.tensor([True]), 1)
1 - torch.tensor([True])
torch.tensor([True]) - True
-torch.tensor([True])
5 - torch.tensor([3, 4])
np.float32(2) * torch.tensor([1, 2])
torch.tensor([1, 2]) * np.float32(2)
torch.div(torch.tensor([7, -7]), 2, rounding_mode='trunc')
torch.div(torch.tensor([7.0, -7]), 2, rounding_mode='floor')
torch.div(torch.tensor([7, -7], dtype=torch.int8), torch.tensor([2.0, 2]), rounding_mode='floor')
torch.div(torch.tensor([1]), 0, rounding_mode='floor')
torch.div(torch.tensor([1]), 0, rounding_mode='x')
torch.div(torch.tensor([1, -1, 0]), 0)
torch.div(1, 2)
torch.tensor([1.0, 2.0]).div_(torch.tensor([3, 3]))
torch.tensor([1, 2]).div_(2)
torch.tensor([1, 2]).div_(2, rounding_mode='floor')
torch.tensor([1]) // 0
torch.tensor([7.0, -7, 0.0, float('inf')]) // 0
torch.remainder(torch.tensor([1]), 0)
torch.fmod(torch.tensor([1]), 0)
torch.remainder(torch.tensor([7.0, -7, float('inf'), 1, -1]), torch.tensor([float('inf'), float('inf'), 2.0, 0.0, 2]))
5 % torch.tensor([3, 4])
5 // torch.tensor([3, 4])
5 / torch.tensor([3, 4])
torch.round(torch.tensor([1.235, -1.235, 125.5]), decimals=2)
torch.round(torch.tensor([125.5, 15, 25]), decimals=-1)
torch.round(torch.tensor([125]), decimals=1)
torch.clamp(torch.ones(2))
torch.clamp(torch.tensor([1, 2]), 0.5)
torch.clamp(torch.tensor([1, 2]), min=torch.tensor([1.5, 1.5]))
torch.clamp(torch.tensor([1.0, 2, 3]), min=2, max=1)
torch.clamp(torch.tensor([float('nan'), 1]), min=2)
torch.clamp(torch.tensor([1.0, 1]), min=float('nan'))
torch.clamp(torch.tensor([1.0, 1]), min=torch.tensor([0.0]), max=torch.ones(3, 2))
torch.clamp(torch.tensor([True]), 0)
torch.pow(torch.tensor([2]), -1)
torch.pow(torch.tensor([2]), torch.tensor([-1]))
torch.pow(2, torch.tensor([-1]))
2 ** torch.tensor([-1, 2])
torch.pow(torch.tensor([2, 3]), torch.tensor([2.0, -1]))
torch.pow(torch.tensor([2, 3], dtype=torch.int8), 7)
torch.pow(torch.tensor([0, -1, 1, 2, -2]), torch.tensor([-1, -1, -1, -1, -1]))
torch.pow(torch.tensor([0, -1, 1, 2, -2]), torch.tensor([-2, -2, -2, -2, -2]))
torch.pow(torch.tensor([-8.0, 8]), 1 / 3)
torch.pow(torch.tensor([2, 3]), 2.0)
torch.pow(torch.tensor([2, 3]), True)
torch.pow(torch.tensor([2.0, 3]), 1j)
torch.pow(torch.tensor([0.0, 0.0]), torch.tensor([0.0, -1.0]))
torch.tensor([2, 3]).pow_(1.5)
torch.tensor([2]) ** -1.0
torch.where(torch.tensor([True]), 1, 2.5)
torch.where(torch.tensor([True]), 1.0, torch.tensor([1]))
torch.where(torch.tensor([1]), 1, 2)
torch.where(torch.tensor([True]), torch.ones(1), torch.ones(1, dtype=torch.int64))
torch.where(torch.tensor(True), torch.tensor(1.5), torch.ones(1, dtype=torch.int64))
torch.where(torch.tensor([True]), torch.ones(2), torch.ones(3))
torch.tensor([1.0, 2.0]).where(torch.tensor([True, False]), 7)
torch.tensor([1.0]) == torch.tensor([1, 2, 3])
torch.tensor([1, 2]) == 1.5
torch.tensor([44], dtype=torch.int8) == 300
torch.tensor([1.0], dtype=torch.bfloat16) == 1.001
torch.tensor([1.0, 2]).eq_(1)
torch.tensor([1, 2]) < 'a'
torch.tensor([1j]) < torch.tensor([1j])
torch.tensor([0.0, 2.0]) & 1
torch.tensor([1, 3]) & True
1 & torch.tensor([True])
torch.tensor([1, 3]) << 1
~torch.tensor([1.0])
~torch.tensor([1, 0])
~torch.tensor([True])
torch.sigmoid(torch.tensor([1000.0, -1000.0]))
torch.sign(torch.tensor([-0.0, float('nan'), -3]))
torch.abs(torch.tensor([-128], dtype=torch.int8))
abs(torch.tensor([-3.0]))
torch.maximum(torch.tensor([1]), torch.tensor([1.5]))
torch.tensor([3]).sqrt_()
torch.relu(torch.tensor([-1.0, -0.0, float('nan'), -float('inf'), 2]))
torch.tensor([1.0], dtype=torch.bfloat16) * 0.1
torch.tensor([3.0], dtype=torch.bfloat16) * torch.tensor(0.1)
torch.ones(2).fill_(torch.ones(2))
torch.ones(2, dtype=torch.long).fill_(1.5)
torch.ones(2).copy_(torch.ones(3))
torch.ones(2).copy_(1)
torch.addcmul(torch.tensor([1]), torch.tensor([2]), torch.tensor([3]), value=0.5)
torch.addcmul(torch.tensor([1]), torch.tensor([2]), torch.tensor([1.5]), value=0.5)
torch.addcmul(torch.tensor([1]), torch.tensor([2]), torch.tensor([3]), value=True)
torch.addcmul(torch.tensor([True]), torch.tensor([True]), torch.tensor([True]))
torch.addcmul(torch.ones(2), torch.ones(2, 1), torch.ones(1, dtype=torch.float64), value=2)
torch.addcmul(torch.zeros(1), torch.tensor([3e38]), torch.tensor([3e38]), value=0)
torch.addcmul(torch.ones(3), torch.ones(2), torch.ones(2))
torch.addcmul(torch.tensor([1j]), torch.tensor([2j]), torch.tensor([3.0]), value=2j)
torch.ones(3).addcmul_(torch.ones(2, 3), torch.ones(3))
torch.ones(3, dtype=torch.long).addcmul_(torch.ones(3), torch.ones(3))
torch.addcdiv(torch.ones(1), torch.tensor([1]), torch.tensor([2]))
torch.addcdiv(torch.ones(1), torch.tensor([True]), torch.tensor([2]))
torch.addcdiv(torch.tensor([1]), torch.tensor([1]), torch.tensor([2.0]), value=0.5)
torch.addcdiv(torch.ones(2), torch.tensor([1.0, 0.0]), torch.zeros(2))
torch.ones(2, dtype=torch.half).addcdiv_(torch.ones(2), torch.full((2,), 3.0), value=0.1)
torch.addcmul(torch.ones(1), 0.5, torch.ones(1), torch.ones(1), value=2)
torch.addcmul(tensor=torch.ones(1), value=0.5, tensor1=torch.ones(1), tensor2=torch.ones(1))
torch.div(torch.ones(1), value=2)
torch.exp(tensor=torch.ones(1))
torch.exp(torch.ones(1), tensor=torch.ones(1))
torch.abs_(torch.tensor([-1.0, 2.0]))
torch.abs_(torch.tensor([1j]))
torch.abs_(torch.tensor([True]))
torch.abs_(torch.ones(1, requires_grad=True))
torch.tensor([-3]).abs_()
torch.tensor([1j]).absolute_()
torch.frac(torch.tensor([-0.0, -2.0, -1.5, float('inf')]))
torch.arctan2(torch.tensor([0.0, -0.0, 1.0]), torch.tensor([-1.0, -1.0, 0.0]))
torch.atan2(torch.tensor([1]), torch.tensor([1j]))
torch.tensor([1]).acos_()
torch.multiply(torch.tensor([2.0]), 3)
torch.tensor([2.0]).clip_(max=1)
""".strip().splitlines()


def answer(library: Any, call: str) -> tuple[tuple[Any, ...], Any]:
    """Make a call; give what the result is and its elements, or its error."""
    try:
        result = eval(call, {"torch": library, "np": np})
    except Exception as error:
        return (type(error).__name__, str(error).split(" (Triggered")[0]), []
    return (str(result.dtype), tuple(result.shape)), result.tolist()


@pytest.mark.parametrize("call", CALLS)
def test_a_call_answers_as_pytorch_does(call: str) -> None:
    torch = pytest.importorskip("torch")
    expected, elements = answer(torch, call)

    what, actual = answer(assay_reference, call)

    assert what == expected
    np.testing.assert_allclose(actual, elements, rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["add", "mul", "div", "sub", "remainder", "fmod", "pow", "floor_divide", "lt", "clamp"]
)
def test_the_three_forms_of_an_op_agree(name: str) -> None:
    x, y = assay_reference.tensor([5.0, -7.0]), assay_reference.tensor([2.0, 3.0])
    expected = getattr(assay_reference, name)(x, y).float()
    out = assay_reference.empty(2)

    assert getattr(assay_reference, name)(x, y, out=out) is out
    assert getattr(x, f"{name}_")(y) is x

    np.testing.assert_array_equal(out.tolist(), expected.tolist())
    np.testing.assert_array_equal(x.tolist(), expected.tolist())
    assert x._version == out._version == 1


def test_a_failed_call_changes_nothing() -> None:
    x = assay_reference.tensor([1, 2])

    with pytest.raises(RuntimeError):
        x.div_(2)

    assert x.tolist() == [1, 2]
    assert x._version == 0


def test_results_keep_the_strides_of_a_dense_operand() -> None:
    x = assay_reference.from_numpy(np.ones((2, 3), np.float32).T)

    for result in (x + 1, x.exp(), x.relu(), x.double(), x.clone(), x == 1, x.clamp(0), x**2, x % 2):
        assert result.stride() == (1, 3)
    assert x.contiguous().stride() == (2, 1)
    assert not x.is_contiguous()


def test_an_op_gives_a_tensor_of_its_own_even_where_nothing_changes() -> None:
    x = assay_reference.tensor([1, 2])

    x.floor().add_(1)
    x.clone().add_(1)
    x.sgn().add_(1)

    assert x.tolist() == [1, 2]


def test_the_number_may_still_stand_second_in_addcmul() -> None:
    x = assay_reference.tensor([2.0])

    with pytest.warns(UserWarning) as caught:
        results = [assay_reference.addcmul(x, 0.5, x, x), x.addcmul(0.5, x, tensor2=x), x.clone().addcdiv_(0.5, x, x)]

    assert [each.item() for each in results] == [4.0, 4.0, 2.5]
    assert str(caught[0].message) == (
        "This overload of addcmul is deprecated:\n"
        "\taddcmul(Tensor input, Number value, Tensor tensor1, Tensor tensor2, *, Tensor out = None)\n"
        "Consider using one of the following signatures instead:\n"
        "\taddcmul(Tensor input, Tensor tensor1, Tensor tensor2, *, Number value = 1, Tensor out = None)"
    )
