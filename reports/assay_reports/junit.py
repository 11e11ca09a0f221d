"""JUnit XML, which CI systems show: a test case for each item."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

from assay_reports.results import Finding, Result, Run
from assay_reports.vocabulary import BROKEN, counted

# Characters that XML 1.0 does not allow, even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(run: Run) -> str:
    """Return one run as a test suite."""
    elements = [_element(result.outcome) for result in run.results]
    suite = ElementTree.Element(
        "testsuite",
        name=f"assay.{_clean(run.name)}",
        tests=str(len(run.results)),
        failures=str(elements.count("failure")),
        errors=str(elements.count("error")),
        skipped=str(elements.count("skipped")),
        time=_seconds(sum(result.ms for result in run.results)),
    )
    for result in run.results:
        _case(suite, result, run)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _element(outcome: str) -> str | None:
    """Return the element by which an outcome shows; what passes, in part at least, has none."""
    if outcome in ("pass", "partial"):
        return None
    if outcome == "fail":
        return "failure"
    return "error" if outcome in BROKEN else "skipped"


def _case(suite: ElementTree.Element, result: Result, run: Run) -> None:
    op, _, name = _clean(result.id).partition("::")
    case = ElementTree.SubElement(suite, "testcase", classname=op, name=name, time=_seconds(result.ms))
    kind = _element(result.outcome)
    if kind is None:
        return
    why = f"{result.code}: {result.message}" if result.findings else result.outcome
    element = ElementTree.SubElement(case, kind, message=_clean(why))
    again = [f"again: {run.again(result.id)}"] if result.outcome in BROKEN else []
    element.text = _clean("\n".join([*(line for each in result.findings for line in _lines(each)), *again]))


def _lines(finding: Finding) -> Iterator[str]:
    """Yield a finding as text: what is wrong, in how many cases, and the smallest of them."""
    yield f"{finding.code} {finding.message} ({counted(finding.cases, 'case')})"
    yield from filter(None, (finding.call, finding.snippet))


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.3f}"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
