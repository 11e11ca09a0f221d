"""torch.linalg: vectors, matrices and their norms, equations and decompositions."""

from assay_reference.linalg.checks import LinAlgError
from assay_reference.linalg.decompositions import (
    cholesky,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    matrix_rank,
    qr,
    svd,
    svdvals,
)
from assay_reference.linalg.determinants import det
from assay_reference.linalg.equations import inv, solve
from assay_reference.linalg.norms import matrix_norm, norm, vector_norm
from assay_reference.linalg.vectors import cross

__all__ = [
    "LinAlgError",
    "cholesky",
    "cross",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matrix_norm",
    "matrix_rank",
    "norm",
    "qr",
    "solve",
    "svd",
    "svdvals",
    "vector_norm",
]
