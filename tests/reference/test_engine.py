"""Recording, walking backwards, hooks, and writes that the graph must notice."""

from __future__ import annotations

from typing import Any

import pytest

import assay_reference as torch
from assay_reference import Tensor


def leaf(*numbers: float) -> Tensor:
    return torch.tensor(list(numbers), dtype=torch.float64, requires_grad=True)


def total(x: Tensor) -> Tensor:
    return x.sum_to_size(()) if x.ndim else x


def test_a_product_has_the_gradients_of_its_factors() -> None:
    x, y = leaf(2, 3), leaf(5, 7)

    total(x * y).backward()

    assert x.grad.tolist() == [5, 7]
    assert y.grad.tolist() == [2, 3]


def test_gradients_add_up_over_two_backwards() -> None:
    x = leaf(2, 3)

    total(x * x).backward()
    total(x).backward()

    assert x.grad.tolist() == [5, 7]


def test_a_broadcast_gradient_is_summed_to_the_shape_of_the_input() -> None:
    x = torch.tensor([[1.0], [2.0]], requires_grad=True)

    total(x * torch.tensor([1.0, 2.0, 3.0])).backward()

    assert x.grad.tolist() == [[6.0], [6.0]]


def test_a_promoted_gradient_has_the_type_of_the_input() -> None:
    x = torch.tensor([1.0, 2.0], dtype=torch.float16, requires_grad=True)

    total(x * torch.tensor([3.0, 4.0], dtype=torch.float64)).backward()

    assert x.grad.dtype is torch.float16
    assert x.grad.tolist() == [3.0, 4.0]


def test_a_long_chain_is_walked_without_recursion() -> None:
    x = leaf(1)
    y = x
    for _ in range(5000):
        y = y + 1

    y.backward()

    assert x.grad.tolist() == [1]


def test_a_diamond_visits_its_top_once_with_the_whole_gradient() -> None:
    x = leaf(3)
    y = x * 2
    seen = []
    y.register_hook(lambda grad: seen.append(grad.tolist()))

    (y * y + y).backward()

    assert seen == [[13]]
    assert x.grad.tolist() == [26]


def test_second_derivatives_come_from_the_rules() -> None:
    x = leaf(2)

    (first,) = torch.autograd.grad(x**3, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)

    assert first.tolist() == [12]
    assert second.tolist() == [12]


def test_grad_leaves_the_leaves_alone() -> None:
    x = leaf(2)

    (gradient,) = torch.autograd.grad(x * x, x)

    assert gradient.tolist() == [4]
    assert x.grad is None


def test_grad_with_respect_to_an_intermediate_tensor() -> None:
    x = leaf(2)
    y = x * 3

    assert torch.autograd.grad(y * y, y)[0].tolist() == [12]


def test_an_unused_input_is_an_error_unless_allowed() -> None:
    x, y = leaf(1), leaf(1)

    with pytest.raises(RuntimeError, match="The differentiated Tensor at index 1 appears to not have been used"):
        torch.autograd.grad(x * 2, (x, y))
    assert torch.autograd.grad(x * 2, (x, y), allow_unused=True)[1] is None
    assert torch.autograd.grad(x * 2, (x, y), materialize_grads=True)[1].tolist() == [0]


def test_backward_into_chosen_inputs_only() -> None:
    x, y = leaf(2), leaf(3)

    (x * y).backward(inputs=[x])

    assert x.grad.tolist() == [3]
    assert y.grad is None


def test_a_second_backward_needs_the_graph_retained() -> None:
    x = leaf(2)
    y = x * x

    y.backward(retain_graph=True)
    y.backward()

    assert x.grad.tolist() == [8]
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_backward_of_several_elements_needs_a_gradient() -> None:
    y = leaf(1, 2) * 3

    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        y.backward()
    with pytest.raises(RuntimeError, match=r"Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[1\]\)"):
        y.backward(torch.ones(1))


def test_backward_of_a_tensor_without_history_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad and does not have a grad_fn"):
        torch.ones(1).backward()


def test_no_grad_records_nothing_and_restores() -> None:
    x = leaf(1)

    with torch.no_grad():
        y = x * 2
        with torch.enable_grad():
            z = x * 2

    assert not y.requires_grad
    assert z.requires_grad
    assert torch.is_grad_enabled()


