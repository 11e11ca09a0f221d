"""The wire protocol: cases and outcomes as a line of JSON each, large buffers as bytes after the line."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, replace
from functools import partial
from typing import Any, Final, get_args

import numpy as np

from assay.backends.base import Capabilities, Feature
from assay.backends.messages import ASKING, WireError
from assay.cases.arrays import Host, host_dtype
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Missing, MissingKind, Outcome, Raised
from assay_spec import dtypes
from assay_spec.domains import Dtype
from assay_spec.plans import Slice, row_major
from assay_spec.steps import Form, Function, Look, Named, Ref, Step, Value

PROTOCOL: Final = 1
INLINE: Final = 64 * 1024  # a buffer of more bytes than this follows the line

# PyTorch's element types, and further ones that the results of other libraries may have.
_ELEMENTS: Final[dict[str, np.dtype[Any]]] = {
    **{name: host_dtype(name) for name in dtypes.ALL},
    **{name: np.dtype(name) for name in ("uint16", "uint32", "uint64")},
}
# The exceptions that an error's kind means, for languages without exception classes.
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


@dataclass(frozen=True, slots=True)
class _Codec:
    """How one kind of thing is packed into JSON (large buffers into the blob) and unpacked again."""

    pack: Callable[[Any, bytearray], Any]
    unpack: Callable[[Any, bytes], Any]
    schema: Mapping[str, Any]  # the JSON Schema of the packed form


def _pack_buffer(array: Host, blob: bytearray) -> dict[str, Any]:
    data = array.tobytes()
    if len(data) <= INLINE:
        return {"data": b64encode(data).decode("ascii")}
    start = len(blob)
    blob += data
    return {"at": [start, len(data)]}


def _unpack_buffer(packed: Mapping[str, Any], element: str, blob: bytes) -> Host:
    if "at" in packed:
        start, length = _sizes(packed["at"])
        if not 0 <= start <= start + length <= len(blob):
            raise WireError(f"{length} bytes at {start} of a blob of {len(blob)}")
        data = blob[start : start + length]
    else:
        data = b64decode(packed["data"], validate=True)
    # A copy, because a view of bytes cannot be written to.
    return np.frombuffer(data, _element(element)).copy()


def _element(name: str) -> np.dtype[Any]:
    if _a(str, name) not in _ELEMENTS:
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
    shape = _sizes(packed["shape"])
    value = TensorValue(
        dtype=packed["dtype"],
        shape=shape,
        buffer=_unpack_buffer(packed, packed["dtype"], blob),
        strides=_sizes(packed["strides"]) if "strides" in packed else row_major(shape),
        offset=_a(int, packed.get("offset", 0)),
        requires_grad=_a(bool, packed.get("requires_grad", False)),
    )
    value.array()  # raises where it reaches beyond its buffer
    return value


def _pack_array(value: Array, blob: bytearray) -> dict[str, Any]:
    stored = value.array.dtype.name
    if stored not in _ELEMENTS:
        raise TypeError(f"an array of {stored} cannot be sent")
    packed = {"dtype": value.dtype, "shape": value.shape, **_pack_buffer(value.array, blob)}
    if value.device != "cpu":
        packed["device"] = value.device
    if stored != value.dtype:
        packed["stored"] = stored
    if value.strides is not None:
        packed["strides"] = value.strides
    return packed


def _unpack_array(packed: Mapping[str, Any], blob: bytes) -> Array:
    dtype, shape = _a(str, packed["dtype"]), _sizes(packed["shape"])
    flat = _unpack_buffer(packed, packed.get("stored", dtype), blob)
    if flat.size != np.prod(shape, dtype=np.int64):
        raise WireError(f"an array of shape {list(shape)} came with {flat.size} elements")
    strides = _sizes(packed["strides"]) if "strides" in packed else None
    return Array(dtype, flat.reshape(shape), _a(str, packed.get("device", "cpu")), strides)


def _pack_slice(value: Slice, blob: bytearray) -> list[str | None]:
    return [None if each is None else str(each) for each in (value.start, value.stop, value.step)]


def _unpack_slice(packed: list[str | None], blob: bytes) -> Slice:
    return Slice(*(None if each is None else int(each) for each in packed))


def _pack_each(values: Any, blob: bytearray) -> list[Any]:
    return [pack_value(each, blob) for each in values]


def _pack_named(values: Mapping[str, Value], blob: bytearray) -> dict[str, Any]:
    return {name: pack_value(each, blob) for name, each in values.items()}


def _unpack_named(packed: Mapping[str, Any], blob: bytes) -> dict[str, Value]:
    return {name: unpack_value(each, blob) for name, each in _a(dict, packed).items()}


def _unpack_tuple(packed: list[Any], blob: bytes) -> tuple[Value, ...]:
    return tuple([unpack_value(each, blob) for each in _a(list, packed)])


_JSON_NAMES: Final = {str: "string", bool: "boolean", int: "integer", list: "array", dict: "object"}


def _a(kinds: type | tuple[type, ...], packed: Any) -> Any:
    """Return a part of a message if it is of one of some kinds; raise WireError if it is not."""
    if not isinstance(packed, kinds) or (type(packed) is bool and kinds is not bool and kinds != (bool,)):
        names = " or ".join(_JSON_NAMES[kind] for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
        raise WireError(f"{brief(packed)} is no {names}")
    return packed


def _sizes(packed: Any) -> tuple[int, ...]:
    """Read the sizes of a shape, or strides."""
    return tuple([_a(int, each) for each in _a(list, packed)])


def _plainly(pack: Callable[[Any], Any], unpack: Callable[[Any], Any], schema: Mapping[str, Any]) -> _Codec:
    """Return a codec for values without tensors."""
    return _Codec(lambda value, blob: pack(value), lambda packed, blob: unpack(packed), schema)


def _defined(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _list_of(items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), **more}


_TEXT_SCHEMA: Final = {"type": "string"}
_SIZES: Final = _list_of({"type": "integer"})
_INTEGER: Final = {"type": "string", "pattern": "^-?[0-9]+$"}
_NUMBER: Final = {"type": "string", "pattern": "^-?(0x[01][.][0-9a-f]+p[+-][0-9]+|0x[01]p[+-][0-9]+|nan|inf)$"}
_BUFFER: Final[dict[str, Any]] = {
    "data": {"type": "string", "contentEncoding": "base64"},
    "at": {**_SIZES, "minItems": 2, "maxItems": 2},
}
_TENSOR_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "dtype": _TEXT_SCHEMA, "shape": _SIZES, **_BUFFER, "strides": _SIZES, "offset": {"type": "integer"},
        "requires_grad": {"type": "boolean"},
    },
    "required": ["dtype", "shape"],
    "oneOf": [{"required": ["data"]}, {"required": ["at"]}],
    "additionalProperties": False,
}  # fmt: skip
_ARRAY_SCHEMA: Final[dict[str, Any]] = {
    **_TENSOR_SCHEMA,
    "properties": {
        "dtype": _TEXT_SCHEMA, "shape": _SIZES, **_BUFFER, "device": _TEXT_SCHEMA, "stored": _TEXT_SCHEMA,
        "strides": _SIZES,
    },
}  # fmt: skip
_ENDS: Final = _list_of({"anyOf": [_INTEGER, {"type": "null"}]}, minItems=3, maxItems=3)

_INT: Final = _plainly(str, int, _INTEGER)
_EACH_VALUE: Final = _list_of(_defined("value"))
_BY_NAME: Final = {"type": "object", "additionalProperties": _defined("value")}

_TAGS: Final[dict[str, tuple[type, _Codec]]] = {
    "int": (int, _INT),
    "float": (float, _plainly(float.hex, float.fromhex, _NUMBER)),
    "complex": (
        complex,
        _plainly(
            lambda value: [value.real.hex(), value.imag.hex()],
            lambda packed: complex(*map(float.fromhex, packed)),
            _list_of(_NUMBER, minItems=2, maxItems=2),
        ),
    ),
    "dtype": (Dtype, _plainly(str, Dtype, {"enum": list(dtypes.ALL)})),
    "named": (Named, _plainly(lambda value: value.name, Named, _TEXT_SCHEMA)),
    "ellipsis": (type(Ellipsis), _plainly(lambda value: True, lambda packed: Ellipsis, {"const": True})),
    "slice": (Slice, _Codec(_pack_slice, _unpack_slice, _ENDS)),
    "tuple": (tuple, _Codec(_pack_each, _unpack_tuple, _EACH_VALUE)),
    "list": (list, _Codec(_pack_each, lambda packed, blob: list(_unpack_tuple(packed, blob)), _EACH_VALUE)),
    "dict": (dict, _Codec(_pack_named, _unpack_named, _BY_NAME)),
    "tensor": (TensorValue, _Codec(_pack_tensor, _unpack_tensor, _TENSOR_SCHEMA)),
    "array": (Array, _Codec(_pack_array, _unpack_array, _ARRAY_SCHEMA)),
}
_PACKERS: Final = {kind: (tag, codec.pack) for tag, (kind, codec) in _TAGS.items()}


def pack_value(value: Value, blob: bytearray) -> Any:
    """Return a value as JSON: null, booleans and strings as they are, everything else under its tag."""
    kind = type(value)
    if value is None or kind is str or kind is bool:
        return value
    if kind not in _PACKERS:
        raise TypeError(f"{value!r} ({kind.__name__}) cannot be sent")
    tag, pack = _PACKERS[kind]
    return {tag: pack(value, blob)}


def unpack_value(packed: Any, blob: bytes) -> Value:
    """Read a value that pack_value returned."""
    if packed is None or isinstance(packed, (bool, str)):
        return packed
    if not isinstance(packed, dict) or len(packed) != 1:
        raise WireError(f"{brief(packed)} is no value: numbers, lists and objects need a tag")
    ((tag, content),) = packed.items()
    if tag not in _TAGS:
        raise WireError(f"unknown tag {tag!r}; the tags are {', '.join(_TAGS)}")
    return _TAGS[tag][1].unpack(content, blob)


def _each(codec: _Codec) -> _Codec:
    """Return the codec of a sequence of one kind."""
    return _Codec(
        lambda values, blob: [codec.pack(each, blob) for each in values],
        lambda packed, blob: tuple([codec.unpack(each, blob) for each in _a(list, packed)]),
        _list_of(codec.schema),
    )


def _only(*kinds: type) -> _Codec:
    """Return the codec of what JSON writes as it is; another type is refused."""
    names = [_JSON_NAMES[kind] for kind in kinds]
    return _plainly(lambda value: value, partial(_a, kinds), {"type": names if len(names) > 1 else names[0]})


_TEXT: Final = _only(str)
_FLAG: Final = _only(bool)
_COUNT: Final = _only(int)
_NAMES: Final = _each(_TEXT)
_NAME_SET: Final = _Codec(
    lambda names, blob: sorted(names),
    lambda packed, blob: frozenset(_NAMES.unpack(packed, blob)),
    _list_of(_TEXT_SCHEMA, uniqueItems=True),
)
_PATH: Final = _each(_only(str, int))
_VALUE: Final = _Codec(
    lambda value, blob: pack_value(value, blob), lambda packed, blob: unpack_value(packed, blob), _defined("value")
)
_VALUES: Final = _Codec(_pack_each, _unpack_tuple, _EACH_VALUE)
_NAMED: Final = _Codec(_pack_named, _unpack_named, _BY_NAME)


def _word(words: Sequence[str]) -> _Codec:
    def read(packed: Any) -> Any:
        if packed not in words:
            raise WireError(f"{brief(packed)} is none of {', '.join(words)}")
        return packed

    return _plainly(lambda value: value, read, {"enum": list(words)})


def _record(kind: type, codecs: Mapping[str, _Codec]) -> _Codec:
    """Return the codec of a dataclass: an object of its fields, without those at their default."""
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
        for name in _a(dict, packed):
            if name not in codecs:
                raise WireError(f"unknown key {name!r}; the keys here are {', '.join(codecs)}")
        return kind(**{name: codecs[name].unpack(value, blob) for name, value in packed.items()})

    schema = {
        "type": "object",
        "properties": {name: dict(codec.schema) for name, codec in codecs.items()},
        "required": [name for name in codecs if defaults[name] is MISSING],
        "additionalProperties": False,
    }
    return _Codec(pack, unpack, schema)


def _maybe(codec: _Codec) -> _Codec:
    return _Codec(
        lambda value, blob: None if value is None else codec.pack(value, blob),
        lambda packed, blob: None if packed is None else codec.unpack(packed, blob),
        {"anyOf": [{"type": "null"}, dict(codec.schema)]},
    )


def _by_reference(name: str, codec: _Codec) -> _Codec:
    """Return a codec whose schema is written once, under a name, and referenced."""
    _DEFINITIONS[name] = codec.schema
    return replace(codec, schema=_defined(name))


_DEFINITIONS: Final[dict[str, Mapping[str, Any]]] = {}
_UPSTREAM: Final = _Codec(
    lambda value, blob: {str(index): pack_value(each, blob) for index, each in value.items()},
    lambda packed, blob: {int(index): unpack_value(each, blob) for index, each in packed.items()},
    {"type": "object", "propertyNames": {"pattern": "^[0-9]+$"}, "additionalProperties": _defined("value")},
)
_STEP: Final = _by_reference(
    "step",
    _record(
        Step,
        {
            "target": _TEXT,
            "arguments": _NAMED,
            "positional": _NAMES,
            "form": _word(get_args(Form)),
            "name": _TEXT,
            "unpacked": _maybe(_TEXT),
        },
    ),
)
_STEPS: Final = _each(_STEP)
_REF: Final = _record(Ref, {"name": _TEXT, "path": _PATH})
_FUNCTION: Final = _record(Function, {"parameters": _NAMES, "steps": _STEPS, "result": _VALUE})
_CASE: Final = _by_reference(
    "case",
    _record(
        Case,
        {
            "op": _TEXT,
            "steps": _STEPS,
            "looks": _each(_record(Look, {"at": _VALUE, "after": _TEXT})),
            "observe": _NAME_SET,
            "wrt": _NAMES,
            "upstream": _UPSTREAM,
            "second": _NAMED,
            "spoiled": _TEXT,
            "seed": _maybe(_INT),
            "repeat": _COUNT,
            "wide": _FLAG,
            "scenario": _TEXT,
            "needs": _NAMES,
            "documented": _FLAG,
        },
    ),
)
_TAGS.update(ref=(Ref, _REF), function=(Function, _FUNCTION))
_PACKERS.update({Ref: ("ref", _REF.pack), Function: ("function", _FUNCTION.pack)})

_MISSING: Final = _record(Missing, {"kind": _word(get_args(MissingKind)), "message": _TEXT})
_OUTCOME: Final = _by_reference(
    "outcome",
    _record(
        Outcome,
        {
            "results": _VALUES,
            "structure": _word(("single", "tuple", "named")),
            "names": _NAMES,
            "gradients": _NAMED,
            "second": _NAMED,
            "changed": _NAME_SET,
            "shares": _NAME_SET,
            "returned_self": _FLAG,
            "raised": _maybe(_record(Raised, {"classes": _NAMES, "message": _TEXT, "traceback": _TEXT})),
            "during": _word(("call", "backward")),
            "unsupported": _maybe(_MISSING),
            "fallback": _FLAG,
        },
    ),
)
_CAPABILITIES: Final = _record(
    Capabilities,
    {
        "name": _TEXT,
        "version": _TEXT,
        "language": _TEXT,
        "device": _TEXT,
        "devices": _NAMES,
        "dtypes": _each(_word(dtypes.ALL)),
        "features": _each(_word(get_args(Feature))),
        "speaks_torch": _FLAG,
        "ops": _maybe(_NAMES),
        "file": _TEXT,
        "flushes_subnormals": _FLAG,
        "notes": _NAMES,
    },
)


def schema() -> dict[str, Any]:
    """Return the protocol as JSON Schema: its messages, requests and replies."""
    common = {"id": {"type": "integer"}, "blob": {"type": "integer"}}
    hello = {
        **_CAPABILITIES.schema,
        "properties": {"protocol": {"const": PROTOCOL}, **_CAPABILITIES.schema["properties"]},
        "required": ["protocol", *_CAPABILITIES.schema["required"]],
    }
    error = {
        "type": "object",
        "properties": {
            "kind": {"enum": [*_ERRORS, "not_implemented"]},
            "message": _TEXT_SCHEMA,
            "traceback": _TEXT_SCHEMA,
        },
        "required": ["kind"],
        "additionalProperties": False,
    }

    def message(required: Sequence[str], **properties: Any) -> dict[str, Any]:
        known = {**common, **properties}
        return {"type": "object", "properties": known, "required": ["id", *required], "additionalProperties": False}

    asking = {"enum": [each for each in ASKING if each != "run"]}
    replies = {
        "hello": hello,
        "unusable": _TEXT_SCHEMA,
        "outcome": _defined("outcome"),
        "error": error,
        "fault": _TEXT_SCHEMA,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Assay's wire protocol, version {PROTOCOL}",
        "description": "One message a line. A blob of as many bytes as a message says follows its line.",
        "oneOf": [_defined("request"), _defined("reply")],
        "$defs": {
            "request": {
                "oneOf": [
                    message(["do"], do=asking),
                    message(["do", "case"], do={"const": "run"}, case=_defined("case")),
                ]
            },
            "reply": {**message([], **replies), "maxProperties": 3},
            **{name: dict(each) for name, each in sorted(_DEFINITIONS.items())},
            "value": {
                "anyOf": [
                    {"type": ["null", "boolean", "string"]},
                    {
                        "type": "object",
                        "properties": {tag: dict(codec.schema) for tag, (_, codec) in _TAGS.items()},
                        "additionalProperties": False,
                        "minProperties": 1,
                        "maxProperties": 1,
                    },
                ]
            },
        },
    }


def pack_case(case: Case, blob: bytearray) -> dict[str, Any]:
    """Return a case as JSON, with what is too large for a line added to the blob."""
    packed: dict[str, Any] = _CASE.pack(case, blob)
    return packed


def unpack_case(packed: Any, blob: bytes) -> Case:
    """Read a case that pack_case returned."""
    with reading(packed):
        case: Case = _CASE.unpack(packed, blob)
        return case


def pack_outcome(outcome: Outcome, blob: bytearray) -> dict[str, Any]:
    """Return an outcome as JSON, with what is too large for a line added to the blob."""
    packed: dict[str, Any] = _OUTCOME.pack(outcome, blob)
    return packed


def unpack_outcome(packed: Any, blob: bytes) -> Outcome:
    """Read an outcome; raise WireError where it is none."""
    with reading(packed):
        outcome: Outcome = _OUTCOME.unpack(packed, blob)
        return outcome


def unpack_error(packed: Any) -> Outcome:
    """Read an error reply: what was raised, by its kind, or what is not implemented."""
    with reading(packed):
        kind, message = packed["kind"], packed.get("message", "")
        if kind == "not_implemented":
            return Outcome(unsupported=Missing("feature", message))
        if kind not in _ERRORS:
            kinds = ", ".join((*_ERRORS, "not_implemented"))
            raise WireError(f"unknown kind of error {kind!r}; the kinds are {kinds}")
        return Outcome(raised=Raised(_ERRORS[kind], message, _a(str, packed.get("traceback", ""))))


def pack_capabilities(capabilities: Capabilities) -> dict[str, Any]:
    """Return what a backend declares as JSON."""
    return {"protocol": PROTOCOL, **_CAPABILITIES.pack(capabilities, bytearray())}


def unpack_capabilities(packed: Any) -> Capabilities:
    """Read what a backend declares; raise WireError where it speaks another protocol."""
    with reading(packed):
        declared = dict(packed)
        protocol = declared.pop("protocol")
        if protocol != PROTOCOL:
            raise WireError(f"it speaks protocol {protocol!r}, this is {PROTOCOL}")
        capabilities: Capabilities = _CAPABILITIES.unpack(declared, b"")
        return capabilities


@contextmanager
def reading(packed: Any) -> Iterator[None]:
    """Convert errors while a message is unpacked to a WireError that says what is wrong."""
    try:
        yield
    except WireError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise WireError(f"{type(error).__name__}: {error} in {brief(packed)}") from error


def brief(packed: Any) -> str:
    try:
        text = json.dumps(packed, default=repr)
    except RecursionError:
        return "something nested too deeply"
    return text if len(text) <= 200 else f"{text[:200]}…"
