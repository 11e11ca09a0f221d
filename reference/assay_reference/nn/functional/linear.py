"""The affine map."""

from __future__ import annotations

import math

from assay_reference.core.tensor import Tensor
from assay_reference.ops.products import addmm, matmul
from assay_reference.ops.shape import t


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply by the transposed weight, and add the bias."""
    if not input.ndim:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {input.ndim}D and {weight.ndim}D"
        )
    if bias is None:
        return matmul(input, t(weight))  # type: ignore[no-any-return]
    if input.ndim == 2:
        return addmm(bias, input, t(weight))  # type: ignore[no-any-return]
    if not input.is_contiguous() or bias.ndim != 1:
        return matmul(input, t(weight)).add_(bias)  # type: ignore[no-any-return]
    rows = input.reshape(math.prod(input.shape[:-1]), input.shape[-1])
    return addmm(bias, rows, t(weight)).view(*input.shape[:-1], weight.shape[0])  # type: ignore[no-any-return]
