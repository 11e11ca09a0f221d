"""torch.storage: memory as numbers of a type, torch.FloatStorage and its like, and tensors that share memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from assay_reference.core import devices, dtypes
from assay_reference.core.arrays import contiguous_strides, strided
from assay_reference.core.dispatch import attach, composite
from assay_reference.core.dtypes import dtype
from assay_reference.core.grad_mode import records
from assay_reference.core.history import check_writable
from assay_reference.core.memory import Storage, UntypedStorage
from assay_reference.core.memory_formats import check_memory_format, format_of, preserve_format, strides_in_format
from assay_reference.core.tensor import Tensor
from assay_reference.core.warn import warn_once
from assay_reference.core.writing import resize
from assay_reference.ops.creation import integer_sizes, tensor
from assay_reference.ops.shape import as_sequence

DEPRECATED: Final = (
    "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage class. "
    "This should only matter to you if you are using storages directly.  To access UntypedStorage directly, use "
    "tensor.untyped_storage() instead of tensor.storage()"
)
SHOWN: Final = "<class 'torch.storage.TypedStorage'>"
TYPED_FORMS: Final = """TypedStorage.__init__ received an invalid combination of arguments. Expected one of:
 * (*, torch.device device, torch.dtype dtype)
 * (int size, *, torch.device device, torch.dtype dtype)
 * (Sequence data, *, torch.device device, torch.dtype dtype)
 * (*, UntypedStorage wrap_storage, torch.dtype dtype)
"""
LEGACY_FORMS: Final = """{}.__new__ received an invalid combination of arguments. Expected one of:
 * no arguments
 * (int size)
 * (Sequence data)
 * (*, UntypedStorage wrap_storage)
"""


class TypedStorage(Storage):
    """Memory as a row of numbers of one type."""

    __slots__ = ("_kind", "_untyped")

    def __init__(
        self, *args: Any, wrap_storage: UntypedStorage | None = None, dtype: Any = None, device: Any = None
    ) -> None:
        if wrap_storage is not None:
            if dtype is None:
                raise RuntimeError(f"{TYPED_FORMS}Argument 'dtype' must be specified")
            if not isinstance(dtype, dtypes.dtype):
                raise TypeError(f"{TYPED_FORMS}Argument 'dtype' must be torch.dtype, not {type(dtype)}")
            if device is not None:
                why = "Argument 'device' should not be specified when 'wrap_storage' is given"
                raise RuntimeError(TYPED_FORMS + why)
        warn_once(DEPRECATED)
        self._kind = dtype or dtypes.get_default_dtype()
        self._untyped = _memory(TYPED_FORMS, args, wrap_storage, self._kind, device)

    @classmethod
    def _of(cls, memory: UntypedStorage, kind: dtype) -> TypedStorage:
        """Make a typed storage of memory."""
        storage = object.__new__(TypedStorage)
        storage._kind, storage._untyped = kind, memory
        return storage

    @property
    def dtype(self) -> dtype:
        return self._kind

    def untyped(self) -> UntypedStorage:
        """Return the memory itself."""
        return self._untyped

    def _tensor(self) -> Tensor:
        """Make a tensor that shares the memory, but does not count writes to it."""
        return Tensor._wrap(self._row(), self.device)

    def __getitem__(self, index: int) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        self._check_index(index)
        return self._element(index)

    def __setitem__(self, index: int | slice, value: Any) -> None:
        self._check_index(index)
        self._tensor()[index] = value

    def _check_index(self, index: Any) -> None:
        if not isinstance(index, (int, slice)):
            raise RuntimeError(f"can't index a {SHOWN} with {type(index)}")

    def fill_(self, value: Any) -> TypedStorage:
        """Overwrite all elements."""
        self[:] = value
        return self

    def resize_(self, size: int) -> None:
        """Change the number of elements; memory that grows moves, and all tensors that share it with it."""
        self._untyped.resize_(size * self._kind.itemsize)

    def clone(self) -> TypedStorage:
        """Copy the memory."""
        return TypedStorage._of(self._untyped.clone(), self._kind)

    def cpu(self) -> TypedStorage:
        """Bring the memory to the CPU; what is there already is not copied."""
        return TypedStorage._of(self._untyped.cpu(), self._kind)

    def cuda(self, device: Any = None, non_blocking: bool = False) -> TypedStorage:
        """Bring the memory to a CUDA device; what is there already is not copied."""
        return TypedStorage._of(self._untyped.cuda(device), self._kind)

    def to(self, *, device: Any, non_blocking: bool = False) -> TypedStorage:
        """Bring the memory to a device; what is there already is not copied."""
        return self.cpu() if devices.resolve(device).type == "cpu" else self.cuda(device)

    def type(self) -> str:
        """Name the type of the storage, as in 'torch.FloatStorage'."""
        return f"torch.{'cuda.' if self.is_cuda else ''}{self.pickle_storage_type()}"

    def pickle_storage_type(self) -> str:
        """Name the type of the storage as files do."""
        return f"{self._kind.title}Storage"

    def __repr__(self) -> str:
        return self._shown(f"TypedStorage(dtype={self._kind!r}, device={self.device})")


def _memory(forms: str, args: tuple[Any, ...], wrapped: Any, kind: dtype, device: Any) -> UntypedStorage:
    """Read the arguments of a typed storage: nothing, a size, a sequence, or memory that is there already."""
    if wrapped is not None:
        if args:
            raise RuntimeError(f"{forms}No positional arguments should be given when using 'wrap_storage'")
        if not isinstance(wrapped, UntypedStorage):
            raise TypeError(f"{forms}Argument 'wrap_storage' must be UntypedStorage, but got {_shown(wrapped)}")
        return wrapped
    if len(args) > 1:
        raise RuntimeError(f"{forms}Too many positional arguments")
    given = args[0] if args else 0
    if isinstance(given, Sequence):
        return tensor(given, dtype=kind, device=device).untyped_storage()
    if not isinstance(given, (int, np.integer)):
        raise TypeError(f"{forms}Argument type not recognized: {_shown(given)}")
    return UntypedStorage(int(given) * kind.itemsize, device=device)


def _shown(value: Any) -> str:
    return SHOWN if isinstance(value, TypedStorage) else str(type(value))


class LegacyStorage(type):
    """The type of torch.FloatStorage and its like, which are names for storages of one element type."""

    dtype: dtype
    is_cuda: bool

    def __call__(cls, *args: Any, wrap_storage: Any = None, **named: Any) -> TypedStorage:
        forms = LEGACY_FORMS.format(cls)
        for name in named:
            raise RuntimeError(f"{forms}Keyword argument '{name}' cannot be specified")
        warn_once(DEPRECATED)
        device = "cuda" if cls.is_cuda else "cpu"
        return TypedStorage._of(_memory(forms, args, wrap_storage, cls.dtype, device), cls.dtype)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TypedStorage) and (instance.dtype, instance.is_cuda) == (cls.dtype, cls.is_cuda)


def storage_types(module: str) -> dict[str, Any]:
    """Make FloatStorage and its like for a kind of device."""
    names = {f"{kind.title}Storage": kind for kind in dtypes.DTYPES}
    return {
        name: LegacyStorage(
            name, (TypedStorage,), {"dtype": kind, "is_cuda": module == "torch.cuda", "__module__": module}
        )
        for name, kind in names.items()
    }


def _converter(name: str, kind: dtype) -> None:
    def convert(self: Storage) -> TypedStorage:
        return TypedStorage._of(Tensor._wrap(self._row()).to(kind, copy=True).untyped_storage(), kind)

    convert.__name__, convert.__doc__ = name, f"Copy the elements as {kind!r}."
    setattr(Storage, name, convert)


for _kind in dtypes.DTYPES:
    _converter(_kind.title.replace("Complex", "complex_").lower(), _kind)


def is_storage(obj: Any, /) -> bool:
    """Return whether something is a storage."""
    return isinstance(obj, Storage)


def storage(self: Tensor) -> TypedStorage:
    """Return the memory that the tensor and its views share, as numbers of the tensor's type."""
    warn_once(DEPRECATED)
    return TypedStorage._of(self.untyped_storage(), self.dtype)


