"""Products and inverses of matrices."""

from __future__ import annotations

import numpy as np

from assay.case import Call, TensorValue

from .bugs import as_if_contiguous, bug


def _times(columns_first: bool) -> Call:
    """Ask for a product in an out= that holds it row by row, or column by column."""
    matrix = np.arange(4, dtype=np.float32).reshape(2, 2)
    out = TensorValue("float32", (2, 2), np.ones(4, dtype=np.float32), (1, 2) if columns_first else (2, 1))
    arguments = {"input": TensorValue.of(matrix), "mat2": TensorValue.of(matrix + 1), "out": out}
    return Call("torch.mm", arguments, ("input", "mat2"), form="out")


@bug(
    "torch.mm",
    "https://github.com/torch/torch7/pull/672",
    "a result that was transposed in memory came out untransposed",
    forms=("out",),
    witness=_times(columns_first=True),
    survives="every out= that the suite gives is contiguous",
)
def mm_takes_out_to_be_dense(torch, mm, input, mat2, *, out):
    mm(input, mat2, out=out)
    if not out.is_contiguous():
        out.copy_(out.t().clone())
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
