"""Activations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from assay_reference.arrays import Array
from assay_reference.dispatch import composite, not_implemented, op
from assay_reference.dtypes import dtype as dtype_type
from assay_reference.tensor import Tensor, wrap_dim

_FLOATS = {"bool": not_implemented("softmax_kernel_impl"), "integer": not_implemented("softmax_kernel_impl")}


@op(name="_softmax", node="SoftmaxBackward0", function=False, method=False, refuses=_FLOATS)
def softmax_along(input: Array, dim: int) -> Array:
    if not input.size:
        return input.copy()
    powers = np.exp(input - input.max(axis=dim, keepdims=True))
    return powers / powers.sum(axis=dim, keepdims=True)


softmax_along.vjp(input=lambda grad, out, dim: out * (grad - (grad * out).sum(dim, keepdim=True)))


@op(name="_log_softmax", node="LogSoftmaxBackward0", function=False, method=False, refuses=_FLOATS)
def log_softmax_along(input: Array, dim: int) -> Array:
    if not input.size:
        return input.copy()
    lowered = input - input.max(axis=dim, keepdims=True)
    return lowered - np.log(np.exp(lowered).sum(axis=dim, keepdims=True))


log_softmax_along.vjp(input=lambda grad, out, dim: grad - out.exp() * grad.sum(dim, keepdim=True))


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype_type | None = None) -> Tensor:
    """Scale exponentials to sum to one along a dimension."""
    model, place = _along(input, dim, dtype, "softmax", _stacklevel)
    return softmax_along(model, place).reshape(input.shape)  # type: ignore[no-any-return]


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype_type | None = None) -> Tensor:
    """Give the logarithm of the softmax along a dimension."""
    model, place = _along(input, dim, dtype, "log_softmax", _stacklevel)
    return log_softmax_along(model, place).reshape(input.shape)  # type: ignore[no-any-return]


def _along(input: Tensor, dim: int | None, dtype: Any, name: str, level: int) -> tuple[Tensor, int]:
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. "
            "Change the call to include dim=X as an argument.",
            stacklevel=level,
        )
        dim = 0 if input.ndim in (0, 1, 3) else 1
    place = wrap_dim(dim, input.ndim)
    input = input if dtype is None else input.to(dtype)
    return (input, place) if input.ndim else (input.unsqueeze(0), 0)


@composite(name="softmax")
def tensor_softmax(input: Tensor, dim: int, dtype: dtype_type | None = None) -> Tensor:
    return softmax(input, dim, dtype=dtype)


@composite(name="log_softmax")
def tensor_log_softmax(input: Tensor, dim: int, dtype: dtype_type | None = None) -> Tensor:
    return log_softmax(input, dim, dtype=dtype)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Set negative elements to zero."""
    return input.relu_() if inplace else input.relu()  # type: ignore[no-any-return]


def sigmoid(input: Tensor) -> Tensor:
    return input.sigmoid()  # type: ignore[no-any-return]


def tanh(input: Tensor) -> Tensor:
    return input.tanh()  # type: ignore[no-any-return]
