"""Products of vectors."""

from __future__ import annotations

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import broadcast_shape, composite, op
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.core.warn import warn
from assay_reference.ops.pointwise import conj


@op(name="linalg_cross", function=False, method=False, out="own")
def cross(input: Array, other: Array, *, dim: int = -1) -> Array:
    """Return the cross products of pairs of vectors of three elements."""

    def component(x: Array, ahead: int) -> Array:
        return np.roll(x, -ahead, dim)

    return component(input, 1) * component(other, 2) - component(input, 2) * component(other, 1)


cross.vjp(
    input=lambda grad, other, dim: cross(conj(other), grad, dim=dim),
    other=lambda grad, input, dim: cross(grad, conj(input), dim=dim),
)


@cross.check
def check_cross(input: Tensor, other: Tensor, dim: int) -> None:
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    along = wrap_dim(dim, input.ndim)
    lengths = input.shape[along], other.shape[along]
    if lengths != (3, 3):
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {lengths[0]} and {lengths[1]}"
        )
    broadcast_shape(tuple(input.shape), tuple(other.shape))
    if input.dtype.category == "bool":
        raise NotImplementedError("\"cross\" not implemented for 'Bool'")
    if input.dtype is not other.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.title} but found {other.dtype.title}")


@composite(name="cross", out="own")
def cross_of_input(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Return the cross products of pairs of vectors, by default along the first dimension of size three."""
    if dim is None:
        if 3 not in input.shape:
            raise RuntimeError("no dimension of size 3 in input")
        warn(
            "Using torch.cross without specifying the dim arg is deprecated.\n"
            "Please either pass the dim explicitly or simply use torch.linalg.cross.\n"
            "The default value of dim will change to agree with that of linalg.cross in a future release.",
        )
        dim = input.shape.index(3)
    return cross(input, other, dim=dim)  # type: ignore[no-any-return]
