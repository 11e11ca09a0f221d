"""Dropout."""

from __future__ import annotations

from assay_reference.creation import empty_like
from assay_reference.tensor import Tensor


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero elements at random with chance p, and scale the others up to keep the mean."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0 or not input.numel():
        return input
    scale = empty_like(input.detach()).bernoulli_(1 - p) * (1 / (1 - p) if p < 1 else 0.0)
    return input.mul_(scale) if inplace else input * scale  # type: ignore[no-any-return]
