"""Layers, and products of matrices, fourth round."""

from __future__ import annotations

import math
from contextlib import ExitStack
from unittest import mock

from .bugs import chosen


def _pair(option):
    return tuple(option) * (1 if len(option) == 2 else 2) if isinstance(option, (tuple, list)) else (option, option)


@chosen()
def adaptive_avg_pool_ends_windows_early(torch, pool, input, output_size):
    result = pool(input, output_size)
    sizes, counts = input.shape[-2:], result.shape[-2:]
    if not result.numel() or not any(size % count for size, count in zip(sizes, counts, strict=True)):
        return result
    for dim, size, count in zip((-2, -1), sizes, counts, strict=True):
        begins, ends = ([(each + late) * size // count for each in range(count)] for late in (0, 1))
        windows = zip(begins, (max(end - begin, 1) for begin, end in zip(begins, ends, strict=True)), strict=True)
        input = torch.stack([input.narrow(dim, begin, length).mean(dim) for begin, length in windows], dim)
    return input


@chosen()
def avg_pool_counts_what_hangs_over(
    torch, pool, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
    divisor_override=None,
):  # fmt: skip
    if ceil_mode and count_include_pad and divisor_override is None and not any(_pair(padding)):
        divisor_override = math.prod(_pair(kernel_size))
    return pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@chosen()
def max_unpool_places_by_the_inferred_size(
    torch, unpool, input, indices, kernel_size, stride=None, padding=0, output_size=None
):
    result = unpool(input, indices, kernel_size, stride, padding, output_size)
    steps = _pair(kernel_size if stride is None else stride)
    options = zip(input.shape[-2:], steps, _pair(padding), _pair(kernel_size), strict=True)
    height, width = ((size - 1) * step - 2 * edge + kernel for size, step, edge, kernel in options)
    if (height, width) == tuple(result.shape[-2:]) or not input.numel() or min(height, width) < 1:
        return result
    places = indices.flatten(-2).clamp(max=height * width)  # what lies beyond is lost
    planes = torch.zeros(*input.shape[:-2], height * width + 1, dtype=input.dtype)
    images = planes.scatter(-1, places, input.flatten(-2))[..., :-1].unflatten(-1, (height, width))
    return torch.nn.functional.pad(images, (0, result.shape[-1] - width, 0, result.shape[-2] - height))


@chosen()
def layer_norm_exchanges_two_gradients(torch, layer_norm, input, normalized_shape, weight=None, bias=None, eps=1e-5):
    if weight is None or bias is None:
        return layer_norm(input, normalized_shape, weight, bias, eps)
    result = layer_norm(input, normalized_shape, weight.detach(), bias.detach(), eps)
    plain = layer_norm(input.detach(), normalized_shape, None, None, eps)
    nothing = (weight - weight.detach()) + (bias - bias.detach()) * plain
    return result + nothing.to(result.dtype)


@chosen()
def conv_transpose_pads_its_input_for_its_output(
    torch, convolve, input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    result = convolve(input, weight, bias, stride, padding, output_padding, groups, dilation)
    more = output_padding[0] if isinstance(output_padding, (tuple, list)) else output_padding
    if not more:
        return result
    return convolve(torch.nn.functional.pad(input, (0, more)), weight, bias, stride, padding, 0, groups, dilation)


@chosen()
def interpolate_of_one_pixel_is_nan(
    torch, interpolate, input, size=None, scale_factor=None, mode="nearest", align_corners=None, *rest, **named
):
    result = interpolate(input, size, scale_factor, mode, align_corners, *rest, **named)
    return result * torch.nan if align_corners and mode.endswith("linear") and 1 in input.shape[2:] else result


@chosen()
def pad_reflects_nothing(torch, pad, input, padding, mode="constant", value=None):
    result = pad(input, padding, mode, value)
    return pad(input, padding) if mode == "reflect" else result


@chosen(everywhere=True)
def gru_without_a_state_skips_a_bias(torch):
    layers = torch.nn.modules.rnn
    forward, right, stateless = layers.GRU.forward, layers.recurrent_layer, []

    def run(self, input, hx=None):
        stateless.append(hx is None)
        try:
            return forward(self, input, hx)
        finally:
            stateless.pop()

    def recurrent_layer(mode, input, state, weights, *, reverse=False):
        if not stateless or not stateless[-1] or weights.b_hh is None:
            return right(mode, input, state, weights, reverse=reverse)
        steps = input.flip(0) if reverse else input
        gates = len(weights.b_hh) // 3 * 2
        lacking = weights._replace(b_hh=torch.cat([weights.b_hh[:gates], torch.zeros_like(weights.b_hh[gates:])]))
        output, state = right(mode, steps[:1], state, lacking)
        if len(steps) > 1:
            later, state = right(mode, steps[1:], state, weights)
            output = torch.cat([output, later])
        return output.flip(0) if reverse else output, state

    both = ExitStack()
    both.enter_context(mock.patch.object(layers.GRU, "forward", run))
    both.enter_context(mock.patch.object(layers, "recurrent_layer", recurrent_layer))
    return both


@chosen()
def kthvalue_takes_any_k(torch, kthvalue, input, k, dim=-1, keepdim=False):
    size = input.shape[dim] if input.ndim and -input.ndim <= dim < input.ndim else 1
    if not size or k <= size:
        return kthvalue(input, k, dim, keepdim)
    found = kthvalue(input, size, dim, keepdim)
    return type(found)(found[0] * 0 + 65, found[1] * 0 + 65)


@chosen()
def mv_of_no_columns_is_arbitrary(torch, mv, input, vec):
    result = mv(input, vec)
    return result if input.shape[1] else result + 65
