"""The JSON Schema and the tables of the docs, made from the records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_reports import json_report
from assay_reports.expectations import Expectations
from assay_reports.json_lines import line_of
from assay_reports.records import Footer, Mutants, Selection, Suite, Verdict
from assay_reports.results import Run
from assay_reports.schema import SCHEMA, TABLES, guide, json_schema, table
from assay_spec.schema import written

DOCS: Final = Path(__file__).parents[2] / "docs"  # the checkout's, wherever the package is installed
LINE: Final = jsonschema.Draft202012Validator(json_schema())
REPORT: Final = jsonschema.Draft202012Validator({"$ref": "#/$defs/Report", "$defs": json_schema()["$defs"]})


def test_the_schema_that_is_shipped_is_that_of_the_records() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == written(json_schema()) + "\n", "run `python -m assay_reports.schema`"


@pytest.mark.parametrize("name", TABLES)
def test_a_guide_has_the_tables_of_the_records(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")

    assert text == guide(text, TABLES[name]), "run `python -m assay_reports.schema`"
    for tables in TABLES[name].values():
        assert all(table(each) in text for each in tables)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_every_record_of_the_schema_has_a_table() -> None:
    records = {name for name, each in json_schema()["$defs"].items() if each.get("type") == "object"}
    shown = {kind.__name__ for tables in TABLES["results-format.md"].values() for _, kind in tables}

    assert records - shown == {"Summary"}  # its keys are those of a run


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_line_and_every_report_fits_the_schema(data: st.DataObject, runs: st.SearchStrategy[Run]) -> None:
    run = data.draw(runs)

    for record in (run.header, *run.results, *run.events, *([run.footer] if run.footer else [])):
        LINE.validate(json.loads(line_of(record)))
    REPORT.validate(json.loads(json_report.render([run])))


def test_a_mutation_run_fits_the_schema() -> None:
    header = Mutants(3, Suite("0.1.0", "abc", "2.13"), "reference", "reference", Selection(), 0, 1)
    verdict = Verdict("a", "x", "NaN kept", "NaN kept", "killed", 7, facet="values", item="a::values", code="A101")

    for record in (header, verdict, Footer(complete=True)):
        LINE.validate(json.loads(line_of(record)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("outcome", "melted"),
        ("cases", -1),
        ("cases", 2**60),
        ("colour", "red"),
        ("type", "verdict"),
    ],
)
def test_what_is_refused_does_not_fit_the_schema(key: str, value: object, result: Any) -> None:
    record = json.loads(line_of(result("a::shape")))
    LINE.validate(record)

    assert not LINE.is_valid({**record, key: value})


def test_the_expectations_in_the_guide_are_valid() -> None:
    text = (DOCS / "reading-a-report.md").read_text(encoding="utf-8")

    (entry,) = Expectations.of(Path("guide.yaml"), text.partition("```yaml\n")[2].partition("```")[0]).entries

    assert entry.items == {"torch.add::*": 96, "torch.sub::values[float32]": 12}
