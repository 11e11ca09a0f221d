"""Reductions along dimensions: sums, means, deviations, products, all and any."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from assay_reference.core import dtypes
from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import Kernel, composite, op
from assay_reference.core.dtypes import dtype
from assay_reference.core.op import Op
from assay_reference.core.tensor import Tensor
from assay_reference.core.warn import warn
from assay_reference.core.writing import OutType
from assay_reference.ops.conversion import to, to_kept
from assay_reference.ops.creation import as_dtype, ones_like
from assay_reference.ops.joining import cat
from assay_reference.ops.pointwise import conj
from assay_reference.ops.shape import wrap_dims

Dims: TypeAlias = int | Sequence[int] | None
ResultType: TypeAlias = Callable[[str, Tensor, Any], dtype]  # of the name, the input and the dtype argument


EVERYTHING: Final = object()  # the dimension to reduce where none is given

# -- what all reductions share ----------------------------------------------------------------------------------------


def axes(dim: Dims, ndim: int) -> tuple[int, ...]:
    """Return the dimensions to reduce: none given means all."""
    if dim is None:
        return tuple(range(ndim))
    wrapped = wrap_dims((dim,) if isinstance(dim, int) else dim, ndim)
    return wrapped if wrapped and ndim else tuple(range(ndim))


def count_of(shape: Sequence[int], dim: Dims) -> int:
    """Count the elements that become one."""
    return math.prod(shape[each] for each in axes(dim, len(shape)))


def expand_reduced(reduced: Tensor, shape: Sequence[int], dim: Dims, keepdim: bool) -> Tensor:
    """Expand a reduced tensor, or its gradient, to the shape from before the reduction."""
    if dim is not None and not keepdim:
        for each in sorted(axes(dim, len(shape))):
            reduced = reduced.unsqueeze(each)
    return reduced.expand(shape)  # type: ignore[no-any-return]


def reduction(
    *, result_type: ResultType, out: OutType, converted: Callable[[Tensor, dtype], Tensor] = to
) -> Callable[[Kernel], Op]:
    """Make a reduction of a kernel of (input, dim, keepdim), which gets the elements in the type of the result."""

    def decorate(kernel: Kernel) -> Op:
        name = kernel.__name__

        def node(input: Tensor, dim: Dims, keepdim: bool) -> str:
            return f"{name.title()}Backward{int(dim is not None or keepdim)}"

        def reduce(input: Tensor, dim: Any = EVERYTHING, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
            if isinstance(dim, bool) or (keepdim and dim is EVERYTHING):
                given = "bool" if isinstance(dim, bool) else "keepdim=bool"
                raise TypeError(f"{name}() received an invalid combination of arguments - got ({given})")
            dim = None if dim is EVERYTHING else dim
            kind = result_type(name, input, dtype)
            return made(input if kind is input.dtype else converted(input, kind), dim, keepdim)  # type: ignore[no-any-return]

        made = op(function=False, method=False, node=node)(kernel)
        reduce.__doc__ = kernel.__doc__
        composite(name=name, out=out)(reduce)
        return made

    return decorate


def type_of_sum(name: str, input: Tensor, dtype: Any) -> dtype:
    """Return the type in which to add or multiply: the dtype argument, or int64 for integers."""
    kind = as_dtype(name, dtype)
    if kind is None and input.dtype.category in ("bool", "integer"):
        return dtypes.int64
    return kind or input.dtype


def type_of_mean(name: str, input: Tensor, dtype: Any) -> dtype:
    """Return the type in which to average, which has fractions."""
    kind = as_dtype(name, dtype) or input.dtype
    if kind.category in ("bool", "integer"):
        which = "Input" if dtype is None else "Optional"
        raise RuntimeError(
            f"{name}(): could not infer output dtype. "
            f"{which} dtype must be either a floating point or complex dtype. Got: {kind.title}"
        )
    return kind


# -- sums and means ---------------------------------------------------------------------------------------------------


@reduction(result_type=type_of_sum, out="any")
def sum(input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Add up along dimensions, or everything."""
    return input.sum(axis=axes(dim, input.ndim), keepdims=keepdim, dtype=input.dtype)


