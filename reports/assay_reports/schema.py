"""The forms of our files for other readers, made from their records: a JSON Schema, and the tables of the docs.

`python -m assay_reports.schema` writes both anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from assay_reports import json_report, records
from assay_reports.expectations import Expectation
from assay_spec.schema import written
from assay_spec.typed import keys_of, schema

SCHEMA: Final = Path(__file__).with_name("results.schema.json")
_DOCS: Final = Path(__file__).parents[2] / "docs"
BEGIN: Final = "<!-- The tables of {} are written by `python -m assay_reports.schema`. -->\n"
END: Final = "<!-- The end of the tables of {}. -->\n"

_Titled = tuple[tuple[str, type], ...]
# What stands in which guide: by its subject, a title and a record for each table.
TABLES: Final[dict[str, dict[str, _Titled]]] = {
    "results-format.md": {
        "results files": (
            ("`header`: the first line", records.Header),
            ("`suite`", records.Suite),
            ("`backend`", records.Candidate),
            ("`oracle`", records.Oracle),
            ("`env`", records.Environment),
            ("`selection`", records.Selection),
            ("`result`: a line for each item", records.Result),
            ("`findings`", records.Finding),
            ("`worst`", records.Worst),
            ("`event`: a line for what happened on the way to a result", records.Event),
            ("`footer`: the last line", records.Footer),
        ),
        "the JSON report": (
            ("The document", json_report.Report),
            ("`runs`", json_report.RunReport),
            ("`causes`", json_report.CauseSummary),
            ("`mutants`", json_report.MutationReport),
        ),
        "mutation runs": (
            ("`mutants`: the first line", records.Mutants),
            ("`verdict`: a line for each mutant", records.Verdict),
        ),
    },
    "reading-a-report.md": {"expectations files": (("", Expectation),)},
}
_LINES: Final = (records.Header, records.Result, records.Event, records.Footer, records.Mutants, records.Verdict)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a line of a results file; the JSON report is among its definitions."""
    definitions: dict[str, Any] = {}
    schema(json_report.Report, definitions)
    lines = [_line(kind, definitions) for kind in _LINES]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a file that `assay run` or `assay mutants` wrote; $defs/Report is what "
        "`assay report --format json` writes",
        "oneOf": lines,
        "$defs": dict(sorted(definitions.items())),
    }


def _line(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a record as a line, which says what it is."""
    schema(kind, definitions)
    record = definitions[kind.__name__]
    properties = {name: {"$ref": f"#/$defs/{kind.__name__}/properties/{name}"} for name in record["properties"]}
    return {
        **record,
        "properties": {"type": {"const": kind.__name__.lower()}, **properties},
        "required": ["type", *record["required"]],
    }


def table(titled: tuple[str, type]) -> str:
    """Return the keys of a record as a table."""
    title, kind = titled
    lines = [f"**{title}**", ""] if title else []
    lines += ["| key | holds | says |", "| --- | --- | --- |"]
    defaults = {each.name: each.default for each in fields(kind) if isinstance(each.default, str)}
    for each in keys_of(kind):
        left_out = f", or left out{f' for `{at}`' if (at := defaults.get(each.name)) else ''}"
        holds = in_words(each.kind) + ("" if each.required else left_out)
        lines.append(f"| `{each.name}` | {holds} | {each.says.replace('|', chr(92) + '|')} |")
    return "\n".join((*lines, ""))


_WORDS: Final = {str: "text", int: "integer", float: "number", bool: "boolean"}


def in_words(kind: Any) -> str:
    """Return in words what a key holds."""
    if isinstance(kind, type) and is_dataclass(kind):
        return "object"
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return in_words(parts[0])
    if origin is Literal:
        return "a word"
    if origin is tuple:
        return f"list ({in_words(parts[0])})"
    if origin is dict:
        return f"object ({in_words(parts[1])})"
    if parts:
        return " or ".join(in_words(part) for part in parts if part is not NoneType)
    return _WORDS[kind]


def guide(text: str, subjects: dict[str, _Titled]) -> str:
    """Return a guide with its tables written anew."""
    for subject, tables in subjects.items():
        begin, end = BEGIN.format(subject), END.format(subject)
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{_together(tables)}\n{end}{rest.partition(end)[2]}"
    return text


def _together(tables: Iterable[tuple[str, type]]) -> str:
    return "\n".join(map(table, tables))


def main() -> None:
    SCHEMA.write_text(written(json_schema()) + "\n", encoding="utf-8")
    for name, subjects in TABLES.items():
        path = _DOCS / name
        path.write_text(guide(path.read_text(encoding="utf-8"), subjects), encoding="utf-8")


if __name__ == "__main__":
    main()
