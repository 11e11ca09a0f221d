"""The wire protocol: cases and outcomes as a line of JSON each, large buffers as bytes after the line."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from typing import Any, BinaryIO, Final

import numpy as np

from assay.backends.base import Capabilities
from assay.cases.arrays import Host, host_dtype
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Lacking, Outcome, Raised
from assay_spec import dtypes
from assay_spec.domains import Dtype
from assay_spec.plans import Slice, row_major
from assay_spec.steps import Function, Look, Named, Ref, Step, Value

PROTOCOL: Final = 2
INLINE: Final = 64 * 1024  # a buffer of more bytes than this follows the line

# PyTorch's element types, and those in which other libraries answer beside them.
_ELEMENTS: Final[dict[str, np.dtype[Any]]] = {
    **{name: host_dtype(name) for name in dtypes.ALL},
    **{name: np.dtype(name) for name in ("uint16", "uint32", "uint64")},
}
# The exceptions that an error's kind stands for where a language has no classes to name.
_ERRORS: Final[dict[str, tuple[str, ...]]] = {
    "shape": ("RuntimeError", "Exception"),
    "dtype": ("RuntimeError", "Exception"),
    "value": ("ValueError", "Exception"),
    "index": ("IndexError", "LookupError", "Exception"),
    "type": ("TypeError", "Exception"),
    "device": ("RuntimeError", "Exception"),
    "memory": ("MemoryError", "Exception"),
    "other": ("RuntimeError", "Exception"),
}


class WireError(ValueError):
    """A message that is not one of the protocol's; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Codec:
    """How one kind of thing is packed into JSON (large buffers into the blob) and unpacked again."""

    pack: Callable[[Any, bytearray], Any]
    unpack: Callable[[Any, bytes], Any]


def _pack_buffer(array: Host, blob: bytearray) -> dict[str, Any]:
    data = array.tobytes()
    if len(data) <= INLINE:
        return {"data": b64encode(data).decode("ascii")}
    start = len(blob)
    blob += data
    return {"at": [start, len(data)]}


def _unpack_buffer(packed: Mapping[str, Any], element: str, blob: bytes) -> Host:
    if "at" in packed:
        start, length = packed["at"]
        data = blob[start : start + length]
    else:
        data = b64decode(packed["data"], validate=True)
    # A copy, because what bytes are viewed through cannot be written to.
    return np.frombuffer(data, _element(element)).copy()


def _element(name: str) -> np.dtype[Any]:
    if name not in _ELEMENTS:
        raise WireError(f"unknown element type {name!r}")
    return _ELEMENTS[name]


def _pack_tensor(value: TensorValue, blob: bytearray) -> dict[str, Any]:
    packed = {"dtype": value.dtype, "shape": value.shape, **_pack_buffer(value.buffer, blob)}
    if not value.is_contiguous:
        packed["strides"], packed["offset"] = value.strides, value.offset
    if value.requires_grad:
        packed["requires_grad"] = True
    return packed


def _unpack_tensor(packed: Mapping[str, Any], blob: bytes) -> TensorValue:
    shape = tuple(packed["shape"])
    return TensorValue(
        dtype=packed["dtype"],
        shape=shape,
        buffer=_unpack_buffer(packed, packed["dtype"], blob),
        strides=tuple(packed["strides"]) if "strides" in packed else row_major(shape),
        offset=packed.get("offset", 0),
        requires_grad=packed.get("requires_grad", False),
    )


def _pack_array(value: Array, blob: bytearray) -> dict[str, Any]:
    stored = value.array.dtype.name
    if stored not in _ELEMENTS:
        raise TypeError(f"an array of {stored} cannot travel")
    packed = {"dtype": value.dtype, "shape": value.shape, **_pack_buffer(value.array, blob)}
    if value.device != "cpu":
        packed["device"] = value.device
    if stored != value.dtype:
        packed["stored"] = stored
    return packed


