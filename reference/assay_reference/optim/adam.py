"""Adam."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import tensor, zeros_like
from assay_reference.optim.optimizer import Group, Optimizer, checked


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square (Kingma and Ba, 2014)."""

    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        checked(
            lr=(lr, lr >= 0, "learning rate"),
            eps=(eps, eps >= 0, "epsilon value"),
            first=(betas[0], 0 <= betas[0] < 1, "beta parameter at index 0"),
            second=(betas[1], 0 <= betas[1] < 1, "beta parameter at index 1"),
            decay=(weight_decay, weight_decay >= 0, "weight_decay value"),
        )
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
            "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        if gradient.is_sparse:
            raise RuntimeError("Adam does not support sparse gradients, please consider SparseAdam instead")
        if not state:
            state["step"] = tensor(0.0)
            state["exp_avg"], state["exp_avg_sq"] = zeros_like(parameter), zeros_like(parameter)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = zeros_like(parameter)
        if group["weight_decay"]:
            if group["decoupled_weight_decay"]:
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
            else:
                gradient = gradient + parameter * group["weight_decay"]
        first, second = group["betas"]
        state["step"] += 1
        state["exp_avg"].mul_(first).add_(gradient, alpha=1 - first)
        state["exp_avg_sq"].mul_(second).add_(gradient * gradient, alpha=1 - second)
        squares = state["exp_avg_sq"]
        if group["amsgrad"]:
            squares = state["max_exp_avg_sq"] = state["max_exp_avg_sq"].maximum(squares)
        step = float(state["step"])
        spread = (squares / (1 - second**step)).sqrt() + group["eps"]
        parameter.sub_(state["exp_avg"] / spread * (group["lr"] / (1 - first**step)))
