"""Adagrad."""

from __future__ import annotations

from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import full_like
from assay_reference.optim.descent import Descent
from assay_reference.optim.optimizer import Group
from assay_reference.optim.options import keeps_options
from assay_reference.sparse.construction import sparse_coo_tensor


class Adagrad(Descent):
    """Steps scaled by the sum of all squared gradients so far (Duchi, Hazan and Singer, 2011)."""

    options = (
        "lr", "lr_decay", "eps", "weight_decay", "initial_accumulator_value", "foreach", "maximize", "differentiable",
        "fused",
    )  # fmt: skip
    sparse = None

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
        maximize: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None: ...  # fmt: skip

    def _begin(self, params: Any, options: Group) -> None:
        super()._begin(params, options)
        for group in self.param_groups:
            for each in group["params"]:
                self.state[each] = self._start(each, group)

    def _admit(self, parameter: Tensor, gradient: Tensor, group: Group) -> None:
        super()._admit(parameter, gradient, group)
        if group["weight_decay"] and gradient.is_sparse:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")

    def begin(self, parameter: Tensor, group: Group) -> Group:
        value = self.defaults["initial_accumulator_value"]
        return {"sum": full_like(parameter, complex(value, value) if parameter.is_complex() else value)}

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        total = state["sum"]
        rate = group["lr"] / (1 + (float(state["step"]) - 1) * group["lr_decay"])
        if gradient.is_sparse:
            gradient = gradient.coalesce()
            total.add_(gradient * gradient)
            scales = total.sparse_mask(gradient).values().sqrt() + group["eps"]
            scaled = sparse_coo_tensor(gradient.indices(), gradient.values() / scales, gradient.shape)
            parameter.sub_(scaled * rate)
        else:
            total.add_(gradient * gradient)
            parameter.sub_(gradient / (total.sqrt() + group["eps"]) * rate)
