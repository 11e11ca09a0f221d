"""Modules: what is registered, saved, loaded, moved, called and shown."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

import assay_reference as torch
from assay_reference import nn
from assay_reference.nn.functional.recurrent import Weights, recurrent_layer, step_by_step
from assay_reference.nn.modules.functional import Functional


class Net(nn.Module):
    """A module with one of each kind of member."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))
        self.hidden = nn.Linear(2, 3)
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("scratch", torch.zeros(1), persistent=False)

    def forward(self, x: Any) -> Any:
        return self.hidden(x * self.scale)


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


def test_members_are_registered_by_what_they_are() -> None:
    net = Net()

    assert names(net.named_parameters()) == ["scale", "hidden.weight", "hidden.bias"]
    assert names(net.named_parameters(recurse=False)) == ["scale"]
    assert names(net.named_buffers()) == ["seen", "scratch"]
    assert names(net.named_children()) == ["hidden"]
    assert names(net.named_modules()) == ["", "hidden"]
    assert list(net.state_dict()) == ["scale", "seen", "hidden.weight", "hidden.bias"]


def test_a_parameter_that_two_modules_share_is_given_once() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight

    assert names(net.named_parameters()) == ["0.weight", "0.bias", "1.bias"]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_a_module_takes_the_place_of_an_attribute() -> None:
    net = Net()
    net.extra = 3
    net.extra = nn.ReLU()

    assert "extra" not in vars(net)
    assert names(net.named_children()) == ["hidden", "extra"]
    del net.extra
    assert not hasattr(net, "extra")


def test_a_state_that_was_given_lives_with_the_module_and_one_that_was_taken_does_not() -> None:
    first, second = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    state = first.state_dict()
    result = second.load_state_dict(state)
    state["weight"].fill_(5.0)

    assert str(result) == "<All keys matched successfully>"
    assert first.weight.item() == 5.0
    assert second.weight.item() != 5.0


def test_all_that_is_wrong_with_a_state_is_said_at_once() -> None:
    state = {"weight": torch.ones(1, 3), "more": torch.ones(1)}
    with pytest.raises(RuntimeError) as raised:
        nn.Linear(2, 1).load_state_dict(state)

    assert str(raised.value) == (
        "Error(s) in loading state_dict for Linear:\n"
        '\tMissing key(s) in state_dict: "bias". \n'
        '\tUnexpected key(s) in state_dict: "more". \n'
        "\tsize mismatch for weight: copying a param with shape torch.Size([1, 3]) from checkpoint, the shape in "
        "current model is torch.Size([1, 2])."
    )


def test_what_is_missing_is_told_where_it_is_allowed() -> None:
    layer = nn.Linear(1, 1)
    result = layer.load_state_dict({"weight": torch.ones(1, 1), "more": torch.ones(1)}, strict=False)

    assert result == (["bias"], ["more"])
    assert repr(result) == "_IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['more'])"
    assert layer.weight.item() == 1.0


def test_assigned_values_are_the_ones_that_were_loaded() -> None:
    layer, weight = nn.Linear(1, 1, bias=False), torch.tensor([[2.0]], dtype=torch.float64)
    layer.load_state_dict({"weight": weight}, assign=True)
    weight.fill_(3.0)

    assert layer.weight.item() == 3.0
    assert layer.weight.requires_grad
    assert layer.weight.dtype is torch.float64


def test_a_parameter_that_is_converted_stays_the_object_that_it_is() -> None:
    net = Net()
    scale = net.scale
    net.register_buffer("count", torch.tensor(0))
    scale.grad = torch.ones(2)

    assert net.double() is net
    assert net.scale is scale
    assert scale.dtype is scale.grad.dtype is net.seen.dtype is torch.float64
    assert net.count.dtype is torch.int64


def test_training_and_gradients_are_switched_throughout() -> None:
    net = nn.Sequential(nn.Sequential(nn.Dropout()), nn.Linear(1, 1))
    net.eval()
    net.requires_grad_(False)

    assert [each.training for each in net.modules()] == [False] * 4
    assert [each.requires_grad for each in net.parameters()] == [False, False]


def test_gradients_are_dropped_or_set_to_zero() -> None:
    layer = nn.Linear(1, 1, bias=False)
    layer(torch.ones(1)).backward()
    layer.zero_grad(set_to_none=False)

    assert layer.weight.grad.tolist() == [[0.0]]
    layer.zero_grad()
    assert layer.weight.grad is None


def test_hooks_see_and_replace_arguments_and_results() -> None:
    layer = nn.Identity()
    before = layer.register_forward_pre_hook(lambda module, arguments: (arguments[0] + 1,))
    after = layer.register_forward_hook(lambda module, arguments, result: result * 10)

    assert layer(1) == 20
    before.remove()
    assert layer(1) == 10
    after.remove()
    assert layer(1) == 1


def test_a_function_is_applied_from_the_inside_out() -> None:
    seen: list[str] = []
    net = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh()))
    net.apply(lambda module: seen.append(type(module).__name__))

    assert seen == ["ReLU", "Tanh", "Sequential", "Sequential"]


