"""torch.Tensor(...), and torch.FloatTensor and its like: the legacy constructors and names of types."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from assay_reference.core import devices, dtypes
from assay_reference.core.arrays import cuda_namespace
from assay_reference.core.devices import device
from assay_reference.core.dispatch import composite
from assay_reference.core.dtypes import dtype
from assay_reference.core.layouts import layout, sparse_coo, strided
from assay_reference.core.memory import Storage
from assay_reference.core.tensor import Size, Tensor, attach, method
from assay_reference.core.warn import warn_once
from assay_reference.ops import creation
from assay_reference.ops.conversion import to
from assay_reference.ops.indexing import qualified_name
from assay_reference.ops.shape import alias

DEPRECATED: Final = (
    "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
    "torch.set_default_device() as alternatives."
)
INVALID: Final = """new() received an invalid combination of arguments - got ({}), but expected one of:
 * (*, torch.device device = None)
 * (torch.Storage storage)
 * (Tensor other)
 * (tuple of ints size, *, torch.device device = None)
 * (object data, *, torch.device device = None)
"""
KEYWORDS: Final[dict[str, Any]] = {"size": (tuple, list), "data": object, "other": Tensor, "storage": Storage}
OPTIONS: Final = (
    "TensorOptions(dtype={}, device={}, layout={}, requires_grad=false (default), pinned_memory=false (default), "
    "memory_format=(nullopt))"
)


def constructed(kind: dtype, target: device, args: tuple[Any, ...], named: dict[str, Any], *, alike: bool) -> Tensor:
    """Make a tensor of nothing, a size, data, a storage, or another tensor, of the same type if `alike`."""
    wanted = named.pop("device", None)
    if wanted is not None and device(wanted).type != target.type:
        raise RuntimeError(
            f"legacy constructor expects device type: {target.type} but device type: {device(wanted).type} was passed"
        )
    given = _given(args, named)
    if isinstance(given, Storage):
        return Tensor._over(given, kind, kind.title)
    if isinstance(given, Tensor):
        if wanted is not None:
            raise RuntimeError(
                "Legacy tensor constructor of the form torch.Tensor(tensor, device=device) is not supported.  Use "
                "torch.tensor(...) or torch.as_tensor(...) instead."
            )
        if alike and (given.dtype, given.device.type, given.layout) != (kind, target.type, strided):
            here = OPTIONS.format(kind.c_name, target, strided.title)
            there = OPTIONS.format(given.dtype.c_name, given.device, given.layout.title)
            raise TypeError(f"expected {here} (got {there})")
        return alias(given)  # type: ignore[no-any-return]
    if isinstance(given, Size):
        if any(each < 0 for each in given):
            first = next(each for each in given if each < 0)
            raise RuntimeError(f"Trying to create tensor with negative dimension {first}: {list(given)}")
        return creation.empty(given, dtype=kind, device=target)
    return creation.tensor(_checked(given), dtype=kind, device=target)


def _given(args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Read the arguments: a size, however it was passed, or what else there is."""
    if not args and not named:
        return Size((0,))
    if not args and len(named) == 1:
        name, value = next(iter(named.items()))
        if isinstance(value, KEYWORDS.get(name, ())):
            return Size(value) if name == "size" else value if name != "data" else _checked(value)
    if not named and len(args) == 1 and not _is_integer(args[0]):
        return args[0]
    if named or not (_is_integer(args[0]) or _is_number(args[0])):
        kinds = [qualified_name(type(each)) for each in args]
        kinds += [f"{name}={qualified_name(type(value))}" for name, value in named.items()]
        raise TypeError(INVALID.format(", ".join(kinds)))
    return Size(creation.integer_sizes("new", args, unpacked=True))


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.ndim


def _checked(data: Any) -> Any:
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if not isinstance(data, (Sequence, np.ndarray)):
        raise TypeError(f"new(): data must be a sequence (got {qualified_name(type(data))})")
    return data


