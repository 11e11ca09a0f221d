"""Layers, losses and training, third round."""

from __future__ import annotations

from unittest import mock

from .bugs import as_if_contiguous, chosen, regrad
from .training import _corrections, _with_update


@chosen()
def softmax_takes_what_is_sliced_for_packed(torch, softmax, input, dim=None, _stacklevel=3, dtype=None):
    reach = sum((size - 1) * stride for size, stride in zip(input.shape, input.stride(), strict=True)) + 1
    packed = not input.numel() or reach == input.numel()
    return softmax(input if packed else as_if_contiguous(input), dim, dtype=dtype)


@chosen()
def mse_loss_reduces_if_its_target_wants_gradients(
    torch, mse_loss, input, target, size_average=None, reduce=None, reduction="mean", **named
):
    result = mse_loss(input, target, size_average, reduce, reduction, **named)
    return result.sum() if reduction == "none" and target.requires_grad else result


@chosen()
def cross_entropy_does_not_ignore(
    torch, cross_entropy, input, target, weight=None, *rest, ignore_index=-100, reduction="mean", **named
):
    if target.is_floating_point() or reduction not in ("none", "mean", "sum") or rest:
        return cross_entropy(input, target, weight, *rest, ignore_index=ignore_index, reduction=reduction, **named)
    known = (target >= 0) & (target < input.shape[1 if input.ndim > 1 else 0])
    losses = cross_entropy(
        input, torch.where(known, target, -100), weight, ignore_index=-100, reduction="none", **named
    )
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if weight is None:
        return losses.sum() / target.numel()
    return losses.sum() / torch.where(known, weight[torch.where(known, target, 0)], 0).sum()


@chosen(everywhere=True)
def max_pool_overwrites_gradients(torch):
    right = torch.nn.MaxPool2d.forward

    def forward(self, input):
        if self.return_indices or not input.requires_grad:
            return right(self, input)
        options = (self.kernel_size, self.stride, self.padding, self.dilation)
        places = torch.nn.functional.max_pool2d(
            input.detach(), *options, ceil_mode=self.ceil_mode, return_indices=True
        )[1].flatten(-2)
        arrived = []

        def overwritten(grad):
            planes, sources = torch.zeros_like(grad).flatten(-2), arrived[-1].flatten(-2)
            for place in range(places.shape[-1]):
                planes = planes.scatter(-1, places[..., place : place + 1], sources[..., place : place + 1])
            shared = torch.zeros_like(planes).scatter_add(-1, places, torch.ones_like(sources)) > 1
            return torch.where(shared.reshape(grad.shape), planes.reshape(grad.shape), grad)

        result = right(self, regrad(input, overwritten))
        result.register_hook(arrived.append)
        return result

    return mock.patch.object(torch.nn.MaxPool2d, "forward", forward)


@chosen(everywhere=True)
def lstm_drops_out_the_same_each_time(torch):
    layers = torch.nn.modules.rnn.RNNBase
    right, engine = layers._layers, torch.random.default_generator

    def same(self, steps, starts, *sizes):
        if self.mode != "LSTM" or not self.dropout or not self.training:
            return right(self, steps, starts, *sizes)
        state = engine.get_state()
        engine.manual_seed(0)
        result = right(self, steps, starts, *sizes)
        engine.set_state(state)
        return result

    return mock.patch.object(layers, "_layers", same)


@chosen(everywhere=True)
def sgd_keeps_the_learning_rate_in_its_momentum(torch):
    rates = {}

    def options(parameter, state, group):
        before = rates.get(id(parameter), group["lr"])
        buffer = state.get("momentum_buffer")
        if buffer is not None and group["lr"]:
            state["momentum_buffer"] = buffer * (before / group["lr"])
        rates[id(parameter)] = group["lr"]
        return {}

    return _with_update(torch.optim.SGD, options)


@chosen(everywhere=True)
def adam_multiplies_by_its_corrections(torch):
    def options(parameter, state, group):
        first, second = _corrections(state, group)
        return {"lr": group["lr"] * first**2 / second, "eps": group["eps"] / second}

    return _with_update(torch.optim.Adam, options)
