"""JUnit XML, which CI systems show: a test case for each item."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

from assay_reports.results import Finding, Result, Run
from assay_reports.vocabulary import OUTCOMES

# Characters that XML 1.0 does not allow, even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(run: Run) -> str:
    """Write one run as a test suite."""
    elements = [_element(result.outcome) for result in run.results]
    suite = ElementTree.Element(
        "testsuite",
        name=f"assay.{_clean(run.name)}",
        tests=str(len(run.results)),
        failures=str(elements.count("failure")),
        errors=str(elements.count("error")),
        skipped=str(elements.count("skipped")),
        time=f"{sum(result.ms for result in run.results) / 1000:.3f}",
    )
    for result in run.results:
        _case(suite, result, run)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _element(outcome: str) -> str | None:
    """Choose how an outcome shows; a pass has no element."""
    if outcome in ("pass", "fail"):
        return "failure" if outcome == "fail" else None
    return "error" if OUTCOMES[outcome].broken else "skipped"


def _case(suite: ElementTree.Element, result: Result, run: Run) -> None:
    name = result.id.partition("::")[2]
    case = ElementTree.SubElement(suite, "testcase", classname=result.op, name=name, time=f"{result.ms / 1000:.3f}")
    kind = _element(result.outcome)
    if kind is None:
        return
    element = ElementTree.SubElement(case, kind, message=_clean(f"{result.code}: {result.message}"))
    lines = [line for each in result.findings for line in _lines(each)]
    again = [f"again: {run.again(result.id)}"] if OUTCOMES[result.outcome].broken else []
    element.text = _clean("\n".join([*lines, *again]))


def _lines(finding: Finding) -> Iterator[str]:
    """Return a finding as text: what is wrong, in how many cases, and the smallest of them."""
    yield f"{finding.code} {finding.message} ({finding.cases} cases)"
    yield from filter(None, (finding.call, finding.snippet))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
