"""Modules that hold modules, or parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sized
from itertools import chain
from operator import index as as_integer
from typing import Any, NoReturn, Self

from assay_reference.core.tensor import Tensor
from assay_reference.nn.modules.module import Module, shown
from assay_reference.nn.parameter import Parameter


class Indexed(Module):
    """A container whose members have indices."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self._modules)[position_of(index, self)], module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index if isinstance(index, slice) else position_of(index, self)]
        self._modules = OrderedDict((str(position), module) for position, module in enumerate(modules))

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Take a module out, or several."""
        module = self[key]
        del self[key]
        return module

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def _add_all(self, modules: Iterable[Any]) -> Self:
        """Add modules at the end."""
        first = len(self)
        for position, module in enumerate(modules, first):
            self.add_module(str(position), module)
        return self

    def _put_in(self, index: int, module: Module) -> None:
        """Add a module before another, and those after it under the next numbers."""
        for position in range(len(self), index, -1):
            self._modules[str(position)] = self._modules[str(position - 1)]
        self._modules[str(index)] = module


class Sequential(Indexed):
    """Calls its modules one after the other."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self._add_all(args)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return list(self)[position_of(index, self)]

    def __add__(self, other: Sequential) -> Sequential:
        check_addable(other)
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Self:
        check_addable(other)
        return self._add_all(other)

    def __mul__(self, other: int) -> Sequential:
        self._check_factor(other)
        return Sequential(*list(self) * other)

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Self:
        self._check_factor(other)
        return self._add_all(list(self) * (other - 1))

    def _check_factor(self, factor: Any) -> None:
        if not isinstance(factor, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(factor)}")
        if factor <= 0:
            raise ValueError(f"Non-positive multiplication factor {factor} for {type(self)}")

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before another."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        self._put_in(index + len(self) if index < 0 else index, module)
        return self

    def extend(self, sequential: Iterable[Module]) -> Self:
        """Add modules at the end."""
        for module in sequential:
            self.append(module)
        return self

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input


class ModuleList(Indexed):
    """A list of modules."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self._modules[str(position_of(index, self))]

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(chain(self, other))

    def insert(self, index: int, module: Module) -> None:
        """Add a module before another."""
        self._put_in(index, module)

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        check_iterable("ModuleList.extend", "an iterable", modules)
        return self._add_all(modules)

    def __repr__(self) -> str:
        """Show equal neighbours once, with their count."""
        lines: list[str] = []
        first = 0
        texts = [repr(module) for module in self]
        for position, text in enumerate(texts):
            if position + 1 < len(texts) and texts[position + 1] == text:
                continue
            several = f"({first}-{position}): {position + 1 - first} x " if position > first else f"({position}): "
            lines.append(several + text.replace("\n", "\n  "))
            first = position + 1
        return shown(self._get_name(), "", lines)


class ModuleDict(Module):
    """Modules by name."""

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules by their names."""
        check_iterable("ModuleDict.update", "an iterable of key/value pairs", modules)
        named = modules.items() if isinstance(modules, (ModuleDict, Mapping)) else pairs("ModuleDict", modules)
        for name, module in named:
            self[name] = module

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Take a module out."""
        return self._modules.pop(key)

    def keys(self) -> Any:
        return self._modules.keys()

    def values(self) -> Any:
        return self._modules.values()

    def items(self) -> Any:
        return self._modules.items()


class ParameterContainer(Module):
    """What holds parameters, into which tensors are made, and other values."""

    def _put(self, name: str, value: Any) -> None:
        """Keep a value as an attribute; a tensor becomes a parameter."""
        setattr(
            self, name, Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value
        )

    def _shown(self, name: str, value: Any) -> str:
        if not isinstance(value, Tensor):
            return f"  ({name}): Object of type: {type(value).__name__}"
        kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
        place = f" ({value.device})" if value.device.type == "cuda" else ""
        return f"  ({name}): {kind} containing: [{self._kind(value)} of size {'x'.join(map(str, value.shape))}{place}]"

    def _kind(self, value: Tensor) -> Any:
        """Return what the repr says of the type of a tensor."""
        raise NotImplementedError

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(f"{type(self).__name__} should not be called.")


class ParameterList(ParameterContainer):
    """A list of parameters."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[position] for position in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)([self[position] for position in range(len(self))[index]])
        return getattr(self, str(position_of(index, self)))

    def __setitem__(self, index: int, param: Any) -> None:
        self._put(str(position_of(index, self)), param)

    def __iadd__(self, parameters: Iterable[Any]) -> Self:
        return self.extend(parameters)

    def append(self, value: Any) -> Self:
        """Add a value at the end; a tensor becomes a parameter."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end."""
        check_iterable("ParameterList.extend", "an iterable", values, but=Tensor)
        for value in values:
            self.append(value)
        return self

    def _kind(self, value: Tensor) -> Any:
        return value.dtype

    def extra_repr(self) -> str:
        return "\n".join(self._shown(str(position), value) for position, value in enumerate(self))


