"""Modules: parameters, buffers and other modules, and a forward call."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Self

from assay_reference.core import dtypes
from assay_reference.core.engine import RemovableHandle
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.tensor import Tensor
from assay_reference.nn.modules import hooks
from assay_reference.nn.modules.hooks import (
    BackwardHooks,
    Hook,
    Hooks,
    register_module_backward_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from assay_reference.nn.parameter import Buffer, Parameter
from assay_reference.ops.conversion import destination
from assay_reference.ops.creation import empty_like

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]

# What a module keeps besides its members; what a state that is set lacks of it is made anew.
KEPT: Final[dict[str, Callable[[], Any]]] = {
    "_non_persistent_buffers_set": set,  # buffers that are no part of the state_dict
    "_forward_pre_hooks": Hooks,
    "_forward_hooks": Hooks,
    "_backward_pre_hooks": Hooks,
    "_backward_hooks": BackwardHooks,
    "_state_dict_pre_hooks": Hooks,
    "_state_dict_hooks": Hooks,
    "_load_state_dict_pre_hooks": Hooks,
    "_load_state_dict_post_hooks": Hooks,
}
EXTRA_STATE: Final = "_extra_state"  # the name of what get_extra_state returns
COMPLEX: Final = (
    "Complex modules are a new feature under active development whose design may change, and some modules might not "
    "work as expected when using complex tensors as parameters or buffers. Please file an issue at "
    "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a complex module does not work as "
    "expected."
)
RETURNED: Final = (
    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, if "
    "incompatible_keys need to be modified, it should be done inplace."
)
UNREACHABLE: Final = (
    "Reached a code path in Module.{method}() that should never be called. Please file an issue at "
    "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug."
)
POSITIONAL: Final = (
    "Positional args are being deprecated, use kwargs instead. Refer to "
    "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details."
)
REPLICA: Final = (
    "Calling .zero_grad() from a module created with nn.DataParallel() has no effect. The parameters are copied (in a "
    "differentiable manner) from the original module. This means they are not leaf nodes in autograd and so don't "
    "accumulate gradients. If you need gradients in your forward method, consider using autograd.grad instead."
)


class Incompatible(NamedTuple):
    """What a state_dict and a module did not have in common."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not any(self):
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def _forward_unimplemented(self: Module, *input: Any) -> None:
    """Compute; each kind of module has its own."""
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


