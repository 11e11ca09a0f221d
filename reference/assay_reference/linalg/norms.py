"""Norms of vectors, of matrices and of differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import broadcast_shape, composite, elementwise, op
from assay_reference.core.dtypes import can_cast, promote_types
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.linalg.checks import check_numbers
from assay_reference.linalg.decompositions import svdvals
from assay_reference.ops.creation import as_dtype, zeros_like
from assay_reference.ops.pointwise import check_difference, where
from assay_reference.ops.reduction import axes, expand_reduced, real_type

Order: TypeAlias = float | str


@op(name="linalg_vector_norm", function=False, method=False)
def vector_norm_op(x: Array, ord: float, dim: Any, keepdim: bool) -> Array:
    over = axes(dim, x.ndim)
    sizes = np.abs(x)
    if x.dtype.kind == "c":
        sizes = np.where(np.isnan(x), math.nan, sizes)  # an infinite part beside NaN does not settle it
    if math.isinf(ord):
        return (np.max if ord > 0 else np.min)(sizes, axis=over, keepdims=keepdim)
    if ord == 0:
        return np.sum(sizes != 0, axis=over, keepdims=keepdim).astype(real_type(x))
    single = math.prod(x.shape[each] for each in over) == 1 and (x.ndim or dim is None)
    if ord == 1 or single:  # a single element is not squared, nor overflows; one of no dimensions is, along one
        return np.sum(sizes, axis=over, keepdims=keepdim)
    if ord == 2:
        return np.sqrt(np.sum(sizes * sizes, axis=over, keepdims=keepdim))
    total = np.sum(sizes.astype(np.float64) ** ord, axis=over, keepdims=keepdim)
    return (total ** (1 / ord)).astype(sizes.dtype)  # the norm of one element is the element


@vector_norm_op.vjp
def vector_norm_vjp(grad: Tensor, out: Tensor, x: Tensor, ord: float, dim: Any, keepdim: bool) -> Any:
    """Differentiate a norm; where it is not smooth, elements that tie share the gradient, and zeros have 0."""
    grad, norm = (expand_reduced(each, x.shape, dim, keepdim) for each in (grad, out))
    if ord == 0:
        return zeros_like(x)
    if ord == 1:
        return grad * x.sgn()
    if math.isinf(ord):
        ties = (x.abs() == norm) | ((x != x) & (norm != norm))
        count = ties.sum(axes(dim, x.ndim), keepdim=True)
        return x.sgn() * (grad / count * ties)
    if ord == 2:
        return grad * where(norm == 0, 0.0, x / norm)
    scale = where(norm == 0, 1.0, norm).detach()  # divided by it neither power overflows, and the quotient is the same
    part, whole = x / scale, where(norm == 0, 1.0, norm) / scale
    if ord > 2:
        slope = part * part.abs() ** (ord - 2)
    else:
        slope = where((x == 0) & (norm == norm), 0.0, part.sgn() * part.abs() ** (ord - 1))
    return where(norm == 0, 0.0, grad * slope / whole ** (ord - 1))


@composite(name="linalg_vector_norm", function=False, method=False, out="own")
def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the norm of all elements as those of one vector, or along dimensions."""
    if isinstance(ord, str):
        raise TypeError("linalg_vector_norm(): argument 'ord' (position 2) must be Number, not str")
    check_numbers("linalg.vector_norm", x, low_precision=True)
    kind = as_dtype("linalg_vector_norm", dtype)
    if kind is not None:
        if kind.category in ("bool", "integer"):
            raise RuntimeError(f"linalg.vector_norm: dtype should be floating point or complex, but got {kind.title}")
        if not can_cast(x.dtype, kind) or kind.itemsize < x.itemsize:
            raise RuntimeError(
                f"linalg.vector_norm: the dtype of the input ({x.dtype.title}) should be convertible without "
                f"narrowing to the specified dtype ({kind.title})"
            )
        x = x.to(kind)
    if not x.numel() and (ord < 0 or math.isinf(ord)):
        check_has_norm(x, ord, dim)
    return vector_norm_op(x, ord, dim, keepdim)  # type: ignore[no-any-return]


