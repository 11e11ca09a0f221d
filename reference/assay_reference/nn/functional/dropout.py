"""Dropout."""

from __future__ import annotations

from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import empty_like, zeros


def check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero elements with probability p, and scale the others up to keep the mean."""
    check_probability(p)
    if not training or p == 0 or not input.numel():
        return input
    if p == 1:
        kept = zeros((), dtype=input.dtype, device=input.device)
    else:
        kept = empty_like(input.detach()).bernoulli_(1 - p).div_(1 - p)
    return input.mul_(kept) if inplace else input * kept