def test_modules_are_shown_with_what_is_in_them() -> None:
    assert repr(Net()) == "Net(\n  (hidden): Linear(in_features=2, out_features=3, bias=True)\n)"
    assert repr(nn.Sequential(nn.Sequential(nn.ReLU()), nn.Dropout(0.1))) == (
        "Sequential(\n  (0): Sequential(\n    (0): ReLU()\n  )\n  (1): Dropout(p=0.1, inplace=False)\n)"
    )
    assert (
        repr(nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"
    )


def test_a_sequence_calls_its_modules_in_turn() -> None:
    twice = nn.Linear(1, 1, bias=False)
    twice.load_state_dict({"weight": torch.tensor([[2.0]])})
    net = nn.Sequential(OrderedDict([("twice", twice), ("cut", nn.ReLU())]))

    assert net(torch.tensor([[3.0], [-3.0]])).tolist() == [[6.0], [0.0]]
    assert net.twice is net[0]
    assert names(net[1:].named_children()) == ["cut"]


def test_a_list_is_numbered_anew_after_a_change() -> None:
    layers = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    layers.insert(0, nn.Sigmoid())
    del layers[1]
    layers.append(nn.Identity())

    assert [f"{name} {type(each).__name__}" for name, each in layers.named_children()] == [
        "0 Sigmoid", "1 Tanh", "2 Identity"
    ]  # fmt: skip


def test_a_dictionary_and_a_list_of_parameters_register_what_is_in_them() -> None:
    net = nn.ModuleDict({"one": nn.Linear(1, 1, bias=False)})
    net["two"] = nn.ModuleList()
    net.values_list = nn.ParameterList([torch.ones(1), torch.ones(2)])

    assert names(net.named_parameters()) == ["one.weight", "values_list.0", "values_list.1"]
    assert "two" in net


def test_batches_are_averaged_alike_where_there_is_no_momentum() -> None:
    norm = nn.BatchNorm1d(1, momentum=None)
    norm(torch.tensor([[1.0], [3.0]]))
    norm(torch.tensor([[5.0], [7.0]]))

    assert norm.running_mean.tolist() == [4.0]
    assert norm.running_var.tolist() == [2.0]
    assert norm.num_batches_tracked.item() == 2


def test_running_statistics_stand_still_in_evaluation() -> None:
    norm = nn.BatchNorm1d(1).eval()
    norm(torch.tensor([[1.0], [3.0]]))

    assert norm.running_mean.tolist() == [0.0]
    assert norm.num_batches_tracked.item() == 0


def test_batch_norm_serves_two_inputs_before_either_is_differentiated() -> None:
    norm = nn.BatchNorm1d(1)
    first, second = norm(torch.tensor([[1.0], [3.0]])), norm(torch.tensor([[2.0], [6.0]]))

    (first + 2 * second).sum().backward()

    assert norm.bias.grad.tolist() == [6.0]
    assert [each._version for each in (norm.running_mean, norm.running_var, norm.num_batches_tracked)] == [1, 1, 3]


def test_an_lstm_reads_its_steps_in_both_directions() -> None:
    torch.manual_seed(0)
    both = nn.LSTM(2, 3, bidirectional=True)
    back = nn.LSTM(2, 3)
    back.load_state_dict(
        {name.removesuffix("_reverse"): each for name, each in both.state_dict().items() if "reverse" in name}
    )
    steps = torch.rand(4, 1, 2)

    assert torch.equal(both(steps)[0][..., 3:], back(steps.flip(0))[0].flip(0))


def test_a_column_of_gates_is_worked_out_like_any_other() -> None:
    torch.manual_seed(0)
    layer, steps = nn.LSTM(2, 1), torch.rand(3, 5, 2)

    assert torch.allclose(layer(steps)[0].double(), layer.double()(steps.double())[0], rtol=1e-5)


def test_the_loop_of_an_lstm_is_its_cell_step_by_step() -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(2, 3).double()
    weights = Weights(*layer.parameters())
    steps, state = torch.rand(4, 5, 2, dtype=torch.float64), (torch.ones(5, 3).double(), torch.ones(5, 3).double())
    gates = nn.functional.linear(steps, weights.ih, weights.b_ih)
    fused, (_, cell) = recurrent_layer("LSTM", steps, state, weights)
    single, (_, cell_by_steps) = step_by_step("LSTM", gates, state, weights)

    assert torch.allclose(fused, torch.stack(single), rtol=1e-12)
    assert torch.allclose(cell, cell_by_steps, rtol=1e-12)


def test_dropout_lies_between_the_layers_of_an_lstm() -> None:
    layer = nn.LSTM(2, 3, num_layers=2, dropout=1.0)
    layer.load_state_dict({name: torch.ones(each.shape) for name, each in layer.state_dict().items()})
    one, two = layer(torch.zeros(1, 1, 2)), layer(torch.ones(1, 1, 2))

    assert torch.equal(one[0], two[0])
    assert not torch.equal(one[1][0][0], two[1][0][0])


def test_a_forgotten_forward_is_said_so() -> None:
    with pytest.raises(NotImplementedError) as raised:
        nn.Module()(1)

    assert str(raised.value) == 'Module [Module] is missing the required "forward" function'


def test_old_names_of_initialisers_still_work_and_warn() -> None:
    x = torch.empty(2, 2)
    with pytest.warns(FutureWarning) as caught:
        assert nn.init.constant(x, 3.0) is x

    assert x.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert str(caught[0].message) == "`nn.init.constant` is now deprecated in favor of `nn.init.constant_`."


def scaled(input: torch.Tensor, scale: float, shift: float = 0.0, inplace: bool = False) -> torch.Tensor:
    return input * scale + shift


class Scaled(Functional, function=scaled):
    """A module that is a function with its options kept."""


def test_a_module_takes_the_options_of_its_function() -> None:
    module = Scaled(2.0, shift=1.0)

    assert module(torch.tensor([3.0])).tolist() == [7.0]
    assert repr(module) == "Scaled(scale=2.0, shift=1.0)"
    assert repr(Scaled(1.0, inplace=True)) == "Scaled(scale=1.0, shift=0.0, inplace=True)"


def test_a_module_without_an_option_that_its_function_needs_is_refused() -> None:
    with pytest.raises(TypeError) as raised:
        Scaled()

    assert str(raised.value) == "Scaled.__init__() missing a required argument: 'scale'"
