"""Half precision: computed in single precision, and rounded once."""

from __future__ import annotations

from assay_reference.core.dtypes import float32
from assay_reference.core.tensor import Tensor


def wide(input: Tensor) -> Tensor:
    """Return a tensor of a half type in single precision, and any other as it is."""
    return input.to(float32) if input.dtype.is_half else input
