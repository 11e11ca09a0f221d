"""torch.save: a zip archive of one pickle and the bytes of each storage; or, as before PyTorch 1.6, both in a row."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from types import FunctionType
from typing import Any

from assay_reference.core import devices, dtypes
from assay_reference.core.layouts import layout
from assay_reference.core.memory import Storage, UntypedStorage
from assay_reference.core.packed import Sparse
from assay_reference.core.tensor import Size, Tensor
from assay_reference.nn.parameter import Parameter
from assay_reference.serialization.legacy import MAGIC, PROTOCOL
from assay_reference.serialization.names import public
from assay_reference.storage import TypedStorage

# Python's own pickler in Python: the fast one does not let names be written by hand.
_PurePickler: Any = pickle._Pickler


class _Global:
    """A name in PyTorch, to be pickled as that name alone."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Rebuilt:
    """A call that makes what is PyTorch's when a file is read."""

    def __init__(self, function: str, arguments: tuple[Any, ...], module: str = "torch._utils") -> None:
        self.function, self.arguments = _Global(module, function), arguments


class _StorageReference:
    """Stands in the pickle for the bytes of a storage."""

    def __init__(self, identity: tuple[Any, ...]) -> None:
        self.identity = identity


class _Writer(_PurePickler):  # type: ignore[misc]
    """Pickles tensors as PyTorch does: a call that rebuilds them over a storage kept beside the pickle."""

    def __init__(self, file: Any, protocol: int, more: tuple[None, ...]) -> None:
        super().__init__(file, protocol=protocol)
        self.more = more  # what the format has in a storage's identity besides
        self.storages: dict[UntypedStorage, tuple[str, int, bytes]] = {}
        self.kinds: dict[UntypedStorage, dtypes.dtype] = {}
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
        if isinstance(obj, (type, FunctionType)) and (theirs := public(obj)):
            return self.save(_Global(*theirs))
        if isinstance(obj, Tensor):
            return self._save_tensor(obj)
        if isinstance(obj, Storage):
            return self.save(self._kept(obj))
        if isinstance(obj, OrderedDict) and type(obj) is not OrderedDict:
            return self.save(OrderedDict(obj))  # a module's state is read back as a plain container
        if isinstance(obj, dtypes.dtype):
            return self.save(_Global("torch", obj.name))
        if isinstance(obj, layout):
            return self.save(_Rebuilt("_get_layout", (str(obj),), "torch.serialization"))
        if isinstance(obj, (Size, devices.device)):
            return self.save(_Rebuilt(type(obj).__name__, obj.__reduce__()[1], "torch"))
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
            return _Rebuilt("_rebuild_sparse_tensor", (tensor.layout, (*parts, tuple(tensor.shape), *more)))
        memory = self._kept(TypedStorage._of(tensor.untyped_storage(), tensor.dtype))
        geometry = (tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
        return _Rebuilt("_rebuild_tensor_v2", (memory, *geometry, requires_grad, OrderedDict()))

    def _kept(self, storage: Storage) -> _StorageReference:
        """Keep the bytes of a storage, once for all that share it."""
        memory = storage.untyped()
        if self.kinds.setdefault(memory, storage._kind) != storage._kind and memory.nbytes():
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        if memory not in self.storages:
            self.storages[memory] = str(len(self.storages)), len(storage), memory.cpu().memory.tobytes()
        key, _, _ = self.storages[memory]
        name = storage.pickle_storage_type() if isinstance(storage, TypedStorage) else "storage.UntypedStorage"
        module, _, last = f"torch.{name}".rpartition(".")
        return _StorageReference(("storage", _Global(module, last), key, str(storage.device), len(storage), *self.more))


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write tensors, and containers of them, to a path or an open file."""
    _check_destination(f)
    buffer = io.BytesIO()
    writer = _Writer(buffer, pickle_protocol, () if _use_new_zipfile_serialization else (None,))
    writer.dump(obj)
    storages = list(writer.storages.values())
    if not _use_new_zipfile_serialization:
        _write(f, _in_a_row(buffer.getvalue(), storages, pickle_protocol))
        return
    with zipfile.ZipFile(f, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", buffer.getvalue())
        archive.writestr("archive/.format_version", "1")
        if not _disable_byteorder_record:
            archive.writestr("archive/byteorder", sys.byteorder)
        for key, _, content in storages:
            archive.writestr(f"archive/data/{key}", content)
        archive.writestr("archive/version", "3\n")


def _check_destination(f: Any) -> None:
    if not isinstance(f, str | os.PathLike):
        if not hasattr(f, "write"):
            raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    elif not os.path.isdir(folder := os.path.dirname(os.fspath(f)) or "."):
        raise RuntimeError(f"Parent directory {folder} does not exist.")


def _write(f: Any, content: bytes) -> None:
    if isinstance(f, str | os.PathLike):
        with open(f, "wb") as file:
            file.write(content)
    else:
        f.write(content)


def _in_a_row(body: bytes, storages: list[tuple[str, int, bytes]], protocol: int) -> bytes:
    """Write the format of old: what it is, the pickle, the keys of the storages, and the storages."""
    sizes = {"short": 2, "int": 4, "long": 4}
    system = {"protocol_version": PROTOCOL, "little_endian": sys.byteorder == "little", "type_sizes": sizes}
    first, second, third = (pickle.dumps(each, protocol) for each in (MAGIC, PROTOCOL, system))
    keys = pickle.dumps([key for key, _, _ in storages], protocol)
    contents = (struct.pack("<q", count) + content for _, count, content in storages)
    return b"".join((first, second, third, body, keys, *contents))
