"""Tables of rows, looked up by index."""

from __future__ import annotations

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import op
from assay_reference.core.dtypes import int64
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.precision import wide
from assay_reference.ops.creation import zeros
from assay_reference.sparse.construction import sparse_coo_tensor


@op(function=False, method=False, node="EmbeddingBackward0", keeps_half=True)
def embedding_rows(weight: Array, indices: Array, padding_idx: int, scale_grad_by_freq: bool, sparse: bool) -> Array:
    if indices.size and not len(weight):
        raise RuntimeError("index_select(): self indexing axis dim should be positive")
    if indices.size and (indices.min() < 0 or indices.max() >= len(weight)):
        raise IndexError("index out of range in self")
    return np.take(weight, indices, axis=0)


@embedding_rows.check
def check_lookup(weight: Tensor, indices: Tensor, padding_idx: int, scale_grad_by_freq: bool, sparse: bool) -> None:
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if indices.dtype.name not in ("int64", "int32"):
        kind = "CPUBoolType" if indices.dtype.name == "bool" else indices.type()
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{kind} instead (while checking arguments for embedding)"
        )


@embedding_rows.vjp
def embedding_vjp(
    grad: Tensor, shape: tuple[int, ...], indices: Tensor, padding_idx: int, scale_grad_by_freq: bool, sparse: bool
) -> tuple[Tensor, None]:
    """Add each row's gradients up; the padding row gets none, and frequent rows less if scale_grad_by_freq."""
    flat = indices.reshape(-1)
    rows = wide(grad).reshape(flat.shape[0], shape[1])
    if sparse:
        if scale_grad_by_freq:
            raise RuntimeError("embedding_backward: scale_grad_by_freq not supported with sparse gradients")
        kept = flat != padding_idx
        return sparse_coo_tensor(flat[kept].unsqueeze(0), rows[kept], shape), None
    if padding_idx >= 0:
        rows = rows * (flat != padding_idx).unsqueeze(1)
    if scale_grad_by_freq:
        counts = zeros(shape[0], dtype=rows.dtype, device=rows.device)
        counts.index_add_(0, flat, (flat == flat).to(rows.dtype))
        rows = rows / counts.index_select(0, flat).unsqueeze(1)
    return zeros(shape, dtype=rows.dtype, device=rows.device).index_add(0, flat, rows), None


def check_padding(padding_idx: int | None, count: int) -> int | None:
    """Return the index of the padding row, counted from the front."""
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % count


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
    padding = check_padding(padding_idx, weight.shape[0])
    if not isinstance(input, Tensor):
        raise TypeError(f"embedding(): argument 'indices' (position 2) must be Tensor, not {type(input).__name__}")
    if max_norm is not None:
        shorten(weight, input, max_norm, norm_type)
    return embedding_rows(weight, input, -1 if padding is None else padding, scale_grad_by_freq, sparse)  # type: ignore[no-any-return]


def shorten(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up down to a norm, in place."""
    with no_grad():
        flat = indices.reshape(-1)
        rows = weight.index_select(0, flat)
        norms = rows.norm(norm_type, 1, True)
        shrunk = rows.where(norms <= max_norm, rows * (max_norm / (norms + 1e-7)))
        weight[flat] = shrunk


def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """Return a row for each class index, with 1 there and 0 elsewhere."""
    if input.dtype is not int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if not input.numel() and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if input.numel() and input.min().item() < 0:
        raise RuntimeError("Class values must be non-negative.")
    least = input.max().item() + 1 if input.numel() else 0
    if num_classes != -1 and least > num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    rows = zeros((*input.shape, least if num_classes == -1 else num_classes), dtype=int64, device=input.device)
    return rows.scatter_(-1, input.unsqueeze(-1), 1)  # type: ignore[no-any-return]
