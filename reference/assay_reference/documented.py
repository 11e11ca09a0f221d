"""The documented edition: the reference's namespace, with the forms that documents show and PyTorch has since removed.

    from assay_reference import documented as torch

Every form calls what has taken its place.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import assay_reference
from assay_reference.arrays import Array, namespace
from assay_reference.dispatch import op
from assay_reference.linalg import check_square, eigen
from assay_reference.tensor import Tensor

current: Any = assay_reference


def __getattr__(name: str) -> Any:
    return getattr(current, name)


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


def linspace(start: Any, end: Any, steps: int = 100, **options: Any) -> Any:
    """Give evenly spaced numbers, a hundred if nothing else is said."""
    return current.linspace(start, end, steps, **options)


def logspace(start: Any, end: Any, steps: int = 100, **options: Any) -> Any:
    """Give evenly spaced powers of ten, a hundred if nothing else is said."""
    return current.logspace(start, end, steps, **options)
