"""Adadelta."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.optim.descent import Descent, zeros
from assay_reference.optim.optimizer import Group
from assay_reference.optim.options import keeps_options


class Adadelta(Descent):
    """Steps as large as the steps before them, measured by the gradients before this one (Zeiler, 2012)."""

    options = ("lr", "rho", "eps", "weight_decay", "maximize", "capturable", "foreach", "differentiable")
    capturing = Descent.capturing[:-1]

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        if not 0 <= rho <= 1:
            raise ValueError(f"Invalid rho value: {rho}")

    def begin(self, parameter: Tensor, group: Group) -> Group:
        return zeros(parameter, "square_avg", "acc_delta")

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        rho, eps = group["rho"], group["eps"]
        square, moved = state["square_avg"], state["acc_delta"]
        square.mul_(rho).add_(gradient * gradient * (1 - rho))
        change = (moved + eps).sqrt() / (square + eps).sqrt() * gradient
        moved.mul_(rho).add_(change * change * (1 - rho))
        parameter.sub_(change * group["lr"])
