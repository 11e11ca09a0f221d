"""torch.save and torch.load, in PyTorch's own format: a zip archive of one pickle and the bytes of each storage."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from assay_reference.core import devices, dtypes
from assay_reference.core.arrays import Array
from assay_reference.core.layouts import KINDS, layout, sparse_coo
from assay_reference.core.memory import Storage, UntypedStorage
from assay_reference.core.packed import Sparse
from assay_reference.core.tensor import Size, Tensor
from assay_reference.nn.parameter import Parameter
from assay_reference.sparse.construction import of_lines, sparse_coo_tensor
from assay_reference.storage import TypedStorage, section

# What each dtype's storage was called when storages had classes; files still name them so.
_DTYPES: Final = {f"{kind.title}Storage": kind for kind in dtypes.DTYPES}


# Python's own pickler in Python: the fast one does not let names be written by hand.
_PurePickler: Any = pickle._Pickler


class _Global:
    """A name in PyTorch, to be pickled as that name alone."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Rebuilt:
    """A call that makes a tensor, or what belongs to one, when a file is read."""

    def __init__(self, function: str, arguments: tuple[Any, ...], module: str = "torch._utils") -> None:
        self.function, self.arguments = _Global(module, function), arguments


class _StorageReference:
    """Stands in the pickle for the bytes of a storage."""

    def __init__(self, identity: tuple[Any, ...]) -> None:
        self.identity = identity


