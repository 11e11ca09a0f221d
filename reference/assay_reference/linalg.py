"""torch.linalg: decompositions, equations and norms of matrices."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy.linalg import lu

from assay_reference.arrays import Array, namespace, to_host
from assay_reference.creation import as_dtype, eye, zeros_like
from assay_reference.dispatch import broadcast_shape, composite, elementwise, not_implemented, op
from assay_reference.dtypes import can_cast, promote_types
from assay_reference.joining import cat
from assay_reference.pointwise import check_difference, conj, where
from assay_reference.reduction import axes, real_type, spread
from assay_reference.shape import adjoint
from assay_reference.tensor import Tensor, wrap_dim

Order: TypeAlias = float | str


class _LinAlgError(RuntimeError):
    """A matrix for which there is no answer."""


LinAlgError = _LinAlgError


# -- what is refused --------------------------------------------------------------------------------------------------


def check_numbers(name: str, tensor: Tensor, *, low_precision: bool = False) -> None:
    """Refuse whole numbers and, where nothing computes with them, half types."""
    if tensor.dtype.category in ("bool", "integer"):
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {tensor.dtype.title}")
    if tensor.dtype.is_half and not low_precision:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {tensor.dtype.title}")


def check_matrix(name: str, tensor: Tensor, word: str = "A") -> None:
    """Refuse what is not a matrix of fractions, or a stack of such."""
    if tensor.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {word} must have at least 2 dimensions.")
    check_numbers(name, tensor)


def check_square(name: str, tensor: Tensor) -> None:
    """Refuse what is not a square matrix of fractions, or a stack of such."""
    if tensor.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    rows, columns = tensor.shape[-2:]
    if rows != columns:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {rows} by {columns} matrices")
    check_numbers(name, tensor)


def batch_element(array: Array, number: int) -> str:
    """Say which matrix of a stack is meant."""
    return f"(Batch element {number}): " if array.ndim > 2 else ""


# -- products of vectors ----------------------------------------------------------------------------------------------


@op(name="linalg_cross", function=False, method=False, out="own")
def cross(input: Array, other: Array, *, dim: int = -1) -> Array:
    """Give the vectors that stand upright on pairs of vectors of three."""

    def component(x: Array, ahead: int) -> Array:
        return np.roll(x, -ahead, dim)

    return component(input, 1) * component(other, 2) - component(input, 2) * component(other, 1)


cross.vjp(
    input=lambda grad, other, dim: cross(conj(other), grad, dim=dim),
    other=lambda grad, input, dim: cross(grad, conj(input), dim=dim),
)


@cross.check
def check_cross(input: Tensor, other: Tensor, dim: int) -> None:
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    along = wrap_dim(dim, input.ndim)
    lengths = input.shape[along], other.shape[along]
    if lengths != (3, 3):
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {lengths[0]} and {lengths[1]}"
        )
    broadcast_shape(tuple(input.shape), tuple(other.shape))
    if input.dtype.category == "bool":
        raise NotImplementedError("\"cross\" not implemented for 'Bool'")
    if input.dtype is not other.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.title} but found {other.dtype.title}")


@composite(name="cross", out="own")
def cross_of_input(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Give the vectors that stand upright on pairs of vectors, by default along the first dimension of size three."""
    if dim is None:
        if 3 not in input.shape:
            raise RuntimeError("no dimension of size 3 in input")
        warnings.warn(
            "Using torch.cross without specifying the dim arg is deprecated.\n"
            "Please either pass the dim explicitly or simply use torch.linalg.cross.\n"
            "The default value of dim will change to agree with that of linalg.cross in a future release.",
            UserWarning,
            stacklevel=2,
        )
        dim = input.shape.index(3)
    return cross(input, other, dim=dim)  # type: ignore[no-any-return]


# -- inverses, determinants, equations --------------------------------------------------------------------------------


@op(name="linalg_inv", function=False, method=False, out="own", node="LinalgInvExBackward0")
def inv(A: Array) -> Array:
    """Invert square matrices."""
    known = np.isfinite(A).all(axis=(-2, -1))[..., None, None]
    try:
        inverse = np.linalg.inv(np.where(known, A, np.eye(A.shape[-1], dtype=A.dtype, like=A)))
    except np.linalg.LinAlgError:
        raise singular(A) from None
    return np.where(known, inverse, A.dtype.type(np.nan))


