"""Adamax."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.optim.descent import Descent, zeros
from assay_reference.optim.optimizer import Group
from assay_reference.optim.options import keeps_options


class Adamax(Descent):
    """Adam, scaled by the largest of the decaying gradients instead of their mean square (Kingma and Ba, 2014)."""

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None: ...  # fmt: skip

    def begin(self, parameter: Tensor, group: Group) -> Group:
        return zeros(parameter, "exp_avg", "exp_inf")

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        first, second = group["betas"]
        mean, largest = state["exp_avg"], state["exp_inf"]
        mean.mul_(first).add_(gradient * (1 - first))
        largest.copy_((largest * second).maximum(gradient.abs() + group["eps"]))
        parameter.sub_(mean / largest * (group["lr"] / (1 - first ** float(state["step"]))))
