"""Adam."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import tensor, zeros_like
from assay_reference.optim.optimizer import Group, Optimizer, decayed
from assay_reference.optim.options import keeps_options


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square (Kingma and Ba, 2014)."""

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        ...

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        if gradient.is_sparse:
            raise RuntimeError("Adam does not support sparse gradients, please consider SparseAdam instead")
        if not state:
            state["step"] = tensor(0.0)
            state["exp_avg"], state["exp_avg_sq"] = zeros_like(parameter), zeros_like(parameter)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = zeros_like(parameter)
        gradient = decayed(gradient, parameter, group)
        first, second = group["betas"]
        state["step"] += 1
        state["exp_avg"].mul_(first).add_(gradient, alpha=1 - first)
        state["exp_avg_sq"].mul_(second).add_(gradient * gradient, alpha=1 - second)
        squares = state["exp_avg_sq"]
        if group["amsgrad"]:
            squares = state["max_exp_avg_sq"] = state["max_exp_avg_sq"].maximum(squares)
        step = float(state["step"])
        denominator = (squares / (1 - second**step)).sqrt() + group["eps"]
        parameter.sub_(state["exp_avg"] / denominator * (group["lr"] / (1 - first**step)))
