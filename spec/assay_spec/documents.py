"""YAML files as Assay reads them: strict, and every node knows its line."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

_DEEPEST: Final = 100  # lists and mappings in each other

# YAML 1.2's core schema: `1e-5` is a number, `no` and `010` are not a boolean and an octal.
_SCALARS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("null", re.compile(r"(?:~|null|Null|NULL|)\Z")),
    ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")),
    ("int", re.compile(r"[-+]?[0-9]+\Z")),
    ("based", re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")),
    ("float", re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")),
    ("inf", re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z")),
    ("nan", re.compile(r"\.(?:nan|NaN|NAN)\Z")),
    ("hex", re.compile(r"[-+]?0x(?:[0-9a-fA-F]+\.?|(?=\.[0-9a-fA-F]))[0-9a-fA-F.]*p[-+]?[0-9]+\Z")),
)
_FIRST: Final = frozenset("-+.0123456789~ntfNTF")
_DIGITS: Final = 1000  # of a number


class SpecError(Exception):
    """A file of the corpus that is not valid: where, what, and what to do."""

    def __init__(self, file: Path | str, line: int, message: str, hint: str = "") -> None:
        super().__init__(f"{file}:{line}: {message}" + (f" ({hint})" if hint else ""))
        self.file, self.line, self.message, self.hint = Path(file), line, message, hint


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes nodes. The parser calls itself for each level, and a file of brackets alone would end the process."""

    _depth = 0

    def descend_resolver(self, parent: yaml.Node | None, index: Any) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            mark = None if parent is None else parent.start_mark
            raise yaml.composer.ComposerError(None, None, "nested too deeply", mark)
        super().descend_resolver(parent, index)

    def ascend_resolver(self) -> None:
        self._depth -= 1
        super().ascend_resolver()


class Document:
    """The content of one file, and the line of each of its parts."""

    def __init__(self, file: Path, content: Any, lines: dict[tuple[Any, ...], int]) -> None:
        self.file, self.content, self._lines = file, content, lines

    def line(self, *path: Any) -> int:
        """Return the line of a part, or of the nearest part around it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def error(self, path: tuple[Any, ...], message: str, hint: str = "") -> SpecError:
        return SpecError(self.file, self.line(*path), message, hint)


def read(file: Path) -> Document:
    """Read one YAML file; raise SpecError where it is not sound YAML."""
    raw = file.read_bytes()
    try:
        text = raw.decode("utf-8")
        node = yaml.compose(text, Loader=Loader)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SpecError(file, line, f"not UTF-8: the byte 0x{raw[error.start]:02x}", "save the file as UTF-8") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, text.index(chr(error.character))) + 1
        raise SpecError(file, line, f"not YAML: the control character U+{error.character:04X}", "take it out") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(file, line, f"not YAML: {error.problem}", "check indentation, quotes and brackets") from None
    lines: dict[tuple[Any, ...], int] = {}
    try:
        content = None if node is None else _construct(node, (), lines, file)
    except RecursionError:
        raise SpecError(file, 1, "nested without end", "an alias must not stand inside its own anchor") from None
    return Document(file, content, lines)


def _construct(node: yaml.Node, path: tuple[Any, ...], lines: dict[tuple[Any, ...], int], file: Path) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if isinstance(node, yaml.ScalarNode):
        try:
            return node.value if node.style else _scalar(node.value)
        except (ValueError, OverflowError):
            raise SpecError(file, line, f"a number of {len(node.value)} characters", "write a smaller one") from None
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*path, position), lines, file) for position, item in enumerate(node.value)]
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = _construct(key_node, (*path, "?"), {}, file)
        if not isinstance(key, str):
            raise SpecError(file, key_node.start_mark.line + 1, f"the key {key!r} is not a string", "put it in quotes")
        if key in result:
            raise SpecError(file, key_node.start_mark.line + 1, f"the key {key!r} appears twice", "keep one of the two")
        lines[(*path, key)] = key_node.start_mark.line + 1
        result[key] = _construct(value_node, (*path, key), lines, file)
    return result


def _scalar(text: str) -> Any:
    if text and text[0] not in _FIRST:
        return text
    kind = next((name for name, pattern in _SCALARS if pattern.match(text)), "str")
    match kind:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return _integer(text, 10)
        case "based":
            return _integer(text, 0)
        case "float":
            return float(text)
        case "inf":
            return float(text.replace(".", ""))
        case "nan":
            return float("nan")
        case "hex":
            return float.fromhex(text)
    return text


def _integer(text: str, base: int) -> int:
    if len(text) > _DIGITS:
        raise ValueError("too many digits")
    return int(text, base)


def digest(content: Any) -> str:
    """Hash the content of spec files."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
