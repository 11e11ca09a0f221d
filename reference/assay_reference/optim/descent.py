"""Optimizers that move each parameter by its own gradient."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from assay_reference.core.dtypes import float32, float64, get_default_dtype
from assay_reference.core.grad_mode import enable_grad, set_grad_enabled
from assay_reference.core.tensor import Tensor
from assay_reference.ops.complex_numbers import view_as_real
from assay_reference.ops.creation import tensor, zeros_like
from assay_reference.optim.optimizer import Closure, Group, Optimizer
from assay_reference.optim.options import check_options, scalar


class Descent(Optimizer):
    """Moves each parameter that has a gradient.

    A subclass declares its options as the parameters of an __init__ that `keeps_options`, says in `begin` what the
    state of a parameter starts from, and in `update` how one parameter moves.
    """

    options: ClassVar[tuple[str, ...]] = ()  # in the order of the groups, where it is not that of the signature
    numbers: ClassVar[tuple[str, ...]] = ("step",)  # those that the state keeps
    pairs: ClassVar[bool] = True  # whether complex numbers move as pairs of real ones
    sparse: ClassVar[str | None] = "{} does not support sparse gradients"  # what refuses them
    captured: ClassVar[str] = "params and state_steps"  # what has to be on the device of a captured graph
    capturing: ClassVar[tuple[str, ...]] = ("cuda", "xpu", "hpu", "privateuseone", "xla")

    def _begin(self, params: Any, options: Group) -> None:
        """Start with the options that a subclass was constructed with."""
        check_options(options)
        Optimizer.__init__(self, params, {name: options[name] for name in self.options or options})

    def __setstate__(self, state: Group) -> None:
        """Take up a state; one of former times may lack options, and count steps in Python's numbers."""
        super().__setstate__(state)
        options = inspect.signature(type(self).__init__).parameters.values()
        for group in self.param_groups:
            for option in options:
                if option.default is None or isinstance(option.default, bool):
                    group.setdefault(option.name, option.default)
            for each in group["params"]:
                kept = self.state.get(each, {})
                for name in self.numbers:
                    if kept and not isinstance(kept[name], Tensor):
                        kept[name] = self.number(kept[name], each, group)

    def step(self, closure: Closure | None = None) -> Any:
        """Move every parameter that has a gradient; return what the closure returns."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with set_grad_enabled(self.defaults.get("differentiable", False)):
            for group in self.param_groups:
                moving = [(each, each.grad) for each in group["params"] if each.grad is not None]
                for parameter, gradient in moving:
                    self._admit(parameter, gradient, group)
                options = {**group, "lr": scalar(group["lr"])}
                for parameter, gradient in moving:
                    self._move(parameter, gradient, options)
                    if not self.state[parameter]:  # that of SGD without momentum
                        del self.state[parameter]
        return loss

    def _admit(self, parameter: Tensor, gradient: Tensor, group: Group) -> None:
        """Refuse a sparse gradient, and start the state of a parameter that has none."""
        if self.sparse is not None and gradient.is_sparse:
            raise RuntimeError(self.sparse.format(type(self).__name__))
        if not self.state.get(parameter):
            self.state[parameter] = self._start(parameter, group)

    def _start(self, parameter: Tensor, group: Group) -> Group:
        steps = {"step": self.number(0, parameter, group)} if "step" in self.numbers else {}
        return {**steps, **self.begin(parameter, group)}

    def number(self, value: float, parameter: Tensor, group: Group) -> Tensor:
        """Return a number as the state keeps it, where a captured graph or a fused kernel would have it."""
        there = group.get("capturable") or group.get("fused")
        dtype = float64 if get_default_dtype() == float64 and not group.get("fused") else float32
        return tensor(float(value), dtype=dtype, device=parameter.device if there else None)

    def _move(self, parameter: Tensor, gradient: Tensor, group: Group) -> None:
        if group.get("capturable") and parameter.device.type not in self.capturing:
            raise AssertionError(
                f"If capturable=True, {self.captured} must be on supported devices: {list(self.capturing)}."
            )
        gradient = decayed(-gradient if group.get("maximize") else gradient, parameter, group)
        state = self.state[parameter]
        if group.get("differentiable"):  # what earlier steps remember must not change
            state.update({key: each.clone() for key, each in state.items()})
        if "step" in state:
            state["step"] += 1
        if self.pairs and parameter.is_complex():
            parameter, gradient = view_as_real(parameter), view_as_real(gradient)
            state = {key: view_as_real(each) if each.is_complex() else each for key, each in state.items()}
        self.update(parameter, gradient, state, group)

    def begin(self, parameter: Tensor, group: Group) -> Group:
        """Return what the state of a parameter starts from, besides the number of steps."""
        return {}

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        """Move one parameter."""
        raise NotImplementedError


def decayed(gradient: Tensor, parameter: Tensor, group: Group) -> Tensor:
    """Decay the weights: by way of the gradient, or, decoupled from it, in the parameter itself."""
    decay = group.get("weight_decay", 0)
    if not decay:
        return gradient
    if group.get("decoupled_weight_decay"):
        parameter.mul_(1 - group["lr"] * decay)
        return gradient
    return gradient + parameter * decay  # type: ignore[no-any-return]


def zeros(parameter: Tensor, *names: str) -> Group:
    """Return a state of zeros under some names."""
    return {name: zeros_like(parameter) for name in names}
