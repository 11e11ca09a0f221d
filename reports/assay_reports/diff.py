"""What changed between two runs: items compared by id, those whose test changed set apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assay_reports.printable import printable
from assay_reports.results import Result, Run
from assay_reports.vocabulary import BROKEN, MANY, OFFERED, counted

BUCKETS: Final = (
    "regressed", "support lost", "fixed", "newly supported", "test changed", "otherwise changed", "added", "removed",
)  # fmt: skip

Difference = Mapping[str, list[tuple[Result | None, Result | None]]]
_Wrong = dict[tuple[str, str], int]


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
    was, now = _wrong(old), _wrong(new)
    worse, better = _more(was, now), _more(now, was)
    if (old.outcome, old.unsupported) == (new.outcome, new.unsupported) and not worse and not better:
        return None
    if old.hash != new.hash:
        return "test changed"
    if worse:
        return "regressed"
    if "not_run" in (old.outcome, new.outcome):
        return "otherwise changed"
    if _less_supported(old, new):
        return "support lost"
    if _less_supported(new, old):
        return "newly supported"
    return "fixed" if old.outcome in BROKEN and new.outcome in OFFERED else "otherwise changed"


def _wrong(result: Result) -> _Wrong:
    """Return in how many cases each kind of finding shows, by code and form."""
    return {(each.code, each.form): each.cases for each in result.broken}


def _more(was: _Wrong, now: _Wrong) -> bool:
    """Return whether something is wrong that was not, or in many more cases."""
    return any(cases > MANY * was.get(which, 0) for which, cases in now.items())


def _less_supported(old: Result, new: Result) -> bool:
    """Return whether more of an item is unsupported in the second of two results."""
    if "unsupported" in (old.outcome, new.outcome):
        return old.outcome != new.outcome == "unsupported"
    return new.unsupported > old.unsupported


def render(difference: Difference) -> str:
    """Return the buckets that are not empty as lines of text, regressions first."""
    lines: list[str] = []
    for bucket in BUCKETS:
        rows = difference[bucket]
        if rows:
            lines.append(f"{bucket}: {len(rows):,}")
            lines += [f"  {printable(_words(old, new))}" for old, new in rows]
    return "\n".join(lines) if lines else "nothing changed"


def _words(old: Result | None, new: Result | None) -> str:
    known = new or old
    assert known is not None
    return f"{known.id}: {' -> '.join(_state(each) for each in (old, new) if each)}"


def _state(result: Result) -> str:
    codes = dict.fromkeys(each.code for each in result.broken or result.findings)
    cases = f"({result.passed:,} of {counted(result.cases, 'case')} pass)" if result.passed < result.cases else ""
    return " ".join(filter(None, [result.outcome, *codes, cases]))
