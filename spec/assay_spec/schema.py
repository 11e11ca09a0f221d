"""The format for other readers, made from its typed keys: a JSON Schema, and tables for `docs/spec-format.md`.

`python -m assay_spec.schema` writes both anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from assay_spec import keys
from assay_spec.typed import keys_of, schema

SCHEMA: Final = Path(__file__).with_name("schema.json")
GUIDE: Final = Path(__file__).parents[2] / "docs" / "spec-format.md"
BEGIN: Final = "<!-- The tables from here on are written by `python -m assay_spec.schema`. -->\n"
END: Final = "<!-- The end of the tables. -->\n"

# The tables of keys: a title, and what stands in the file around the keys of each mapping.
TABLES: Final[tuple[tuple[str, tuple[tuple[str, type], ...]], ...]] = (
    ("An op", (("", keys.Header), ("", keys.Footer))),
    ("A function, a method, or an overload of either", (("", keys.Says), ("", keys.Overloaded), ("", keys.Labelled))),
    (
        "A class",
        (
            ("", keys.Members),
            ("construct", keys.Construct),
            ("state", keys.State),
            ("parameters, buffers", keys.Held),
            ("methods", keys.Repeated),
        ),
    ),
    (
        "Their parts",
        (
            ("examples", keys.Example),
            ("errors", keys.BadCall),
            ("errors", keys.OutOfRange),
            ("trajectories", keys.Trajectory),
            ("scenarios", keys.Scenario),
            ("result", keys.TensorResult),
            ("result", keys.SequenceResult),
            ("result", keys.PlainResult),
            ("judge", keys.Ulp),
            ("judge", keys.Accumulation),
            ("judge", keys.Conditioned),
            ("bugs", keys.Bug),
            ("a tensor as a value", keys.Tensor),
            ("a slice as a value", keys.Slice),
            ("equivalent", keys.Equivalent),
        ),
    ),
    ("A family", (("", keys.FamilyHeader),)),
    ("A document", (("", keys.DocumentFile), ("ops", keys.Mention), ("errata", keys.Mistake))),
)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of the corpus."""
    definitions: dict[str, Any] = {}
    function, of_class, functions, classes = (
        schema(kind, definitions) for kind in (keys.Function, keys.Class, keys.FunctionFamily, keys.ClassFamily)
    )
    document = schema(keys.DocumentFile, definitions)
    is_class = {"properties": {"kind": {"const": "class"}}, "required": ["kind"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A file of Assay's corpus: an op, a family of ops, or a document that describes ops",
        "if": {"required": ["name"]},
        "then": {"if": is_class, "then": of_class, "else": function},
        "else": {
            "if": {"required": ["document"]},
            "then": document,
            "else": {"if": is_class, "then": classes, "else": functions},
        },
        "$defs": dict(sorted(definitions.items())),
    }


def written(value: Any, margin: str = "") -> str:
    """Return JSON in which what fits on a line stands on one."""
    flat = json.dumps(value)
    if not isinstance(value, dict) or len(margin) + len(flat) <= 110:
        return flat
    inner = margin + " "
    parts = (f"{inner}{json.dumps(name)}: {written(each, inner)}" for name, each in value.items())
    return "{\n" + ",\n".join(parts) + f"\n{margin}}}"


def tables() -> str:
    """Return the tables of keys, in Markdown."""
    return "\n".join(_table(title, parts) for title, parts in TABLES)


def _table(title: str, parts: Iterable[tuple[str, type]]) -> str:
    nested = any(around for around, _ in parts)
    lines = [f"**{title}**", "", "| in | key | says |" if nested else "| key | says |"]
    lines.append("| --- | --- | --- |" if nested else "| --- | --- |")
    for around, kind in parts:
        for each in keys_of(kind):
            first = f"| {around and f'`{around}`'} " if nested else ""
            lines.append(f"{first}| `{each.name}` | {each.says.replace('|', chr(92) + '|')} |")
    return "\n".join((*lines, ""))


def guide(text: str) -> str:
    """Return the guide with its tables written anew."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{tables()}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    SCHEMA.write_text(written(json_schema()) + "\n", encoding="utf-8")
    GUIDE.write_text(guide(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
