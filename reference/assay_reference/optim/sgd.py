"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.optim.descent import Descent
from assay_reference.optim.optimizer import Group
from assay_reference.optim.options import keeps_options


class SGD(Descent):
    """Gradient descent with momentum, dampening, weight decay and Nesterov's look ahead."""

    numbers, pairs, sparse = (), False, None

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:  # fmt: skip
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        momentum = group["momentum"]
        if momentum:
            if "momentum_buffer" in state:
                state["momentum_buffer"].mul_(momentum).add_(gradient, alpha=1 - group["dampening"])
            else:
                state["momentum_buffer"] = gradient.detach().clone()
            buffer = state["momentum_buffer"]
            gradient = gradient + buffer * momentum if group["nesterov"] else buffer
        parameter.sub_(gradient * group["lr"])
