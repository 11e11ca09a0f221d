"""What the ops of all families do with sparse tensors; an op that has no kernel here takes none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from assay_reference.core import dtypes
from assay_reference.core.arrays import namespace
from assay_reference.core.dispatch import broadcast_shape
from assay_reference.core.layouts import COMPRESSED, SPARSE, layout, sparse_coo
from assay_reference.core.op import Op
from assay_reference.core.packed import Compressed, Coo, Sparse
from assay_reference.core.tensor import wrap_dim
from assay_reference.linalg import norms
from assay_reference.ops import conversion, elementary, joining, logic, parts, pointwise, products, reduction, shape

# -- one value at a time ----------------------------------------------------------------------------------------------


def by_value(op: Op, *layouts: layout, linear: bool = False) -> None:
    """Let an op that keeps zeros do with the values what it does with an array, those of one index added up first."""

    def kernel(input: Any, *rest: Any, **options: Any) -> Any:
        input = input if linear else input.coalesce()
        return input.with_values(op.kernel(input.values, *rest, **options))

    op.on(*layouts)(kernel)


for _op in (
    pointwise.abs, elementary.asin, elementary.atan, pointwise.ceil, elementary.erf, elementary.erfinv, pointwise.floor,
    logic.is_infinite, logic.isnan, pointwise.relu, pointwise.round, pointwise.sgn, pointwise.sign, elementary.sin,
    elementary.sinh, elementary.sqrt, elementary.tan, elementary.tanh, pointwise.trunc,
):  # fmt: skip
    by_value(_op, *SPARSE)
for _op in (pointwise.frac, elementary.log1p):
    by_value(_op, sparse_coo)
for _op in (pointwise.neg, pointwise.conj_physical):
    by_value(_op, *SPARSE, linear=True)


@pointwise.relu_slope.on(*SPARSE)
def relu_slope(gradient: Any, result: Any) -> Any:
    results = gradient.taken_from(result.to_dense())
    return gradient.with_values(pointwise.relu_slope.kernel(gradient.values, results))


@elementary.pow.on(sparse_coo)
def pow(input: Any, exponent: Any) -> Any:
    if np.ndim(exponent) or exponent == 0:
        raise RuntimeError("pow: cannot raise to zeroth power on sparse tensor; it would make the result tensor dense")
    return input.coalesce().with_values(elementary.pow.kernel(input.coalesce().values, exponent))


@pointwise.div.on(sparse_coo)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    if np.ndim(other):
        raise RuntimeError(
            "Sparse division requires a scalar or zero-dim dense tensor divisor (got shape "
            f"{list(other.shape)} for divisor)"
        )
    addends = input if rounding_mode is None else input.coalesce()
    return addends.with_values(pointwise.div.kernel(addends.values, other, rounding_mode=rounding_mode))


@pointwise.floor_divide.on(sparse_coo)
def floor_divide(input: Any, other: Any) -> Any:
    return div(input, other, rounding_mode="floor")


# -- sums and products, element by element ----------------------------------------------------------------------------


def check_addable(first: Any, second: Any, kind: str) -> None:
    """Refuse sums of different sizes, which would have to be broadcast."""
    if np.shape(first) != np.shape(second):
        sizes = f"self has size {list(np.shape(first))} while other has size {list(np.shape(second))}"
        raise RuntimeError(
            f"add: expected 'self' and 'other' to have same size, but {sizes} (FYI: {kind} addition does not currently "
            "support broadcasting)"
        )


@pointwise.add.on(*SPARSE)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    if not isinstance(input, Sparse):
        check_addable(input, other, "dense-sparse")
        return input + alpha * other.to_dense()
    if not isinstance(other, Sparse):
        if isinstance(input, Coo):
            raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
        check_addable(other, input, "op2-sparse")
        return input.to_dense() + alpha * other
    if input.layout is not other.layout:
        raise RuntimeError("memory format option is only supported by strided tensors")
    if input.shape != other.shape:
        raise RuntimeError(
            f"add: expected sizes of 'self' and 'other' to match, but {list(input.shape)} != {list(other.shape)}"
        )
    second = other.coo()
    return input.of_coo(input.coo().plus(second.with_values(alpha * second.values)))


@pointwise.sub.on(sparse_coo)
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return add(input, other, alpha=-alpha)


@pointwise.mul.on(*SPARSE)
def mul(input: Any, other: Any) -> Any:
    if not isinstance(input, Sparse):
        return mul(other, input)
    if not isinstance(other, Sparse):
        return mul_by_dense(input, other) if np.ndim(other) else input.with_values(input.values * other)
    if input.shape != other.shape:
        raise RuntimeError(
            "sparse_binary_op_intersection_cpu(): expects sparse inputs with equal dimensionality, number of sparse "
            "dimensions, and shape of sparse dimensions"
        )
    first, second = input.coo(), other.coo()
    if second.coalesced and not first.coalesced:
        first, second = second, first
    product = second.with_values(second.taken_from(first.to_dense()) * second.values)
    if second.coalesced:  # so are both
        product = product.only(np.isin(second.flat_indices(), first.flat_indices()))
    return input.of_coo(product)


def mul_by_dense(input: Any, other: Any) -> Any:
    if isinstance(input, Compressed) and other.shape != input.shape:
        raise RuntimeError(
            f"sparse_mask(): operands have incompatible sizes; self has size {list(other.shape)} but mask has size "
            f"{list(input.shape)}"
        )
    shape = broadcast_shape(other.shape, input.shape)
    if shape != input.shape:
        input = Coo.of_dense(np.broadcast_to(input.to_dense(), shape), len(shape) - input.dense_dim)
    return input.with_values(input.values * input.taken_from(other))


@conversion.copy.on(*SPARSE)
def copy(input: Any, src: Any, non_blocking: bool = False) -> Any:
    if type(input) is not type(src):
        raise RuntimeError("copy_() between dense and sparse Tensors is not implemented!")
    return src.copy()


@conversion.zero.on(*SPARSE)
def zero(input: Any) -> Any:
    if isinstance(input, Coo):
        return input.only(slice(0))
    return input.zeros(namespace(input.values), input.shape, input.dtype)


# -- matrices ---------------------------------------------------------------------------------------------------------


def check_types(first: Any, second: Any) -> None:
    """Refuse to multiply matrices of different types, or of truth values."""
    if first.dtype != second.dtype:
        titles = [dtypes.of_array(each).title for each in (first, second)]
        raise RuntimeError(f"expected scalar type {titles[0]} but found {titles[1]}")
    if first.dtype == bool:
        raise NotImplementedError("\"addmm_sparse_dense\" not implemented for 'Bool'")


def check_layouts(first: Sparse, second: Sparse) -> None:
    """Refuse to multiply what has coordinates with what is compressed."""
    if isinstance(first, Coo) != isinstance(second, Coo):
        kind = first.layout.title
        raise RuntimeError(f"addmm: computation on CPU is not implemented for {kind} + {kind} @ {second.layout.title}")


@products.mm.on(*SPARSE)
def mm(input: Any, mat2: Any) -> Any:
    for each in (input, mat2):
        dim = each.sparse_dim if isinstance(each, Sparse) else each.ndim
        if dim != 2:
            raise RuntimeError(f"addmm: matrices expected, got {dim}D tensor")
    if isinstance(mat2, Coo) and not isinstance(input, Sparse):
        return mm(mat2.permute((1, 0)), input.T).T
    if input.shape[1] != mat2.shape[0]:
        if isinstance(input, Coo) and not isinstance(mat2, Sparse):
            sizes = f"Expected dim 0 size {input.shape[1]}, got {mat2.shape[0]}"
            raise RuntimeError(f"addmm: Argument #3 (dense): {sizes}")
        shapes = " and ".join(f"{rows}x{columns}" for rows, columns in (input.shape, mat2.shape))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({shapes})")
    check_types(input, mat2)
    if not isinstance(input, Sparse):
        return mat2.coo().permute((1, 0)).times(input.T).T
    if not isinstance(mat2, Sparse):
        return input.coo().times(mat2)
    check_layouts(input, mat2)
    return input.of_coo(Coo.of_dense(input.coo().times(mat2.to_dense()), 2))  # by way of a dense matrix, to be plain


@products.addmm.on(*SPARSE)
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: complex = 1, alpha: complex = 1) -> Any:
    return beta * input + alpha * mm(mat1, mat2)


@products.mv.on(*SPARSE)
def mv(input: Any, vec: Any) -> Any:
    if (input.ndim, vec.ndim) != (2, 1):
        raise RuntimeError(
            f"mv: two tensor dim should be 2 and 1, but got SparseTensor Dim: {input.ndim}Tensor Dim: {vec.ndim}"
        )
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError("mv: expected self.size(-1) == vec.size(-1)")
    check_types(input, vec)
    return input.coo().times(vec)


# -- sums and norms ---------------------------------------------------------------------------------------------------


@reduction.sum.on(*SPARSE)
def sum(input: Any, dim: Any, keepdim: bool) -> Any:
    if dim is None and not keepdim:
        return np.sum(input.values, dtype=input.dtype)
    if isinstance(input, Compressed) and not keepdim:
        raise RuntimeError("reduction operations on CSR tensors with keepdim=False is unsupported")
    total = input.coo().sum(reduction.axes(dim, input.ndim), keepdim)
    return input.of_coo(total) if isinstance(total, Coo) else total


@norms.vector_norm_op.on(sparse_coo)
def vector_norm(x: Any, ord: float, dim: Any, keepdim: bool) -> Any:
    if dim is not None and set(reduction.axes(dim, x.ndim)) != set(range(x.ndim)):
        raise RuntimeError(
            "norm_sparse currently only supports full reductions, so 'dim' must either be empty or contain all "
            "dimensions of the input"
        )
    if keepdim:
        raise RuntimeError("norm_sparse currently does not support keepdim=True")
    return norms.vector_norm_op.kernel(x.coalesce().values, ord, None, False)


# -- dimensions and parts ---------------------------------------------------------------------------------------------


@shape.transpose.on(sparse_coo)
def transpose(input: Coo, dim0: int, dim1: int) -> Coo:
    first, second = wrap_dim(dim0, input.ndim), wrap_dim(dim1, input.ndim)
    if first != second and max(first, second) >= input.sparse_dim:
        raise RuntimeError(
            f"sparse transpose: transposed dimensions must be sparse Got sparse_dim: {input.sparse_dim}, "
            f"d0: {first}, d1: {second}"
        )
    order = list(range(input.ndim))
    order[first], order[second] = second, first
    return input.permute(order)


@shape.transpose.on(*COMPRESSED)
def transpose_compressed(input: Any, dim0: int, dim1: int) -> Any:
    return input if wrap_dim(dim0, 2) == wrap_dim(dim1, 2) else input.transposed()


@shape.t.on(sparse_coo)
def t(input: Coo) -> Coo:
    if input.sparse_dim > 2 or input.dense_dim:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 sparse and 0 dense dimensions, but got {input.sparse_dim} sparse and "
            f"{input.dense_dim} dense dimensions"
        )
    return input.permute(range(input.ndim)[::-1])


@shape.t.on(*COMPRESSED)
def t_compressed(input: Any) -> Any:
    return input.transposed()


@shape.permute.on(sparse_coo)
def permute(input: Coo, dims: Sequence[int]) -> Coo:
    order = shape.order_of(dims, input.ndim)
    if set(order[: input.sparse_dim]) != set(range(input.sparse_dim)):
        raise RuntimeError(
            "permute(sparse_coo): transpositions between sparse and dense dimensions are not allowed.Only "
            "transpositions within sparse and dense dimensions are supported."
        )
    return input.permute(order)


@shape.reshape_packed.on(*SPARSE)
def reshape(input: Sparse, shape: Sequence[int]) -> Any:
    raise RuntimeError("reshape is not implemented for sparse tensors")


@shape.expand.on(*SPARSE)
def expand(input: Sparse, size: Sequence[int], *, implicit: bool = False) -> Any:
    raise RuntimeError(f"expand is unsupported for {input.layout.title} tensors")


@shape.unsqueeze.on(sparse_coo)
def unsqueeze(input: Coo, dim: int) -> Coo:
    return input.unsqueeze(wrap_dim(dim, input.ndim + 1))


@parts.select.on(*SPARSE)
def select(input: Sparse, dim: int, index: int) -> Any:
    return input.coo().select(wrap_dim(dim, input.ndim), index)


@parts.unbind.on(*SPARSE)
def unbind(input: Sparse, dim: int = 0) -> tuple[Any, ...]:
    return tuple(select(input, dim, index) for index in range(input.shape[wrap_dim(dim, input.ndim)]))


@joining.cat.on(sparse_coo)
def cat(tensors: Sequence[Any], dim: int = 0) -> Coo:
    for position, each in enumerate(tensors):
        if not isinstance(each, Coo):
            raise RuntimeError(f"Concatenating sparse tensors, but a dense tensor was found at position {position}.")
    first = tensors[0]
    dim = wrap_dim(dim, first.ndim)
    for position, each in enumerate(tensors):
        if (each.shape[:dim], each.shape[dim + 1 :]) != (first.shape[:dim], first.shape[dim + 1 :]):
            raise RuntimeError(
                f"All tensors must have the same shape: {list(first.shape)} (except in the concatenating dimension), "
                f"but found shape: {list(each.shape)} at position {position}."
            )
    return Coo.joined(tensors, dim)


@joining.stack.on(sparse_coo)
def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    dim = wrap_dim(dim, tensors[0].ndim + 1)
    return cat([each.unsqueeze(dim) for each in tensors], dim)


# -- copies -----------------------------------------------------------------------------------------------------------


@conversion.contiguous_copy.on(sparse_coo)
def contiguous_copy(input: Coo) -> Any:
    raise RuntimeError("unsupported memory format option Contiguous")


@conversion.clone.on(*SPARSE)
def clone(input: Any, *, memory_format: Any = None) -> Any:
    return conversion.clone.kernel(input, memory_format=memory_format)


@conversion.to_copy.on(*SPARSE)
def to_copy(input: Any, dtype: Any, device: Any, kept: Any = None, memory_format: Any = None) -> Any:
    if memory_format is not None:
        kind = "COO" if input.layout is sparse_coo else input.layout.name.removeprefix("sparse_").title()
        raise RuntimeError(
            f"to(options): {kind} only supports memory format Preserve, but got {memory_format.title} instead."
        )
    with device.current():
        return input.each(lambda part: conversion.moved(part, device)).astype(dtype.numpy)
