"""Modules: parameters, buffers and other modules, and a forward call."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from assay_reference import devices, dtypes
from assay_reference.engine import RemovableHandle, no_grad
from assay_reference.nn.parameter import Parameter
from assay_reference.tensor import Tensor


class Incompatible(NamedTuple):
    """What a state_dict and a module did not have in common."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not any(self):
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module:
    """The base of all layers and networks."""

    training: bool

    def __init__(self) -> None:
        members: dict[str, Any] = {
            "training": True,
            "_parameters": {},
            "_buffers": {},
            "_transient": set(),  # buffers that are no part of the state_dict
            "_modules": {},
            "_forward_hooks": {},
            "_forward_pre_hooks": {},
        }
        self.__dict__.update(members)

    # -- members ------------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            if isinstance(value, (Parameter, Module)):
                kind = "parameters" if isinstance(value, Parameter) else "module"
                raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
            super().__setattr__(name, value)
            return
        places = (self._parameters, self._modules, self._buffers)
        target = next((place for place in places if name in place), None)
        if isinstance(value, Parameter):
            target = self._parameters
        elif isinstance(value, Module):
            target = self._modules
        elif target is self._parameters and value is not None:
            raise TypeError(
                f"cannot assign '{_type_name(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
            )
        if target is None:
            super().__setattr__(name, value)
            return
        for place in (self.__dict__, *places):
            if place is not target:
                place.pop(name, None)
        target[name] = value

    def __getattr__(self, name: str) -> Any:
        for place in ("_parameters", "_buffers", "_modules"):
            members = self.__dict__.get(place, {})
            if name in members:
                return members[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for place in (self._parameters, self._buffers, self._modules):
            if name in place:
                del place[name]
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that is state but no parameter."""
        self._buffers[name] = tensor
        if not persistent:
            self._transient.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        self._modules[name] = module

    add_module = register_module

    # -- walking ------------------------------------------------------------------------------------------------------

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Give this module and all within it, each once."""
        seen = set() if memo is None else memo
        if self in seen:
            return
        seen.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(seen, f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        return ((name, module) for name, module in self._modules.items() if module is not None)

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        return self._named("_parameters", prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        return self._named("_buffers", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(self, place: str, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        """Give the members of a kind with their dotted names, each once."""
        seen: set[int] = set()
        for path, module in self.named_modules(prefix=prefix) if recurse else [(prefix, self)]:
            for name, member in getattr(module, place).items():
                if member is not None and id(member) not in seen:
                    seen.add(id(member))
                    yield (f"{path}.{name}" if path else name), member

    def get_submodule(self, target: str) -> Module:
        found: Any = self
        for name in target.split(".") if target else ():
            found = getattr(found, name)
        return found  # type: ignore[no-any-return]

    def apply(self, fn: Callable[[Module], None]) -> Module:
        """Call a function on every module within, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # -- state --------------------------------------------------------------------------------------------------------

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> OrderedDict[str, Tensor]:
        """Give every parameter and persistent buffer by its dotted name."""
        state: OrderedDict[str, Tensor] = OrderedDict()
        for name, member in self._own_state():
            state[prefix + name] = member if keep_vars else member.detach()
        for name, module in self.named_children():
            state.update(module.state_dict(prefix=f"{prefix}{name}.", keep_vars=keep_vars))
        return state

    def _own_state(self) -> Iterator[tuple[str, Tensor]]:
        for name, member in itertools.chain(self._parameters.items(), self._buffers.items()):
            if member is not None and name not in self._transient:
                yield name, member

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Incompatible:
        """Copy values into parameters and buffers by name."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        own = {
            f"{path}.{name}" if path else name: (module, name, member)
            for path, module in self.named_modules()
            for name, member in module._own_state()
        }
        errors = []
        for name, (module, short, member) in own.items():
            if name in state_dict:
                wrong = _loaded(module, short, member, name, state_dict[name], assign)
                errors += [wrong] if wrong else []
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        if strict:
            errors = _unmatched("Unexpected", unexpected) + _unmatched("Missing", missing) + errors
        if errors:
            listed = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        return Incompatible(missing, unexpected)

    # -- modes, types and places --------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Module:
        """Switch this module and all within to training, or to evaluation."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or set them to zero."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                if set_to_none:
                    parameter.grad = None
                else:
                    parameter.grad = parameter.grad.detach().zero_()

    def to(self, *args: Any, dtype: Any = None, device: Any = None, **kwargs: Any) -> Module:
        """Move parameters and buffers to a device, and floating ones to a dtype."""
        for each in args:
            if isinstance(each, dtypes.dtype):
                dtype = each
            elif isinstance(each, Tensor):
                dtype, device = each.dtype, each.device
            elif isinstance(each, (str, int, devices.device)) and not isinstance(each, bool):
                device = each
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        return self._converted(lambda each: each.to(device=device, dtype=dtype if _is_float(each) else None))

    def type(self, dst_type: Any) -> Module:
        return self._converted(lambda each: each.type(dst_type))

    def float(self) -> Module:
        return self.to(dtypes.float32)

    def double(self) -> Module:
        return self.to(dtypes.float64)

    def half(self) -> Module:
        return self.to(dtypes.float16)

    def bfloat16(self) -> Module:
        return self.to(dtypes.bfloat16)

    def cpu(self) -> Module:
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Module:
        return self.to("cuda" if device is None else device)

    def _converted(self, change: Callable[[Tensor], Tensor]) -> Module:
        """Change every tensor; a parameter stays the object that it is."""
        with no_grad():
            for module in self.modules():
                for parameter in module._parameters.values():
                    if parameter is not None:
                        parameter.data = change(parameter.detach())
                        if parameter.grad is not None:
                            parameter.grad = change(parameter.grad.detach())
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = change(buffer)
        return self

    # -- calling ------------------------------------------------------------------------------------------------------

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for hook in tuple(self._forward_pre_hooks.values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for hook in tuple(self._forward_hooks.values()):
            changed = hook(self, args, result)
            result = result if changed is None else changed
        return result

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function after each forward call; what it gives takes the result's place."""
        return _hooked(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function before each forward call; what it gives takes the arguments' place."""
        return _hooked(self._forward_pre_hooks, hook)

    # -- showing ------------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Say what a layer was made with, for its repr."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = [f"({name}): {_indented(repr(module))}" for name, module in self._modules.items()]
        head = type(self).__name__
        if not lines:
            return f"{head}({extra})"
        return "\n  ".join([f"{head}(", *([extra] if extra else []), *lines]) + "\n)"


def _hooked(hooks: dict[int, Any], hook: Callable[..., Any]) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _type_name(value: Any) -> str:
    return f"torch.{type(value).__name__}Tensor" if isinstance(value, Tensor) else type(value).__name__


def _is_float(tensor: Tensor) -> bool:
    return tensor.dtype.is_floating_point or tensor.dtype.is_complex


def _unmatched(kind: str, names: list[str]) -> list[str]:
    quoted = ", ".join(f'"{name}"' for name in names)
    return [f"{kind} key(s) in state_dict: {quoted}. "] if names else []


def _loaded(module: Module, short: str, member: Tensor, name: str, value: Any, assign: bool) -> str | None:
    """Copy one value in; give what is wrong with it."""
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{name}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(value)}"
        )
    if member.shape != value.shape:
        return (
            f"size mismatch for {name}: copying a param with shape {value.shape} from checkpoint, "
            f"the shape in current model is {member.shape}."
        )
    if assign:
        setattr(module, short, Parameter(value, member.requires_grad) if isinstance(member, Parameter) else value)
        return None
    with no_grad():
        member.copy_(value)
    return None
