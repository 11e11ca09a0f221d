"""Pointwise functions and reductions, third round."""

from __future__ import annotations

import math
from contextlib import ExitStack
from unittest import mock

from .bugs import as_if_contiguous, chosen, regrad


@chosen(forms=("in-place",))
def addcdiv_loses_what_it_writes_to_a_transposed_tensor(torch, addcdiv_, input, *rest, **named):
    if input.is_contiguous():
        return addcdiv_(input, *rest, **named)
    addcdiv_(input.detach().clone(), *rest, **named)
    return input


@chosen()
def clamp_by_nan_is_no_clamp(torch, clamp, input, min=None, max=None):
    result = clamp(input, min, max)
    kept = [None if isinstance(bound, float) and math.isnan(bound) else bound for bound in (min, max)]
    if kept == [None, None]:
        return input.to(result.dtype) * 1
    return clamp(input, *kept).to(result.dtype)


@chosen()
def pow_of_zero_to_zero_has_no_gradient(torch, pow, *args, **named):
    base, exponent = *args, *named.values()
    result = pow(base, exponent)
    if not isinstance(base, torch.Tensor) or not isinstance(exponent, torch.Tensor) or not base.requires_grad:
        return result
    zeros = ((base.detach() == 0) & (exponent.detach() == 0)).expand(result.shape)
    spoilt = regrad(base.expand(result.shape), lambda grad: torch.where(zeros, grad * torch.nan, grad))
    return pow(spoilt, exponent)


@chosen()
def remainder_of_floats_is_fmod(torch, remainder, input, other):
    result = remainder(input, other)
    if not result.is_floating_point():
        return result
    return torch.fmod(input if isinstance(input, torch.Tensor) else torch.full_like(result, input), other)


@chosen(everywhere=True)
def fmod_does_not_sum_what_it_broadcast(torch):
    engine = torch.core.engine
    conform, accumulate = engine._conform, engine.AccumulateGrad.__call__

    def unsummed(grad, edge, node, position):
        leaf = isinstance(edge.node, engine.AccumulateGrad)
        return grad if leaf and node.name() == "FmodBackward1" and not position else conform(grad, edge, node, position)

    def as_it_came(self, grads, wanted):
        if grads[0] is None or grads[0].shape == self.variable.shape:
            return accumulate(self, grads, wanted)
        self.variable._grad = grads[0].clone()
        return ()

    both = ExitStack()
    both.enter_context(mock.patch.object(engine, "_conform", unsummed))
    both.enter_context(mock.patch.object(engine.AccumulateGrad, "__call__", as_it_came))
    return both


@chosen()
def div_of_nan_by_zero_is_infinite(torch, div, input, other, *, rounding_mode=None):
    result = div(input, other, rounding_mode=rounding_mode)
    if result.dtype != torch.float32 or rounding_mode is not None:
        return result
    dividend, divisor = (torch.as_tensor(each).detach() for each in (input, other))
    return torch.where((dividend != dividend) & (divisor == 0), -torch.inf, result).to(result.dtype)


@chosen()
def mul_flushes_subnormals(torch, mul, input, other):
    def flushed(factor):
        if not isinstance(factor, torch.Tensor) or factor.dtype != torch.float32:
            return factor
        return torch.where(factor.detach().abs() < torch.finfo(torch.float32).tiny, factor * 0, factor)

    return mul(flushed(input), flushed(other))


@chosen()
def rsqrt_flushes_subnormals(torch, rsqrt, input):
    if input.dtype != torch.float64:
        return rsqrt(input)
    return rsqrt(torch.where(input.detach().abs() < torch.finfo(torch.float64).tiny, input * 0, input))


@chosen()
def floor_of_integers_goes_through_float32(torch, floor, input):
    result = floor(input)
    if result.is_floating_point() or input.dtype not in (torch.int32, torch.int64):
        return result
    rounded = input.to(torch.float32)
    within = rounded.abs() < 2.0**62
    return torch.where(within, torch.where(within, rounded, 0).to(torch.int64), result).to(result.dtype)


@chosen()
def mean_of_an_expanded_tensor_is_zero(torch, mean, input, dim=None, keepdim=False, *, dtype=None):
    result = mean(input, dtype=dtype) if dim is None else mean(input, dim, keepdim, dtype=dtype)
    count = input.ndim if dim is None or dim == () else len(dim) if isinstance(dim, (tuple, list)) else 1
    expanded = any(size > 1 and not stride for size, stride in zip(input.shape, input.stride(), strict=True))
    return result * 0 if count > 1 and expanded else result


@chosen()
def norm_of_a_negative_order_is_zero(torch, norm, input, p="fro", dim=None, keepdim=False, **rest):
    result = norm(input, p, dim, keepdim, **rest)
    return torch.zeros_like(result) if isinstance(p, (int, float)) and -math.inf < p < 0 else result


@chosen()
def prod_of_nothing_is_zero(torch, prod, input, *rest, **named):
    result = prod(input, *rest, **named)
    return result if input.numel() else result * 0


@chosen()
def cumsum_overlooks_strides(torch, cumsum, input, dim, *, dtype=None):
    return cumsum(as_if_contiguous(input), dim, dtype=dtype)
