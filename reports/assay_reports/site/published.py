"""What is published beside the pages, for programs: the results, their summaries, badges, and what the search reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from assay_reports import badge, json_report
from assay_reports.records import plain
from assay_reports.results import Result
from assay_reports.score import Score
from assay_reports.site.backends import Backend
from assay_reports.site.names import anchor, suffix
from assay_reports.site.pages import Site

SCHEMA_VERSION: Final = 1
_FIRST: Final = 48  # the character that stands for number 0 in the search's strings


def files(site: Site) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each file that is published, but for the results themselves."""
    yield "data/index.json", _json(index(site))
    yield "data/items.js", f"assay.load({json.dumps(items(site), ensure_ascii=False, separators=(',', ':'))})\n"
    for backend in site.backends:
        yield f"{backend.data}/summary.json", _json(summary(site, backend))
        yield f"{backend.data}/badge.json", _json(badge.endpoint(backend.run))
        yield f"{backend.data}/badge.svg", badge.render(backend.run)


def index(site: Site) -> dict[str, Any]:
    """Return the runs of a site, each with its two numbers and the addresses of all that there is about it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "corpus": {"torch": site.corpus.torch, "spec_hash": site.corpus.spec_hash},
        "runs": [_entry(backend) for backend in site.backends],
    }


def _entry(backend: Backend) -> dict[str, Any]:
    header, data = backend.run.header, backend.data
    return {
        "label": backend.label,
        "name": header.backend.name,
        "version": header.backend.version,
        "device": header.backend.device,
        "started": header.started,
        "complete": backend.run.complete,
        "coverage": backend.run.score.coverage,
        "conformance": backend.run.score.conformance,
        "page": backend.page,
        "changes": backend.changes_page if backend.changes is not None else None,
        "results": f"{data}/results.jsonl",
        "summary": f"{data}/summary.json",
        "badge": f"{data}/badge.svg",
        "endpoint": f"{data}/badge.json",
    }


def summary(site: Site, backend: Backend) -> dict[str, Any]:
    """Return what a backend's page says: the summary of its run, its areas and ops, its history and changes."""
    found = json_report.summary(backend.run)
    for entry, cause in zip(found["causes"], backend.causes, strict=True):
        entry["page"] = f"{backend.page}#{anchor(cause.slug)}"
    return {
        "schema_version": SCHEMA_VERSION,
        "label": backend.label,
        "header": plain(backend.run.header),
        "complete": backend.run.complete,
        **found,
        "areas": {
            area: _shares(cell.score)
            for area, functions in site.areas.items()
            if (cell := site.group_cells(functions)[backend.index]).items
        },
        "ops": {
            each.name: {**_shares(each.cells[backend.index].score), "page": each.page}
            for each in site.functions
            if each.cells[backend.index].items
        },
        "history": [
            {"started": each.started, "version": each.version, "complete": each.complete, **_shares(each.score)}
            for each in backend.history.points
        ],
        "changes": backend.changes and {bucket: _ids(rows) for bucket, rows in backend.changes.items()},
    }


def _ids(rows: Iterable[tuple[Result | None, Result | None]]) -> list[str]:
    return [known.id for old, new in rows if (known := new or old)]


def _shares(score: Score) -> dict[str, float | None]:
    return {"coverage": score.coverage, "conformance": score.conformance}


def items(site: Site) -> dict[str, Any]:
    """Return every item's outcome and code, as the search reads them.

    An op has a character for each of its items, then a string for each backend with a character for what each item
    came to there; a space stands where a backend has no result.
    """
    kinds: dict[tuple[str, str, str], int] = {}
    states: dict[tuple[str, str], int] = {}
    ops = {}
    for function in site.functions:
        items = {item.name: (item.name, item.facet, item.dtype or "") for item in function.items}
        rows = []
        for results in function.results:
            found = {suffix(each): _numbered(states, (each.outcome, each.code or "")) for each in results}
            rows.append("".join(found.get(name, " ") for name in items))
        ops[function.name] = ["".join(_numbered(kinds, kind) for kind in items.values()), *rows]
    return {"first": _FIRST, "kinds": list(kinds), "states": list(states), "ops": ops}


def _numbered(known: dict[Any, int], key: Any) -> str:
    """Return the character of a key, which gets the next one where it is new."""
    return chr(_FIRST + known.setdefault(key, len(known)))


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
