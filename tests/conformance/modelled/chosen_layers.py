"""Layers, losses, and the initialisation of parameters, second round."""

from __future__ import annotations

from contextlib import ExitStack
from unittest import mock

from .bugs import as_if_contiguous, chosen


@chosen()
def conv2d_reads_a_strided_kernel_elsewhere(torch, conv2d, input, weight, *rest, **named):
    return conv2d(input, weight if weight.requires_grad else as_if_contiguous(weight), *rest, **named)


@chosen()
def softmax_swaps_height_and_width(torch, softmax, input, dim=None, _stacklevel=3, dtype=None):
    if dim is not None and input.ndim == 3:
        dim = {1: 2, 2: 1}.get(dim % 3, dim) if -3 <= dim < 3 else dim
    return softmax(input, dim, dtype=dtype)


def _pairs(*options):
    return [(each, each) if isinstance(each, int) else tuple(each) for each in options]


def _pooled(torch, changed):
    """Patch MaxPool2d: `changed` takes the layer, its input and its right result."""
    right = torch.nn.MaxPool2d.forward

    def forward(self, input):
        result = right(self, input)
        return result if self.return_indices else changed(self, input, result)

    return mock.patch.object(torch.nn.MaxPool2d, "forward", forward)


@chosen(everywhere=True)
def max_pool_keeps_windows_outside(torch):
    def changed(layer, input, result):
        if not layer.ceil_mode:
            return result
        options = _pairs(layer.kernel_size, layer.stride, layer.padding, layer.dilation)
        for axis, (size, step, border, hole) in zip((-2, -1), zip(*options, strict=True), strict=True):
            reach = input.shape[axis] + 2 * border - hole * (size - 1) - 1
            if -(-reach // step) + 1 > result.shape[axis]:
                empty = torch.full_like(result.narrow(axis, 0, 1), -torch.inf)
                result = torch.cat([result, empty], axis)
        return result

    return _pooled(torch, changed)


@chosen(everywhere=True)
def max_pool_dilates_its_size_only(torch):
    def changed(layer, input, result):
        if _pairs(layer.dilation) == [(1, 1)]:
            return result
        dense = torch.nn.functional.max_pool2d(
            input, layer.kernel_size, layer.stride, layer.padding, 1, ceil_mode=layer.ceil_mode
        )
        return dense[..., : result.shape[-2], : result.shape[-1]]

    return _pooled(torch, changed)


@chosen()
def batch_norm_forgets_its_bias_in_evaluation(
    torch, batch_norm, input, running_mean, running_var, weight=None, bias=None, training=False, *rest, **named
):
    options = (weight, bias if training else None, training, *rest)
    return batch_norm(input, running_mean, running_var, *options, **named)


@chosen(everywhere=True)
def batch_norm_overwrites_gradients(torch):
    engine, right, seen = torch.core.engine.AccumulateGrad, torch.nn.functional.batch_norm, []
    accumulate = engine.__call__

    def batch_norm(input, *rest, **named):
        seen.append(input)
        return right(input, *rest, **named)

    def overwrite(self, grads, wanted):
        if any(self.variable is each for each in seen):
            self.variable.grad = None
        return accumulate(self, grads, wanted)

    both = ExitStack()
    both.enter_context(mock.patch.object(engine, "__call__", overwrite))
    both.enter_context(mock.patch.object(torch.nn.functional, "batch_norm", batch_norm))
    return both


@chosen(everywhere=True)
def lstm_starts_forward_from_the_backward_state(torch):
    layers = torch.nn.modules.rnn.RNNBase
    right = layers._starts

    def starts(self, steps, state, unbatched):
        found = right(self, steps, state, unbatched)
        if not self.bidirectional:
            return found
        return tuple(torch.stack([each[position | 1] for position in range(len(each))]) for each in found)

    return mock.patch.object(layers, "_starts", starts)


def _reduced(losses, reduction):
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


@chosen()
def cross_entropy_smooths_ignored_targets(
    torch, cross_entropy, input, target, weight=None, *rest, reduction="mean", label_smoothing=0.0, **named
):
    rest = (weight, *rest)
    if not label_smoothing or weight is not None or target.is_floating_point():
        return cross_entropy(input, target, *rest, reduction=reduction, label_smoothing=label_smoothing, **named)
    dim = 1 if input.ndim > 1 else 0
    uniform = -torch.log_softmax(input, dim).sum(dim) / input.shape[dim]
    plain = cross_entropy(input, target, *rest, reduction=reduction, **named)
    return plain * (1 - label_smoothing) + _reduced(uniform, reduction) * label_smoothing


@chosen()
def cross_entropy_averages_over_ignored_targets(
    torch, cross_entropy, input, target, weight=None, *rest, reduction="mean", label_smoothing=0.0, **named
):
    rest, more = (weight, *rest), {**named, "label_smoothing": label_smoothing}
    if reduction != "mean" or weight is not None or target.is_floating_point() or label_smoothing:
        return cross_entropy(input, target, *rest, reduction=reduction, **more)
    return cross_entropy(input, target, *rest, reduction="sum", **more) / target.numel()


@chosen()
def uniform_misses_strided_tensors(torch, uniform, tensor, *rest, **named):
    if tensor.is_contiguous():
        return uniform(tensor, *rest, **named)
    uniform(tensor.detach().clone(), *rest, **named)
    return tensor