def _unpack_array(packed: Mapping[str, Any], blob: bytes) -> Array:
    dtype, shape = packed["dtype"], tuple(packed["shape"])
    flat = _unpack_buffer(packed, packed.get("stored", dtype), blob)
    if flat.size != np.prod(shape, dtype=np.int64):
        raise WireError(f"an array of shape {list(shape)} came with {flat.size} elements")
    return Array(dtype, flat.reshape(shape), packed.get("device", "cpu"))


def _pack_slice(value: Slice, blob: bytearray) -> list[str | None]:
    return [None if each is None else str(each) for each in (value.start, value.stop, value.step)]


def _unpack_slice(packed: list[str | None], blob: bytes) -> Slice:
    return Slice(*(None if each is None else int(each) for each in packed))


def _pack_each(values: Any, blob: bytearray) -> list[Any]:
    return [pack_value(each, blob) for each in values]


def _pack_named(values: Mapping[str, Value], blob: bytearray) -> dict[str, Any]:
    return {name: pack_value(each, blob) for name, each in values.items()}


def _unpack_named(packed: Mapping[str, Any], blob: bytes) -> dict[str, Value]:
    return {name: unpack_value(each, blob) for name, each in packed.items()}


def _unpack_tuple(packed: list[Any], blob: bytes) -> tuple[Value, ...]:
    return tuple(unpack_value(each, blob) for each in packed)


def _plainly(pack: Callable[[Any], Any], unpack: Callable[[Any], Any]) -> _Codec:
    """Make a codec of what has no tensors in it."""
    return _Codec(lambda value, blob: pack(value), lambda packed, blob: unpack(packed))


_INT: Final = _plainly(str, int)
_FLOAT: Final = _plainly(float.hex, float.fromhex)

_TAGS: Final[dict[str, tuple[type, _Codec]]] = {
    "int": (int, _INT),
    "float": (float, _FLOAT),
    "complex": (
        complex,
        _plainly(
            lambda value: [value.real.hex(), value.imag.hex()],
            lambda packed: complex(*map(float.fromhex, packed)),
        ),
    ),
    "dtype": (Dtype, _plainly(str, Dtype)),
    "named": (Named, _plainly(lambda value: value.name, Named)),
    "ellipsis": (type(Ellipsis), _plainly(lambda value: True, lambda packed: Ellipsis)),
    "slice": (Slice, _Codec(_pack_slice, _unpack_slice)),
    "tuple": (tuple, _Codec(_pack_each, _unpack_tuple)),
    "list": (list, _Codec(_pack_each, lambda packed, blob: list(_unpack_tuple(packed, blob)))),
    "dict": (dict, _Codec(_pack_named, _unpack_named)),
    "tensor": (TensorValue, _Codec(_pack_tensor, _unpack_tensor)),
    "array": (Array, _Codec(_pack_array, _unpack_array)),
}
_PACKERS: Final = {kind: (tag, codec.pack) for tag, (kind, codec) in _TAGS.items()}


def pack_value(value: Value, blob: bytearray) -> Any:
    """Return a value as JSON: null, booleans and strings as they are, everything else under its tag."""
    kind = type(value)
    if value is None or kind is str or kind is bool:
        return value
    if kind not in _PACKERS:
        raise TypeError(f"{value!r} ({kind.__name__}) cannot travel")
    tag, pack = _PACKERS[kind]
    return {tag: pack(value, blob)}


def unpack_value(packed: Any, blob: bytes) -> Value:
    """Read a value that pack_value gave."""
    if packed is None or isinstance(packed, (bool, str)):
        return packed
    if not isinstance(packed, dict) or len(packed) != 1:
        raise WireError(f"{_brief(packed)} is no value: numbers, lists and objects stand under a tag")
    ((tag, content),) = packed.items()
    if tag not in _TAGS:
        raise WireError(f"unknown tag {tag!r}; the tags are {', '.join(_TAGS)}")
    return _TAGS[tag][1].unpack(content, blob)