class ParameterDict(ParameterContainer):
    """Parameters by name."""

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        return getattr(self, named(key))

    def __setitem__(self, key: str, value: Any) -> None:
        self._keys[key] = None
        self._put(named(key), value)

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, named(key))

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def copy(self) -> ParameterDict:
        """Return another dictionary of the same values."""
        return ParameterDict(OrderedDict(self.items()))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return a value; a default that is kept, if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or a default if there is none."""
        return self[key] if key in self else default  # noqa: SIM401 - this is get

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Return a dictionary of one value under several names."""
        return ParameterDict((key, default) for key in keys)

    def clear(self) -> None:
        """Take all values out."""
        for key in list(self):
            del self[key]

    def pop(self, key: str) -> Any:
        """Take a value out."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take the last value out, with its name."""
        if not self._keys:
            raise KeyError("popitem(): dictionary is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def keys(self) -> Any:
        return self._keys.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        return ((key, self[key]) for key in self._keys)

    def values(self) -> Iterable[Any]:
        return (self[key] for key in self._keys)

    def update(self, parameters: Any) -> None:
        """Add values by their names, those of a mapping without an order of its own sorted."""
        check_iterable("ParametersDict.update", "an iterable of key/value pairs", parameters)
        if isinstance(parameters, (OrderedDict, ParameterDict)):
            items = parameters.items()
        elif isinstance(parameters, Mapping):
            items = sorted(parameters.items())
        else:
            items = pairs("ParameterDict", parameters)
        for key, value in items:
            self[key] = value

    def __or__(self, other: ParameterDict) -> ParameterDict:
        both = self.copy()
        both.update(other)
        return both

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        both = other.copy()
        both.update(self)
        return both

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other)
        return self

    def _kind(self, value: Tensor) -> Any:
        return value.type()

    def extra_repr(self) -> str:
        return "\n".join(self._shown(key, value) for key, value in self.items())


def position_of(index: Any, container: Sized) -> int:
    """Return an index counted from the front."""
    position = as_integer(index)
    if not -len(container) <= position < len(container):
        raise IndexError(f"index {position} is out of range")
    return position % len(container)


def named(key: Any) -> str:
    """Return the name of a parameter, which must be text."""
    if not isinstance(key, str):
        raise TypeError(
            "Index given to ParameterDict cannot be used as a key as it is not a string (type is "
            f"'{type(key).__name__}'). Open an issue on github if you need non-string keys."
        )
    return key


def pairs(container: str, items: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Yield names and values, and refuse what is no pair of them."""
    for position, item in enumerate(items):
        element = f"{container} update sequence element #{position}"
        if not isinstance(item, Iterable):
            raise TypeError(f"{element} should be Iterable; is{type(item).__name__}")
        if len(item) != 2:  # type: ignore[arg-type]
            raise ValueError(f"{element} has length {len(item)}; 2 is required")  # type: ignore[arg-type]
        yield item[0], item[1]  # type: ignore[index]


def check_iterable(method: str, wanted: str, values: Any, but: Any = ()) -> None:
    if not isinstance(values, Iterable) or isinstance(values, but):
        raise TypeError(f"{method} should be called with {wanted}, but got {type(values).__name__}")


def check_addable(other: Any) -> None:
    if not isinstance(other, Sequential):
        raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
