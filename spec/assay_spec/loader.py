"""From a folder of YAML files to the corpus: each file read, held against the schema, built."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from assay_spec.builder import build_op
from assay_spec.documents import Document, SpecError, digest, read
from assay_spec.model import Corpus, Op
from assay_spec.suggestion import suggestion

TORCH: Final = "2.13"


def corpus_root() -> Path:
    """Find the corpus that ships with the package."""
    return Path(str(files("assay_spec")))


@cache
def load_corpus(root: Path | None = None) -> Corpus:
    """Load every spec file under a folder (the shipped corpus if none is named)."""
    root = root or corpus_root()
    paths = sorted(root.rglob("*.yaml"))
    if not paths:
        raise SpecError(root, 1, "no spec files here", "point at a folder that holds .yaml files")
    documents = [read(path) for path in paths]
    for document in documents:
        validate(document)
    families: dict[str, Document] = {}
    for document in documents:
        if "name" not in document.content:
            name = document.content["family"]
            if name in families:
                raise document.error(
                    ("family",), f"the family {name!r} has a file already: {families[name].file}", "keep one of the two"
                )
            families[name] = document
    ops: dict[str, Op] = {}
    for document in documents:
        if "name" in document.content:
            op = build_op(document, families)
            if op.name in ops:
                raise document.error(
                    ("name",), f"{op.name} has a spec already: {ops[op.name].file}", "keep one of the two"
                )
            ops[op.name] = op
    return Corpus(
        ops,
        {name: each.content for name, each in families.items()},
        TORCH,
        digest([each.content for each in documents]),
        root,
    )


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads((corpus_root() / "schema.json").read_text(encoding="utf-8")))


def validate(document: Document) -> None:
    """Check a file against the JSON Schema; raise SpecError at the first line that breaks it."""
    if not isinstance(document.content, dict):
        raise document.error((), "a spec file is a mapping", "begin with `name:` or `family:`")
    if not {"name", "family"} & set(document.content):
        raise document.error((), "neither name nor family", "begin with `name:` or `family:`")
    validator = _validator()
    if validator.is_valid(document.content):
        return
    found = [
        (error.validator, _said(document, error)) for error in map(_meant, validator.iter_errors(document.content))
    ]
    # a key that is written wrong is missing too: what is there comes before what is not
    raise min(found, key=lambda each: (each[0] == "required", each[1].line))[1]


def _meant(error: Any) -> Any:
    """Follow an error of alternatives to what is wrong with the one that comes nearest."""
    while error.context:
        ways: dict[int, list[Any]] = {}
        for each in error.context:
            ways.setdefault(each.relative_schema_path[0], []).append(each)
        nearest = min(ways.values(), key=lambda errors: (any(map(_of_another_kind, errors)), len(errors)))
        error = next((each for each in nearest if each.validator == "additionalProperties"), nearest[0])
    return error


def _of_another_kind(error: Any) -> bool:
    """Return whether an alternative is for another kind of value altogether."""
    return not error.relative_path and (
        error.validator == "type" or (error.validator == "enum" and not isinstance(error.instance, str))
    )


def _said(document: Document, error: Any) -> SpecError:
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = next(key for key in error.instance if key not in known)
        return document.error((*path, unknown), f"unknown key {unknown!r}", suggestion(unknown, known))
    if error.validator == "enum" and isinstance(error.instance, str):
        return document.error(
            path, f"unknown word {error.instance!r}", suggestion(error.instance, error.validator_value)
        )
    return document.error(path, error.message, "see docs/spec-format.md")