_PLAIN: Final = _plainly(lambda value: value, lambda packed: packed)
_NAMES: Final = _plainly(list, tuple)
_NAME_SET: Final = _plainly(sorted, frozenset)
_VALUE: Final = _Codec(lambda value, blob: pack_value(value, blob), lambda packed, blob: unpack_value(packed, blob))
_VALUES: Final = _Codec(_pack_each, _unpack_tuple)
_NAMED: Final = _Codec(_pack_named, _unpack_named)


def _record(kind: type, codecs: Mapping[str, _Codec]) -> _Codec:
    """Make the codec of a dataclass: an object with its fields, those at their default left out."""
    defaults = {
        each.name: each.default_factory() if each.default_factory is not MISSING else each.default
        for each in fields(kind)
    }

    def pack(record: Any, blob: bytearray) -> dict[str, Any]:
        return {
            name: codec.pack(value, blob)
            for name, codec in codecs.items()
            if (value := getattr(record, name)) is not defaults[name] and value != defaults[name]
        }

    def unpack(packed: Mapping[str, Any], blob: bytes) -> Any:
        for name in packed:
            if name not in codecs:
                raise WireError(f"unknown key {name!r}; the keys here are {', '.join(codecs)}")
        return kind(**{name: codecs[name].unpack(value, blob) for name, value in packed.items()})

    return _Codec(pack, unpack)


def _each(codec: _Codec) -> _Codec:
    """Make the codec of any number of things of one kind."""
    return _Codec(
        lambda values, blob: [codec.pack(each, blob) for each in values],
        lambda packed, blob: tuple(codec.unpack(each, blob) for each in packed),
    )


def _maybe(codec: _Codec) -> _Codec:
    return _Codec(
        lambda value, blob: None if value is None else codec.pack(value, blob),
        lambda packed, blob: None if packed is None else codec.unpack(packed, blob),
    )


_UPSTREAM: Final = _Codec(
    lambda value, blob: {str(index): pack_value(each, blob) for index, each in value.items()},
    lambda packed, blob: {int(index): unpack_value(each, blob) for index, each in packed.items()},
)
_STEP: Final = _record(
    Step,
    {"target": _PLAIN, "arguments": _NAMED, "positional": _NAMES, "form": _PLAIN, "name": _PLAIN, "unpacked": _PLAIN},
)
_STEPS: Final = _each(_STEP)
_LOOK: Final = _record(Look, {"at": _VALUE, "after": _PLAIN})
_REF: Final = _record(Ref, {"name": _PLAIN, "path": _NAMES})
_FUNCTION: Final = _record(Function, {"parameters": _NAMES, "steps": _STEPS, "result": _VALUE})
_CASE: Final = _record(
    Case,
    {
        "op": _PLAIN,
        "steps": _STEPS,
        "looks": _each(_LOOK),
        "observe": _NAME_SET,
        "wrt": _NAMES,
        "upstream": _UPSTREAM,
        "second": _NAMED,
        "seed": _maybe(_INT),
        "repeat": _PLAIN,
        "wide": _PLAIN,
        "scenario": _PLAIN,
        "needs": _NAMES,
        "documented": _PLAIN,
    },
)
_TAGS.update(ref=(Ref, _REF), function=(Function, _FUNCTION))
_PACKERS.update({Ref: ("ref", _REF.pack), Function: ("function", _FUNCTION.pack)})

_OUTCOME: Final = _record(
    Outcome,
    {
        "results": _VALUES,
        "structure": _PLAIN,
        "names": _NAMES,
        "gradients": _NAMED,
        "second": _NAMED,
        "changed": _NAME_SET,
        "shares": _NAME_SET,
        "returned_self": _PLAIN,
        "raised": _maybe(_record(Raised, {"classes": _NAMES, "message": _PLAIN})),
        "during": _PLAIN,
        "lacking": _maybe(_record(Lacking, {"kind": _PLAIN, "message": _PLAIN})),
        "fallback": _PLAIN,
    },
)
_CAPABILITIES: Final = _record(
    Capabilities,
    {
        "name": _PLAIN,
        "version": _PLAIN,
        "language": _PLAIN,
        "device": _PLAIN,
        "devices": _NAMES,
        "dtypes": _NAMES,
        "features": _NAMES,
        "speaks_torch": _PLAIN,
        "ops": _maybe(_NAMES),
    },
)


