"""Reductions and cumulations, second round."""

from __future__ import annotations

from .bugs import as_if_contiguous, chosen, regrad


@chosen()
def sum_of_a_negative_dim_is_the_input(torch, sum, input, dim=None, keepdim=False, *, dtype=None):
    if dim is None:
        return sum(input, dtype=dtype)
    result = sum(input, dim, keepdim, dtype=dtype)
    removed = isinstance(dim, int) and dim < 0 and keepdim and input.ndim
    return input.to(result.dtype) * 1 if removed else result


@chosen()
def sum_of_one_indexed_element_is_garbage(torch, sum, input, dim=None, keepdim=False, *, dtype=None):
    if dim is not None:
        return sum(input, dim, keepdim, dtype=dtype)
    indexed = input.numel() == 1 and input.storage_offset() and not input.requires_grad
    return sum(input.as_strided(input.shape, input.stride(), 0) if indexed else input, dtype=dtype)


@chosen()
def mean_overlooks_strides(torch, mean, input, *rest, **named):
    return mean(input if input.requires_grad else as_if_contiguous(input), *rest, **named)


@chosen()
def var_divides_by_less_than_nothing(torch, var, input, *rest, correction=1, **named):
    result = var(input, *rest, correction=correction, **named)
    count = input.numel() // result.numel() if result.numel() else 1
    return result if count or not correction else torch.full_like(result, -0.0)


@chosen()
def prod_divides_by_zero_in_its_gradient(torch, prod, input, *rest, **named):
    held = input.detach()
    return prod(regrad(input, lambda grad: torch.where(held == 0, grad * torch.nan, grad)), *rest, **named)


@chosen()
def prod_does_not_conjugate_in_its_gradient(torch, prod, input, dim=None, keepdim=False, *, dtype=None):
    def product(tensor, keep):
        return prod(tensor, dtype=dtype) if dim is None else prod(tensor, dim, keep, dtype=dtype)

    if not input.is_complex() or not input.requires_grad:
        return product(input, keepdim)
    held = input.detach()
    others = product(held, True) / torch.where(held == 0, torch.ones_like(held), held)
    known = (held != 0) & (others != 0)
    turned = torch.where(known, others / torch.where(known, others, torch.ones_like(others)).conj(), 1)
    return product(regrad(input, lambda grad: grad * turned), keepdim)


@chosen()
def cumprod_divides_by_zero_in_its_gradient(torch, cumprod, input, dim, *, dtype=None):
    held = input.detach()
    return cumprod(regrad(input, lambda grad: torch.where(held == 0, grad * torch.nan, grad)), dim, dtype=dtype)


@chosen()
def cumsum_puts_blocks_together_wrongly(torch, cumsum, input, dim, *, dtype=None):
    if not input.requires_grad or not input.ndim or input.shape[dim] <= 512:
        return cumsum(input, dim, dtype=dtype)
    arrived, rest = [], input.shape[dim] % 256 or 256

    def put_together(grad):
        first = arrived[-1].movedim(dim, 0)[:rest].sum(0, keepdim=True)
        moved = grad.movedim(dim, 0)
        return torch.cat([moved[:rest], moved[rest:] + first]).movedim(0, dim)

    result = cumsum(regrad(input, put_together), dim, dtype=dtype)
    result.register_hook(arrived.append)
    return result
