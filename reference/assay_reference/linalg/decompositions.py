"""Decompositions of matrices: eigenvectors, singular vectors, triangular and orthogonal factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, namespace, to_host
from assay_reference.core.dispatch import composite, op
from assay_reference.core.tensor import Tensor
from assay_reference.linalg.checks import LinAlgError, batch_element, check_matrix, check_square
from assay_reference.linalg.equations import solve
from assay_reference.ops.creation import eye
from assay_reference.ops.joining import cat
from assay_reference.ops.pointwise import conj, where
from assay_reference.ops.shape import adjoint

# -- eigenvalues ------------------------------------------------------------------------------------------------------


def eigen(name: str, array: Array) -> tuple[Array, Array]:
    """Compute eigenvalues and eigenvectors on the host, as complex numbers."""
    host = to_host(array)
    if not np.isfinite(host).all():
        raise RuntimeError(f"{name}: input tensor should not contain infs or NaNs.")
    kind = np.complex128 if host.dtype in (np.float64, np.complex128) else np.complex64
    values, vectors = np.linalg.eig(host)
    xp = namespace(array)
    return xp.asarray(values.astype(kind)), xp.asarray(vectors.astype(kind))


@op(name="linalg_eig", function=False, method=False, out="castable", returns=("eigenvalues", "eigenvectors"))
def eig(A: Array) -> Any:
    """Return the eigenvalues and eigenvectors of square matrices, as complex numbers."""
    return eigen("torch.linalg.eig", A)


@eig.check
def check_eig(A: Tensor) -> None:
    check_square("linalg.eig", A)


@eig.vjp
def eig_vjp(grad: Any, out: Any, A: Tensor) -> Tensor:
    """Differentiate; the length of an eigenvector is 1, so that only its direction has a gradient."""
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
    """Return the eigenvalues of square matrices, as complex numbers."""
    return eig(A)[0]  # type: ignore[no-any-return]


@op(name="linalg_eigh", function=False, method=False, out="own", returns=("eigenvalues", "eigenvectors"))
def eigh(A: Array, UPLO: Any = "L") -> Any:
    """Return the eigenvalues and eigenvectors of Hermitian matrices, of which one triangle is read."""
    return tuple(np.linalg.eigh(A, UPLO))


@eigh.check
def check_eigh(A: Tensor, UPLO: str) -> None:
    check_square("linalg.eigh", A)


@eigh.vjp
def eigh_vjp(grad: Any, out: Any, A: Tensor) -> Any:
    """Differentiate both results with respect to the matrix."""
    (of_values, of_vectors), (values, vectors) = grad, out
    apart = values.unsqueeze(-2) - values.unsqueeze(-1)
    diagonal = eye(values.shape[-1], device=A.device) == 1
    turned = adjoint(vectors) @ of_vectors / where(diagonal, 1.0, apart)
    return vectors @ where(diagonal, of_values.unsqueeze(-2), turned) @ adjoint(vectors)


@composite(name="linalg_eigvalsh", function=False, method=False, out="own")
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues of Hermitian matrices, of which one triangle is read."""
    return eigh(A, UPLO)[0]  # type: ignore[no-any-return]


# -- other decompositions ----------------------------------------------------------------------------------------------

QR_NEEDS_Q = (
    "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, "
    "mode='reduced') if you are going to differentiate through linalg.qr."
)
QR_NEEDS_SQUARE = "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."


@op(name="linalg_qr", function=False, method=False, out="own", returns=("Q", "R"))
def qr(A: Array, mode: Any = "reduced") -> Any:
    """Return the QR decomposition of matrices: orthonormal columns, and an upper triangular matrix."""
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
    """Differentiate; columns beyond a square follow from the others."""
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
    """Return the singular value decomposition of matrices: U, the singular values, and V's adjoint."""
    return tuple(np.linalg.svd(A, full_matrices))


@svd.check
def check_svd(A: Tensor, full_matrices: bool) -> None:
    check_matrix("linalg.svd", A)


@svd.vjp
def svd_vjp(grad: Any, out: Any, A: Tensor) -> Any:
    """Differentiate the three results, for singular values that differ and are not zero."""
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
    """Return the singular values of matrices."""
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
    """Return the triangular matrix whose product with its adjoint is a positive-definite one."""
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
    """Return the error of a matrix that is not positive-definite, with the minor that shows it."""
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
