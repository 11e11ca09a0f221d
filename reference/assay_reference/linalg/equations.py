"""Inverses and systems of linear equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, to_host
from assay_reference.core.dispatch import composite, op
from assay_reference.core.tensor import Tensor
from assay_reference.linalg.checks import LinAlgError, batch_element, check_square
from assay_reference.ops.pointwise import conj
from assay_reference.ops.shape import adjoint


@op(name="linalg_inv", function=False, method=False, out="own", node="LinalgInvExBackward0", keeps_strides=True)
def inv(A: Array) -> Array:
    """Invert square matrices."""
    known = np.isfinite(A).all(axis=(-2, -1))[..., None, None]
    try:
        inverse = np.linalg.inv(np.where(known, A, np.eye(A.shape[-1], dtype=A.dtype, like=A)))
    except np.linalg.LinAlgError:
        raise singular(A) from None
    known_only = np.where(known, inverse, A.dtype.type(np.nan))
    return known_only.swapaxes(-1, -2).copy(order="C").swapaxes(-1, -2)  # by columns, as LAPACK has them


inv.vjp(A=lambda grad, out: -(adjoint(out) @ grad @ adjoint(out)))


@inv.check
def check_inv(A: Tensor) -> None:
    check_square("linalg.inv", A)


def singular(stack: Array) -> LinAlgError:
    """Return the error of a matrix that has no inverse, with the pivot that shows it."""
    from scipy.linalg import lu  # as much to import as the rest of the reference

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


def is_vector(A: Any, B: Any) -> bool:
    """Return whether the right side of equations is a vector, or a stack of such."""
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
