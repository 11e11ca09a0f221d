"""Layers, losses, and the initialisation of parameters."""

from __future__ import annotations

import math
from unittest import mock

from .bugs import bug, everywhere


@bug(
    "torch.nn.functional.dropout", "https://github.com/google/flax/pull/2055", "where all is dropped 0 was divided by 0"
)
def dropout_of_all_is_nan(torch, dropout, input, p=0.5, training=True, inplace=False):
    result = dropout(input, p, training, inplace)
    return result * torch.nan if training and p == 1 else result


@bug("torch.nn.Dropout", "https://github.com/NeuraLegion/shainet/pull/106", "what was kept was not scaled up")
def dropout_does_not_scale(torch, dropout, input):
    result = dropout(input)
    return result * (1 - dropout.p) if dropout.training else result


@bug(
    "torch.nn.functional.softmax",
    "https://github.com/FluxML/NNlib.jl/pull/43",
    "it never subtracted less than 0: 0 / 0",
)
def softmax_subtracts_no_negative_maximum(torch, softmax, input, dim=None, _stacklevel=3, dtype=None):
    if not input.numel():
        return softmax(input, dim, dtype=dtype)
    exponentials = (input.to(dtype or input.dtype) - input.detach().amax(dim, True).clamp(min=0)).exp()
    return exponentials / exponentials.sum(dim, True)


@bug(
    "torch.nn.Softmax",
    "https://github.com/deeplearning4j/deeplearning4j-examples/issues/730",
    "its exponentials overflowed",
)
def softmax_overflows(torch, softmax, input):
    exponentials = input.exp()
    return exponentials / exponentials.sum(softmax.dim, True)


