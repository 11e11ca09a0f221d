"""Embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay_reference.arrays import Array
from assay_reference.dispatch import FUNCTIONS, op
from assay_reference.engine import no_grad
from assay_reference.tensor import Tensor


@op(name="_embedding", node="EmbeddingBackward0", function=False, method=False, keeps_half=True)
def rows(weight: Array, input: Array, padding_idx: int, scale_grad_by_freq: bool) -> Array:
    if input.size and (input.min() < 0 or input.max() >= len(weight)):
        raise IndexError("index out of range in self")
    return np.take(weight, input, axis=0)


def _back(grad: Tensor, weight: Tensor, input: Tensor, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    """Add each row's gradient up; the padding row gets none, and frequent rows less if so wanted."""
    flat, parts = input.reshape(-1).long(), grad.reshape(-1, weight.shape[1])
    parts = parts * (flat != padding_idx).unsqueeze(1)
    if scale_grad_by_freq:
        counts = parts.new_zeros(len(weight)).index_add(0, flat, parts.new_ones(len(flat)))
        parts = parts / counts[flat].unsqueeze(1)
    return FUNCTIONS["index_add"](parts.new_zeros(*weight.shape), 0, flat, parts)  # type: ignore[no-any-return]


rows.vjp(weight=_back)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Look rows of a table up by index."""
    count = len(weight)
    if padding_idx is not None:
        if not -count <= padding_idx < count:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= count
    if max_norm is not None:
        _cut(weight, input, max_norm, norm_type)
    return rows(weight, input, -1 if padding_idx is None else padding_idx, scale_grad_by_freq)  # type: ignore[no-any-return]


def _cut(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up down to a norm, in place."""
    with no_grad():
        used = input.reshape(-1).long()
        chosen: Any = weight[used]
        norms = chosen.norm(norm_type, dim=1, keepdim=True)
        weight[used] = chosen * _shrink(norms, max_norm)


def _shrink(norms: Tensor, max_norm: float) -> Tensor:
    return (max_norm / (norms + 1e-7)).where(norms > max_norm, norms.new_ones(()))  # type: ignore[no-any-return]
