"""What optimizers share: groups of parameters, state, hooks, and saving."""

from __future__ import annotations

import copy
import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

from assay_reference.core.engine import RemovableHandle
from assay_reference.core.tensor import Tensor

Group = dict[str, Any]
Closure = Callable[[], Any]
Hook = Callable[..., Any]

_HOOKS: Final = (
    "_step_pre_hooks", "_step_post_hooks", "_state_dict_pre_hooks", "_state_dict_post_hooks",
    "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip


def _hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """Let an optimizer's hooks be called around its steps."""

    @functools.wraps(step)
    def call(*args: Any, **kwargs: Any) -> Any:
        self = args[0]
        for hook in tuple(self._step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        result = step(*args, **kwargs)
        for hook in tuple(self._step_post_hooks.values()):
            hook(self, args, kwargs)
        return result

    return call


class Optimizer:
    """Parameters in groups with options, and the state of each parameter; subclasses say in `step` how they move."""

    defaults: Group
    state: defaultdict[Tensor, Group]
    param_groups: list[Group]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = _hooked(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: Any, defaults: Group) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + _typename(params)
            )
        self.__setstate__({"defaults": defaults, "state": defaultdict(dict), "param_groups": []})
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def __getstate__(self) -> Group:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: Group) -> None:
        vars(self).update(state)
        for name in _HOOKS:
            vars(self).setdefault(name, OrderedDict())

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
        given = [given] if isinstance(given, Tensor) else list(given)
        names = [each[0] for each in given if isinstance(each, tuple)]
        members = [each[1] if isinstance(each, tuple) else each for each in given]
        param_group["params"] = members
        if names:
            if len(names) != len(members):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            param_group["param_names"] = names
        self._check(members)
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        if len(set(map(id, members))) != len(members):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        if any(("param_names" in param_group) != ("param_names" in group) for group in self.param_groups):
            which = "with" if names else "without"
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{which} names to the optimizer"
            )
        known = {id(each) for group in self.param_groups for each in group["params"]}
        if known & set(map(id, members)):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def _check(self, members: list[Any]) -> None:
        """Refuse what cannot be optimized."""
        for each in members:
            if not isinstance(each, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {_typename(each)}")
            if not (each.is_leaf or each.retains_grad or self.defaults.get("differentiable")):
                raise ValueError("can't optimize a non-leaf Tensor")

    def step(self, closure: Closure | None = None) -> Any:
        """Move every parameter; return what the closure returns."""
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop all gradients, or set them to zero."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad.detach_().zero_()

    def state_dict(self) -> Group:
        """Return the state and the groups, with parameters by their indices."""
        for hook in self._state_dict_pre_hooks.values():
            hook(self)
        members = [each for group in self.param_groups for each in group["params"]]
        indices = {id(each): index for index, each in enumerate(members)}
        groups = []
        for group in self.param_groups:
            options = {key: value for key, value in group.items() if key != "params"}
            groups.append({**options, "params": [indices[id(each)] for each in group["params"]]})
        state = {indices[id(key)] if isinstance(key, Tensor) else key: each for key, each in self.state.items()}
        saved: Group = {"state": state, "param_groups": groups}
        for hook in self._state_dict_post_hooks.values():
            saved = _unless_none(hook(self, saved), saved)
        return saved

    def load_state_dict(self, state_dict: Group) -> None:
        """Restore what an optimizer saved; state that fits already is shared with it."""
        state_dict = state_dict.copy()
        for hook in self._load_state_dict_pre_hooks.values():
            state_dict = _unless_none(hook(self, state_dict), state_dict)
        groups = copy.deepcopy(state_dict["param_groups"])
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(new["params"]) != len(old["params"]) for new, old in zip(groups, self.param_groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        owners: dict[Any, tuple[Tensor, Group]] = {}
        for new, old in zip(groups, self.param_groups, strict=True):
            owners.update(zip(new["params"], ((each, new) for each in old["params"]), strict=True))
            new["params"] = old["params"]
            if "param_names" in old:
                new.setdefault("param_names", old["param_names"])
        state: defaultdict[Any, Any] = defaultdict(dict)
        for index, each in state_dict["state"].items():
            if index in owners:
                parameter, group = owners[index]
                state[parameter] = _fitting(each, parameter, group)
            else:
                state[index] = each
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._load_state_dict_post_hooks.values():
            hook(self)

    def __repr__(self) -> str:
        text = ""
        for number, group in enumerate(self.param_groups):
            options = "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
            text += f"\nParameter Group {number}\n{options}"
        return f"{type(self).__name__} ({text})"

    # What is called around a step, around saving and around loading.

    _step_pre_hooks: OrderedDict[int, Hook]
    _step_post_hooks: OrderedDict[int, Hook]
    _state_dict_pre_hooks: OrderedDict[int, Hook]
    _state_dict_post_hooks: OrderedDict[int, Hook]
    _load_state_dict_pre_hooks: OrderedDict[int, Hook]
    _load_state_dict_post_hooks: OrderedDict[int, Hook]

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Let `hook(optimizer, args, kwargs)` be called before each step, which it may give other arguments."""
        return RemovableHandle(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Let `hook(optimizer, args, kwargs)` be called after each step."""
        return RemovableHandle(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Let `hook(optimizer)` be called before the state is saved."""
        return _registered(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Let `hook(optimizer, state_dict)` be called with what is saved, which it may replace."""
        return _registered(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Let `hook(optimizer, state_dict)` be called with what is to be loaded, which it may replace."""
        return _registered(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Let `hook(optimizer)` be called after a state is loaded."""
        return _registered(self._load_state_dict_post_hooks, hook, prepend)


def _registered(hooks: OrderedDict[int, Hook], hook: Hook, prepend: bool) -> RemovableHandle:
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _unless_none(found: Any, otherwise: Any) -> Any:
    return otherwise if found is None else found


def _typename(value: Any) -> str:
    if isinstance(value, Tensor):
        return str(value.type())
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _fitting(value: Any, parameter: Tensor, group: Group, key: Any = None) -> Any:
    """Bring loaded state to the parameter's dtype and device; the count of steps stays as it is."""
    if isinstance(value, Tensor):
        if key == "step":
            on_device = group.get("capturable") or group.get("fused")
            return value.float().to(parameter.device) if on_device else value
        return value.to(parameter) if parameter.is_floating_point() else value.to(parameter.device)
    if isinstance(value, dict):
        return {name: _fitting(each, parameter, group, name) for name, each in value.items()}
    if isinstance(value, Iterable):
        return type(value)(_fitting(each, parameter, group) for each in value)  # type: ignore[call-arg]
    return value