inv.vjp(A=lambda grad, out: -(adjoint(out) @ grad @ adjoint(out)))


@inv.check
def check_inv(A: Tensor) -> None:
    check_square("linalg.inv", A)


def singular(stack: Array) -> LinAlgError:
    """Say which matrix has no inverse, and at which pivot that shows."""
    size = stack.shape[-1]
    triangles = (lu(each)[2] for each in to_host(stack).reshape(-1, size, size))
    number, pivot = next(
        (number, int(np.argmin(np.abs(np.diagonal(each)))))
        for number, each in enumerate(triangles)
        if (np.diagonal(each) == 0).any()
    )
    return LinAlgError(
        f"linalg.inv: {batch_element(stack, number)}The diagonal element {pivot + 1} is zero, the inversion could not "
        "be completed because the input matrix is singular."
    )


@composite(out="own")
def inverse(input: Tensor) -> Tensor:
    """Invert square matrices."""
    return inv(input)  # type: ignore[no-any-return]


LU_REFUSES = {kind: not_implemented("lu_cpu") for kind in ("float16", "bfloat16")}


@op(name="linalg_det", function=False, method=False, out="own", refuses=LU_REFUSES)
def det(A: Array) -> Array:
    """Give the determinants of square matrices."""
    return np.linalg.det(A)


@det.check
def check_det(A: Tensor) -> None:
    check_square("linalg.det", A)


def det_vjp(grad: Tensor, out: Tensor, A: Tensor) -> Any:
    """Multiply by the cofactors: the determinant times the inverse's adjoint, which a singular matrix does not have."""
    grad = grad.unsqueeze(-1).unsqueeze(-1)
    if not (out == 0).any():
        return grad * adjoint(out.unsqueeze(-1).unsqueeze(-1) * inv(A))
    left, scales, right = svd(A, full_matrices=False)
    others = where(eye(A.shape[-1], device=A.device) == 1, 1.0, scales.unsqueeze(-2)).prod(-1)
    turn = conj(det(left) * det(right)).unsqueeze(-1).unsqueeze(-1)
    return grad * conj(turn) * ((left * others.unsqueeze(-2)) @ right)


det.vjp(A=det_vjp)


@composite(name="det")
def det_of_input(input: Tensor) -> Tensor:
    """Give the determinants of square matrices."""
    return det(input)  # type: ignore[no-any-return]


def is_vector(A: Any, B: Any) -> bool:
    """Tell whether the right side of equations is a vector, or a stack of such."""
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and tuple(B.shape) == tuple(A.shape[:-1]))


@op(name="linalg_solve", function=False, method=False, out="own", node="LinalgSolveExBackward0")
def solve(A: Array, B: Array, *, left: bool = True) -> Array:
    """Solve A X = B, or X A = B if not left, for X."""
    right = B[..., None] if is_vector(A, B) else B
    try:
        if left:
            solution = np.linalg.solve(A, right)
        else:
            solution = np.linalg.solve(A.swapaxes(-2, -1), right.swapaxes(-2, -1)).swapaxes(-2, -1)
    except np.linalg.LinAlgError:
        raise LinAlgError("torch.linalg.solve: The solver failed because the input matrix is singular.") from None
    return solution[..., 0] if is_vector(A, B) else solution


@solve.vjp
def solve_vjp(grad: Tensor, out: Tensor, A: Tensor, B: Tensor, left: bool) -> tuple[Any, Any]:
    """Solve the adjoint equations for the gradient of the right side, which gives that of the matrices."""
    of_b = solve(adjoint(A), grad, left=left)
    if is_vector(A, B):
        return -(of_b.unsqueeze(-1) * conj(out).unsqueeze(-2)), of_b
    return -(of_b @ adjoint(out) if left else adjoint(out) @ of_b), of_b


@solve.check
def check_solve(A: Tensor, B: Tensor, left: bool) -> None:
    check_square("linalg.solve", A)
    if A.dtype is not B.dtype:
        raise RuntimeError(
            f"linalg.solve: Expected A and B to have the same dtype, but found A of type {A.dtype.title} and B of type "
            f"{B.dtype.title} instead"
        )
    of_b = (*B.shape, 1) if is_vector(A, B) else tuple(B.shape)
    if of_b[-2 if left else -1] != A.shape[-1]:
        shapes = " and ".join(f"{each[-2]}x{each[-1]}" for each in (A.shape, of_b))
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation {'AX' if left else 'XA'} = B ({shapes})"
        )


