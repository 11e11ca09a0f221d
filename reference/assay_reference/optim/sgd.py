"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.optim.optimizer import Group, Optimizer, decayed
from assay_reference.optim.options import keeps_options


class SGD(Optimizer):
    """Gradient descent with momentum, dampening, weight decay and Nesterov's look ahead."""

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:  # fmt: skip
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        gradient = decayed(gradient, parameter, group)
        if group["momentum"]:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = gradient.clone()
            else:
                buffer = buffer * group["momentum"] + gradient * (1 - group["dampening"])
            state["momentum_buffer"] = buffer
            gradient = gradient + buffer * group["momentum"] if group["nesterov"] else buffer
        parameter.sub_(gradient * group["lr"])
