"""Resilient backpropagation."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import full_like, ones_like
from assay_reference.ops.pointwise import where
from assay_reference.optim.descent import Descent, zeros
from assay_reference.optim.optimizer import Group
from assay_reference.optim.options import keeps_options


class Rprop(Descent):
    """Steps by the sign of the gradient, which grow while it stays and shrink where it turns (Riedmiller, 1993)."""

    options = ("lr", "etas", "step_sizes", "foreach", "maximize", "differentiable", "capturable")

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")

    def begin(self, parameter: Tensor, group: Group) -> Group:
        rate = float(group["lr"])
        size = full_like(parameter, complex(rate, rate) if parameter.is_complex() else rate)
        return {**zeros(parameter, "prev"), "step_size": size}

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        (shrunk, grown), (least, most) = group["etas"], group["step_sizes"]
        before, size = state["prev"], state["step_size"]
        agreement = gradient * before
        turned = agreement < 0
        size.mul_(where(turned, shrunk, where(agreement > 0, grown, ones_like(size)))).clamp_(least, most)
        gradient = where(turned, 0.0, gradient)
        parameter.sub_(gradient.sign() * size)
        before.copy_(gradient)