# -- eigenvalues ------------------------------------------------------------------------------------------------------


def eigen(name: str, array: Array) -> tuple[Array, Array]:
    """Decompose on the host, which alone knows how; results are complex."""
    host = to_host(array)
    if not np.isfinite(host).all():
        raise RuntimeError(f"{name}: input tensor should not contain infs or NaNs.")
    kind = np.complex128 if host.dtype in (np.float64, np.complex128) else np.complex64
    values, vectors = np.linalg.eig(host)
    xp = namespace(array)
    return xp.asarray(values.astype(kind)), xp.asarray(vectors.astype(kind))


@op(name="linalg_eig", function=False, method=False, out="castable", returns=("eigenvalues", "eigenvectors"))
def eig(A: Array) -> Any:
    """Give the eigenvalues and eigenvectors of square matrices, as complex numbers."""
    return eigen("torch.linalg.eig", A)


@eig.check
def check_eig(A: Tensor) -> None:
    check_square("linalg.eig", A)


@eig.vjp
def eig_vjp(grad: Any, out: Any, A: Tensor) -> Tensor:
    """Turn gradients of both into one of the matrix; the length of an eigenvector, which is 1, does not count."""
    (of_values, of_vectors), (values, vectors) = grad, out
    turned = adjoint(vectors) @ of_vectors
    along = turned.diagonal(0, -2, -1).real.unsqueeze(-2)
    turned = turned - (adjoint(vectors) @ vectors) * along
    apart = conj(values.unsqueeze(-2) - values.unsqueeze(-1))
    diagonal = eye(values.shape[-1], device=A.device) == 1
    inner = where(diagonal, of_values.unsqueeze(-2), turned / where(diagonal, 1.0, apart))
    whole = solve(adjoint(vectors), inner @ adjoint(vectors))
    return whole if A.is_complex() else whole.real  # type: ignore[no-any-return]


@composite(name="linalg_eigvals", function=False, method=False, out="castable")
def eigvals(A: Tensor) -> Tensor:
    """Give the eigenvalues of square matrices, as complex numbers."""
    return eig(A)[0]  # type: ignore[no-any-return]


@op(name="linalg_eigh", function=False, method=False, out="own", returns=("eigenvalues", "eigenvectors"))
def eigh(A: Array, UPLO: Any = "L") -> Any:
    """Give the eigenvalues and eigenvectors of Hermitian matrices, of which one triangle is read."""
    return tuple(np.linalg.eigh(A, UPLO))


@eigh.check
def check_eigh(A: Tensor, UPLO: str) -> None:
    check_square("linalg.eigh", A)


@eigh.vjp
def eigh_vjp(grad: Any, out: Any, A: Tensor) -> Any:
    """Turn gradients of both into one of the matrix."""
    (of_values, of_vectors), (values, vectors) = grad, out
    apart = values.unsqueeze(-2) - values.unsqueeze(-1)
    diagonal = eye(values.shape[-1], device=A.device) == 1
    turned = adjoint(vectors) @ of_vectors / where(diagonal, 1.0, apart)
    return vectors @ where(diagonal, of_values.unsqueeze(-2), turned) @ adjoint(vectors)


