"""Plain data read as typed: dataclasses say what a file may hold, and a JSON Schema says it to other languages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache, reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from assay_spec.suggestion import suggestion

Path = tuple[Any, ...]
FORMAT: Final = "see docs/spec-format.md"  # the hint where there is no better one


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a text must look like, and how to say so."""

    regex: str
    hint: str


@dataclass(frozen=True, slots=True)
class Range:
    """How small and how large a number may be."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Named:
    """A kind that is read by name, so that it may hold itself."""

    name: str
    kind: Callable[[], Any]
    as_it_stands: bool = False  # checked, but handed on as the file has it


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping: its name, its kind, what it says to a reader."""

    name: str
    kind: Any
    says: str
    required: bool


def key(says: str, default: Any = MISSING) -> Any:
    """Declare a key of a mapping; one without a default is required."""
    if default == {}:
        return field(default_factory=dict, metadata={"says": says})
    return field(default=default, metadata={"says": says})


@cache
def keys_of(kind: Any) -> tuple[Key, ...]:
    """Return the keys of a mapping, in the order in which files have them."""
    return tuple(
        Key(
            each.name,
            _given(each.type),
            each.metadata["says"],
            each.default is MISSING and each.default_factory is MISSING,
        )
        for each in fields(kind)
    )


def _given(kind: Any) -> Any:
    """Return what a key is where it is given: None stands for one that is not."""
    parts = get_args(kind)
    return reduce(or_, (each for each in parts if each is not NoneType)) if NoneType in parts else kind


class Mismatch(Exception):
    """Data of another kind than is due: where it stands, what is wrong, and how near it came to what was meant."""

    def __init__(self, path: Path, message: str, hint: str = FORMAT, near: int = 0) -> None:
        super().__init__(message)
        self.path, self.message, self.hint, self.near = path, message, hint, len(path) + near


def read(kind: Any, value: Any, path: Path = ()) -> Any:
    """Read plain data as a kind of value, lists as tuples; raise Mismatch where it is of another kind."""
    if kind is Any:
        return value
    if isinstance(kind, type) and is_dataclass(kind):
        return _mapping(kind, value, path)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(parts[0], parts[1], value, path)
    if origin is Literal:
        return _word(parts, value, path)
    if origin in (Union, UnionType):
        return _nearest(parts, value, path)
    if origin is tuple and isinstance(value, list):
        return _list(parts, value, path)
    if origin is dict and isinstance(value, Mapping):
        of_name, of_value = parts
        return {read(of_name, name, (*path, name)): read(of_value, each, (*path, name)) for name, each in value.items()}
    if _is_plain(kind, value):
        return value
    raise Mismatch(path, f"{_shown(value)} is not {_described(kind)}")


def _mapping(kind: type, value: Any, path: Path) -> Any:
    if not isinstance(value, Mapping):
        raise Mismatch(path, f"{_shown(value)} is not a mapping")
    known = {each.name: each for each in keys_of(kind)}
    for name in value:
        if name not in known:
            hint = suggestion(name, known)
            near = 1 if hint.startswith("did you mean") else -1
            raise Mismatch((*path, name), f"unknown key {name!r}", hint, near)
    for each in known.values():
        if each.required and each.name not in value:
            raise Mismatch(path, f"the key {each.name!r} is missing", f"add `{each.name}:`", 1)
    return kind(**{name: read(known[name].kind, each, (*path, name)) for name, each in value.items()})


def _annotated(kind: Any, note: Pattern | Range | Named, value: Any, path: Path) -> Any:
    if isinstance(note, Named):
        found = read(note.kind(), value, path)
        return value if note.as_it_stands else found
    found = read(kind, value, path)
    if isinstance(note, Range):
        if not note.low <= found <= note.high:
            raise Mismatch(path, f"{found!r} is not from {note.low!r} to {note.high!r}", near=1)
        return found
    if not re.search(note.regex, found):
        raise Mismatch(path, f"{found!r} does not fit", note.hint, 1)
    return found


