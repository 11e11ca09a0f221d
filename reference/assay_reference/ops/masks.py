"""Elements that are marked: those that are not zero, and those where a mask holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, in_order, namespace, strided
from assay_reference.core.dispatch import Mask, Number, broadcast_shape, composite, elementwise, op
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import zeros


@op(name="nonzero", function=False, method=False, keeps_strides=True)
def nonzero_indices(input: Array) -> Array:
    if not input.ndim:
        found = namespace(input).zeros((0, int(bool(input))), np.int64)
    else:
        found = np.stack(np.nonzero(input)).astype(np.int64)
    count = found.shape[1]  # the indices of one dimension lie side by side
    return strided(found, found.shape[::-1], (found.itemsize, found.itemsize * count))


@composite(out="own")
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Return the indices of the elements that are not zero: a row for each, or a tensor for each dimension."""
    if as_tuple:
        return nonzero_indices(input if input.ndim else input.unsqueeze(0)).unbind(1)
    return nonzero_indices(input)


@op(out="own", keeps_half=True)
def masked_select(input: Array, mask: Array) -> Array:
    """Take the elements where the mask holds."""
    if mask.dtype != bool:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shape(input.shape, mask.shape)
    return np.broadcast_to(input, shape)[np.broadcast_to(mask, shape)]


def masked_select_vjp(grad: Tensor, input: Tensor, mask: Tensor) -> Any:
    """Put the gradient back where the mask holds."""
    where = mask.expand(broadcast_shape(tuple(input.shape), tuple(mask.shape)))
    flat = zeros((where.numel(),), dtype=grad.dtype, device=grad.device)
    return flat.index_add(0, nonzero(where.reshape(-1))[:, 0], grad).reshape(where.shape)


masked_select.vjp(input=masked_select_vjp)


@elementwise(
    promotes="first",
    repeats=True,
    reads_first=True,
    keeps_strides=False,
    node=lambda input, mask, value: f"MaskedFillBackward{int(isinstance(value, Tensor))}",
)
def masked_fill(input: Array, mask: Mask, value: Array | Number) -> Array:
    """Overwrite with a value where the mask holds."""
    return in_order(np.where(mask, value, input))


masked_fill.vjp(
    input=lambda grad, mask: masked_fill(grad, mask, 0.0),
    value=lambda grad, mask: masked_fill(grad, ~mask, 0.0).sum(),
)


@masked_fill.check
def check_fill(input: Tensor, mask: Tensor, value: Any) -> None:
    if mask.dtype.category != "bool":
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype.c_name}")
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    input.dtype.checked(value.item() if isinstance(value, Tensor) else value)
    broadcast_shape(tuple(mask.shape), tuple(input.shape))