def test_no_grad_decorates_with_and_without_parentheses() -> None:
    @torch.no_grad()
    def with_parentheses(x: Tensor) -> Tensor:
        return x * 2

    @torch.no_grad
    def without(x: Tensor) -> Tensor:
        return x * 2

    assert not with_parentheses(leaf(1)).requires_grad
    assert not without(leaf(1)).requires_grad


def test_set_grad_enabled_acts_at_once_and_as_a_block() -> None:
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)


def test_inference_tensors_cannot_be_changed_outside_or_saved() -> None:
    with torch.inference_mode():
        x = torch.ones(2)

    assert x.is_inference()
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside InferenceMode"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        leaf(1) * x


def test_a_stale_saved_tensor_is_an_error() -> None:
    x = leaf(1, 2)
    y = (x * 1).exp()
    y.add_(1)

    with pytest.raises(RuntimeError) as caught:
        total(y).backward()

    assert str(caught.value) == (
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        "[torch.DoubleTensor [2]], which is output 0 of Exp, is at version 1; expected version 0 instead. Hint: enable "
        "anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


def test_what_a_rule_does_not_name_may_change() -> None:
    x = leaf(1, 2)
    y = x * 1
    z = y + 1
    y.add_(1)

    total(z).backward()

    assert x.grad.tolist() == [1, 1]


def test_an_in_place_op_differentiates_what_it_overwrote() -> None:
    x, y = leaf(3), leaf(5)
    z = x * 1

    z.mul_(y).pow_(2).backward()

    assert x.grad.tolist() == [150]
    assert y.grad.tolist() == [90]


def test_a_leaf_that_requires_grad_cannot_be_changed() -> None:
    x = leaf(1, 2)

    with pytest.raises(RuntimeError, match=r"^a leaf Variable that requires grad is being used in an in-place"):
        x.add_(1)
    with torch.no_grad():
        x.add_(1)
    assert x.tolist() == [2, 3]


def test_a_write_to_a_view_reaches_the_history_of_its_base() -> None:
    x = torch.tensor([1 + 2j, 3 + 4j], requires_grad=True)
    y = x * 1

    y.real.mul_(10)
    total(y.real).backward()

    assert y.tolist() == [10 + 2j, 30 + 4j]
    assert type(y.grad_fn).__name__ == "CopySlices"
    assert x.grad.tolist() == [10, 10]


def test_a_view_taken_before_a_write_to_the_base_sees_the_new_history() -> None:
    x = torch.tensor([1 + 2j], requires_grad=True)
    y = x * 1
    view = y.real

    y.mul_(3)
    view.backward()

    assert view.tolist() == [3]
    assert x.grad.tolist() == [3]


def test_a_view_of_a_leaf_that_requires_grad_cannot_be_changed() -> None:
    x = torch.tensor([1 + 2j], requires_grad=True)

    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used"):
        x.real.add_(1)


def test_a_view_made_without_recording_cannot_be_changed_with_it() -> None:
    x = torch.tensor([1 + 2j], requires_grad=True) * 1
    with torch.no_grad():
        view = x.real

    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace"):
        view.add_(1)


def test_a_hook_may_replace_the_gradient_and_be_removed() -> None:
    x = leaf(1)
    handle = x.register_hook(lambda grad: grad * 10)

    (x * 2).backward()
    handle.remove()
    (x * 2).backward()

    assert x.grad.tolist() == [22]


def test_retain_grad_keeps_the_gradient_of_an_intermediate_tensor() -> None:
    x = leaf(2)
    y = x * 3
    y.retain_grad()

    (y * y).backward()

    assert y.grad.tolist() == [12]


def test_a_post_accumulate_hook_sees_the_accumulated_gradient() -> None:
    x = leaf(2)
    seen: list[Any] = []
    x.register_post_accumulate_grad_hook(lambda tensor: seen.append(tensor.grad.tolist()))

    (x * 3).backward()

    assert seen == [[3]]


def test_nodes_are_named_as_in_pytorch() -> None:
    x = leaf(1)

    names = [type(each.grad_fn).__name__ for each in (x + 1, x * 2, x.relu(), x.float(), x.clone(), x**2)]

    assert names == [
        "AddBackward0",
        "MulBackward0",
        "ReluBackward0",
        "ToCopyBackward0",
        "CloneBackward0",
        "PowBackward0",
    ]
    assert type((x + 1).grad_fn.next_functions[0][0]).__name__ == "AccumulateGrad"


def test_a_result_without_a_rule_is_recorded_and_refuses_a_gradient() -> None:
    from assay_reference.core.dispatch import op

    @op(function=False, method=False)
    def ruleless(input: Array) -> Array:  # noqa: F821
        return input.copy()

    y = ruleless(leaf(1))

    assert type(y.grad_fn).__name__ == "NotImplemented"
    with pytest.raises(RuntimeError, match=r"^derivative for aten::ruleless is not implemented$"):
        y.backward()


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * x * factor

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        assert ctx.needs_input_grad == (True, False)
        return grad * 2 * x * ctx.factor, None


def test_a_function_of_the_users_own_is_differentiated_by_its_backward() -> None:
    x = leaf(3)

    y = Doubled.apply(x, 10.0)
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)

    assert type(y.grad_fn).__name__ == "DoubledBackward"
    assert (y.tolist(), first.tolist(), second.tolist()) == ([90], [60], [20])


