"""Results files to read, small enough to check by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from assay_reports.records import Finding, Footer, Header, Result
from assay_reports.results import ResultsWriter, Run, read_results
from assay_reports.vocabulary import BROKEN
from assay_spec.typed import read

HEADER: Final[Header] = read(
    Header,
    {
        "schema_version": 3,
        "suite": {"version": "0.1.0", "spec_hash": "abc", "torch": "2.13"},
        "settings": {"backend": "toy.py:Toy"},
        "edition": "current",
        "backend": {
            "name": "toy", "version": "1.0", "language": "Python", "device": "cpu", "devices": ["cpu"],
            "dtypes": ["float32"], "features": ["views"],
        },
        "oracle": {"name": "torch", "version": "2.13.0"},
        "env": {"python": "3.11.7", "platform": "Linux", "numpy": "2.0"},
        "selection": {},
        "seed": 0,
        "planned": 3,
        "started": "2026-01-01T00:00:00+00:00",
        "command": "assay run",
    },
)  # fmt: skip


def changed(header: Header, **changes: Any) -> Header:
    """Return a header with changes; what a part of it holds is changed by a dict."""
    parts = {
        name: replace(getattr(header, name), **value) if isinstance(value, dict) and name != "settings" else value
        for name, value in changes.items()
    }
    return replace(header, **parts)


def finding(code: str = "A101", outcome: str = "fail", **more: Any) -> Finding:
    """Make one finding."""
    content: dict[str, Any] = {
        "form": "result differs", "cases": 5, "message": "result is 1, not 2", "expected": "2", "actual": "1",
        "budget": "exact", "index": (0,), "case": "c1", "call": "torch.exp(float32[1])",
        "snippet": "import torch\nprint(1)", **more,
    }  # fmt: skip
    return Finding(code=code, outcome=outcome, **content)


def result(id: str, outcome: str = "pass", code: str | None = None, **more: Any) -> Result:
    """Make one result."""
    op, _, rest = id.partition("::")
    facet, _, dtype = rest.partition("[")
    broken = outcome in BROKEN
    content: dict[str, Any] = {
        "id": id, "hash": "h", "op": op, "area": "pointwise", "facet": facet, "dtype": dtype.rstrip("]") or None,
        "outcome": outcome, "cases": 10, "passed": 10 if outcome == "pass" else 5 * broken,
        "failed": 5 if broken else 0, "unsupported": 10 if outcome == "unsupported" else 0, "ms": 1.5,
        "findings": (finding(str(code), outcome),) if broken else (), **more,
    }  # fmt: skip
    return Result(**content)


Make = Callable[..., Run]


@pytest.fixture(name="finding")
def finding_fixture() -> Callable[..., Finding]:
    return finding


@pytest.fixture(name="result")
def result_fixture() -> Callable[..., Result]:
    return result


@pytest.fixture
def header() -> Header:
    return HEADER


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write results to a file and read them back."""
    count = 0

    def made(*results: Result, complete: bool | None = True, **header: Any) -> Run:
        nonlocal count
        count += 1
        path = tmp_path / f"run{count}.jsonl"
        writer = ResultsWriter(path, changed(HEADER, **{"planned": len(results), **header}))
        for each in results:
            writer.result(each)
        if complete is not None:
            writer.finish(Footer(complete))
        writer.close()
        return read_results(path)

    return made
