"""Modules: parameters, buffers and other modules, and a forward call."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

from assay_reference.core import dtypes
from assay_reference.core.engine import RemovableHandle
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.tensor import Tensor
from assay_reference.nn.parameter import Parameter


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

    _version = 1  # of what the state_dict holds
    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]

    def __init__(self) -> None:
        members: dict[str, Any] = {
            "training": True,
            "_parameters": {},
            "_buffers": {},
            "_non_persistent_buffers_set": set(),  # buffers that are no part of the state_dict
            "_modules": {},
            "_forward_pre_hooks": {},
            "_forward_hooks": {},
        }
        self.__dict__.update(members)

    # -- members ------------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Parameter, Module)):
            self._register(name, value)
            return
        members = self._members_with(name)
        if members is None:
            object.__setattr__(self, name, value)
            return
        check_assigned(members, self.__dict__, name, value)
        members[name] = value

    def _register(self, name: str, value: Parameter | Module) -> None:
        """Keep a parameter or a module under a name, and drop what else had the name."""
        kind, members = ("parameters", "_parameters") if isinstance(value, Parameter) else ("module", "_modules")
        if "_modules" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if isinstance(value, Parameter) and name in self._buffers:
            self._buffers[name] = value  # a parameter may stand for a buffer
            return
        for others in (self.__dict__, self._parameters, self._buffers, self._modules):
            if others is not self.__dict__[members]:
                others.pop(name, None)
        self.__dict__[members][name] = value

    def _members_with(self, name: str) -> dict[str, Any] | None:
        """Return the parameters, the buffers or the modules, whichever has a member of that name."""
        for kind in ("_parameters", "_buffers", "_modules"):
            members: dict[str, Any] = self.__dict__.get(kind, {})
            if name in members:
                return members
        return None

    def __getattr__(self, name: str) -> Any:
        members = self._members_with(name)
        if members is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        return members[name]

    def __delattr__(self, name: str) -> None:
        members = self._members_with(name)
        if members is None:
            object.__delattr__(self, name)
        else:
            del members[name]
            self._non_persistent_buffers_set.discard(name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[:1].isdigit())

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or None under its name."""
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type_name(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but is not learned."""
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module within this one."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._modules[name] = module

    register_module = add_module

    def _check_name(self, kind: str, name: str, members: Mapping[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type_name(name)}")
        if name not in members and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')

    # -- walking ------------------------------------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all within it, each once."""
        seen = set() if memo is None else memo
        if self in seen:
            return
        if remove_duplicate:
            seen.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(seen, dotted(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the direct children, each once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their dotted names, each once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their dotted names, each once."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(self, kind: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(None, prefix, once) if recurse else [(prefix, self)]:
            for name, member in getattr(module, kind).items():
                if member is not None and id(member) not in seen:
                    if once:
                        seen.add(id(member))
                    yield dotted(path, name), member

    def get_submodule(self, target: str) -> Module:
        """Return the module of a dotted name."""
        found: Module = self
        for name in target.split(".") if target else ():
            if not hasattr(found, name):
                raise AttributeError(f"{type_name(found)} has no attribute `{name}`")
            found = getattr(found, name)
            if not isinstance(found, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return found

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter of a dotted name."""
        found = self._found(target)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{target.rpartition('.')[2]}` is not an nn.Parameter")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer of a dotted name."""
        found, name = self._found(target), target.rpartition(".")[2]
        if name not in self.get_submodule(target.rpartition(".")[0])._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return found  # type: ignore[no-any-return]

    def _found(self, target: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type_name(module)} has no attribute `{name}`")
        return getattr(module, name)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call a function on every module within, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # -- state --------------------------------------------------------------------------------------------------------

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Return every parameter and persistent buffer by its dotted name, with the versions of the modules."""
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        destination._metadata[prefix[:-1]] = {"version": self._version}
        for name, member in self._state().items():
            destination[prefix + name] = member if keep_vars else member.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return destination

    def _state(self) -> dict[str, Tensor]:
        """Return this module's own parameters and persistent buffers."""
        members = {**self._parameters, **self._buffers}
        left_out = self._non_persistent_buffers_set
        return {name: each for name, each in members.items() if each is not None and name not in left_out}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Incompatible:
        """Copy values into parameters and buffers by name."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        versions = getattr(state_dict, "_metadata", {})
        wanted: dict[str, tuple[Module, str]] = {}
        missing: list[str] = []
        for path, module in self.named_modules(remove_duplicate=False):
            for name in module._state():
                wanted[dotted(path, name)] = (module, name)
                if dotted(path, name) not in state_dict and not module._may_be_missing(name, versions.get(path, {})):
                    missing.append(dotted(path, name))
        unexpected = [name for name in state_dict if name not in wanted]
        errors = [*unmatched("Missing", missing), *unmatched("Unexpected", unexpected)] if strict else []
        for name, (module, own_name) in wanted.items():
            if name in state_dict:
                errors += module._load(own_name, name, state_dict[name], assign)
        if errors:
            listed = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        return Incompatible(missing, unexpected)

    def _may_be_missing(self, name: str, metadata: Mapping[str, Any]) -> bool:
        """Return whether a state from an older version may be without a member."""
        return False

    def _load(self, name: str, called: str, value: Any, assign: bool) -> list[str]:
        """Load one value; return what is wrong with it."""
        member = self._state()[name]
        if not isinstance(value, Tensor):
            return [
                f'While copying the parameter named "{called}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}"
            ]
        if member.shape != value.shape:
            return [
                f"size mismatch for {called}: copying a param with shape {value.shape} from checkpoint, the shape in "
                f"current model is {member.shape}."
            ]
        if assign:
            setattr(self, name, Parameter(value, member.requires_grad) if isinstance(member, Parameter) else value)
        else:
            with no_grad():
                member.copy_(value)
        return []

    # -- modes, types and devices -------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all within to training, or to evaluation."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Choose whether the parameters are to have gradients."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or set them to zero."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else parameter.grad.detach().zero_()

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move parameters and buffers to a device, and those of floating point to a dtype."""
        device, kind = destination_of(args, kwargs)
        if kind is not None and not kind.is_differentiable:
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={kind}")
        return self._apply(lambda each: each.to(device=device, dtype=kind if each.dtype.is_differentiable else None))

    def type(self, dst_type: Any) -> Self:
        """Convert parameters and buffers to a type."""
        return self._apply(lambda each: each.type(dst_type))

    def float(self) -> Self:
        return self._cast(dtypes.float32)

    def double(self) -> Self:
        return self._cast(dtypes.float64)

    def half(self) -> Self:
        return self._cast(dtypes.float16)

    def bfloat16(self) -> Self:
        return self._cast(dtypes.bfloat16)

    def _cast(self, kind: dtypes.dtype) -> Self:
        return self._apply(lambda each: each.to(kind) if each.is_floating_point() else each)

    def cpu(self) -> Self:
        return self._apply(lambda each: each.cpu())

    def cuda(self, device: Any = None) -> Self:
        return self._apply(lambda each: each.cuda(device))

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Self:
        """Apply a function to every tensor; a parameter stays the same object."""
        for module in self.children():
            module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is not None:
                    grad, parameter.grad = parameter.grad, None
                    parameter.data = fn(parameter.data)
                    parameter.grad = None if grad is None else fn(grad)
            for name, buffer in self._buffers.items():
                self._buffers[name] = None if buffer is None else fn(buffer)
        return self

    # -- calling ------------------------------------------------------------------------------------------------------

    def forward(self, *input: Any) -> Any:
        """Compute; each kind of module has its own."""
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

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function before each forward call; what it returns replaces the arguments."""
        return RemovableHandle(self._forward_pre_hooks, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function after each forward call; what it returns replaces the result."""
        return RemovableHandle(self._forward_hooks, hook)

    # -- showing ------------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Return the options of a layer, for its repr."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        lines = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        return shown(self._get_name(), self.extra_repr(), lines)


def check_assigned(members: dict[str, Any], state: Mapping[str, Any], name: str, value: Any) -> None:
    """Refuse to replace a parameter, buffer or module by something else."""
    if value is None or (members is state["_buffers"] and isinstance(value, Tensor)):
        return
    wanted = {
        "_parameters": ("parameter", "torch.nn.Parameter or None"),
        "_buffers": ("buffer", "torch.nn.Buffer, torch.Tensor or None"),
        "_modules": ("child module", "torch.nn.Module or None"),
    }
    kind, expected = next(words for name, words in wanted.items() if state[name] is members)
    raise TypeError(f"cannot assign '{type_name(value)}' as {kind} '{name}' ({expected} expected)")


def destination_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dtypes.dtype | None]:
    """Read the arguments of to(): (dtype), (device, dtype) or (tensor)."""
    rest = [*args, *(kwargs[name] for name in ("device", "dtype", "tensor") if kwargs.get(name) is not None)]
    device, kind = None, None
    for each in rest:
        if isinstance(each, Tensor):
            device, kind = each.device, each.dtype
        elif isinstance(each, dtypes.dtype):
            kind = each
        elif not isinstance(each, bool) and each is not None:
            device = each
    return device, kind


def dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def shown(name: str, extra: str, lines: list[str]) -> str:
    """Show a module: on one line if nothing is within it."""
    parts = [*(extra.split("\n") if extra else ()), *lines]
    if not lines and len(parts) < 2:
        return f"{name}({extra})"
    return "\n  ".join([f"{name}(", *parts]) + "\n)"


def type_name(value: Any) -> str:
    """Name a type, as PyTorch's messages do."""
    return value.type() if type(value) is Tensor else type(value).__name__


def unmatched(kind: str, names: list[str]) -> list[str]:
    quoted = ", ".join(f'"{name}"' for name in names)
    return [f"{kind} key(s) in state_dict: {quoted}. "] if names else []
