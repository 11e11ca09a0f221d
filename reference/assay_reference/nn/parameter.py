"""Parameters: tensors that modules learn."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import empty


class Parameter(Tensor):
    """A tensor that a module registers among its parameters."""

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        given = empty(0) if data is None else data.detach()
        if requires_grad and not given.dtype.is_differentiable:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        return Tensor._make_subclass(cls, given, requires_grad)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Parameter, (self.detach(), self.requires_grad)