def pack_case(case: Case, blob: bytearray) -> dict[str, Any]:
    """Return a case as JSON, with what is too large for a line added to the blob."""
    packed: dict[str, Any] = _CASE.pack(case, blob)
    return packed


def unpack_case(packed: Any, blob: bytes) -> Case:
    """Read a case that pack_case gave."""
    with _reading(packed):
        case: Case = _CASE.unpack(packed, blob)
        return case


def pack_outcome(outcome: Outcome, blob: bytearray) -> dict[str, Any]:
    """Return an outcome as JSON, with what is too large for a line added to the blob."""
    packed: dict[str, Any] = _OUTCOME.pack(outcome, blob)
    return packed


def unpack_outcome(packed: Any, blob: bytes) -> Outcome:
    """Read an outcome; raise WireError where it is none."""
    with _reading(packed):
        outcome: Outcome = _OUTCOME.unpack(packed, blob)
        return outcome


def unpack_error(packed: Any) -> Outcome:
    """Read an error reply: what was raised, by its kind, or what is not implemented."""
    with _reading(packed):
        kind, message = packed["kind"], packed.get("message", "")
        if kind == "not_implemented":
            return Outcome(lacking=Lacking("feature", message))
        if kind not in _ERRORS:
            kinds = ", ".join((*_ERRORS, "not_implemented"))
            raise WireError(f"unknown kind of error {kind!r}; the kinds are {kinds}")
        return Outcome(raised=Raised(_ERRORS[kind], message))


def pack_capabilities(capabilities: Capabilities) -> dict[str, Any]:
    """Return what a backend declares as JSON."""
    return {"protocol": PROTOCOL, **_CAPABILITIES.pack(capabilities, bytearray())}


def unpack_capabilities(packed: Any) -> Capabilities:
    """Read what a backend declares; raise WireError where it speaks another protocol."""
    with _reading(packed):
        declared = dict(packed)
        protocol = declared.pop("protocol")
        if protocol != PROTOCOL:
            raise WireError(f"it speaks protocol {protocol!r}, this is {PROTOCOL}")
        capabilities: Capabilities = _CAPABILITIES.unpack(declared, b"")
        return capabilities


@contextmanager
def _reading(packed: Any) -> Iterator[None]:
    """Say what is wrong with a message where its parts are not what they should be."""
    try:
        yield
    except WireError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WireError(f"{type(error).__name__}: {error} in {_brief(packed)}") from error


def _brief(packed: Any) -> str:
    text = json.dumps(packed, default=repr)
    return text if len(text) <= 200 else f"{text[:200]}…"


def line(message: Mapping[str, Any], blob: bytes | bytearray = b"") -> bytes:
    """Return a message as bytes: its line, and the blob after it."""
    if blob:
        message = {**message, "blob": len(blob)}
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n" + blob


def parse(source: bytes) -> dict[str, Any]:
    """Read a line; raise WireError where it is no message."""
    try:
        message = json.loads(source)
    except ValueError as error:
        raise WireError(f"not JSON: {_shown(source)}") from error
    if not isinstance(message, dict):
        raise WireError(f"not a message: {_shown(source)}")
    return message


def _shown(source: bytes) -> str:
    text = source.decode("utf-8", "backslashreplace").rstrip("\n")
    return repr(text if len(text) <= 80 else f"{text[:80]}…")


def read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read the next message from a stream, with its blob; None at the end."""
    source = stream.readline()
    if not source:
        return None
    message = parse(source)
    return message, stream.read(message.get("blob", 0))
