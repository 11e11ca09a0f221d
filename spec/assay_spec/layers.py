"""One thing said at several levels: an overload, what stands around it, the families of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from assay_spec import keys
from assay_spec.documents import Document, SpecError
from assay_spec.keys import File
from assay_spec.suggestion import suggestion
from assay_spec.typed import Mismatch, read

Path = tuple[Any, ...]
T = TypeVar("T")


@cache
def checked(document: Document) -> File:
    """Read what a file of an op or a family says; raise SpecError where it says what no such file may say."""
    content = document.content
    if not isinstance(content, dict):
        raise document.error((), "a spec file is a mapping", "begin with `name:` or `family:`")
    if not {"name", "family"} & set(content):
        raise document.error((), "neither name nor family", "begin with `name:` or `family:`")
    return read_as(keys.kind_of_file(content), document, content)


def read_as(kind: type[T], document: Document, content: Any) -> T:
    """Read the content of a file as what it is to be."""
    try:
        found: T = read(kind, content)
    except Mismatch as mismatch:
        raise document.error(mismatch.path, mismatch.message, mismatch.hint) from None
    return found


@dataclass(frozen=True)
class Layer:
    """What one level says, and where it stands."""

    document: Document
    path: Path
    says: Any

    def inner(self, key: str, name: Any) -> Layer | None:
        """Return what the layer says of a part by name or position, if it says anything."""
        parts = getattr(self.says, key, None) or {}
        found = parts.get(name) if isinstance(parts, dict) else parts[name]
        return None if found is None else Layer(self.document, (*self.path, key, name), found)

    def only(self, key: str) -> Layer | None:
        """Return what the layer says under a key, as a layer of its own."""
        found = getattr(self.says, key, None)
        return None if found is None else Layer(self.document, (*self.path, key), found)


def family_of(layer: Layer, families: Mapping[str, Document]) -> list[Layer]:
    """Return what the family of a file or an overload says, in that one's words."""
    name, where = layer.says.family, layer.says.where or {}
    if name is None:
        if where:
            raise layer.document.error((*layer.path, "where"), "where without a family", "add `family:`")
        return []
    if name not in families:
        raise layer.document.error((*layer.path, "family"), f"no family {name!r}", suggestion(name, families))
    family = families[name]
    words = checked(family).where or {}
    for word in where:
        if word not in words:
            hint = suggestion(word, words)
            raise layer.document.error((*layer.path, "where", word), f"{name} has no word {word!r}", hint)
    own = {"name": layer.document.content["name"]} if "name" in words else {}
    chosen = {**words, **own, **where}
    missing = next((word for word, each in chosen.items() if each is None), None)
    if missing is not None:
        at = (*layer.path, "family")
        raise layer.document.error(at, f"{name} needs the word {missing!r}", f"add `where: {{{missing}: …}}`")
    content = {**worded(family.content, chosen), "where": words} if words else family.content
    return [Layer(family, (), read_as(keys.kind_of_file(content), family, content))]


def worded(value: Any, words: Mapping[str, str]) -> Any:
    """Put a member's words where a family leaves them open: `{word}`."""
    if isinstance(value, str):
        for word, chosen in words.items():
            value = value.replace(f"{{{word}}}", str(chosen))
        return value
    if isinstance(value, list):
        return [worded(each, words) for each in value]
    if isinstance(value, dict):
        return {name: worded(each, words) for name, each in value.items()}
    return value


class Part:
    """What is said of one thing: its own words first, then what fills in what they leave out."""

    def __init__(self, layers: list[Layer]) -> None:
        self.layers = layers

    def get(self, key: str, default: Any = None) -> Any:
        """Return what is said under a key."""
        found = (getattr(layer.says, key, None) for layer in self.layers)
        return next((each for each in found if each is not None), default)

    def named(self, key: str) -> dict[str, Any]:
        """Return a mapping that is filled in name by name; null takes a name out."""
        found: dict[str, Any] = {}
        for layer in reversed(self.layers):
            found |= getattr(layer.says, key, None) or {}
        return {name: each for name, each in found.items() if each is not None}

    def every(self, key: str) -> Iterator[tuple[Layer, int, Any]]:
        """Yield the entries of a list that all layers add to, with the layer and the position of each."""
        for layer in self.layers:
            for at, each in enumerate(getattr(layer.says, key, None) or ()):
                yield layer, at, each

    def inside(self, key: str, name: Any = None) -> Part:
        """Return what is said of a part of it."""
        found = (layer.only(key) if name is None else layer.inner(key, name) for layer in self.layers)
        return Part([layer for layer in found if layer is not None])

    def locate(self, *path: Any) -> tuple[Document, Path]:
        """Find where something is said: the document, and the path in it."""
        for layer in self.layers:
            found = getattr(layer.says, path[0], None) if path else layer.says
            if found is not None and not (len(path) > 1 and isinstance(found, dict) and path[1] not in found):
                return layer.document, (*layer.path, *path)
        first = self.layers[0]
        return first.document, (*first.path, *path)

    def error(self, path: Path, message: str, hint: str = "") -> SpecError:
        document, path = self.locate(*path)
        return document.error(path, message, hint)

    def line(self, *path: Any) -> int:
        document, path = self.locate(*path)
        return document.line(*path)
