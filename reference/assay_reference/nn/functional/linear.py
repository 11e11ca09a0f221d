"""The affine map."""

from __future__ import annotations

from assay_reference.tensor import Tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply by the transposed weight, and add the bias."""
    product = input.matmul(weight.t())
    return product if bias is None else product + bias  # type: ignore[no-any-return]
