"""Frames: messages between the runner and a worker of its own, pickled and made of nothing but what a table names.

A frame holds several messages: what they have in common, as names and classes, is written once.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from types import EllipsisType
from typing import Any, BinaryIO, Final, TypeVar

import numpy as np

from assay.backends.base import Capabilities
from assay.backends.messages import LIMIT, Reply, Request, WireError
from assay.cases.arrays import Host, host_dtype
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Missing, Outcome, Raised
from assay_spec import dtypes
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.steps import Function, Look, Named, Ref, Step

_HEAD: Final = struct.Struct(">5sqQ")  # a mark, the id of the first message, and the number of bytes that follow
_MARK: Final = b"assay"
_RECORDS: Final = (
    Case, Step, Look, Ref, Function, Named, Slice, Outcome, Raised, Missing, Capabilities,
)  # fmt: skip


def _tensor(
    dtype: str, shape: tuple[int, ...], data: bytes, strides: tuple[int, ...], offset: int, requires_grad: bool
) -> TensorValue:
    return TensorValue(dtype, shape, _elements(data, dtype), strides, offset, requires_grad)


def _array(
    dtype: str, shape: tuple[int, ...], data: bytes, stored: str, device: str, strides: tuple[int, ...] | None
) -> Array:
    return Array(dtype, _elements(data, stored).reshape(shape), device, strides)


def _elements(data: bytes, dtype: str) -> Host:
    """Return the elements in a buffer: a copy, because a view of bytes cannot be written to."""
    return np.frombuffer(data, host_dtype(dtype) if dtype in dtypes.ALL else np.dtype(dtype)).copy()


def _reduced_tensor(value: TensorValue) -> tuple[Any, ...]:
    data = value.buffer.tobytes()
    return _tensor, (value.dtype, value.shape, data, value.strides, value.offset, value.requires_grad)


def _reduced_array(value: Array) -> tuple[Any, ...]:
    array = value.array
    if array.dtype.kind == "O":
        raise TypeError(f"an array of {array.dtype} cannot be sent")
    return _array, (value.dtype, array.shape, array.tobytes(), array.dtype.name, value.device, value.strides)


def _reduced(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    """Return how a record is taken apart: its class, and its fields in order."""
    names = [each.name for each in fields(kind)]
    parts = attrgetter(*names)
    return (lambda value: (kind, parts(value))) if len(names) > 1 else (lambda value: (kind, (parts(value),)))


_Message = TypeVar("_Message", Request, Reply)
_MAKERS: Final[Mapping[tuple[str, str], Any]] = {
    **{(each.__module__, each.__name__): each for each in (_tensor, _array, Dtype, dtypes.DtypeName, *_RECORDS)},
    ("builtins", "complex"): complex,
    ("builtins", "Ellipsis"): Ellipsis,
}


class _Reductions(dict[type, Callable[[Any], Any]]):
    """How values are taken apart, by their class."""

    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} is no part of a message")


_REDUCTIONS: Final = _Reductions()
_REDUCTIONS[TensorValue] = _reduced_tensor
_REDUCTIONS[Array] = _reduced_array
_REDUCTIONS[complex] = lambda value: (complex, (value.real, value.imag))
_REDUCTIONS[EllipsisType] = str
for _word in (Dtype, dtypes.DtypeName):
    _REDUCTIONS[_word] = lambda value: (type(value), (str(value),))
for _kind in _RECORDS:
    _REDUCTIONS[_kind] = _reduced(_kind)


class _Pickler(pickle.Pickler):
    dispatch_table = _REDUCTIONS


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _MAKERS:
            raise WireError(f"a frame names {module}.{name}, which is no part of a message")
        return _MAKERS[module, name]


class Frames:
    """The framing between two Pythons."""

    def pack(self, messages: Sequence[Request] | Sequence[Reply]) -> bytes:
        """Return messages as bytes."""
        stream = io.BytesIO(b"\0" * _HEAD.size)
        stream.seek(_HEAD.size)
        _Pickler(stream, pickle.HIGHEST_PROTOCOL).dump([tuple(each) for each in messages])
        packed = stream.getbuffer()
        if len(packed) > LIMIT and len(messages) > 1:
            return b"".join([self.pack([each]) for each in messages])  # type: ignore[arg-type]
        _HEAD.pack_into(packed, 0, _MARK, messages[0].id, len(packed) - _HEAD.size)
        return stream.getvalue()

    def take(self, received: bytearray) -> list[Reply]:
        """Take the replies of a whole frame off the front of what was received; none if there is none yet."""
        if len(received) < _HEAD.size:
            return []
        number, length = self._head(bytes(received[: _HEAD.size]))
        end = _HEAD.size + length
        if len(received) < end:
            return []
        content = bytes(memoryview(received)[_HEAD.size : end])
        del received[:end]
        try:
            return self._messages(content, Reply)
        except WireError as error:  # what follows is in order all the same
            return [Reply(number, fault=str(error))]

    def read(self, stream: BinaryIO) -> list[Request]:
        """Read the next requests from a stream; none at the end."""
        head = stream.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return []
        return self._messages(stream.read(self._head(head)[1]), Request)

    @staticmethod
    def _head(head: bytes) -> tuple[int, int]:
        """Return the id of the first message of a frame and the length of the frame."""
        mark, number, length = _HEAD.unpack(head)
        if mark != _MARK:
            raise WireError(f"no frame begins with {head!r}")
        if length > LIMIT:
            raise WireError(f"a frame of {length} bytes; {LIMIT} are the most")
        return number, length

    @staticmethod
    def _messages(content: bytes, kind: type[_Message]) -> list[_Message]:
        try:
            messages = _Unpickler(io.BytesIO(content)).load()
        except WireError:
            raise
        except Exception as error:  # a damaged pickle may raise anything
            raise WireError(f"a damaged frame: {type(error).__name__}: {error}") from error
        if type(messages) is not list or not messages:
            raise WireError(f"a frame holds a {type(messages).__name__}, not a list of messages")
        for each in messages:
            if type(each) is not tuple or len(each) != len(kind._fields):
                raise WireError(f"a frame holds a {type(each).__name__}, not a {kind.__name__}")
        return [kind(*each) for each in messages]