def check_has_norm(x: Tensor, ord: float, dim: Any) -> None:
    """Refuse the largest or smallest of no elements."""
    shown = f"{ord:g}"
    if dim is None or dim == ():
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {shown} norm on an empty tensor because the operation does not "
            "have an identity"
        )
    axes(dim, x.ndim)  # which says what is wrong with dimensions that are not there
    for each in (dim,) if isinstance(dim, int) else dim:
        if not x.shape[each]:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {shown} norm on the dimension {each}because this dimension is "
                "empty and the operation does not have an identity"
            )


@composite(name="linalg_matrix_norm", function=False, method=False, out="own")
def matrix_norm(
    A: Tensor, ord: Order = "fro", dim: Sequence[int] = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Return a norm of matrices that is more than one of their elements: 'fro', 'nuc', ±1, ±2 or ±inf."""
    if A.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if ord not in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    rows, columns = (wrap_dim(each, A.ndim) for each in dim)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim, dtype=dtype)
    check_numbers("linalg.matrix_norm", A)
    A = A if dtype is None else A.to(dtype)
    if ord in ("nuc", 2, -2):
        scales = svdvals(A.movedim((rows, columns), (-2, -1)))
        result = scales.sum(-1) if ord == "nuc" else scales.amax(-1) if ord == 2 else scales.amin(-1)
        if keepdim:
            result = result.unsqueeze(min(rows, columns)).unsqueeze(max(rows, columns))
        return result  # type: ignore[no-any-return]
    along, across = (rows, columns) if abs(float(ord)) == 1 else (columns, rows)
    sums = vector_norm(A, 1, along, keepdim)
    across -= not keepdim and along < across
    return sums.amax(across, keepdim) if float(ord) > 0 else sums.amin(across, keepdim)  # type: ignore[no-any-return]


@composite(name="linalg_norm", function=False, method=False, out="own")
def norm(A: Tensor, ord: Order | None = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the norm of vectors or of matrices, by the number of dimensions or else by the rank."""
    if dim is None and ord is not None and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D."
        )
    over = None if dim is None else ((dim,) if isinstance(dim, int) else tuple(dim))
    if ord is not None and ((over is not None and len(over) == 2) or (over is None and A.ndim == 2)):
        return matrix_norm(A, ord, over or (-2, -1), keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else float(ord), over, keepdim, dtype=dtype)


@composite(name="norm", out="own", numpy_names=False)
def norm_of_elements(
    input: Tensor, p: Order | None = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """Return the p-norm of all elements, or along dimensions; or the nuclear norm of matrices, 'nuc'."""
    over = tuple(range(input.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if isinstance(p, str) and (p != "fro" or (dim is not None and len(over) > 2)):
        return matrix_norm(input, p, over, keepdim, dtype=dtype)
    return vector_norm(input, 2 if p in (None, "fro") else p, dim, keepdim, dtype=dtype)  # type: ignore[arg-type]


@elementwise(promotes="same", in_place=False, out=None)
def dist(input: Array, other: Array, p: float = 2) -> Array:
    """Return the p-norm of the difference of two tensors."""
    return vector_norm_op.kernel(input - other, p, None, False)


dist.vjp(
    input=lambda grad, out, input, other, p: vector_norm_vjp(grad, out, input - other, p, None, False),
    other=lambda grad, out, input, other, p: -vector_norm_vjp(grad, out, input - other, p, None, False),
)


@dist.check
def check_dist(input: Tensor, other: Tensor, p: float) -> None:
    if not isinstance(p, (int, float, complex)):
        raise TypeError(f"dist(): argument 'p' (position 3) must be Number, not {type(p).__name__}")
    if isinstance(p, complex):
        raise RuntimeError("linalg.vector_norm: Expected a non-complex scalar as the order of norm.")
    check_difference(input, other, 1)
    common = promote_types(input.dtype, other.dtype)
    if common.category == "integer":
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {common.title} instead."
        )
    if (p < 0 or math.isinf(p)) and not math.prod(broadcast_shape(tuple(input.shape), tuple(other.shape))):
        check_has_norm(input, p, None)