sum.vjp(input=lambda grad, shape, dim, keepdim: expand_reduced(grad, shape, dim, keepdim))


@reduction(result_type=type_of_mean, out="castable")
def mean(input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Return the average along dimensions, or of everything."""
    return input.sum(axis=axes(dim, input.ndim), keepdims=keepdim) / count_of(input.shape, dim)


mean.vjp(input=lambda grad, shape, dim, keepdim: expand_reduced(grad, shape, dim, keepdim) / count_of(shape, dim))


@op(name="logsumexp", function=False, method=False)
def logsumexp_op(input: Array, dim: Dims, keepdim: bool) -> Array:
    over = axes(dim, input.ndim)
    if not input.size:
        return np.log(np.sum(input, axis=over, keepdims=keepdim))
    top = np.max(input.real, axis=over, keepdims=True)
    top = np.where(np.isinf(top), top.dtype.type(0), top)
    logged = np.log(np.sum(np.exp(input - top), axis=over, keepdims=True)) + top
    return logged if keepdim else np.squeeze(logged, over)


@logsumexp_op.vjp
def logsumexp_vjp(grad: Tensor, out: Tensor, input: Tensor, dim: Dims, keepdim: bool) -> Any:
    grad, out = (expand_reduced(each, input.shape, dim, keepdim) for each in (grad, out))
    return grad * conj((input - out).exp())


@composite(out="castable")
def logsumexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """Return the logarithm of the sum of the exponentials, without overflow on the way."""
    kind = dtypes.get_default_dtype() if input.dtype.category in ("bool", "integer") else input.dtype
    return logsumexp_op(input.to(kind), dim, keepdim)  # type: ignore[no-any-return]


# -- deviations -------------------------------------------------------------------------------------------------------


def deviation(kernel: Kernel) -> Op:
    """Make a measure of deviation, with the several ways to call it."""
    name = kernel.__name__

    def measure(
        input: Tensor,
        dim: Any = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Tensor:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if input.dtype.category in ("bool", "integer"):
            raise RuntimeError("std and var only support floating point and complex dtypes")
        less = (1 if unbiased is None else int(unbiased)) if correction is None else correction
        if count_of(input.shape, dim) <= less:
            warn(
                f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
                "(input numel divided by output numel).",
            )
        return made(input, dim, less, keepdim)  # type: ignore[no-any-return]

    made = op(function=False, method=False)(kernel)
    measure.__doc__ = kernel.__doc__
    composite(name=name, out="castable")(measure)
    return made


def mean_square(input: Array, dim: Dims, correction: float, keepdim: bool) -> Array:
    """Average the squared distance from the mean, in double precision."""
    wide = np.complex128 if input.dtype.kind == "c" else np.float64
    over, count = axes(dim, input.ndim), count_of(input.shape, dim)
    distance = np.subtract(input, np.sum(input, axis=over, keepdims=True, dtype=wide) / count, dtype=wide)
    squares = np.square(np.abs(distance) if input.dtype.kind == "c" else distance)
    return np.sum(squares, axis=over, keepdims=keepdim) / np.float64(max(count - correction, 0))


def real_type(array: Array) -> Any:
    """Return the type of the real part of an array's elements."""
    return dtypes.of_array(array).to_real().numpy


@deviation
def var(input: Array, dim: Dims, correction: float, keepdim: bool) -> Array:
    """Return the variance along dimensions, or of everything."""
    return mean_square(input, dim, correction, keepdim).astype(real_type(input))


@deviation
def std(input: Array, dim: Dims, correction: float, keepdim: bool) -> Array:
    """Return the standard deviation along dimensions, or of everything."""
    return np.sqrt(mean_square(input, dim, correction, keepdim)).astype(real_type(input))


def var_vjp(grad: Tensor, input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Any:
    """Differentiate the variance."""
    count = count_of(input.shape, dim)
    grad = expand_reduced(grad, input.shape, dim, keepdim)
    if (
        dim is None or not input.ndim
    ) and count <= correction:  # PyTorch does not tell the two sides of the mean apart here
        return grad * (math.nan if count == 1 else math.inf)
    scale = 2 / (count - correction) if count != correction else math.inf
    return grad * scale * (input - mean(input, dim, True))


def std_vjp(grad: Tensor, out: Tensor, input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Any:
    """Differentiate the standard deviation, by way of the variance; where it is 0, the gradient is 0."""
    return var_vjp((grad / (2 * out)).masked_fill(out == 0, 0), input, dim, correction, keepdim)


var.vjp(input=var_vjp)
std.vjp(input=std_vjp)


# -- products ---------------------------------------------------------------------------------------------------------


@reduction(result_type=type_of_sum, out="any", converted=to_kept)
def prod(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Multiply along a dimension, or everything."""
    return np.prod(input, axis=axes(dim, input.ndim), keepdims=keepdim, dtype=input.dtype)


@prod.check
def check_prod(input: Tensor, dim: Any, keepdim: bool) -> None:
    if not isinstance(dim, (int, type(None))):
        raise TypeError(
            f"prod() received an invalid combination of arguments - got ({type(dim).__name__}), but expected one of:\n"
            " * (*, torch.dtype dtype = None)\n * (int dim, bool keepdim = False, *, torch.dtype dtype = None)\n"
        )


def prod_vjp(grad: Tensor, out: Tensor, input: Tensor, dim: int | None, keepdim: bool) -> Any:
    """Multiply by the product of the others, which is the whole divided by the element unless that is zero."""
    if dim is None:  # all elements in a row
        row = input.reshape(-1) if input.ndim else input
        return prod_vjp(grad, out, row, 0, False).reshape(input.shape)
    grad = expand_reduced(grad, input.shape, dim, keepdim)
    if not input.ndim:
        return grad
    if input.shape[dim] == 1 and (input == 0).any():
        return grad
    if not (input == 0).any():
        return grad * conj(expand_reduced(out, input.shape, dim, keepdim) / input)
    return grad * conj(before(input, dim) * before(input.flip(dim), dim).flip(dim))


def before(input: Tensor, dim: int) -> Tensor:
    """Multiply, for each element, those before it along a dimension."""
    first, others = input.narrow(dim, 0, 1), input.narrow(dim, 0, input.shape[dim] - 1)
    return cat([ones_like(first), others], dim).cumprod(dim)  # type: ignore[no-any-return]


prod.vjp(input=prod_vjp)


# -- truth ------------------------------------------------------------------------------------------------------------


def quantifier(kernel: Kernel) -> Op:
    """Make an op of a kernel of (which elements are not zero, dim, keepdim); of bytes it returns bytes."""

    @op(out="own")
    @functools.wraps(kernel)
    def quantified(input: Array, dim: Dims, keepdim: bool) -> Array:
        over = () if isinstance(dim, (tuple, list)) and not dim else axes(dim, input.ndim)
        return kernel(input != 0, over, keepdim).astype(np.uint8 if input.dtype == np.uint8 else bool)

    return quantified


@quantifier
def all(input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Return whether no element is zero."""
    return input.all(axis=dim, keepdims=keepdim)


@quantifier
def any(input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Return whether some element is not zero."""
    return input.any(axis=dim, keepdims=keepdim)


@op()
def count_nonzero(input: Array, dim: Dims = None, *, keepdim: bool = False) -> Array:
    """Count the elements that are not zero."""
    return np.sum(input != 0, axis=axes(dim, input.ndim), keepdims=keepdim, dtype=np.int64)
