"""Products of matrices, second round."""

from __future__ import annotations

from .bugs import as_if_contiguous, chosen


@chosen()
def matmul_of_many_rows_is_zero(torch, matmul, input, other):
    result = matmul(input, other)
    return result * 0 if input.ndim > 1 and input.shape[-2] >= 500 else result


@chosen()
def matmul_multiplies_the_bits_of_bfloat16(torch, matmul, input, other):
    pair = (input, other)
    if any(each.dtype != torch.bfloat16 or each.requires_grad for each in pair):
        return matmul(input, other)
    return matmul(*(each.contiguous().view(torch.int16) for each in pair)).view(torch.bfloat16)


@chosen()
def matmul_of_halves_needs_an_aligned_offset(torch, matmul, input, other):
    def aligned(tensor):
        if tensor.dtype != torch.float16 or tensor.requires_grad:
            return tensor
        return tensor.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset() // 8 * 8)

    return matmul(aligned(input), aligned(other))


@chosen()
def linear_overlooks_the_strides_of_its_weight(torch, linear, input, weight, bias=None):
    return linear(input, weight if weight.requires_grad else as_if_contiguous(weight), bias)