def set_(
    self: Tensor,
    source: Tensor | Storage | None = None,
    storage_offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """Share other memory: another tensor's, or a storage's with an offset, a size and strides."""
    check_writable(self, records() and self.requires_grad)
    if not isinstance(source, (Tensor, Storage, type(None))):
        raise TypeError(f"set_() received an invalid combination of arguments - got ({type(source).__name__})")
    if isinstance(source, Tensor) and source.dtype is not self.dtype:
        raise RuntimeError(
            f"Could not set tensor of type {source.dtype.c_name} to a tensor of type {self.dtype.c_name}"
        )
    if source is None:
        source = UntypedStorage(device=self.device)
    elif isinstance(source, Tensor) and size is not None:
        source = source.untyped_storage()
    if isinstance(source, Storage):
        source = section(source, self.dtype, storage_offset, size, stride)
    self._array, self._storage = source._array, source._storage
    self._storage.version += 1
    self._base, self._chain, self._node = None, (), None
    return self


def resize_(self: Tensor, *sizes: Any, size: Any = None, memory_format: Any = None) -> Tensor:
    """Change the size: the elements stay where they are in memory, which grows where it is too short."""
    if size is None and not sizes:
        raise TypeError('resize_() missing 1 required positional arguments: "size"')
    check_memory_format("resize_", memory_format)
    given = as_sequence(sizes) if size is None else size
    wanted = integer_sizes("resize_", given, unpacked=given is sizes)
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if any(each < 0 for each in wanted):
        raise RuntimeError("numel: integer multiplication overflow")
    if memory_format is preserve_format:
        raise RuntimeError("Unsupported memory formatPreserve")
    check_writable(self, recorded=False)
    if wanted != self.shape:
        resize(self, wanted)
        self._storage.version += 1
    if memory_format is not None:
        strides = strides_in_format(memory_format, wanted, self.itemsize)
        self._array = strided(self._array, wanted, strides)
    return self


@composite()
def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """Change the size to another tensor's: the elements stay where they are in memory."""
    if not isinstance(the_template, Tensor):
        kind = type(the_template).__name__
        raise TypeError(f"resize_as_(): argument 'the_template' (position 1) must be Tensor, not {kind}")
    check_memory_format("resize_as_", memory_format)
    wanted = format_of(the_template._array) if memory_format is preserve_format else memory_format
    return resize_(input, the_template.shape, memory_format=wanted)


def section(
    memory: Storage, kind: dtype, offset: int, size: Sequence[int] | None, stride: Sequence[int] | None
) -> Tensor:
    """Show a part of memory, which grows where it is too short."""
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    whole = Tensor._over(memory, kind, kind.c_name)
    if size is None:
        return whole
    steps = contiguous_strides(size, 1) if stride is None else stride
    if len(steps) != len(size):
        raise RuntimeError(f"unequal size length ({len(size)}) and stride length ({len(steps)})")
    if any(length < 0 for length in size):
        raise RuntimeError("numel: integer multiplication overflow")
    if any(step < 0 for step in steps):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(steps)}")
    return Tensor._wrap(whole._storage.section(kind, offset, size, steps), whole.device, whole._storage)


attach("storage", storage)
attach("set_", set_)
attach("resize_", resize_)