def test_a_function_that_gives_too_few_gradients_is_an_error() -> None:
    class Short(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
            return x * y

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            return grad

    with pytest.raises(RuntimeError, match=r"function ShortBackward returned an incorrect number of gradients \(expec"):
        Short.apply(leaf(1), leaf(1)).backward()


def test_a_view_of_several_cannot_be_changed() -> None:
    part = (leaf(1, 2) * 1).split(1)[0]

    with pytest.raises(
        RuntimeError, match=r"^Output 0 of Split is a view and is being modified inplace\. This view is"
    ):
        part.add_(1)


def test_a_view_of_several_is_of_no_use_once_its_base_has_changed() -> None:
    x = leaf(1, 2) * 1
    part = x.split(1)[0]

    x.mul_(2)

    with pytest.raises(
        RuntimeError, match=r"^Output 0 of Split is a view and its base or another view of its base has"
    ):
        part * 1


def test_a_view_made_without_recording_requires_grad_as_its_base_does() -> None:
    x = leaf(1, 2)

    with torch.no_grad():
        view = x[0]

    assert view.requires_grad
    assert view.is_leaf


def test_memory_that_is_read_elsewhere_cannot_be_written_to() -> None:
    x = torch.tensor([1.0, 2.0, 3.0])

    with pytest.raises(
        RuntimeError, match="some elements of the input tensor and the written-to tensor refer to a singl"
    ):
        x[1:].add_(x[:-1])
    assert x[::2].add_(x[:2]).tolist() == [2, 5]


def test_the_gradient_of_what_a_write_replaced_is_zero() -> None:
    x, y = leaf(1, 2, 3), leaf(5)
    z = x * 10

    z[1] = y[0] * 2
    (z * z).backward(torch.ones(3, dtype=torch.float64))

    assert z.tolist() == [10, 10, 30]
    assert x.grad.tolist() == [200, 0, 600]
    assert y.grad.tolist() == [40]


def test_enable_grad_records_nothing_in_inference_mode() -> None:
    x = torch.ones(1, requires_grad=True)
    with torch.inference_mode():
        with torch.enable_grad():
            y = x * 2
            assert torch.is_grad_enabled()
        with torch.inference_mode(False):
            z = x * 2

    assert (y.requires_grad, y.is_inference()) == (False, True)
    assert (z.requires_grad, z.is_inference()) == (True, False)


def test_a_variable_is_a_tensor_over_the_same_memory() -> None:
    x = torch.ones(2)
    y = torch.autograd.Variable(x, requires_grad=True)

    with torch.no_grad():
        y[0] = 3.0

    assert isinstance(x, torch.autograd.Variable)
    assert not isinstance(1.0, torch.autograd.Variable)
    assert (x.tolist(), x.requires_grad, y.requires_grad) == ([3.0, 1.0], False, True)


def test_a_function_is_not_called_as_an_instance() -> None:
    with pytest.warns(DeprecationWarning, match=r"^<class '.*Function'> should not be instantiated\."):
        function = torch.autograd.Function()
    with pytest.raises(RuntimeError, match=r"^Legacy autograd function with non-static forward method is deprecated"):
        function(torch.ones(1))
