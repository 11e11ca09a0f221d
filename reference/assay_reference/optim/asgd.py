"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.optim.descent import Descent, zeros
from assay_reference.optim.optimizer import Group
from assay_reference.optim.options import keeps_options


class ASGD(Descent):
    """Gradient descent by steps that become smaller, with the mean of the parameters from some step on."""

    numbers = ("step", "eta", "mu")
    captured = "params, mus, etas, and state_steps"

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None: ...  # fmt: skip

    def begin(self, parameter: Tensor, group: Group) -> Group:
        rate, share = self.number(float(group["lr"]), parameter, group), self.number(1, parameter, group)
        return {"eta": rate, "mu": share, **zeros(parameter, "ax")}

    def number(self, value: float, parameter: Tensor, group: Group) -> Tensor:
        """Return a number on the parameter's device."""
        return super().number(value, parameter, {**group, "capturable": True})

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        rate, decay, step = float(state["eta"]), group["lambd"], float(state["step"])
        parameter.mul_(1 - decay * rate).sub_(gradient * rate)
        mean, share = state["ax"], float(state["mu"])
        if share == 1:
            mean.copy_(parameter)
        else:
            mean.add_((parameter - mean) * share)
        state["eta"].fill_(group["lr"] / (1 + decay * group["lr"] * step) ** group["alpha"])
        state["mu"].fill_(1 / max(1, step - group["t0"]))
