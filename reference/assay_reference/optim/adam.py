"""Adam, and AdamW, whose weights decay apart from the gradient."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.optim.descent import Descent, zeros
from assay_reference.optim.optimizer import Group
from assay_reference.optim.options import keeps_options


class Adam(Descent):
    """Steps scaled by running means of the gradient and of its square (Kingma and Ba, 2014)."""

    options = (
        "lr", "betas", "eps", "weight_decay", "amsgrad", "maximize", "foreach", "capturable", "differentiable", "fused",
        "decoupled_weight_decay",
    )  # fmt: skip
    sparse = "Adam does not support sparse gradients, please consider SparseAdam instead"

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: tuple[Any, Any] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        if foreach and not capturable and isinstance(lr, Tensor):
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")

    def _begin(self, params: Any, options: Group) -> None:
        super()._begin(params, options)
        betas = options["betas"]
        if not any(all(isinstance(each, kind) for each in betas) for kind in (float, Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")

    def begin(self, parameter: Tensor, group: Group) -> Group:
        largest = ("max_exp_avg_sq",) if group["amsgrad"] else ()
        return zeros(parameter, "exp_avg", "exp_avg_sq", *largest)

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        first, second = group["betas"]
        mean, square, step = state["exp_avg"], state["exp_avg_sq"], float(state["step"])
        mean.mul_(first).add_(gradient * (1 - first))
        square.mul_(second).add_(gradient * gradient * (1 - second))
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            square = largest.copy_(largest.clone().maximum(square))  # a differentiable step remembers the clone
        denominator = square.sqrt() / (1 - second**step) ** 0.5 + group["eps"]
        parameter.sub_(mean / denominator * (group["lr"] / (1 - first**step)))


class AdamW(Adam):
    """Adam, with weights that decay apart from the gradient (Loshchilov and Hutter, 2017)."""

    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: tuple[Any, Any] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, foreach=foreach, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip

    def __setstate__(self, state: Group) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
