"""What optimizers share: groups of parameters, state, and saving both."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from assay_reference.core.grad_mode import enable_grad, no_grad
from assay_reference.core.tensor import Tensor
from assay_reference.optim.options import check_options

Group = dict[str, Any]
Closure = Callable[[], Any]


class Optimizer:
    """Moves parameters by their gradients.

    A subclass declares its options as the parameters of an __init__ that `keeps_options`, and says in `update` how one
    parameter moves.
    """

    def __init__(self, params: Any, defaults: Group) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got torch.Tensor"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, Group] = defaultdict(dict)
        self.param_groups: list[Group] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def _begin(self, params: Any, options: Group) -> None:
        """Start with the options that a subclass was constructed with."""
        check_options(options)
        Optimizer.__init__(self, params, options)

    def add_param_group(self, param_group: Group) -> None:
        """Add a group of parameters, with options of its own."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        members = [given] if isinstance(given, Tensor) else [_tensor(each) for each in given]
        for each in members:
            if not isinstance(each, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(each).__name__}")
            if not (each.is_leaf or each.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        known = {id(each) for group in self.param_groups for each in group["params"]}
        if known & set(map(id, members)):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**self.defaults, **param_group, "params": members})

    def step(self, closure: Closure | None = None) -> Any:
        """Move every parameter that has a gradient; return what the closure returns."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        gradient = -parameter.grad if group.get("maximize", False) else parameter.grad
                        self.update(parameter, gradient.detach(), self.state[parameter], group)
                        if not self.state[parameter]:
                            del self.state[parameter]
        return loss

    def update(self, parameter: Tensor, gradient: Tensor, state: Group, group: Group) -> None:
        """Move one parameter."""
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop all gradients, or set them to zero."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad = None if set_to_none else parameter.grad.detach().zero_()

    def state_dict(self) -> Group:
        """Return the state and the groups, with parameters by their indices."""
        indices = self._indices()
        groups = [
            {**{key: value for key, value in group.items() if key != "params"},
             "params": [indices[id(each)] for each in group["params"]]}
            for group in self.param_groups
        ]  # fmt: skip
        return {"state": {indices[id(each)]: state for each, state in self.state.items()}, "param_groups": groups}

    def _indices(self) -> dict[int, int]:
        members = (id(each) for group in self.param_groups for each in group["params"])
        return {member: index for index, member in enumerate(dict.fromkeys(members))}

    def load_state_dict(self, state_dict: Group) -> None:
        """Restore what an optimizer saved."""
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(old["params"]) != len(new["params"]) for old, new in zip(saved, self.param_groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        members = [each for group in self.param_groups for each in group["params"]]
        state = copy.deepcopy(state_dict["state"])
        self.state = defaultdict(dict, {members[index]: _fitting(state[index], members[index]) for index in state})
        self.param_groups = [
            {**copy.deepcopy(old), "params": new["params"]} for old, new in zip(saved, self.param_groups, strict=True)
        ]

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _tensor(member: Any) -> Any:
    """Return the parameter of a (name, parameter) pair."""
    return member[1] if isinstance(member, tuple) else member


def _fitting(state: Group, parameter: Tensor) -> Group:
    """Bring loaded state to the parameter's dtype and device; the count of steps stays as it is."""
    return {
        key: value.to(parameter) if isinstance(value, Tensor) and key != "step" else value
        for key, value in state.items()
    }


def decayed(gradient: Tensor, parameter: Tensor, group: Group) -> Tensor:
    """Decay the weights: by way of the gradient, or, decoupled from it, in the parameter itself."""
    if not group["weight_decay"]:
        return gradient
    if group.get("decoupled_weight_decay", False):
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        return gradient
    return gradient + parameter * group["weight_decay"]  # type: ignore[no-any-return]
