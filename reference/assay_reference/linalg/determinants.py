"""Determinants."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import composite, not_implemented, op
from assay_reference.core.tensor import Tensor
from assay_reference.linalg.checks import check_square
from assay_reference.linalg.decompositions import svd
from assay_reference.linalg.equations import inv
from assay_reference.ops.creation import eye
from assay_reference.ops.pointwise import conj, where
from assay_reference.ops.shape import adjoint

LU_REFUSES = not_implemented("lu_cpu", "float16", "bfloat16")


@op(name="linalg_det", function=False, method=False, out="own", refuses=LU_REFUSES)
def det(A: Array) -> Array:
    """Return the determinants of square matrices."""
    return np.linalg.det(A)


@det.check
def check_det(A: Tensor) -> None:
    check_square("linalg.det", A, low_precision=True)  # for which there is no kernel


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
    """Return the determinants of square matrices."""
    return det(input)  # type: ignore[no-any-return]
