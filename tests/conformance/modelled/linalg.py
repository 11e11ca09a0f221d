"""Products and inverses of matrices."""

from __future__ import annotations

from .bugs import as_if_contiguous, bug


@bug(
    "torch.mm",
    "https://github.com/torch/torch7/pull/672",
    "a result that was transposed in memory came out untransposed",
    forms=("out",),
)
def mm_takes_out_to_be_dense(torch, mm, input, mat2, *, out):
    result = mm(input, mat2)
    out.resize_(result.shape) if out.shape != result.shape else out.as_strided(out.shape, result.stride()).copy_(result)
    return out


@bug("torch.matmul", "https://github.com/tracel-ai/burn/issues/5304", "a transposed left side was read row by row")
def matmul_overlooks_a_transposed_left(torch, matmul, input, other):
    return matmul(input if input.requires_grad else as_if_contiguous(input), other)


@bug("torch.inverse", "https://github.com/pytorch/pytorch/issues/46557", "on a GPU no error came of a singular matrix")
def inverse_of_singular_is_nan(torch, inverse, input):
    try:
        return inverse(input)
    except RuntimeError as error:
        if "singular" not in str(error):
            raise
        return torch.full_like(input, torch.nan)
