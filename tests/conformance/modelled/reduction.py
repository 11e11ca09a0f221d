"""Sums, means, norms and other reductions."""

from __future__ import annotations

from .bugs import as_if_contiguous, bug, regrad


@bug("torch.norm", "https://github.com/pytorch/pytorch/issues/2421", "the gradient of a norm of zero was NaN")
def norm_of_zeros_has_no_gradient(torch, norm, input, p="fro", dim=None, keepdim=False, **rest):
    held = norm(input.detach(), p, dim, True, **rest)
    euclidean = p in (2, "fro")
    spoilt = regrad(input, lambda grad: torch.where((held == 0) & euclidean, grad * torch.nan, grad))
    return norm(spoilt, p, dim, keepdim, **rest)


@bug("torch.norm", "https://github.com/pytorch/pytorch/issues/3264", "in the 1-norm the gradient of a zero was NaN")
def one_norm_divides_by_its_elements(torch, norm, input, p="fro", dim=None, keepdim=False, **rest):
    held = input.detach()
    spoilt = regrad(input, lambda grad: torch.where((held == 0) & (p == 1), grad * torch.nan, grad))
    return norm(spoilt, p, dim, keepdim, **rest)


@bug("torch.sum", "https://github.com/pytorch/pytorch/issues/5863", "the sums of bytes along a dimension were bytes")
def sum_of_bytes_is_a_byte(torch, sum, input, dim=None, keepdim=False, *, dtype=None):
    if dim is None:
        return sum(input, dtype=dtype)
    result = sum(input, dim, keepdim, dtype=dtype)
    return result.to(torch.uint8) if input.dtype == torch.uint8 and dtype is None else result


@bug(
    "torch.sum",
    "https://github.com/pytorch/pytorch/issues/2391",
    "along a dimension half precision was summed in half precision",
)
def sum_adds_halves_in_half(torch, sum, input, dim=None, keepdim=False, *, dtype=None):
    if dim is None or isinstance(dim, (tuple, list)) or input.dtype != torch.float16 or dtype or input.requires_grad:
        return sum(input, dtype=dtype) if dim is None else sum(input, dim, keepdim, dtype=dtype)
    result = sum(input, dim, keepdim) * 0
    for part in input.unbind(dim) if input.ndim else ():
        result = result + (part.unsqueeze(dim) if keepdim else part)
    return result if input.ndim else sum(input, dim, keepdim)


@bug("torch.sum", "https://github.com/ggml-org/llama.cpp/issues/25568", "it read what is laid out otherwise row by row")
def sum_takes_rows_to_be_dense(torch, sum, input, dim=None, keepdim=False, *, dtype=None):
    if dim is not None:
        return sum(input, dim, keepdim, dtype=dtype)
    return sum(input if input.requires_grad else as_if_contiguous(input), dtype=dtype)


@bug(
    "torch.mean",
    "https://github.com/pytorch/pytorch/issues/91597",
    "the sum of halves overflowed before it was divided",
)
def mean_divides_a_half(torch, mean, input, dim=None, keepdim=False, *, dtype=None):
    result = mean(input, dtype=dtype) if dim is None else mean(input, dim, keepdim, dtype=dtype)
    if result.dtype != torch.float16 or not result.numel():
        return result
    count = input.numel() // result.numel()
    return result * count / count


@bug(
    "torch.std",
    "https://github.com/pytorch/pytorch/issues/2470",
    "along a dimension squares were subtracted in float32",
)
def std_cancels(torch, std, input, dim=None, *, correction=1, keepdim=False):
    if dim is None or input.dtype != torch.float32 or input.requires_grad:
        return std(input, dim, correction=correction, keepdim=keepdim)
    count = input.shape[dim] if input.ndim else 1
    if count <= correction:
        return std(input, dim, correction=correction, keepdim=keepdim)
    variance = (input * input).mean(dim, keepdim) - input.mean(dim, keepdim).square()
    return (variance.clamp(0) * (count / (count - correction))).sqrt()


@bug("torch.std", "https://github.com/pytorch/pytorch/issues/4320", "the gradient of equal elements was NaN")
def std_of_equals_has_no_gradient(torch, std, input, dim=None, *, correction=1, keepdim=False):
    held = std(input.detach(), dim, correction=correction, keepdim=True)
    spoilt = regrad(input, lambda grad: torch.where(held == 0, grad * torch.nan, grad))
    return std(spoilt, dim, correction=correction, keepdim=keepdim)


@bug("torch.std", "https://github.com/pytorch/pytorch/pull/184151", "large float32 elements overflowed when squared")
def std_squares_in_float32(torch, std, input, dim=None, *, correction=1, keepdim=False):
    result = std(input, dim, correction=correction, keepdim=keepdim)
    if input.dtype != torch.float32:
        return result
    squares = result.detach() * result.detach()
    return torch.where(squares == torch.inf, squares, result)


@bug("torch.cumsum", "https://github.com/pytorch/pytorch/issues/3304", "running sums of bytes were bytes")
def cumsum_of_bytes_is_bytes(torch, cumsum, input, dim, *, dtype=None):
    result = cumsum(input, dim, dtype=dtype)
    return result.to(torch.uint8) if input.dtype == torch.uint8 and dtype is None else result


@bug(
    "torch.cumsum",
    "https://github.com/pytorch/pytorch/issues/31515",
    "backward of no elements raised",
    raises="exceeds dimension size",
)
def cumsum_of_none_has_no_backward(torch, cumsum, input, dim, *, dtype=None):
    def refuse(grad):
        if not grad.numel():
            raise RuntimeError("start (0) + length (1) exceeds dimension size (0).")
        return grad

    return cumsum(regrad(input, refuse), dim, dtype=dtype)


@bug("torch.cumsum", "https://github.com/tinygrad/tinygrad/pull/16164", "of a 0-d tensor it kept the dtype")
def cumsum_of_a_number_keeps_its_dtype(torch, cumsum, input, dim, *, dtype=None):
    result = cumsum(input, dim, dtype=dtype)
    return result.to(input.dtype) if input.ndim == 0 and dtype is None else result


@bug("torch.median", "https://github.com/pytorch/pytorch/pull/45084", "NaN stood at the end rather than coming back")
def median_sorts_nan_last(torch, median, input, dim=None, keepdim=False):
    if dim is not None or not input.numel():
        return median(input) if dim is None else median(input, dim, keepdim)
    return input.flatten().sort().values[(input.numel() - 1) // 2]


@bug("torch.median", "https://github.com/pytorch/pytorch/issues/46814", "on a GPU it did not look at strides")
def median_overlooks_strides(torch, median, input, dim=None, keepdim=False):
    seen = input if input.requires_grad else as_if_contiguous(input)
    return median(seen) if dim is None else median(seen, dim, keepdim)
