"""Expectations files brought up to date with a run, entry by entry, so that what people wrote in them stays."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import yaml

from assay_reports.causes import Cause, among, causes
from assay_reports.expectations import Expectations, Known, Shown, escaped
from assay_reports.files import replaced
from assay_reports.printable import printable
from assay_reports.results import Run
from assay_reports.vocabulary import MANY
from assay_reports.yaml_lists import ExpectationsError, composed, line_of, text_of

_Edit = tuple[int, int, str]  # of a text: from, to, and what stands there then

_INDICATOR: Final = re.compile(r"^ *-(?=\s|\Z)", re.MULTILINE)


def update(path: Path, run: Run, *, add: bool = True) -> str:
    """Make a file list what is wrong in a run: drop what no longer shows, add what does, by cause; keep comments."""
    if not run.complete:
        raise ExpectationsError(
            f"{run.path} is partial: what it did not run would look mended; finish it with --resume"
        )
    text = text_of(path) if path.exists() else ""
    before = Expectations.of(path, text)
    known, unlisted = before.account(run)
    if not add:
        known = [each._replace(cases=min(each.cases, each.due)) for each in known]  # what has grown stays unexpected
    edits, gone = _edits(before, known, text)
    new = [entry for cause in among(causes(run), unlisted) for entry in _written(cause)] if add else []
    text = "".join([_edited(text, edits) if before.entries else _remarks(text), *new])
    if not _lists(path, text, run, len(before.entries) - gone + len(new), add=add):
        raise ExpectationsError(f"{path}: what it lists cannot be edited; begin a line with each entry and item")
    os.close(replaced(path, text))
    return f"{path}: {len(new)} added, {gone} removed"


def _lists(path: Path, text: str, run: Run, entries: int, *, add: bool) -> bool:
    """Return whether a file, as it would be, lists what is wrong in a run."""
    try:
        after = Expectations.of(path, text)
    except ExpectationsError:
        return False
    found = after.compare(run)
    return len(after.entries) == entries and not found.improved + found.stale + (found.unexpected if add else [])


def _remarks(text: str) -> str:
    """Return what a file without entries says to people."""
    return "".join(f"{line}\n" for line in text.splitlines() if not line.strip() or line.startswith("#"))


def _written(cause: Cause) -> Iterator[str]:
    """Yield a cause as entries, one for each code."""
    for code in dict.fromkeys(finding.code for _, finding in cause.ways):
        yield _entry(code, [(result, finding) for result, finding in cause.shown if finding.code == code])


def _entry(code: str, shown: Shown) -> str:
    """Return the entry of some findings, in which the items of an op stand together."""
    ids: dict[str, set[str]] = {}
    cases: dict[str, int] = {}
    for result, finding in shown:
        id = printable(result.id)
        op = id.partition("::")[0]
        ids.setdefault(op, set()).add(id)
        cases[op] = cases.get(op, 0) + finding.cases
    forms = [escaped(printable(form)) for form in dict.fromkeys(finding.form for _, finding in shown)]
    entry = {
        "code": code,
        "form": forms[0] if len(forms) == 1 else forms,
        "items": {f"{escaped(op)}::*" if len(of) > 1 else escaped(*of): cases[op] for op, of in ids.items()},
    }
    return yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=10_000)


def _edits(before: Expectations, known: Sequence[Known], text: str) -> tuple[list[_Edit], int]:
    """Return what is to be done to a file's text, and how many entries that removes."""
    edits: list[_Edit] = []
    gone = end = 0
    for index, (entry, node) in enumerate(zip(before.entries, composed(before.path, text), strict=True)):
        start = _INDICATOR.search(text, end, node.start_mark.index)
        if start is None:
            raise ExpectationsError(f"{before.path}:{line_of(node)}: begin a line with each entry: `- code:`")
        end = _line_after(node, text)
        items = [each for each in known if each.entry == index]
        if entry.expired or (items and all(each.state in ("improved", "stale") for each in items)):
            edits.append((start.start(), end, ""))
            gone += 1
        else:
            edits += _of_items(node, items, text)
    return edits, gone


def _of_items(entry: yaml.Node, known: Sequence[Known], text: str) -> Iterator[_Edit]:
    """Yield how the items of an entry change: those that no longer show it go, and counts that are far off."""
    gone = {each.name for each in known if each.state in ("improved", "stale")}
    off = {each.name: each.cases for each in known if each.cases > MANY * each.due or each.due > MANY * each.cases > 0}
    (listed,) = (value for name, value in entry.value if name.value == "items")
    if listed.flow_style and (gone or off):
        left = {each.name: off.get(each.name, each.due) for each in known if each.name not in gone}
        flow = yaml.safe_dump(left, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
        yield listed.start_mark.index, listed.end_mark.index, flow.strip()
        return
    for name, count in listed.value:
        if name.value in gone:
            yield text.rfind("\n", 0, name.start_mark.index) + 1, _line_after(count, text), ""
        elif name.value in off:
            yield count.start_mark.index, count.end_mark.index, str(off[name.value])


def _line_after(node: yaml.Node, text: str) -> int:
    """Return where the line begins that follows a node; comments and blank lines below it are not its own."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = len(text[: node.end_mark.index].rstrip())
    return text.find("\n", end) + 1 or len(text)


def _edited(text: str, edits: Sequence[_Edit]) -> str:
    for start, end, instead in reversed(edits):
        text = text[:start] + instead + text[end:]
    return text if text.endswith("\n") or not text else f"{text}\n"