class _Writer(_PurePickler):  # type: ignore[misc]
    """Pickles tensors as PyTorch does: a call that rebuilds them over a storage kept beside the pickle."""

    def __init__(self, file: Any) -> None:
        super().__init__(file, protocol=2)
        self.storages: dict[UntypedStorage, tuple[str, bytes]] = {}
        self.kept: list[Any] = []  # so that no id is used twice

    def persistent_id(self, obj: Any) -> Any:
        return obj.identity if isinstance(obj, _StorageReference) else None

    def save(self, obj: Any, save_persistent_id: bool = True) -> Any:
        if isinstance(obj, _Global):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
            return None
        if isinstance(obj, _Rebuilt):
            self.save(obj.function)
            self.save(obj.arguments)
            self.write(pickle.REDUCE)
            return None
        if isinstance(obj, Tensor):
            return self._save_tensor(obj)
        if isinstance(obj, Storage):
            return self.save(self._kept(obj))
        if isinstance(obj, OrderedDict) and type(obj) is not OrderedDict:
            return self.save(OrderedDict(obj))  # a module's state is read back as a plain container
        if isinstance(obj, dtypes.dtype):
            return self.save(_Global("torch", obj.name))
        return super().save(obj, save_persistent_id)

    def _save_tensor(self, tensor: Tensor) -> Any:
        if id(tensor) in self.memo:
            return self.write(self.get(self.memo[id(tensor)][0]))
        if isinstance(tensor, Parameter):
            inner = self._rebuilt(tensor, requires_grad=False)
            self.save(_Rebuilt("_rebuild_parameter", (inner, tensor.requires_grad, OrderedDict())))
        else:
            self.save(self._rebuilt(tensor, requires_grad=tensor.requires_grad))
        self.memoize(tensor)
        self.kept.append(tensor)
        return None

    def _rebuilt(self, tensor: Tensor, *, requires_grad: bool) -> _Rebuilt:
        """Return the call that makes a tensor again: over its storage, or of its parts if it is sparse."""
        if isinstance(tensor._array, Sparse):
            parts = [Tensor._wrap(part) for part in tensor._array.parts().values()]
            more = (tensor.is_coalesced(),) if tensor.is_sparse else ()
            layout = _Rebuilt("_get_layout", (str(tensor.layout),), "torch.serialization")
            return _Rebuilt("_rebuild_sparse_tensor", (layout, (*parts, tuple(tensor.shape), *more)))
        memory = self._kept(TypedStorage._of(tensor.untyped_storage(), tensor.dtype))
        geometry = (tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
        return _Rebuilt("_rebuild_tensor_v2", (memory, *geometry, requires_grad, OrderedDict()))

    def _kept(self, storage: Storage) -> _StorageReference:
        """Keep the bytes of a storage, once for all that share it."""
        memory = storage.untyped()
        if memory not in self.storages:
            self.storages[memory] = str(len(self.storages)), memory.cpu().memory.tobytes()
        key, _ = self.storages[memory]
        name = storage.pickle_storage_type() if isinstance(storage, TypedStorage) else "storage.UntypedStorage"
        module, _, last = f"torch.{name}".rpartition(".")
        return _StorageReference(("storage", _Global(module, last), key, str(storage.device), len(storage)))


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write tensors, and containers of them, to a path or an open file."""
    buffer = io.BytesIO()
    writer = _Writer(buffer)
    writer.dump(obj)
    with zipfile.ZipFile(f, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", buffer.getvalue())
        archive.writestr("archive/.format_version", "1")
        archive.writestr("archive/byteorder", "little")
        for key, content in writer.storages.values():
            archive.writestr(f"archive/data/{key}", content)
        archive.writestr("archive/version", "3\n")


class _Reader(pickle.Unpickler):
    """Reads PyTorch's pickles; in the safe mode nothing but tensors and plain containers."""

    def __init__(self, file: Any, storages: Callable[[str], bytes], weights_only: bool, map_location: Any) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages, self.weights_only, self.map_location = storages, weights_only, map_location
        self.loaded: dict[str, UntypedStorage] = {}

    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get((module, name))
        if known is not None:
            return known
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if module == "torch" and hasattr(dtypes, name):
            return getattr(dtypes, name)
        if self.weights_only:
            raise pickle.UnpicklingError(
                "Weights only load failed. This file can still be loaded, to do so you have two options, do those "
                "steps only if you trust the source of the checkpoint. \n\tRe-running `torch.load` with `weights_only` "
                "set to `False` will likely succeed, but it can result in arbitrary code execution.\n\t"
                f"WeightsUnpickler error: Unsupported global: GLOBAL {module}.{name} was not an allowed global."
            )
        if module.split(".")[0] == "torch":
            module = "assay_reference" + module.removeprefix("torch")
        return super().find_class(module, name)

    def persistent_load(self, identity: Any) -> TypedStorage:
        _, dtype, key, location, count = identity
        if key not in self.loaded:
            array = np.frombuffer(bytearray(self.storages(key)), dtype.numpy, count)
            self.loaded[key] = UntypedStorage._over(self._placed(array, location))
        return TypedStorage._of(self.loaded[key], dtype)

    def _placed(self, array: Array, location: str) -> Array:
        """Bring a storage to its device, or to that of map_location."""
        wanted: Any = location
        if isinstance(self.map_location, dict):
            wanted = self.map_location.get(location, location)
        elif self.map_location is not None and not callable(self.map_location):
            wanted = self.map_location
        device = devices.resolve(wanted)
        return array if device.type == "cpu" else device.xp.asarray(array)


def _rebuild_tensor(
    storage: TypedStorage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *rest: Any
) -> Tensor:
    tensor = section(storage, storage.dtype, offset, size, stride)
    return tensor.requires_grad_() if rest and rest[0] else tensor


def _rebuild_sparse(layout: layout, parts: tuple[Any, ...]) -> Tensor:
    if layout is sparse_coo:
        indices, values, size, coalesced = parts
        return sparse_coo_tensor(indices, values, size, is_coalesced=coalesced)
    return of_lines(*parts, KINDS[layout])  # type: ignore[no-any-return]


def _layout_of(name: str) -> layout:
    return next(each for each in KINDS if str(each) == name)


def _rebuild_parameter(data: Tensor, requires_grad: bool, hooks: Any) -> Any:
    return Parameter(data, requires_grad)


_KNOWN: Final[dict[tuple[str, str], Any]] = {
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch._utils", "_rebuild_sparse_tensor"): _rebuild_sparse,
    ("torch.serialization", "_get_layout"): _layout_of,
    ("torch", "Size"): Size,
    ("torch", "device"): devices.device,
    ("torch.storage", "UntypedStorage"): dtypes.uint8,
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("builtins", "complex"): complex,
    ("__builtin__", "set"): set,
    ("__builtin__", "complex"): complex,
}


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what `save`, or PyTorch's, wrote; refuse anything but tensors and plain containers unless it is trusted."""
    with zipfile.ZipFile(f) as archive:
        names = archive.namelist()
        root = next(name for name in names if name.endswith("/data.pkl")).removesuffix("data.pkl")
        content = io.BytesIO(archive.read(f"{root}data.pkl"))
        reader = _Reader(
            content, lambda key: archive.read(f"{root}data/{key}"), weights_only is not False, map_location
        )
        return reader.load()
