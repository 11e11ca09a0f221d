from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay_reports import badge, json_report
from assay_reports.diff import BUCKETS
from assay_reports.records import Finding
from assay_reports.results import Result, Run, read_results
from assay_reports.site import render_site
from assay_spec import load_corpus

Make = Callable[..., Run]
New = Callable[..., Result]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_results_are_published_as_they_are(make: Make, result: New, tmp_path: Path) -> None:
    run = make(result("torch.exp::shape", "fail", "A201"), result("torch.abs::shape"), complete=None)

    render_site([run], tmp_path / "site", load_corpus())

    published = read_results(tmp_path / "site" / "data" / "toy" / "results.jsonl")
    assert (published.header, published.results, published.footer) == (run.header, run.results, None)


def test_a_summary_says_what_the_backends_page_says(make: Make, result: New, tmp_path: Path) -> None:
    run = make(result("torch.exp::shape", "fail", "A201"), result("torch.abs::shape"))
    before = make(result("torch.exp::shape"), result("torch.abs::shape"), started="2025-12-01T00:00:00+00:00")

    render_site([run], tmp_path, load_corpus(), earlier=[before])

    found = read(tmp_path / "data" / "toy" / "summary.json")
    causes = found.pop("causes")
    assert [(each["code"], each["items"], each["page"].partition("#")[0]) for each in causes] == [
        ("A201", ["torch.exp::shape"], "backend/toy.html")
    ]
    assert {name: found.pop(name) for name in ("items", "cases", "coverage", "conformance")} == {
        name: value for name, value in json_report.summary(run).items() if name != "causes"
    }
    assert found.pop("header")["backend"]["name"] == "toy"
    assert found == {
        "schema_version": 1,
        "label": "toy",
        "complete": True,
        "areas": {"pointwise": {"coverage": 1.0, "conformance": 0.75}},
        "ops": {
            "torch.abs": {"coverage": 1.0, "conformance": 1.0, "page": "op/torch.abs.html"},
            "torch.exp": {"coverage": 1.0, "conformance": 0.5, "page": "op/torch.exp.html"},
        },
        "history": [
            {"started": "2025-12-01T00:00:00+00:00", "version": "1.0", "complete": True, "coverage": 1.0,
             "conformance": 1.0},
            {"started": "2026-01-01T00:00:00+00:00", "version": "1.0", "complete": True, "coverage": 1.0,
             "conformance": 0.75},
        ],
        "changes": {bucket: ["torch.exp::shape"] if bucket == "regressed" else [] for bucket in BUCKETS},
    }  # fmt: skip


def test_an_index_names_what_there_is_of_each_run(make: Make, result: New, tmp_path: Path) -> None:
    run = make(result("torch.exp::shape"))

    render_site([run, replace(run, footer=None)], tmp_path, load_corpus())

    found = read(tmp_path / "data" / "index.json")
    assert found["corpus"] == {"torch": load_corpus().torch, "spec_hash": load_corpus().spec_hash}
    assert found["runs"][0] == {
        "label": "toy",
        "name": "toy",
        "version": "1.0",
        "device": "cpu",
        "started": "2026-01-01T00:00:00+00:00",
        "complete": True,
        "coverage": 1.0,
        "conformance": 1.0,
        "page": "backend/toy.html",
        "changes": None,
        "results": "data/toy/results.jsonl",
        "summary": "data/toy/summary.json",
        "badge": "data/toy/badge.svg",
        "endpoint": "data/toy/badge.json",
    }
    assert found["runs"][1]["complete"] is False
    for entry in found["runs"]:
        assert all((tmp_path / entry[name]).is_file() for name in ("page", "results", "summary", "badge", "endpoint"))


def test_a_badge_is_published_as_a_picture_and_for_an_endpoint(make: Make, result: New, tmp_path: Path) -> None:
    run = make(result("torch.exp::shape"))

    render_site([run], tmp_path, load_corpus())

    assert read(tmp_path / "data" / "toy" / "badge.json") == badge.endpoint(run)
    assert (tmp_path / "data" / "toy" / "badge.svg").read_text(encoding="utf-8") == badge.render(run)


def test_data_is_json_whatever_a_backend_says(
    make: Make, result: New, finding: Callable[..., Finding], tmp_path: Path
) -> None:
    odd = finding(message="\ud800 \u2028 \x00 </script>", code="A101")
    run = make(result("torch.exp::shape", "fail", findings=(odd,)), backend={"name": "\ud800\x07/.."})

    render_site([run], tmp_path, load_corpus())

    [entry] = read(tmp_path / "data" / "index.json")["runs"]
    cause = read(tmp_path / entry["summary"])["causes"][0]
    assert (entry["name"], cause["smallest"]["message"]) == ("\ud800\x07/..", "\ud800 \u2028 \x00 </script>")
    script = (tmp_path / "data" / "items.js").read_text(encoding="utf-8")
    assert json.loads(script.removeprefix("assay.load(").removesuffix(")\n"))["states"] == [["fail", "A101"]]
