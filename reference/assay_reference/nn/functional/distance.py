"""Distances and similarities of vectors."""

from __future__ import annotations

from assay_reference.core.dispatch import composite
from assay_reference.core.dtypes import promote_types
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.tensor import Tensor
from assay_reference.linalg.norms import norm_of_elements
from assay_reference.ops.shape import broadcast_tensors


@composite(method=False)
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosines of the angles between vectors along a dimension; norms count as eps at least."""
    kind = promote_types(x1.dtype, x2.dtype)
    if kind.category != "floating":
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {kind.title}")
    if eps < 0:
        raise RuntimeError(f"eps must be non-negative, got: {eps:g}")
    first, second = broadcast_tensors(*(x if x.is_floating_point() else x.to(kind) for x in (x1, x2)))
    return (unit(first, dim, eps) * unit(second, dim, eps)).sum(dim)  # type: ignore[no-any-return]


def unit(vectors: Tensor, dim: int, eps: float) -> Tensor:
    """Divide vectors by their norms, which count as eps at least: as constants they do, but in their own slope."""
    norms = norm_of_elements(vectors, 2, dim, keepdim=True).clone()
    with no_grad():
        norms.clamp_(min=eps)
    return vectors / norms  # type: ignore[no-any-return]


@composite(method=False)
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return the p-norms of the differences of vectors along the last dimension, to each of which eps is added."""
    return norm_of_elements(x1 - x2 + float(eps), p, max(x1.ndim, x2.ndim) - 1, keepdim)
