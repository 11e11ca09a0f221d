"""The documented edition beside the current one: what it adds, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

import assay_reference as torch
from assay_reference import documented
from assay_reference.core.tensor import Tensor


def test_names_without_a_former_form_are_the_current_ones() -> None:
    assert (documented.Tensor, documented.sub, documented.linalg) == (torch.Tensor, torch.sub, torch.linalg)
    assert documented.autograd.no_grad is torch.autograd.no_grad
    assert documented.nn.MaxPool2d is torch.nn.MaxPool2d


def test_the_current_names_of_parameters_are_taken_too() -> None:
    x = documented.cat(tensors=[torch.ones(1), torch.zeros(1)], dim=0)

    assert x.tolist() == [1.0, 0.0]


def test_former_names_are_unknown_to_the_current_edition() -> None:
    with pytest.raises(TypeError, match=r'^mm\(\) missing 2 required positional argument: "input", "mat2"$'):
        torch.mm(mat1=torch.ones(1, 1), mat2=torch.ones(1, 1))


def test_none_may_stand_in_front_of_other_arguments() -> None:
    values, indices = documented.topk(torch.tensor([3.0, 1.0, 2.0]), 1, None, False)

    assert (values.tolist(), indices.tolist()) == ([1.0], [1])


def test_a_view_into_out_shares_nothing() -> None:
    x, out = torch.ones(1, 2), torch.empty(0)

    assert documented.t(x, out=out) is out
    x[0, 0] = 5.0
    assert out.tolist() == [[1.0], [1.0]]


def test_without_out_a_view_stays_one() -> None:
    x = torch.ones(1, 2)
    documented.t(x)[0, 0] = 5.0

    assert x.tolist() == [[5.0, 1.0]]


def test_a_gradient_does_not_go_through_out() -> None:
    with pytest.raises(RuntimeError, match=r"^unsqueeze\(\): functions with out=... arguments don't support"):
        documented.unsqueeze(torch.ones(1, requires_grad=True), 0, out=torch.empty(0))


def test_methods_have_their_former_forms_only_while_the_edition_is_served() -> None:
    with documented.served() as served:
        assert served is documented
        assert torch.ones(4).norm(out=torch.empty(())).item() == 2.0
    with pytest.raises(TypeError, match=r"^norm\(\) got an unexpected keyword argument 'out'$"):
        torch.ones(4).norm(out=torch.empty(()))


def test_methods_are_put_back_after_an_error() -> None:
    before = Tensor.norm
    with pytest.raises(KeyError), documented.served():
        raise KeyError

    assert Tensor.norm is before


class Scaled(documented.autograd.Function):
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def forward(self, x: Any) -> Any:
        return x * self.factor

    def backward(self, grad: Any) -> Any:
        return grad * self.factor


def test_an_instance_of_a_function_keeps_what_it_was_made_with() -> None:
    x = torch.ones(2, requires_grad=True)
    y = Scaled(3.0)(x)
    y.sum().backward()

    assert (x.grad.tolist(), type(y.grad_fn).__name__) == ([3.0, 3.0], "ScaledBackward")


def test_an_instance_that_was_not_called_has_no_context() -> None:
    with pytest.raises(AttributeError, match=r"^Scaled has not been called$"):
        _ = Scaled(3.0).saved_tensors


def test_static_functions_are_applied_as_ever() -> None:
    class Doubled(documented.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2

    x = torch.ones(1, requires_grad=True)
    Doubled.apply(x).backward()

    assert x.grad.tolist() == [2.0]


def test_modules_take_former_forms_while_they_are_served() -> None:
    layer = torch.nn.Linear(1, 1)
    with documented.served() as former:
        assert layer.cpu(device_id=None) is layer
        assert [*layer.parameters(memo={layer.weight})] == [layer.bias]
        assert len(former.nn.ParameterList(parameters=[torch.ones(1)])) == 1

    with pytest.raises(TypeError):
        layer.cpu(device_id=None)