@composite(name="linalg_eigvalsh", function=False, method=False, out="own")
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Give the eigenvalues of Hermitian matrices, of which one triangle is read."""
    return eigh(A, UPLO)[0]  # type: ignore[no-any-return]


# -- other decompositions ---------------------------------------------------------------------------------------------


QR_NEEDS_Q = (
    "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, "
    "mode='reduced') if you are going to differentiate through linalg.qr."
)
QR_NEEDS_SQUARE = "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."


@op(name="linalg_qr", function=False, method=False, out="own", returns=("Q", "R"))
def qr(A: Array, mode: Any = "reduced") -> Any:
    """Write matrices as products of one with orthonormal columns and an upper triangular one."""
    if mode == "r":
        return namespace(A).empty(0, A.dtype), np.linalg.qr(A, mode)
    return tuple(np.linalg.qr(A, mode))


@qr.check
def check_qr(A: Tensor, mode: str) -> None:
    check_matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )


@qr.vjp
def qr_vjp(grad: Any, out: Any, A: Tensor, mode: str) -> Any:
    """Turn gradients of both into one of the matrix; columns beyond a square follow from the others."""
    rows, columns = A.shape[-2:]
    if mode == "r":
        raise RuntimeError(QR_NEEDS_Q)
    if mode == "complete" and rows > columns:
        raise RuntimeError(QR_NEEDS_SQUARE)
    (of_turn, of_triangle), (turn, triangle) = grad, out
    if rows >= columns:
        return qr_vjp_of_square(of_turn, of_triangle, turn, triangle)
    square, more = of_triangle[..., :rows], of_triangle[..., rows:]
    of_turn = of_turn + A[..., rows:] @ adjoint(more)
    return cat([qr_vjp_of_square(of_turn, square, turn, triangle[..., :rows]), turn @ more], -1)


def qr_vjp_of_square(of_turn: Tensor, of_triangle: Tensor, turn: Tensor, triangle: Tensor) -> Any:
    """Differentiate the decomposition of matrices that have no more columns than rows."""
    upper = (of_triangle @ adjoint(triangle) - adjoint(turn) @ of_turn).triu()
    both = upper + adjoint(upper)
    diagonal = eye(both.shape[-1], device=both.device) == 1
    inner = where(diagonal, both - upper.real, both)  # what is on the diagonal counts once
    return solve(adjoint(triangle), of_turn + turn @ inner, left=False)


@op(name="linalg_svd", function=False, method=False, out="own", returns=("U", "S", "Vh"))
def svd(A: Array, full_matrices: bool = True) -> Any:
    """Write matrices as a turn, a scaling and another turn."""
    return tuple(np.linalg.svd(A, full_matrices))


@svd.check
def check_svd(A: Tensor, full_matrices: bool) -> None:
    check_matrix("linalg.svd", A)


@svd.vjp
def svd_vjp(grad: Any, out: Any, A: Tensor) -> Any:
    """Turn gradients of the three into one of the matrix, for singular values that differ and are not zero."""
    (of_left, of_scales, of_right), (left, scales, right) = grad, out
    count = scales.shape[-1]
    left, of_left = left[..., :count], of_left[..., :count]
    turn, of_turn = adjoint(right)[..., :count], adjoint(of_right)[..., :count]
    row, column = scales.unsqueeze(-2), scales.unsqueeze(-1)
    diagonal = eye(count, device=A.device) == 1
    apart = where(diagonal, 1.0, (row - column) * (row + column))
    by_left, by_turn = adjoint(left) @ of_left, adjoint(turn) @ of_turn
    inner = (by_left - adjoint(by_left)) / apart * row + column * ((by_turn - adjoint(by_turn)) / apart)
    straight = of_scales.unsqueeze(-2) + (by_left - conj(by_left)) / (2 * row)
    result = left @ where(diagonal, straight, inner) @ adjoint(turn)
    outside_left = (of_left - left @ by_left) / row  # what leaves the space of the columns, or of the rows
    outside_turn = (of_turn - turn @ by_turn) / row
    return result + outside_left @ adjoint(turn) + left @ adjoint(outside_turn)


@op(name="linalg_svdvals", function=False, method=False, out="own", node="LinalgSvdBackward0")
def svdvals(A: Array) -> Array:
    """Give the singular values of matrices."""
    return np.linalg.svd(A, compute_uv=False)


@svdvals.check
def check_svdvals(A: Tensor) -> None:
    check_matrix("linalg.svd", A)


@svdvals.vjp
def svdvals_vjp(grad: Tensor, A: Tensor) -> Any:
    left, _, right = svd(A, full_matrices=False)
    return (left * grad.unsqueeze(-2)) @ right


@op(name="linalg_cholesky", function=False, method=False, out="own", node="LinalgCholeskyExBackward0")
def cholesky(A: Array, *, upper: bool = False) -> Array:
    """Write positive-definite matrices as the product of a triangular one and its adjoint."""
    try:
        lower = np.linalg.cholesky(A)
    except np.linalg.LinAlgError:
        raise not_positive_definite(A) from None
    return np.conj(np.swapaxes(lower, -2, -1)) if upper else lower


@cholesky.check
def check_cholesky(A: Tensor, upper: bool) -> None:
    check_square("linalg.cholesky", A)


@cholesky.vjp
def cholesky_vjp(grad: Tensor, out: Tensor, upper: bool) -> Any:
    lower, of_lower = (adjoint(out), adjoint(grad)) if upper else (out, grad)
    inner = (adjoint(lower) @ of_lower).tril()
    inner = inner - 0.5 * (inner * eye(inner.shape[-1], dtype=inner.dtype, device=inner.device))
    half = solve(adjoint(lower), inner)
    whole = adjoint(solve(adjoint(lower), adjoint(half)))
    return 0.5 * (whole + adjoint(whole))


def not_positive_definite(stack: Array) -> LinAlgError:
    """Say which matrix is not positive-definite, and from which minor on."""
    size = stack.shape[-1]
    for number, matrix in enumerate(stack.reshape(-1, size, size)):
        for minor in range(1, size + 1):
            try:
                np.linalg.cholesky(matrix[:minor, :minor])
            except np.linalg.LinAlgError:
                return LinAlgError(
                    f"linalg.cholesky: {batch_element(stack, number)}The factorization could not be completed because "
                    f"the input is not positive-definite (the leading minor of order {minor} is not positive-definite)."
                )
    return LinAlgError("linalg.cholesky: the input is not positive-definite.")


@op(name="linalg_matrix_rank", function=False, method=False)
def rank_op(A: Array, tol: float | None, hermitian: bool) -> Array:
    scales = np.abs(np.linalg.eigvalsh(A)) if hermitian else np.linalg.svd(A, compute_uv=False)
    largest = np.max(scales, axis=-1, keepdims=True, initial=0)
    least = largest * max(A.shape[-2:]) * np.finfo(A.dtype).eps if tol is None else tol
    return np.sum(scales > least, axis=-1, dtype=np.int64)


@composite(name="linalg_matrix_rank", function=False, method=False, out="castable")
def matrix_rank(input: Tensor, tol: float | None = None, hermitian: bool = False) -> Tensor:
    """Count the singular values that are not zero, or above a tolerance."""
    check_matrix("torch.linalg.matrix_rank", input, "input")
    return rank_op(input, tol, hermitian)  # type: ignore[no-any-return]


# -- norms ------------------------------------------------------------------------------------------------------------


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
    return np.sum(sizes**ord, axis=over, keepdims=keepdim) ** (1 / ord)


@vector_norm_op.vjp
def vector_norm_vjp(grad: Tensor, out: Tensor, x: Tensor, ord: float, dim: Any, keepdim: bool) -> Any:
    """Follow the definition where the norm is smooth; at its kinks, share out or give 0."""
    grad, norm = (spread(each, x.shape, dim, keepdim) for each in (grad, out))
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
    nothing = (x == 0) & (norm == norm)
    part = where(nothing, 1.0, x.abs() / norm)  # a power of the quotient does not overflow as two powers would
    return where(nothing, 0.0, grad * x.sgn() * part ** (ord - 1))


@composite(name="linalg_vector_norm", function=False, method=False, out="own")
def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Give the norm of all elements as those of one vector, or along dimensions."""
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
    """Refuse to choose the largest or smallest of nothing."""
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
    """Give a norm of matrices that is more than one of their elements: 'fro', 'nuc', ±1, ±2 or ±inf."""
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
    """Give the norm of vectors or of matrices, as the dimensions, or else the rank, say."""
    if dim is None and ord is not None and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D."
        )
    over = None if dim is None else ((dim,) if isinstance(dim, int) else tuple(dim))
    if ord is not None and ((over is not None and len(over) == 2) or (over is None and A.ndim == 2)):
        return matrix_norm(A, ord, over or (-2, -1), keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else float(ord), over, keepdim, dtype=dtype)


@composite(name="norm", out="own")
def norm_of_elements(
    input: Tensor, p: Order | None = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """Give the p-norm of all elements, or along dimensions; or the nuclear norm of matrices, 'nuc'."""
    over = tuple(range(input.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if isinstance(p, str) and (p != "fro" or (dim is not None and len(over) > 2)):
        return matrix_norm(input, p, over, keepdim, dtype=dtype)
    return vector_norm(input, 2 if p in (None, "fro") else p, dim, keepdim, dtype=dtype)  # type: ignore[arg-type]


@elementwise(promotes="same", in_place=False, out=None)
def dist(input: Array, other: Array, p: float = 2) -> Array:
    """Give the p-norm of the difference of two tensors."""
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
