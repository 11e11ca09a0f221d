"""What changed between two runs: items compared by id, those whose test changed set apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assay_reports.results import Result, Run
from assay_reports.vocabulary import BROKEN

BUCKETS: Final = (
    "regressed", "support lost", "fixed", "newly supported", "test changed", "otherwise changed", "added", "removed",
)  # fmt: skip

Difference = Mapping[str, list[tuple[Result | None, Result | None]]]


def compare(before: Run, after: Run) -> Difference:
    """Sort the items of two runs into buckets; items with the same outcome and findings in both are left out."""
    found: dict[str, list[tuple[Result | None, Result | None]]] = {bucket: [] for bucket in BUCKETS}
    for id in dict.fromkeys([*before.by_id, *after.by_id]):
        old, new = before.by_id.get(id), after.by_id.get(id)
        bucket = _bucket(old, new)
        if bucket is not None:
            found[bucket].append((old, new))
    return found


def _bucket(old: Result | None, new: Result | None) -> str | None:
    if old is None or new is None:
        return "added" if old is None else "removed"
    if old.outcome == new.outcome and _wrong(old) == _wrong(new):
        return None
    if old.hash != new.hash:
        return "test changed"
    if new.outcome == "unsupported":
        return "support lost"
    if old.outcome == "unsupported":
        return "newly supported" if new.outcome == "pass" else "regressed"
    if new.outcome in BROKEN and old.outcome not in BROKEN:
        return "regressed"
    if new.outcome in BROKEN:
        return "regressed" if _wrong(new) - _wrong(old) else "fixed"
    return "fixed" if old.outcome in BROKEN else "otherwise changed"


def _wrong(result: Result) -> frozenset[tuple[str, str]]:
    """Return the kinds of findings about an item, by code and form."""
    return frozenset((each.code, each.form) for each in result.broken)


def render(difference: Difference) -> str:
    """Return the buckets that are not empty as lines of text, regressions first."""
    lines: list[str] = []
    for bucket in BUCKETS:
        rows = difference[bucket]
        if rows:
            lines.append(f"{bucket}: {len(rows)}")
            lines += [f"  {_words(old, new)}" for old, new in rows]
    return "\n".join(lines) if lines else "nothing changed"


def _words(old: Result | None, new: Result | None) -> str:
    known = new or old
    assert known is not None
    return f"{known.id}: {' -> '.join(_state(each) for each in (old, new) if each)}"


def _state(result: Result) -> str:
    codes = dict.fromkeys(each.code for each in result.broken or result.findings)
    return " ".join([result.outcome, *codes])