class Module:
    """The base of all layers and networks."""

    _version = 1  # of what the state_dict holds
    call_super_init = False  # whether the next class in line is to be initialised too
    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]
    _forward_pre_hooks: Hooks
    _forward_hooks: Hooks
    _backward_pre_hooks: Hooks
    _backward_hooks: BackwardHooks
    _state_dict_pre_hooks: Hooks
    _state_dict_hooks: Hooks
    _load_state_dict_pre_hooks: Hooks
    _load_state_dict_post_hooks: Hooks

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        method = f"{type(self).__name__}.__init__()"
        if kwargs and not self.call_super_init:
            raise TypeError(f"{method} got an unexpected keyword argument '{next(iter(kwargs))}'")
        if args and not self.call_super_init:
            raise TypeError(f"{method} takes 1 positional argument but {len(args) + 1} were given")
        self.__dict__.update(training=True, _parameters={}, _buffers={}, _modules={})
        self.__dict__.update((name, make()) for name, make in KEPT.items())
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: make() for name, make in KEPT.items()} | state)

    # -- members ------------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        members = self._members_with(name)
        if isinstance(value, Parameter):
            self._make_room(name, "parameters", "_parameters")
            self.register_parameter(name, value)
        elif members is not None and members is self._parameters:
            check_assigned(value, "parameter", name, "torch.nn.Parameter or None")
            members[name] = value
        elif isinstance(value, Module):
            self._make_room(name, "module", "_modules")
            self._modules[name] = value
        elif members is not None and members is self._modules:
            check_assigned(value, "child module", name, "torch.nn.Module or None")
            members[name] = value
        elif members is not None or isinstance(value, Buffer):
            if not isinstance(value, Tensor):
                check_assigned(value, "buffer", name, "torch.nn.Buffer, torch.Tensor or None")
            kept = value.persistent if isinstance(value, Buffer) else name not in self._non_persistent_buffers_set
            self.register_buffer(name, value, kept)
        else:
            object.__setattr__(self, name, value)

    def _make_room(self, name: str, kind: str, wanted: str) -> None:
        """Drop what has a name that is going to be taken, unless it is of the kind that is wanted."""
        self._check_made(kind, wanted)
        for others in (self.__dict__, self._parameters, self._buffers, self._modules):
            if others is not self.__dict__[wanted]:
                others.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

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
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted(name for name in names if not name[0].isdigit())

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or None under its name."""
        self._check_made("parameter", "_parameters")
        self._check_name("parameter", "_parameters", name)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type_name(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. "
                f"To express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but is not learned."""
        self._check_made("buffer", "_buffers")
        self._check_name("buffer", "_buffers", name)
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
        if isinstance(name, str):
            self._check_free(name, "_modules")
        self._check_name("module", "_modules", name)
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a module within this one."""
        self.add_module(name, module)

    def _check_made(self, kind: str, members: str) -> None:
        if members not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")

    def _check_name(self, kind: str, members: str, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type_name(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')
        self._check_free(name, members)

    def _check_free(self, name: str, members: str) -> None:
        if hasattr(self, name) and name not in self.__dict__[members]:
            raise KeyError(f"attribute '{name}' already exists")

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

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

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
            found = member_of(found, name)
            if not isinstance(found, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return found

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put another module under a dotted name; only where one is already, if strict."""
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if (strict or hasattr(parent, name)) and not isinstance(member_of(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter of a dotted name."""
        path, _, name = target.rpartition(".")
        found = member_of(self.get_submodule(path), name)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer of a dotted name."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        found: Tensor = member_of(module, name)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return found

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call a function on every module within, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # -- state --------------------------------------------------------------------------------------------------------

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Return every parameter and persistent buffer by its dotted name, with the versions of the modules."""
        if args:
            warnings.warn(POSITIONAL, FutureWarning, stacklevel=2)
            former = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            destination = former["destination"] if destination is None else destination
            prefix, keep_vars = prefix or former.get("prefix", ""), keep_vars or former.get("keep_vars", False)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            changed = hook(self, destination, prefix, metadata)
            if changed is not None and getattr(hook, "_from_public_api", False):
                raise RuntimeError("state_dict post-hook must return None")
            destination = destination if changed is None else changed
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put this module's own state into a dictionary, under names that begin with a prefix."""
        for name, member in self._state().items():
            destination[prefix + name] = member if keep_vars else member.detach()
        if type(self).get_extra_state is not Module.get_extra_state:
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def _state(self) -> dict[str, Tensor]:
        """Return this module's own parameters and persistent buffers."""
        members = {**self._parameters, **self._buffers}
        left_out = self._non_persistent_buffers_set
        return {name: each for name, each in members.items() if each is not None and name not in left_out}

    def get_extra_state(self) -> Any:
        """Return what else a state_dict is to hold; a class that has something says what."""
        raise RuntimeError(UNREACHABLE.format(method="get_extra_state"))

    def set_extra_state(self, state: Any) -> None:
        """Take what get_extra_state returned."""
        raise RuntimeError(UNREACHABLE.format(method="set_extra_state"))

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Incompatible:
        """Copy values into parameters and buffers by name; or put them in their place, if they are to be assigned."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        versions = getattr(state_dict, "_metadata", None) or {}
        found, errors = Incompatible([], []), list[str]()

        def load(module: Module, state: OrderedDict[str, Any], path: str) -> None:
            metadata = {**versions.get(path, {}), **({"assign_to_params_buffers": True} if assign else {})}
            prefix = dotted(path, "")
            module._load_from_state_dict(state, prefix, metadata, True, *found, errors)
            for name, child in module._modules.items():
                if child is not None:
                    inner = f"{prefix}{name}."
                    load(child, OrderedDict(each for each in state.items() if each[0].startswith(inner)), inner[:-1])
            for hook in module._load_state_dict_post_hooks.values():
                if hook(module, found) is not None:
                    raise AssertionError(RETURNED)

        own = OrderedDict(state_dict)
        own._metadata = versions  # type: ignore[attr-defined]  # which hooks look for
        load(self, own, "")
        if strict:
            errors = [
                *unmatched("Missing", found.missing_keys),
                *unmatched("Unexpected", found.unexpected_keys),
                *errors,
            ]
        if errors:
            listed = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        return found

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own state from a dictionary; add to the lists what is wrong with it."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        wanted = self._state()
        for name, member in wanted.items():
            key = prefix + name
            if key in state_dict:
                error_msgs += self._load(name, member, key, state_dict[key], local_metadata)
            elif strict and not self._may_be_missing(name, local_metadata):
                missing_keys.append(key)
        extra, takes_extra = prefix + EXTRA_STATE, type(self).set_extra_state is not Module.set_extra_state
        if takes_extra and extra in state_dict:
            self.set_extra_state(state_dict[extra])
        elif strict and takes_extra:
            missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        for key in state_dict if strict else ():
            name, _, rest = key.removeprefix(prefix).partition(".")
            if key.startswith(prefix) and key != extra and name not in (self._modules if rest else wanted):
                unexpected_keys.append(key)

    def _may_be_missing(self, name: str, metadata: Mapping[str, Any]) -> bool:
        """Return whether a state from an older version may be without a member."""
        return False

    def _load(self, name: str, member: Tensor, key: str, value: Any, metadata: Mapping[str, Any]) -> list[str]:
        """Load one value; return what is wrong with it."""
        if not isinstance(value, Tensor):
            return [
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}"
            ]
        if not member.shape and value.shape == (1,):  # as the first versions saved a 0-d tensor
            value = value[0]
        if member.shape != value.shape:
            return [
                f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, the shape in "
                f"current model is {member.shape}."
            ]
        try:
            if metadata.get("assign_to_params_buffers"):
                if isinstance(member, Parameter):
                    value = value if isinstance(value, Parameter) else Parameter(value, member.requires_grad)
                    value.requires_grad_(member.requires_grad)
                setattr(self, name, value)
            else:
                with no_grad():
                    member.copy_(value)
        except Exception as error:
            return [
                f'While copying the parameter named "{key}", whose dimensions in the model are {member.size()} and '
                f"whose dimensions in the checkpoint are {value.size()}, an exception occurred : {error.args}."
            ]
        return []

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call a function before the state is saved."""
        return self._state_dict_pre_hooks.add(hook)

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call a function with the state that was saved, which it may change but not replace."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return self._state_dict_hooks.add(hook)

    def _register_state_dict_hook(self, hook: Hook) -> RemovableHandle:
        """Call a function with the state that was saved; what it returns, if anything, replaces it."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was previously registered via "
                "register_state_dict_post_hook"
            )
        return self._state_dict_hooks.add(hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call a function with the state, which it may change, before it is loaded."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook: Hook, with_module: bool = False) -> RemovableHandle:
        return self._load_state_dict_pre_hooks.add(OfModule(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call a function with the names that did not match, which it may change, after a state has been loaded."""
        return self._load_state_dict_post_hooks.add(hook)

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
        if getattr(self, "_is_replica", False):
            warnings.warn(REPLICA, stacklevel=2)
        for parameter in self.parameters():
            grad = parameter.grad
            if set_to_none:
                parameter.grad = None
            elif grad is not None:
                (grad.requires_grad_(False) if grad.grad_fn is None else grad.detach_()).zero_()

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move parameters and buffers to a device, and convert those that are not integral to a dtype.

        A memory format is for those of four and five dimensions.
        """
        device, kind, _, wanted = destination(args, kwargs, "tensor")
        if kind is not None and not kind.is_differentiable:
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={kind}")
        if kind is not None and kind.is_complex:
            warnings.warn(COMPLEX, stacklevel=2)

        def moved(each: Tensor) -> Tensor:
            return each.to(  # type: ignore[no-any-return]
                device=device,
                dtype=kind if each.dtype.is_differentiable else None,
                memory_format=wanted if each.ndim in (4, 5) else None,
            )

        return self._apply(moved)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Replace parameters and buffers by new ones on a device, whose elements are arbitrary."""
        return self._apply(lambda each: empty_like(each, device=device), recurse)

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

    def share_memory(self) -> Self:
        """Move parameters, their gradients and buffers to where other processes can see them."""
        return self._apply(Tensor.share_memory_)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Apply a function to every tensor; a parameter and its gradient stay the same objects."""
        for module in self.children() if recurse else ():
            module._apply(fn)
        for parameter in self._parameters.values():
            for each in () if parameter is None else (parameter, parameter.grad):
                if each is not None:
                    with no_grad():
                        each.data = fn(each)
        for name, buffer in self._buffers.items():
            self._buffers[name] = None if buffer is None else fn(buffer)
        return self

    def _replicate_for_data_parallel(self) -> Self:
        """Return a copy that shares everything but is to have parameters and buffers of its own."""
        replica = object.__new__(type(self))
        replica.__dict__.update(
            self.__dict__,
            _parameters={},
            _buffers=self._buffers.copy(),
            _modules=self._modules.copy(),
            _is_replica=True,
        )
        return replica

    # -- calling ------------------------------------------------------------------------------------------------------

    forward: Callable[..., Any] = _forward_unimplemented

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (
            self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks
            or hooks.FORWARD or hooks.FORWARD_PRE or hooks.BACKWARD or hooks.BACKWARD_PRE
        ):  # fmt: skip
            return hooks.Call(self, args, kwargs).run()
        return self.forward(*args, **kwargs)

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call a function before each forward call; what it returns replaces the arguments."""
        return self._forward_pre_hooks.add(hook, prepend=prepend, with_kwargs=with_kwargs)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call a function after each forward call; what it returns replaces the result."""
        return self._forward_hooks.add(hook, prepend=prepend, with_kwargs=with_kwargs, always=always_call)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call a function with the gradients of the outputs; what it returns replaces them."""
        return self._backward_pre_hooks.add(hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call a function with the gradients of inputs and outputs; what it returns replaces those of the inputs."""
        return self._backward_hooks.add_kind(hook, full=True, prepend=prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Call a function with the gradients of the last step of forward only."""
        return self._backward_hooks.add_kind(hook, full=False)

    # -- showing ------------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Return the options of a layer, for its repr."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        lines = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        return shown(self._get_name(), self.extra_repr(), lines)


class OfModule:
    """A hook that is given a module first."""

    def __init__(self, hook: Hook, module: Module) -> None:
        self.hook, self.module = hook, module

    def __call__(self, *args: Any) -> Any:
        return self.hook(self.module, *args)


def check_assigned(value: Any, kind: str, name: str, expected: str) -> None:
    """Refuse to replace a parameter, buffer or module by something else."""
    if value is not None:
        raise TypeError(f"cannot assign '{type_name(value)}' as {kind} '{name}' ({expected} expected)")


def member_of(module: Module, name: str) -> Any:
    if not hasattr(module, name):
        raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
    return getattr(module, name)


def dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def indented(text: str) -> str:
    """Move all lines but the first two columns to the right; those without a word become empty."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(f"  {line}" if line.strip() else "" for line in rest)])


def shown(name: str, extra: str, lines: list[str]) -> str:
    """Show a module: on one line if nothing is within it."""
    parts = [*(extra.split("\n") if extra else ()), *lines]
    if not lines and len(parts) < 2:
        return f"{name}({extra})"
    return "\n  ".join([f"{name}(", *parts]) + "\n)"


def type_name(value: Any) -> str:
    """Name the type of a tensor or of another value, or a class or a function, as PyTorch's messages do."""
    if isinstance(value, Tensor):
        return str(value.type())
    named = value if hasattr(value, "__qualname__") else type(value)
    path = "" if named.__module__ in (None, "builtins") else f"{named.__module__}."
    return path.replace("assay_reference.", "torch.", 1) + named.__qualname__


def unmatched(kind: str, names: list[str]) -> list[str]:
    quoted = ", ".join(f'"{name}"' for name in names)
    return [f"{kind} key(s) in state_dict: {quoted}. "] if names else []
