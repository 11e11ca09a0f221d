"""Results files to read, small enough to check by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay_reports.results import Failure, Result, ResultsWriter, Run, read_results
from assay_reports.vocabulary import BROKEN

HEADER: dict[str, Any] = {
    "run_id": "r1",
    "suite": {"version": "0.1.0", "spec_hash": "abc", "torch": "2.13"},
    "settings": {"backend": "toy.py:Toy"},
    "edition": "current",
    "backend": {
        "name": "toy", "version": "1.0", "language": "Python", "device": "cpu", "devices": ["cpu"],
        "dtypes": ["float32"], "features": ["views"],
    },
    "oracle": {"name": "torch", "version": "2.13.0"},
    "env": {"python": "3.11.7", "platform": "Linux", "numpy": "2.0"},
    "selection": {"filter": "", "effort": "standard", "facets": None, "shard": None},
    "seed": 0,
    "planned": 3,
    "started": "2026-01-01T00:00:00+00:00",
    "command": "assay run",
}  # fmt: skip


def result(id: str, outcome: str = "pass", code: str | None = None, **more: Any) -> Result:
    """Make one result."""
    op, _, rest = id.partition("::")
    facet, _, dtype = rest.partition("[")
    broken = outcome in BROKEN
    failure = Failure(
        case="c1", code=str(code), outcome=outcome, message="result is 1, not 2", expected="2", actual="1",
        budget="exact", index=(0,), call="torch.exp(float32[1])", snippet="import torch\nprint(1)", more=4,
    )  # fmt: skip
    content: dict[str, Any] = {
        "id": id, "hash": "h", "op": op, "area": "pointwise", "facet": facet, "dtype": dtype.rstrip("]") or None,
        "outcome": outcome, "code": code, "cases": 10, "passed": 10 if outcome == "pass" else 5 * broken,
        "failed": 5 if broken else 0, "unsupported": 10 if outcome == "unsupported" else 0, "ms": 1.5,
        "message": "result is 1, not 2" if broken else None, "failures": (failure,) if broken else (), **more,
    }  # fmt: skip
    return Result(**content)


Make = Callable[..., Run]


@pytest.fixture(name="result")
def result_fixture() -> Callable[..., Result]:
    return result


@pytest.fixture
def header() -> dict[str, Any]:
    return HEADER


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write results to a file and read them back."""
    count = 0

    def made(*results: Result, complete: bool | None = True, **header: Any) -> Run:
        nonlocal count
        count += 1
        path = tmp_path / f"run{count}.jsonl"
        writer = ResultsWriter(path, {**HEADER, "planned": len(results), **header})
        for each in results:
            writer.result(each)
        if complete is not None:
            writer.footer(complete=complete, counts={}, stop_reason=None)
        writer.close()
        return read_results(path)

    return made
