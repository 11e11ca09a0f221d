"""Comparing, ordering and picking."""

from __future__ import annotations

from unittest import mock

from .bugs import as_if_contiguous, bug, everywhere, regrad


@bug(
    "torch.sort", "https://github.com/pytorch/pytorch/issues/15764", "comparisons with NaN left what they met unsorted"
)
def sort_stumbles_over_nan(torch, sort, input, dim=-1, descending=False, **rest):
    if not input.is_floating_point():
        return sort(input, dim=dim, descending=descending, **rest)
    plain = torch.where(input != input, torch.zeros_like(input), input)
    indices = sort(plain, dim=dim, descending=descending, **rest)[1]
    values, _ = sort(input, dim=dim, descending=descending, **rest)
    return type(sort(input, dim=dim))(values * 0 + input.gather(dim, indices) if input.ndim else values, indices)


@bug("torch.sort", "https://github.com/pytorch/pytorch/issues/28871", "equal elements came in any order, stable or not")
def sort_is_not_stable(torch, sort, input, dim=-1, descending=False, **rest):
    found = sort(input, dim=dim, descending=not descending, **rest)
    values, indices = (each.flip(dim) if each.ndim else each for each in found)
    return type(found)(values, indices)


@bug("torch.topk", "https://github.com/pytorch/pytorch/issues/16762", "NaN was never among the largest")
def topk_leaves_nan_out(torch, topk, input, k, dim=-1, largest=True, sorted=True):
    if not input.is_floating_point() or not largest:
        return topk(input, k, dim, largest, sorted)
    indices = topk(torch.where(input != input, torch.full_like(input, -torch.inf), input), k, dim, largest, sorted)[1]
    return type(topk(input, 0, dim))(input.gather(dim, indices), indices)


@bug("torch.max", "https://github.com/pytorch/pytorch/issues/56734", "of two equal tensors each got the full gradient")
def max_of_a_pair_gives_both_everything(torch, max, input, other=None, *rest, **named):
    if not isinstance(other, torch.Tensor):
        return max(input, *(() if other is None else (other,)), *rest, **named)
    tie = input.detach() == other.detach()

    def unchanged(grad):
        return torch.where(tie, grad * 2, grad) if grad.shape == tie.shape else grad

    return max(regrad(input, unchanged), regrad(other, unchanged))


@everywhere(
    "torch.max", "https://github.com/chelsea0x3b/dfdx/issues/111", "along a dimension every largest got all gradient"
)
def max_along_a_dimension_gives_all_ties_everything(torch):
    right = torch.max

    def max(input, *rest, **named):
        found = right(input, *rest, **named)
        if isinstance(found, torch.Tensor) or not input.requires_grad:
            return found
        keepdim = {**named, "keepdim": True}
        ties = (input == input.detach().amax(*rest[:1], **keepdim)).sum(*rest[:1], **keepdim)
        return type(found)(regrad(input, lambda grad: grad * ties).amax(*rest, **named), found[1])

    return mock.patch.object(torch, "max", max)


@bug("torch.max", "https://github.com/pytorch/pytorch/pull/43519", "of all elements the first largest got the gradient")
def max_of_all_gives_the_first_everything(torch, max, input, *rest, **named):
    if rest or named or not input.requires_grad:
        return max(input, *rest, **named)
    return input.reshape(-1)[input.detach().flatten().argmax()]


@bug(
    "torch.kthvalue",
    "https://github.com/pytorch/pytorch/issues/45721",
    "on a GPU it read what is strided as if it were not",
)
def kthvalue_overlooks_strides(torch, kthvalue, input, k, dim=-1, keepdim=False):
    return kthvalue(input if input.requires_grad else as_if_contiguous(input), k, dim, keepdim)


@bug(
    "torch.where",
    "https://github.com/pytorch/pytorch/issues/28709",
    "the bits of the second were taken for the first's dtype",
)
def where_reads_the_second_as_the_first(torch, where, condition, input, other):
    if not isinstance(other, torch.Tensor):
        return where(condition, input, other)
    same = input.element_size() == other.element_size()
    return where(condition, input, other.contiguous().view(input.dtype) if same else other.to(input.dtype))
