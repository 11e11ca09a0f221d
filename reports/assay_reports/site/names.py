"""Names on the site: what runs are called, and what their pages, ops' pages and places on them are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from assay_reports.printable import printable
from assay_reports.results import Result, Run

_LONGEST: Final = 80  # characters of a file name
_TELLING: Final[tuple[Callable[[Run], str], ...]] = (
    lambda run: run.header.backend.version,
    lambda run: run.header.backend.device,
    lambda run: run.header.edition,
    lambda run: run.header.selection.effort,
    lambda run: run.header.started,
)


def labels(runs: Sequence[Run]) -> list[str]:
    """Return what each run is called: its backend's name, and with runs of one name what tells them apart."""
    names = [printable(run.name) or "unnamed" for run in runs]
    for tell in _TELLING:
        told = [printable(tell(run)) for run in runs]
        parted = {
            name for name in names if len({word for each, word in zip(names, told, strict=True) if each == name}) > 1
        }
        names = [f"{name} {word}" if name in parted else name for name, word in zip(names, told, strict=True)]
    return _numbered(names)


def _numbered(names: Sequence[str]) -> list[str]:
    """Return names of which no two are the same: from the second on, one that occurs again has a number."""
    found: list[str] = []
    for name in names:
        number, each = 1, name
        while each in found:
            number += 1
            each = f"{name} ({number})"
        found.append(each)
    return found


def slugs(names: Iterable[str]) -> dict[str, str]:
    """Return a file name for each name, no two the same, not even where upper and lower case are.

    What cannot stand in a file name leaves a hash behind: `a/b` is `a-b-c14cddc0`, and `a-b` is `a-b`.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:_LONGEST].strip(".-")
        slug = plain
        if plain != name or not plain or plain.casefold() in taken:
            slug = f"{plain}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}".strip("-")
        while slug.casefold() in taken:
            slug += "_"
        found[name] = slug
        taken.add(slug.casefold())
    return found


def anchor(text: str) -> str:
    """Return a text as the id of an element and the end of an address; what reads well stays: `values[float32]`."""
    return quote(text, safe="[]():,=+*!@$'/", errors="replace")


def suffix(result: Result) -> str:
    """Return an item's id without its op."""
    return result.id.removeprefix(f"{result.op}::")
