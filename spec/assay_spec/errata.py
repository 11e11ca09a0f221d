"""What of the documents not to believe, for who reads them: `docs/errata.md`, made from the corpus.

    python -m assay_spec.errata

writes it anew; a test fails while it is not what the corpus says.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from assay_spec.keys import DocumentFile, Mistake
from assay_spec.loader import load_corpus
from assay_spec.model import Corpus

PAGE: Final = Path(__file__).parents[2] / "docs" / "errata.md"


def page(corpus: Corpus) -> str:
    """Return the page, in Markdown: by document, in the order of its lines."""
    documents = [each for each in corpus.documents.values() if each.errata]
    count = sum(len(found) for each in documents for found in each.errata.values())
    lines = [
        f"# {count} statements that PyTorch {corpus.torch} contradicts",
        "",
        "Five documents about PyTorch are what this corpus began with. This page is for their readers: where not to",
        "believe them, what holds instead, and what a session with PyTorch shows, in which `torch`, `nn` and `np` are",
        "imported. A test runs every line of it. `python -m assay_spec.errata` makes the page from",
        "`spec/assay_spec/documented/`.",
        "",
    ]
    for document in documents:
        lines += [f"## {document.title}", "", f"{document.about[0].upper()}{document.about[1:]}.", ""]
        for op, mistake in _in_order(document):
            lines += [*_entry(op, mistake), ""]
    return "\n".join(lines)


def _in_order(document: DocumentFile) -> list[tuple[str, Mistake]]:
    found = [(op, each) for op, mistakes in document.errata.items() for each in mistakes]
    return sorted(found, key=lambda entry: (int(str(entry[1].lines).split("-")[0]), entry[0]))


def _entry(op: str, mistake: Mistake) -> Iterator[str]:
    code, _, result = mistake.evidence.rstrip("\n").rpartition(" -> ")
    where = f"Line{'s' if '-' in str(mistake.lines) else ''} {mistake.lines}"
    yield f"**{where}, `{op}`.** *It says:* {mistake.says}. *In fact:* {mistake.holds}."
    yield ""
    yield "```pycon"
    first, *others = code.splitlines() or [""]
    yield f">>> {first}"
    yield from (f"... {each}" for each in others)
    yield from result.splitlines()
    yield "```"


def main() -> None:
    PAGE.write_text(page(load_corpus()), encoding="utf-8")


if __name__ == "__main__":
    main()
