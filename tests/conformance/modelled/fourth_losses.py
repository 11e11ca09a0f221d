"""Losses and activations, fourth round."""

from __future__ import annotations

from .bugs import chosen, regrad
from .chosen_layers import _reduced


def _exp_overflows(torch, tensor):
    """Say of each element whether its exponential overflows, in single precision for the half ones."""
    wide = tensor.detach().to(torch.promote_types(tensor.dtype, torch.float32))
    return wide.exp() == torch.inf


@chosen()
def huber_loss_compares_the_signed_difference(
    torch, huber_loss, input, target, reduction="mean", delta=1.0, weight=None
):
    if weight is not None:
        return huber_loss(input, target, reduction, delta, weight)
    losses, difference = huber_loss(input, target, "none", delta), input - target
    wrong = torch.where(difference <= -delta, difference * difference / 2, losses).to(losses.dtype)
    return _reduced(wrong, reduction)


@chosen()
def binary_cross_entropy_weighs_one_of_two_terms(
    torch, cross_entropy, input, target, weight=None, *rest, reduction="mean", pos_weight=None, **named
):
    if pos_weight is None or rest or named:
        return cross_entropy(input, target, weight, *rest, reduction=reduction, pos_weight=pos_weight, **named)
    losses = cross_entropy(input, target, weight, reduction="none", pos_weight=pos_weight)
    lost = (pos_weight - 1) * target * (-input).clamp(min=0)
    return _reduced(losses - (lost if weight is None else lost * weight), reduction)


@chosen()
def nll_loss_divides_by_ignored_targets_too(
    torch, nll_loss, input, target, weight=None, *rest, ignore_index=-100, reduction="mean", **named
):
    if reduction != "mean" or weight is not None or rest or named or not target.numel():
        return nll_loss(input, target, weight, *rest, ignore_index=ignore_index, reduction=reduction, **named)
    return nll_loss(input, target, ignore_index=ignore_index, reduction="sum") / target.numel()


@chosen()
def cosine_similarity_multiplies_clamped_norms(torch, cosine_similarity, x1, x2, dim=1, eps=1e-8):
    result = cosine_similarity(x1, x2, dim, eps)
    both = torch.broadcast_tensors(x1.detach(), x2.detach())
    first, second = (each.to(result.dtype).norm(2, dim).clamp(min=eps) for each in both)
    return torch.where(first * second == 0, torch.nan, result).to(result.dtype)


@chosen()
def gelu_of_large_numbers_is_nan(torch, gelu, input, *, approximate="none"):
    result = gelu(input, approximate=approximate)
    if approximate == "none":
        return result
    wide = input.detach().to(torch.promote_types(input.dtype, torch.float32))
    inner = (2 / torch.pi) ** 0.5 * (wide + 0.044715 * wide**3)
    return torch.where(_exp_overflows(torch, inner.abs()), torch.nan, result).to(result.dtype)


@chosen()
def softplus_has_no_gradient_where_exp_overflows(torch, softplus, input, beta=1.0, threshold=20.0):
    scaled = input.detach() * beta
    lost = _exp_overflows(torch, scaled) & (scaled <= threshold)
    return softplus(regrad(input, lambda grad: torch.where(lost, grad * 0, grad)), beta, threshold)


@chosen()
def log_softmax_subtracts_a_rounded_sum(torch, log_softmax, input, dim=None, _stacklevel=3, dtype=None):
    result = log_softmax(input, dim, _stacklevel, dtype)
    if result.dtype != torch.float32 or dim is None or not input.ndim or not input.numel():
        return result
    taken = input.to(torch.float32)
    largest = taken.detach().amax(dim, True)
    return taken - (largest + (taken - largest).exp().sum(dim, True).log())


@chosen()
def tanh_of_large_numbers_is_nan(torch, tanh, input):
    result = tanh(input)
    if not result.is_floating_point():
        return result
    overflows = _exp_overflows(torch, 2 * input.detach().to(result.dtype))
    return torch.where(overflows, torch.nan, result).to(result.dtype)
