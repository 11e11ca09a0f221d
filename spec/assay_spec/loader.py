"""From a folder of YAML files to the corpus: each file read and built."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from assay_spec.builder import build_op, checked
from assay_spec.documents import Document, SpecError, digest, read
from assay_spec.model import Corpus, Op

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
        checked(document)
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
