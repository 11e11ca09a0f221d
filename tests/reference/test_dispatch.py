"""The decorators: what they make of a kernel, and what they refuse to decorate."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import assay_reference as torch
from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import Number, Scalar, Sizes, composite, elementwise, op, view
from assay_reference.core.tensor import Tensor


@elementwise(promotes="same", function=False, method=False, in_place=False)
def blend(input: Array | Number, other: Array | Number, *, weight: Scalar = 0.5) -> Array:
    """Mix two tensors."""
    return input + weight * (other - input)


@op(function=False, method=False, out="own", returns=("values", "indices"))
def largest(input: Array, dim: int = -1) -> tuple[Array, Array]:
    """Return the largest element and its index."""
    return input.max(axis=dim), input.argmax(axis=dim)


largest.vjp(input=lambda grad, out, input: reshaped(grad, -1, 1) * (input == reshaped(out[0], -1, 1)))


@op(function=False, method=False)
def joined(tensors: list[Array] | Sequence[Array]) -> Array:  # noqa: F821
    return np.concatenate(tensors)


@view(function=False, method=False)
def reshaped(input: Array, size: Sizes) -> Array:
    return input.reshape(size)


reshaped.vjp(input=lambda grad, shape: reshaped(grad, shape))


def test_the_signature_is_the_kernels_with_out() -> None:
    assert str(inspect.signature(torch.add)).replace("'", "") == (
        "(input: Array | Number, other: Array | Number, *, alpha: Scalar = 1, out=None) -> Array"
    )
    assert (torch.add.__name__, Tensor.add_.__name__, torch.add.__doc__) == (
        "add",
        "add_",
        "Add other, multiplied by alpha.",
    )


def test_half_types_are_computed_in_float32_and_rounded_once() -> None:
    x = torch.tensor([1.0], dtype=torch.float16)

    # 2049 and 0.5 * 2048 are no float16 together: each step in float16 would give 1024.
    assert blend(x * 2048, x * 4, weight=0.001).tolist() == [2046.0]
    assert blend(x, 3.0).dtype is torch.float16


def test_an_op_of_several_results_gives_a_named_tuple() -> None:
    result = largest(torch.tensor([[1.0, 5.0], [7.0, 2.0]]))

    assert result.values.tolist() == [5, 7]
    assert result.indices.tolist() == [1, 0]
    assert type(result).__name__ == "largest"
    assert result.values.dtype is torch.float32


def test_an_op_of_several_results_fills_several_outs() -> None:
    values, indices = torch.empty(0), torch.empty(0, dtype=torch.int64)

    largest(torch.tensor([[1.0, 5.0]]), out=(values, indices))

    assert (values.tolist(), indices.tolist()) == ([5], [1])


@pytest.mark.parametrize(
    ("out", "why"),
    [
        (torch.empty(0), "largest(): argument 'out' must be tuple of Tensors, not Tensor"),
        ((torch.empty(0),), "expected tuple of 2 elements but got 1"),
        ((torch.empty(0), 3), "expected Tensor as element 1 in argument 2, but got int"),
    ],
)
def test_several_results_need_as_many_outs(out: Any, why: str) -> None:
    with pytest.raises(TypeError) as caught:
        largest(torch.tensor([1.0, 5.0]), out=out)

    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("name", "arguments"), [("neg", [torch.ones(2)]), ("nonzero", [torch.ones(2)]), ("zeros", [2])]
)
def test_one_result_needs_one_out(name: str, arguments: list[Any]) -> None:
    with pytest.raises(TypeError) as caught:
        getattr(torch, name)(*arguments, out=(torch.empty(0),))

    assert str(caught.value) == f"{name}(): argument 'out' must be Tensor, not tuple"


def test_sizes_may_be_spread_out() -> None:
    x = torch.arange(6)

    assert reshaped(x, 2, 3).shape == reshaped(x, (2, 3)).shape == reshaped(x, [2, 3]).shape == (2, 3)


def test_a_view_shares_memory_and_history() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    base = x * 1
    column = reshaped(base, 2, 1)

    column.mul_(torch.tensor([[10.0], [100.0]]))
    base.backward(torch.ones(2))

    assert base.tolist() == [10, 200]
    assert column._base is base
    assert x.grad.tolist() == [10, 100]


def test_a_sequence_of_tensors_is_an_operand() -> None:
    assert joined([torch.ones(1), torch.zeros(2)]).tolist() == [1, 0, 0]
    with pytest.raises(TypeError, match="expected Tensor as element 1 in argument 0, but got int"):
        joined([torch.ones(1), 2])
    with pytest.raises(TypeError, match=r"joined\(\): argument 'tensors' \(position 1\) must be tuple of Tensors"):
        joined(3)


def test_decorators_check_their_arguments() -> None:
    def kernel(input: Array) -> Array:
        return input

    with pytest.raises(TypeError, match="kernel: promotes is one of same, int_to_float, first"):
        elementwise(promotes="upwards")(kernel)
    with pytest.raises(TypeError, match="kernel: returns is a tuple of names"):
        op(returns="values")(kernel)
    with pytest.raises(TypeError, match=r"kernel: refuses takes dtypes and categories of them, not \['float23'\]"):
        op(refuses={"float23": RuntimeError()})(kernel)
    with pytest.raises(TypeError, match="add: defined twice"):
        composite(name="add")(kernel)
    with pytest.raises(TypeError, match=r"Tensor.add: defined twice"):
        composite(name="add", function=False)(kernel)


def test_a_kernel_needs_an_operand() -> None:
    def kernel(size: int) -> Array:
        return np.zeros(size)

    with pytest.raises(TypeError, match="kernel: no parameter of the kernel is annotated Array"):
        op()(kernel)


def test_rules_name_what_there_is() -> None:
    @op(function=False, method=False)
    def twice(input: Array) -> Array:
        return input * 2

    with pytest.raises(
        TypeError, match="twice: a gradient rule takes grad, then any of out, shape, input; not grad, oth"
    ):
        twice.vjp(input=lambda grad, other: grad)
    with pytest.raises(TypeError, match="twice: other is not an operand"):
        twice.vjp(other=lambda grad: grad)
    twice.vjp(lambda grad: grad * 2)
    with pytest.raises(TypeError, match="twice: the gradient is defined twice, or not at all"):
        twice.vjp(input=lambda grad: grad)


def test_out_is_resized_with_a_warning_unless_it_is_empty() -> None:
    out = torch.empty(0)

    torch.add(torch.ones(2), 1, out=out)

    assert out.tolist() == [2, 2]
    with pytest.warns(UserWarning, match="An output with one or more elements was resized since it had shape \\[2\\]"):
        torch.add(torch.ones(3), 1, out=out)
