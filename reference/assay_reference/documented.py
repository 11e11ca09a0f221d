"""Forms that documents show and PyTorch has since removed: served where the documented edition is judged."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay_reference.arrays import Array, namespace
from assay_reference.dispatch import op
from assay_reference.linalg import check_square, eigen
from assay_reference.tensor import Tensor

__all__ = ["eig"]


@op(function=False, method=False, out=True, returns=("eigenvalues", "eigenvectors"))
def eig(a: Array, eigenvectors: bool = False) -> Any:
    """Give the eigenvalues of a matrix as rows of real and imaginary parts, and the eigenvectors if they are wanted.

    An eigenvector stands in one column where its eigenvalue is real; two conjugate ones share two columns, of which the
    first has their real part, and the second the imaginary part of the first.
    """
    values, vectors = eigen("torch.eig", a)
    pairs = np.stack([values.real, values.imag], axis=1).astype(a.dtype)
    if not eigenvectors:
        return pairs, namespace(a).empty(0, a.dtype)
    return pairs, np.where(values.imag < 0, -vectors.imag, vectors.real).astype(a.dtype)


@eig.check
def check_eig(a: Tensor, eigenvectors: bool) -> None:
    check_square("linalg.eig", a)
