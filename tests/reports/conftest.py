"""Results to report, small enough to check by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import pytest
from hypothesis import strategies as st

from assay_reports.records import SCHEMA_VERSION, Event, Finding, Footer, Header, Result
from assay_reports.results import ResultsWriter, Run, read_results
from assay_reports.vocabulary import BROKEN
from assay_spec.typed import Range, keys_of, read

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
        "env": {"python": "3.11.7", "platform": "Linux-6.1-x86_64", "numpy": "2.0"},
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


def in_memory(*results: Result, complete: bool = True, **header: Any) -> Run:
    """Make a run that no file holds."""
    return Run(changed(HEADER, **{"planned": len(results), **header}), results, footer=Footer(complete))


# What means something to a terminal, to Markdown, XML, JSON, YAML or a line-based format.
ACTING: Final = "aZ0 _-.:,|`<>&\"'\\/*?[](){}#@!~$%\n\r\t\x00\x07\x1b\x7f\x85\x9b\u2028\u202e\udc80\ufffe😀ß"
TEXTS: Final = st.text(st.sampled_from(ACTING), min_size=1, max_size=12)


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Draw any value of a kind that files may hold."""
    if isinstance(kind, type) and is_dataclass(kind):
        return st.builds(kind, **{key.name: any_of(key.kind) for key in keys_of(kind) if key.required}) | st.builds(
            kind, **{key.name: any_of(key.kind) for key in keys_of(kind)}
        )
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        if not isinstance(parts[1], Range):
            return st.from_regex(parts[1].regex, fullmatch=True)
        numbers = st.integers if parts[0] is int else st.floats
        return numbers(parts[1].low, parts[1].high)
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is tuple:
        return st.lists(any_of(parts[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(any_of(parts[0]), any_of(parts[1]), max_size=3)
    if parts:
        return st.one_of(*map(any_of, parts))
    plain = {str: TEXTS, int: st.integers(), float: st.floats(-1e308, 1e308), bool: st.booleans(), NoneType: st.none()}
    return plain[kind]


RUNS: Final = st.builds(
    Run,
    any_of(Header).map(lambda header: replace(header, schema_version=SCHEMA_VERSION)),
    st.lists(any_of(Result), max_size=4, unique_by=lambda each: each.id).map(tuple),
    st.lists(any_of(Event), max_size=2).map(tuple),
    st.none() | any_of(Footer),
)


@pytest.fixture(scope="session")
def runs() -> st.SearchStrategy[Run]:
    """Draw any run that a results file may hold, however hostile."""
    return RUNS


Make = Callable[..., Run]


@pytest.fixture(name="finding", scope="session")
def finding_fixture() -> Callable[..., Finding]:
    return finding


@pytest.fixture(name="result", scope="session")
def result_fixture() -> Callable[..., Result]:
    return result


@pytest.fixture(scope="session")
def run_of() -> Make:
    return in_memory


@pytest.fixture(scope="session")
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
