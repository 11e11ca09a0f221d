"""Dropout."""

from __future__ import annotations

from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.nn.modules.module import Module


class Dropout(Module):
    """Elements zeroed at random in training."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
