"""JUnit XML, which CI systems show: a test case for each item."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from assay_reports.results import Result, Run

# Characters that XML 1.0 does not allow, even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS: Final = {
    "fail": "failure",
    "error": "error",
    "timeout": "error",
    "crash": "error",
    "harness_error": "error",
    "suite_error": "error",
    "unsupported": "skipped",
    "skipped": "skipped",
    "not_run": "skipped",
    "self": "skipped",
}


def render(run: Run) -> str:
    """Return one run as a test suite in XML."""
    elements = [_ELEMENTS.get(result.outcome) for result in run.results]
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
        _case(suite, result)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, result: Result) -> None:
    name = result.id.partition("::")[2]
    case = ElementTree.SubElement(suite, "testcase", classname=result.op, name=name, time=f"{result.ms / 1000:.3f}")
    kind = _ELEMENTS.get(result.outcome)
    if kind is None:
        return
    element = ElementTree.SubElement(case, kind, message=_clean(f"{result.code}: {result.message}"))
    element.text = _clean("\n".join(f"{each.call}\n{each.snippet}" for each in result.failures))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