def construct(cls: type[Tensor], *args: Any, **named: Any) -> Any:
    """Make a tensor of the default type, or of a subclass: what torch.Tensor(...) does."""
    made = constructed(dtypes.get_default_dtype(), devices.resolve(None), args, named, alike=False)
    return made if cls is Tensor else Tensor._make_subclass(cls, made)


attach("__new__", staticmethod(construct))


@method
def new(self: Tensor, *args: Any, **named: Any) -> Tensor:
    """Make a tensor of the same type on the same device, as torch.Tensor(...) does."""
    return constructed(self.dtype, self.device, args, named, alike=True)


class TensorType(type):
    """The type of torch.FloatTensor and its like, which are names for tensors of one element type."""

    dtype: dtype
    is_cuda: bool
    layout: layout = strided
    is_sparse = False

    def __call__(cls, *args: Any, **named: Any) -> Tensor:
        return constructed(cls.dtype, cls._device(), args, named, alike=True)

    def _device(cls) -> device:
        if cls.is_cuda and cuda_namespace() is None:
            raise TypeError(f"type {qualified_name(cls)} not available. Torch not compiled with CUDA enabled.")
        return devices.resolve("cuda" if cls.is_cuda else "cpu")

    def __instancecheck__(cls, instance: Any) -> bool:
        of = (cls.dtype, cls.is_cuda, cls.layout)
        return isinstance(instance, Tensor) and (instance.dtype, instance.is_cuda, instance.layout) == of


def tensor_types(module: str) -> dict[str, Any]:
    """Make FloatTensor and its like for a kind of device."""
    names = {f"{kind.title}Tensor": kind for kind in dtypes.DTYPES if not kind.is_complex}
    return {
        name: TensorType(name, (), {"dtype": kind, "is_cuda": module == "torch.cuda", "__module__": module})
        for name, kind in names.items()
    }


# What Tensor.type(...) calls the type of each layout on each kind of device.
MODULES: Final = {
    (strided, "cpu"): "torch",
    (strided, "cuda"): "torch.cuda",
    (sparse_coo, "cpu"): "torch.sparse",
    (sparse_coo, "cuda"): "torch.cuda.sparse",
}
# What each name of a type converts to, which is never another layout.
TYPE_NAMES: Final = {
    f"{module}.{kind.title}Tensor": (kind, target) for kind in dtypes.DTYPES for (_, target), module in MODULES.items()
}


@composite(function=False, name="type")
def as_type(self: Tensor, dtype: Any = None, non_blocking: bool = False, *, memory_format: Any = None) -> Any:
    """Name the tensor's type, as in 'torch.FloatTensor'; or convert to a type, given by its name or itself."""
    if dtype is None:
        if self.layout not in (strided, sparse_coo):
            raise RuntimeError(f"Unimplemented backend {self._array.backend}")
        return f"{MODULES[self.layout, self.device.type]}.{self.dtype.title}Tensor"
    if isinstance(dtype, dtypes.dtype):
        return to(self, dtype, memory_format=memory_format)
    if dtype is Tensor:
        return to(self, devices.resolve(None), dtypes.get_default_dtype(), memory_format=memory_format)
    if not isinstance(dtype, (str, type)):
        raise TypeError("dtype must be a type, str, or dtype object")
    name = dtype if isinstance(dtype, str) else qualified_name(dtype)
    if name not in TYPE_NAMES:
        raise ValueError(f"invalid type: '{name}'")
    kind, target = TYPE_NAMES[name]
    return to(self, target, kind, memory_format=memory_format)


def set_default_tensor_type(t: Any, /) -> None:
    """Choose the type that Python floats become, and the kind of device on which new tensors are made."""
    warn_once(DEPRECATED)
    chosen = _named(t) if isinstance(t, str) else t
    if not isinstance(chosen, TensorType):
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    target = chosen._device()
    dtypes.set_default_dtype(chosen.dtype)
    devices.set_default_device(target)


def _named(name: str) -> Any:
    """Find what a dotted name means; the module torch is the reference itself."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module((module or last).replace("torch", "assay_reference", 1)), last)
