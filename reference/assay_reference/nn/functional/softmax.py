"""Softmax and its relatives, along a dimension."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import composite, not_implemented, op
from assay_reference.core.dtypes import dtype as dtype_type
from assay_reference.core.op import Op
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.nn.functional.precision import wide


def softmax_op(name: str, node: str, kernel: Any) -> Op:
    """Make softmax, or its logarithm, along a dimension."""
    refuses = not_implemented(f"{name}_lastdim_kernel_impl", "bool", "integer", "complex")

    @op(function=False, method=False, name=name, node=node, refuses=refuses)
    def along(input: Array, dim: int) -> Array:
        row = np.atleast_1d(input)
        if not input.size:
            return input.copy()
        lowered = row - row.max(axis=dim, keepdims=True)  # so that no exponential overflows
        return kernel(lowered, np.exp(lowered), dim).reshape(input.shape)

    return along


softmax_along = softmax_op(
    "softmax", "SoftmaxBackward0", lambda lowered, powers, dim: powers / powers.sum(axis=dim, keepdims=True)
)
log_softmax_along = softmax_op(
    "log_softmax",
    "LogSoftmaxBackward0",
    lambda lowered, powers, dim: lowered - np.log(powers.sum(axis=dim, keepdims=True)),
)


@softmax_along.vjp
def softmax_vjp(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    grad, out = wide(grad), wide(out)
    mean: Tensor = (grad * out).sum(dim, keepdim=True)
    return out * (grad - mean)


@log_softmax_along.vjp
def log_softmax_vjp(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    grad, out = wide(grad), wide(out)
    total: Tensor = out.exp() * grad.sum(dim, keepdim=True)
    return grad - total


def implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    """Choose a dimension as PyTorch once did, and warn."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


def converted(input: Tensor, dtype: dtype_type | None) -> Tensor:
    return input if dtype is None else input.to(dtype)


@composite(name="softmax")
def softmax_function(input: Tensor, dim: int, dtype: dtype_type | None = None) -> Tensor:
    """Scale exponentials to sum to one along a dimension."""
    result: Tensor = softmax_along(converted(input, dtype), wrap_dim(dim, input.ndim))
    return result


@composite(name="log_softmax")
def log_softmax_function(input: Tensor, dim: int, dtype: dtype_type | None = None) -> Tensor:
    """Return the logarithm of the softmax along a dimension."""
    result: Tensor = log_softmax_along(converted(input, dtype), wrap_dim(dim, input.ndim))
    return result


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype_type | None = None) -> Tensor:
    """Scale exponentials to sum to one along a dimension."""
    return softmax_function(input, implicit_dim("softmax", input.ndim, _stacklevel) if dim is None else dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype_type | None = None) -> Tensor:
    """Return the logarithm of the softmax along a dimension."""
    return log_softmax_function(
        input, implicit_dim("log_softmax", input.ndim, _stacklevel) if dim is None else dim, dtype
    )


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype_type | None = None) -> Tensor:
    """Scale exponentials of the negated elements to sum to one along a dimension."""
    return softmax_function(-input, implicit_dim("softmin", input.ndim, _stacklevel) if dim is None else dim, dtype)
