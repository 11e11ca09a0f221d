"""Half precision: computed in single precision, and rounded once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from assay_reference.core.dtypes import float32
from assay_reference.core.tensor import Tensor


def wide(input: Tensor) -> Tensor:
    """Return a tensor of a half type in single precision, and any other as it is."""
    return input.to(float32) if input.dtype.is_half else input


def widened(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Let a gradient rule compute with half types in single precision."""

    @functools.wraps(rule)  # the names of its parameters say what it needs
    def wider(grad: Tensor, **needed: Any) -> Any:
        return rule(
            wide(grad), **{name: wide(each) if isinstance(each, Tensor) else each for name, each in needed.items()}
        )

    return wider
