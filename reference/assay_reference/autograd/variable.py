"""torch.autograd.Variable: what tensors were wrapped in before they had gradients themselves."""

from __future__ import annotations

import warnings
from typing import Any

from assay_reference.core.tensor import Tensor


class _VariableMeta(type):
    """Lets every tensor be a Variable."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableMeta):
    """The former type of tensors with gradients; calling it returns a tensor over the same memory."""

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Any:
        """Return the tensor without its history."""
        if volatile:
            if requires_grad:
                raise ValueError("Variable can't be volatile and require_grad at the same time!")
            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.", stacklevel=2
            )
        return data.detach().requires_grad_(requires_grad)