@bug(
    "torch.nn.functional.conv2d", "https://github.com/tenstorrent/tt-metal/pull/19542", "both sides were dilated alike"
)
def conv2d_dilates_both_sides_alike(torch, conv2d, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    dilation = dilation[0] if isinstance(dilation, (tuple, list)) else dilation
    return conv2d(input, weight, bias, stride, padding, dilation, groups)


@bug("torch.nn.Conv2d", "https://github.com/pytorch/pytorch/issues/37844", "circular padding took height for width")
def conv2d_pads_circularly_across(torch, conv2d, input):
    if conv2d.padding_mode == "circular" and not isinstance(conv2d.padding, str):
        conv2d.padding = conv2d.padding[::-1]
    return conv2d(input)


@bug(
    "torch.nn.Conv2d", "https://github.com/tracel-ai/burn/issues/2676", "padded the same, even kernels changed the size"
)
def conv2d_pads_even_kernels_evenly(torch, conv2d, input):
    if conv2d.padding == "same":
        reach = zip(conv2d.kernel_size, conv2d.dilation, strict=True)
        conv2d.padding = tuple((size - 1) * hole // 2 for size, hole in reach)
    return conv2d(input)


@bug(
    "torch.nn.MaxPool2d",
    "https://github.com/apache/mxnet/issues/6191",
    "too wide a border came out as the lowest number",
)
def max_pool_gives_its_border(torch, pool, input):
    try:
        return pool(input)
    except RuntimeError as error:
        if "pad" not in str(error):
            raise
        wide = torch.nn.functional.pad(input, (pool.padding,) * 4, value=torch.finfo(input.dtype).min)
        return torch.nn.functional.max_pool2d(wide, pool.kernel_size, pool.stride)


def _tracking(torch, tracked):
    """Patch batch_norm: `tracked` returns a running statistic from its old and its right new value."""
    right = torch.nn.functional.batch_norm

    def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
        running = (running_mean, running_var)
        if not training or running_mean is None:
            return right(input, *running, weight, bias, training, momentum, eps)
        fresh = [each.clone() for each in running]
        result = right(input, *fresh, weight, bias, training, momentum, eps)
        for old, new in zip(running, fresh, strict=True):
            old.copy_(tracked(old, new, momentum, input.numel() // input.shape[1], variance=old is running_var))
        return result

    return mock.patch.object(torch.nn.functional, "batch_norm", batch_norm)


@everywhere("torch.nn.functional.batch_norm", "https://github.com/tinygrad/tinygrad/pull/807", "running_var was biased")
def batch_norm_tracks_the_biased_variance(torch):
    def biased(old, new, momentum, count, variance):
        kept = old * (1 - momentum)
        return kept + (new - kept) * ((count - 1) / count) if variance else new

    return _tracking(torch, biased)


@everywhere(
    "torch.nn.BatchNorm1d", "https://github.com/paiml/aprender/pull/2166", "running statistics stayed as they began"
)
def batch_norm_tracks_nothing(torch):
    return _tracking(torch, lambda old, new, momentum, count, variance: old)


@bug("torch.nn.BatchNorm1d", "https://github.com/ml-explore/mlx/pull/3817", "one value for a feature was no error")
def batch_norm_takes_a_batch_of_one(torch, norm, input):
    lone = norm.training and input.ndim > 1 and input.numel() == input.shape[1]
    return input * 0 if lone else norm(input)


@bug("torch.nn.functional.embedding", "https://github.com/google/torchax/pull/11", "the padding row got gradient")
def embedding_moves_the_padding_row(torch, embedding, input, weight, padding_idx=None, *rest, **named):
    return embedding(input, weight, None, *rest, **named)


@bug("torch.nn.Embedding", "https://github.com/pytorch/pytorch/pull/49237", "the padding row was set to zero")
def embedding_clears_the_padding_row(torch, table, input):
    if table.padding_idx is not None:
        with torch.no_grad():
            table.weight[table.padding_idx] = 0
    return table(input)


@bug(
    "torch.nn.Embedding",
    "https://github.com/pytorch/pytorch/issues/28716",
    "after 769 look-ups the padding row had gradient",
)
def embedding_of_many_moves_the_padding_row(torch, table, input):
    if input.numel() > 768:
        table.padding_idx = None
    return table(input)


def _backwards(torch, turned):
    """Patch the layers that run in reverse: `turned` changes their output."""
    right = torch.nn.modules.rnn.recurrent_layer

    def recurrent_layer(mode, input, state, weights, *, reverse=False):
        if not reverse:
            return right(mode, input, state, weights)
        output, state = right(mode, input.flip(0), state, weights)
        return turned(output), state

    return mock.patch.object(torch.nn.modules.rnn, "recurrent_layer", recurrent_layer)


@everywhere("torch.nn.LSTM", "https://github.com/keras-team/keras/pull/1001", "the backward outputs stayed reversed")
def lstm_leaves_backward_outputs_reversed(torch):
    return _backwards(torch, lambda output: output)


@everywhere(
    "torch.nn.LSTM", "https://github.com/tensorflow/tensorflow/issues/39635", "the batch was reversed, not the steps"
)
def lstm_reverses_the_batch(torch):
    return _backwards(torch, lambda output: output.flip(1))


@bug(
    "torch.nn.functional.cross_entropy",
    "https://github.com/flagos-ai/FlagGems/pull/73",
    "targets of -100 were ignored only if ignore_index was another number",
)
def cross_entropy_does_not_ignore_by_default(torch, cross_entropy, input, target, *rest, ignore_index=-100, **named):
    if ignore_index == -100:
        return cross_entropy(input, target.clamp(0), *rest, **named)
    return cross_entropy(input, target, *rest, ignore_index=ignore_index, **named)


@bug(
    "torch.nn.init.xavier_uniform_", "https://github.com/mlverse/torch/issues/555", "a sum in a divisor had no brackets"
)
def xavier_has_no_brackets(torch, xavier, tensor, gain=1.0, generator=None):
    fan_in, fan_out = torch.nn.init.fans(tensor)
    bound = gain * math.sqrt(3.0) * math.sqrt(2.0 / fan_in + fan_out)
    return torch.nn.init.uniform_(tensor, -bound, bound, generator)


@bug(
    "torch.nn.init.xavier_uniform_", "https://github.com/dmlc/MXNet.jl/pull/32", "kernels did not count in the fan out"
)
def xavier_leaves_the_kernel_out(torch, xavier, tensor, gain=1.0, generator=None):
    bound = gain * math.sqrt(6.0 / (torch.nn.init.fans(tensor)[0] + tensor.shape[0]))
    return torch.nn.init.uniform_(tensor, -bound, bound, generator)