def _word(words: tuple[Any, ...], value: Any, path: Path) -> Any:
    if type(value) is not type(words[0]):
        raise Mismatch(path, f"{_shown(value)} is not a word: {', '.join(words)}")
    if value not in words:
        raise Mismatch(path, f"unknown word {value!r}", suggestion(value, words), 1)
    return value


def _nearest(kinds: tuple[Any, ...], value: Any, path: Path) -> Any:
    """Read the first kind that fits; where none does, say what is wrong with the one that comes nearest."""
    found: list[Mismatch] = []
    for kind in kinds:
        try:
            return read(kind, value, path)
        except Mismatch as mismatch:
            found.append(mismatch)
    raise max(found, key=lambda each: each.near)


def _list(kinds: tuple[Any, ...], value: list[Any], path: Path) -> tuple[Any, ...]:
    if kinds[-1] is ...:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise Mismatch(path, f"a list of {len(value)}, not of {len(kinds)}", near=1)
    return tuple(read(kind, each, (*path, at)) for at, (kind, each) in enumerate(zip(kinds, value, strict=True)))


def _is_plain(kind: Any, value: Any) -> bool:
    if kind is NoneType:
        return value is None
    if kind is float:
        return type(value) in (int, float)
    return type(value) is kind and value != ""


def _shown(value: Any) -> str:
    """Write a value as a file would."""
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)


_WORDS: Final = {str: "a text", int: "an integer", float: "a number", bool: "true or false", NoneType: "null"}


def _described(kind: Any) -> str:
    return {tuple: "a list", dict: "a mapping"}.get(get_origin(kind)) or _WORDS[kind]


def schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a kind; what has a name goes to the definitions and is referred to."""
    if kind is Any:
        return {}
    if isinstance(kind, type) and is_dataclass(kind):
        return _defined(kind.__name__, lambda: _of_mapping(kind, definitions), definitions)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        note = parts[1]
        if isinstance(note, Named):
            return _defined(note.name, lambda: schema(note.kind(), definitions), definitions)
        if isinstance(note, Range):
            return {**schema(parts[0], definitions), "minimum": note.low, "maximum": note.high}
        return {"type": "string", "pattern": note.regex}
    if origin is Literal:
        return {"enum": list(parts)}
    if origin in (Union, UnionType):
        return {"anyOf": [schema(part, definitions) for part in parts]}
    if origin is tuple and parts[-1] is ...:
        return {"type": "array", "items": schema(parts[0], definitions)}
    if origin is tuple:
        count = len(parts)
        items = [schema(part, definitions) for part in parts]
        return {"type": "array", "prefixItems": items, "minItems": count, "maxItems": count}
    if origin is dict:
        names = {} if parts[0] is str else {"propertyNames": schema(parts[0], definitions)}
        return {"type": "object", **names, "additionalProperties": schema(parts[1], definitions)}
    return dict(_IN_JSON[kind])


_IN_JSON: Final[dict[Any, dict[str, Any]]] = {
    str: {"type": "string", "minLength": 1},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
}


def _defined(name: str, make: Callable[[], dict[str, Any]], definitions: dict[str, Any]) -> dict[str, Any]:
    if name not in definitions:
        definitions[name] = {}  # it may refer to itself
        definitions[name] = make()
    return {"$ref": f"#/$defs/{name}"}


def _of_mapping(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    keys = keys_of(kind)
    required = [each.name for each in keys if each.required]
    return {
        "type": "object",
        "properties": {each.name: _of_key(kind, each, definitions) for each in keys},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _of_key(kind: type, key: Key, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a key, or a reference to the mapping that several have it from."""
    owner = next(each for each in kind.__mro__ if key.name in vars(each).get("__annotations__", ()))
    if owner is kind:
        return schema(key.kind, definitions)
    schema(owner, definitions)
    return {"$ref": f"#/$defs/{owner.__name__}/properties/{key.name}"}
