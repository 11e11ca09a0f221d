"""RMSprop."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.optim.descent import Descent, zeros
from assay_reference.optim.optimizer import Group
from assay_reference.optim.options import keeps_options


class RMSprop(Descent):
    """Steps scaled by a running mean of the squared gradient, or of its variance (Hinton, 2012; Graves, 2013)."""

    options = (
        "lr", "momentum", "alpha", "eps", "centered", "weight_decay", "capturable", "foreach", "maximize",
        "differentiable",
    )  # fmt: skip

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        if not alpha >= 0:
            raise ValueError(f"Invalid alpha value: {alpha}")

    def begin(self, parameter: Tensor, group: Group) -> Group:
        momentum = ("momentum_buffer",) if group["momentum"] > 0 else ()
        mean = ("grad_avg",) if group["centered"] else ()
        return zeros(parameter, "square_avg", *momentum, *mean)

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        alpha, square = group["alpha"], state["square_avg"]
        square.mul_(alpha).add_(gradient * gradient * (1 - alpha))
        if group["centered"]:
            mean = state["grad_avg"].mul_(alpha).add_(gradient * (1 - alpha))
            square = square - mean * mean
        scaled = gradient / (square.sqrt() + group["eps"])
        if group["momentum"] > 0:
            scaled = state["momentum_buffer"].mul_(group["momentum"]).add_(scaled)
        parameter.sub_(scaled * group["lr"])
