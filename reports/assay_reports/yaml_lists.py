"""Lists in YAML that people keep: read strictly, with the line of every part."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from assay_reports.json_lines import brief
from assay_spec.documents import Loader
from assay_spec.typed import Mismatch

KeyPath = tuple[Any, ...]

_LARGEST: Final = 1 << 22  # bytes of a file that is read
_DEEPEST: Final = 8  # an entry is a mapping of mappings


class ExpectationsError(ValueError):
    """An expectations file that is not valid: where, what, and what to do."""


def composed(path: Path, text: str) -> list[yaml.Node]:
    """Return the node of each entry of a file that holds a text; raise ExpectationsError where it is no list."""
    try:
        node = yaml.compose(text, Loader=Loader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, text.index(chr(error.character))) + 1
        raise ExpectationsError(f"{path}:{line}: the control character U+{error.character:04X}; take it out") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ExpectationsError(f"{path}:{line}: not YAML: {brief(str(error.problem))}") from None
    if node is None or not node.value:
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise ExpectationsError(f"{path}:{line_of(node)}: not a list; begin each entry with `- code:`")
    _refuse_what_acts(path, node)
    return list(node.value)


def text_of(path: Path) -> str:
    """Return what a file holds, with the line ends of Unix; raise ExpectationsError where it is no text."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise ExpectationsError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ExpectationsError(f"{path}:{line}: not UTF-8: the byte 0x{raw[error.start]:02x}") from None
    if len(raw) > _LARGEST:
        raise ExpectationsError(f"{path}:1: more than {_LARGEST:,} bytes; group what is listed by globs")
    return text.replace("\r\n", "\n")


def _refuse_what_acts(path: Path, root: yaml.Node) -> None:
    """Raise ExpectationsError at an alias, or at what is nested without end."""
    seen: set[int] = set()
    due = [(root, 0)]
    while due:
        node, depth = due.pop()
        if id(node) in seen:
            raise ExpectationsError(f"{path}:{line_of(node)}: an alias repeats what stands here; write it out")
        if depth > _DEEPEST:
            raise ExpectationsError(f"{path}:{line_of(node)}: nested too deeply")
        seen.add(id(node))
        if not isinstance(node, yaml.ScalarNode):
            parts = (
                node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
            )
            due += [(part, depth + 1) for part in parts]


def line_of(node: yaml.Node) -> int:
    """Return the line on which a node begins."""
    return int(node.start_mark.line) + 1


def content(node: yaml.Node, lines: dict[KeyPath, int], path: KeyPath = ()) -> Any:
    """Return a node as plain data in which only digits are a number, and note the line of each of its parts."""
    lines.setdefault(path, line_of(node))
    if isinstance(node, yaml.SequenceNode):
        return [content(each, lines, (*path, index)) for index, each in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode):
        return int(node.value) if not node.style and re.fullmatch("[0-9]{1,18}", node.value) else node.value
    found: dict[str, Any] = {}
    for name, value in node.value:
        if not isinstance(name, yaml.ScalarNode):
            raise Mismatch(path, "a key that is no text", "write it as `key:`")
        where = (*path, name.value)
        lines[where] = line_of(name)
        if name.value in found:
            raise Mismatch(where, "stands here twice", "keep one of the two")
        found[name.value] = content(value, lines, where)
    return found
