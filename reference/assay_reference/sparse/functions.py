"""Products and sums of sparse tensors, whose gradients are as sparse as the tensors."""

from __future__ import annotations

from typing import Any

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import op
from assay_reference.core.layouts import SPARSE
from assay_reference.core.tensor import Tensor
from assay_reference.ops import products, reduction
from assay_reference.ops.conversion import to_dense
from assay_reference.ops.creation import zeros
from assay_reference.ops.pointwise import conj
from assay_reference.ops.shape import adjoint
from assay_reference.sparse import kernels
from assay_reference.sparse.conversion import coalesce, packed_like, values


@op(name="sparse_addmm", function=False, method=False, layouts=SPARSE)
def sparse_addmm(input: Array, mat1: Array, mat2: Array, beta: complex, alpha: complex) -> Array:
    return kernels.addmm(input, mat1, mat2, beta=beta, alpha=alpha)


sparse_addmm.vjp(
    input=lambda grad, beta: grad * conj(beta),
    mat1=lambda grad, mat1, mat2, alpha: packed_like(products.mm(grad, adjoint(mat2)) * conj(alpha), mat1),
    mat2=lambda grad, mat1, alpha: products.mm(adjoint(mat1), grad) * conj(alpha),
)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: complex = 1, alpha: complex = 1) -> Tensor:
    """Multiply a sparse matrix, a dense one and alpha, and add beta times the input."""
    return sparse_addmm(input, mat1, mat2, beta, alpha)  # type: ignore[no-any-return]


def mm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """Multiply a sparse matrix with a dense one, or with another sparse one."""
    for position, (name, each) in enumerate((("sparse", mat1), ("dense", mat2)), start=1):
        if not isinstance(each, Tensor):
            raise TypeError(
                f"_sparse_mm(): argument '{name}' (position {position}) must be Tensor, not {type(each).__name__}"
            )
    if mat1.layout not in SPARSE or mat2.layout in SPARSE:
        return products.mm(mat1, mat2)  # type: ignore[no-any-return]
    return addmm(zeros((), dtype=mat1.dtype, device=mat1.device), mat1, mat2, beta=0)


@op(name="sparse_sum", function=False, method=False, layouts=SPARSE)
def sum_dims(input: Array, dim: Any) -> Array:
    return kernels.sum(input, dim, False)


sum_dims.vjp(
    input=lambda grad, input, dim: packed_like(reduction.expand_reduced(to_dense(grad), input.shape, dim, False), input)
)


def sum(input: Tensor, dim: Any = None, dtype: Any = None) -> Tensor:
    """Add up along dimensions, or everything."""
    addends = input if dtype is None else input.to(dtype)
    return values(coalesce(addends)).sum() if dim is None else sum_dims(addends, dim)  # type: ignore[no-any-return]
