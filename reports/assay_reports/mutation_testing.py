"""Mutation runs in the public report format of mutation testing, which Stryker's report viewer shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from assay_reports.codes import CODES
from assay_reports.mutants import MutationRun, Verdict
from assay_reports.records import plain
from assay_reports.vocabulary import counted
from assay_spec.documents import Document, read
from assay_spec.model import Corpus, Op

KeyPath = tuple[Any, ...]  # the keys and indices that lead to a part of a spec file

_STATUS: Final = {"killed": "Killed", "survived": "Survived", "equivalent": "Ignored"}

# Which keys of a spec make a kind of mutant possible, by words in the kind's name; the first row that fits counts.
_KEYS: Final = (
    ("gradient", ("gradient",)),
    ("error", ("errors",)),
    ("scenario", ("scenarios",)),
    ("out=|in place", ("variants",)),
    ("a copy for a view", ("shares",)),
    ("missing|held|started|buffer", ("parameters", "buffers")),
    ("training", ("construct",)),
    ("random|seed|drawn", ("random",)),
    ("rounded|budget|wrong (in|past)|NaN|infinity|sign of zero|subnormals", ("judge",)),
    ("empty|broadcast|promote", ("arguments",)),
)
_OF_AN_ARGUMENT: Final = ("arguments",)
_OTHERWISE: Final = ("result", "family", "signature", "name")  # where the file has no such key


def render(mutation: MutationRun, corpus: Corpus) -> str:
    """Return the report as JSON: each spec file with its mutants, and the items that killed them."""
    header = mutation.header
    if header.suite.spec_hash != corpus.spec_hash:
        raise ValueError(
            f"these mutants were made from corpus {header.suite.spec_hash}, but the corpus is now {corpus.spec_hash}; "
            "run `assay mutants` again"
        )
    unknown = [op for op in mutation.by_op if op not in corpus]
    if unknown:
        raise ValueError(f"the corpus has no op {unknown[0]!r}; run `assay mutants` again")
    report = {
        "schemaVersion": "2",
        "thresholds": {"high": 100, "low": 100},  # no mutant may survive
        "framework": {"name": "Assay", "version": header.suite.version},
        "config": {key: plain(getattr(header, key)) for key in ("backend", "oracle", "selection", "seed")},
        "files": {
            corpus[op].file.relative_to(corpus.root).as_posix(): _file(corpus[op], verdicts)
            for op, verdicts in mutation.by_op.items()
        },
        "testFiles": {op: {"tests": _tests(verdicts)} for op, verdicts in mutation.by_op.items()},
    }
    return json.dumps(report, indent=1)


def _file(op: Op, verdicts: Iterable[Verdict]) -> dict[str, Any]:
    source, document = op.file.read_text(encoding="utf-8"), read(op.file)
    lines = source.splitlines()
    mutants = [_mutant(verdict, line_of(verdict, document, lines), lines) for verdict in verdicts]
    return {"language": "yaml", "source": source, "mutants": mutants}


def _mutant(verdict: Verdict, line: int, lines: Sequence[str]) -> dict[str, Any]:
    text = lines[line - 1]
    start = len(text) - len(text.lstrip())
    return {
        "id": f"{verdict.op}: {verdict.mutant}",
        "mutatorName": verdict.kind,
        "description": f"{verdict.call}; original: {verdict.original}; mutant: {verdict.mutated}",
        "replacement": f"{text.strip()}  # {verdict.mutant}",  # the code is mutated, not the spec
        "location": {
            "start": {"line": line, "column": start + 1},
            "end": {"line": line, "column": len(text) + 1},
        },
        "status": _STATUS[verdict.status],
        "statusReason": _reason(verdict),
        "killedBy": [verdict.item] if verdict.item else [],
    }


def _reason(verdict: Verdict) -> str:
    if verdict.status == "equivalent":
        return verdict.because or ""
    if verdict.status == "survived":
        return f"survived {counted(verdict.cases, 'case')}"
    means = CODES[verdict.code].means if verdict.code else "killed"
    return f"{verdict.code} after {counted(verdict.cases, 'case')}: {means}"


def _tests(verdicts: Iterable[Verdict]) -> list[dict[str, str]]:
    items = dict.fromkeys(verdict.item for verdict in verdicts if verdict.item)
    return [{"id": item, "name": item.partition("::")[2]} for item in items]


def line_of(verdict: Verdict, document: Document, lines: Sequence[str]) -> int:
    """Return the line of a spec file that makes a mutant possible: its argument's, its error's, its key's."""
    subject = verdict.mutant.removeprefix(verdict.kind).removeprefix(": ")
    keys = next((keys for words, keys in _KEYS if re.search(words, verdict.kind)), _OF_AN_ARGUMENT if subject else ())
    parts = list(_parts(document.content, ()))
    for key in keys:
        for path, value in parts:
            if key in path and _is_about(path, value, subject):
                if key == "scenarios":
                    return _step(subject, document.line(*path, "run"), lines)
                return document.line(*path)
    others = (each for each in (*keys, *_OTHERWISE) if each != "scenarios")  # a scenario that is not here is a family's
    found = (path for key in others for path, _ in parts if path[-1] == key)
    return document.line(*next(found, ()))


def _parts(content: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the parts of a spec, top to bottom; examples and budgets name arguments too, and are not split."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in pairs:
        yield (*path, key), value
        if key not in ("examples", "trajectories", "judge"):
            yield from _parts(value, (*path, key))


def _is_about(path: KeyPath, value: Any, subject: str) -> bool:
    if isinstance(value, dict) and "because" in value:
        return subject == f"{value.get('raises')} because {value['because']}"
    if isinstance(value, dict) and "run" in value:
        return subject.startswith((f"{value['name']}: ", f"{value['name']}, "))
    return subject in (path[-1], value)


def _step(subject: str, run: int, lines: Sequence[str]) -> int:
    """Return the line of the scenario's step that is changed, where the program has lines of its own."""
    step = re.search(r"(?:without|on) line (\d+)", subject)
    return run + int(step[1]) if step and lines[run - 1].endswith("|") else run
