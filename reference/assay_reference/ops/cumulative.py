"""Running totals along a dimension."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from assay_reference.core import dtypes
from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import Kernel, composite, op
from assay_reference.core.op import Op
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.ops.conversion import to, to_kept
from assay_reference.ops.creation import as_dtype, eye, ones_like
from assay_reference.ops.pointwise import conj, where
from assay_reference.ops.reduction import type_of_sum


def running(converted: Callable[[Tensor, Any], Tensor]) -> Callable[[Kernel], Op]:
    """Make a running total of a kernel of (input, dim): as a function, and in place in the tensor's own type."""

    def decorate(kernel: Kernel) -> Op:
        name = kernel.__name__

        @functools.wraps(kernel)
        def total(input: Array, dim: int) -> Array:
            dim = wrap_dim(dim, input.ndim)
            return kernel(np.atleast_1d(input), dim).reshape(input.shape).astype(input.dtype)

        def run(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
            kind = type_of_sum(name, input, dtype)
            return made(input if kind is input.dtype else converted(input, kind), dim)  # type: ignore[no-any-return]

        def run_in_place(self: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
            kind = as_dtype(name, dtype) or self.dtype
            if kind is not self.dtype:
                raise RuntimeError(
                    f"Bad in-place call: input tensor dtype {self.dtype.c_name} and output tensor dtype {kind.c_name} "
                    "should match"
                )
            if kind.category == "bool" and self.numel():
                wrap_dim(dim, self.ndim)
                raise NotImplementedError(f"\"{name}_out_cpu\" not implemented for 'Bool'")
            return made.perform_in_place([self, dim])

        made = op(function=False, method=False)(total)
        run.__doc__ = run_in_place.__doc__ = kernel.__doc__
        composite(name=name, out="any")(run)
        composite(name=f"{name}_", function=False)(run_in_place)
        return made

    return decorate


def wide_type(array: Array) -> Any:
    """Return the type in which a total runs: double precision, or the integers' own."""
    return {"f": np.float64, "c": np.complex128}.get(array.dtype.kind, array.dtype)


@running(to)
def cumsum(input: Array, dim: int) -> Array:
    """Add up along a dimension, and return every subtotal."""
    return np.cumsum(input, axis=dim, dtype=wide_type(input))


@cumsum.vjp
def cumsum_vjp(grad: Tensor, dim: int) -> Any:
    """Add up what comes later, of which there may be nothing."""
    if grad.numel() <= 1 or grad.shape[dim] == 1:
        return grad
    return cumsum(grad.flip(dim), dim).flip(dim)


@running(to_kept)
def cumprod(input: Array, dim: int) -> Array:
    """Multiply along a dimension, and return every product on the way."""
    return np.cumprod(input, axis=dim, dtype=wide_type(input))


def cumprod_vjp(grad: Tensor, out: Tensor, input: Tensor, dim: int) -> Any:
    """Multiply each later gradient by the product of the others up to there."""
    if not input.ndim or input.shape[dim] == 1:
        return grad
    if not (input == 0).any():
        return cumsum((grad * conj(out)).flip(dim), dim).flip(dim) / conj(input)
    others = cumprod(leave_one_out(input.movedim(dim, -1)), -1).triu()
    return (conj(others) * grad.movedim(dim, -1).unsqueeze(-2)).sum(-1).movedim(-1, dim).contiguous()


cumprod.vjp(input=cumprod_vjp)


def leave_one_out(input: Tensor) -> Tensor:
    """Repeat the last dimension as the rows of a square, with ones on its diagonal."""
    diagonal = eye(input.shape[-1], dtype=dtypes.bool_, device=input.device)
    return where(diagonal, ones_like(input).unsqueeze(-2), input.unsqueeze(-2))  # type: ignore[no-any-return]
