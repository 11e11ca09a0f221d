"""Whatever a file says is text in every report: nothing in it acts, and every report can be read back."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_reports import badge, diff, json_report, junit, markdown, terminal
from assay_reports.expectations import Expectations
from assay_reports.results import Footer, Run, read_results, write_run
from assay_reports.updating import update

Runs = st.SearchStrategy[Run]

FUZZ = settings(max_examples=80, deadline=None)


def inert(text: str) -> bool:
    """Return whether a text has no character that acts on a terminal, but for line ends."""
    return {unicodedata.category(each) for each in text if each != "\n"}.isdisjoint({"Cc", "Cs", "Zl", "Zp"})


@FUZZ
@given(data=st.data())
def test_a_run_is_the_same_when_it_is_written_and_read(
    data: st.DataObject, runs: Runs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run, path = data.draw(runs), tmp_path_factory.getbasetemp() / "same.jsonl"

    write_run(run, path)
    again = read_results(path)

    assert (again.header, again.results, again.events, again.footer) == (
        run.header, run.results, run.events, run.footer,
    )  # fmt: skip


@FUZZ
@given(data=st.data())
def test_the_terminal_is_inert(data: st.DataObject, runs: Runs) -> None:
    run, other = data.draw(runs), data.draw(runs)

    texts = [terminal.table([run, other]), terminal.summary(run), diff.render(diff.compare(run, other))]
    texts += [terminal.failure(each, run.header.settings) for each in run.results]
    texts += Expectations(Path("known.yaml")).compare(run).lines()

    assert all(map(inert, texts))


@FUZZ
@given(data=st.data())
def test_the_markdown_is_inert(data: st.DataObject, runs: Runs) -> None:
    run = data.draw(runs)

    text = markdown.render([run])

    assert inert(text)
    assert len(text.splitlines()) <= 60
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [row.count("|") for row in rows] == [7, 7, 7]
    assert not re.search(r"[<&@\\*_~$!\[\]]", _without_code(text).replace("[Assay]", ""))


def _without_code(text: str) -> str:
    """Return Markdown without its code spans, as CommonMark finds them."""
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


@FUZZ
@given(data=st.data())
def test_junit_and_the_badge_are_xml_that_says_what_the_run_does(data: st.DataObject, runs: Runs) -> None:
    run = data.draw(runs)

    suite, picture = ElementTree.fromstring(junit.render(run)), ElementTree.fromstring(badge.render(run))

    assert suite.get("tests") == str(len(suite)) == str(len(run.results))
    assert {each.tag for each in suite.iter()} <= {"testsuite", "testcase", "failure", "error", "skipped"}
    assert {each.tag.rpartition("}")[2] for each in picture.iter()} == {"svg", "title", "rect", "path", "g", "text"}


@FUZZ
@given(data=st.data())
def test_the_json_is_json_everywhere(data: st.DataObject, runs: Runs) -> None:
    run = data.draw(runs)

    text = json_report.render([run])

    assert text.isascii()
    assert len(json.loads(text, parse_constant=pytest.fail)["runs"][0]["results"]) == len(run.results)
    json.dumps(badge.endpoint(run), allow_nan=False).encode()


@FUZZ
@given(data=st.data())
def test_what_a_run_shows_can_be_expected(
    data: st.DataObject, runs: Runs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run, path = replace(data.draw(runs), footer=Footer(True)), tmp_path_factory.getbasetemp() / "known.yaml"
    path.unlink(missing_ok=True)

    update(path, run)

    assert Expectations.load(path).compare(run).holds


def test_the_markdown_of_a_hostile_name_is_one_row_of_code(make: Callable[..., Run]) -> None:
    run = make(backend={"name": "a|b\n<script>", "version": "`1`"})

    row = markdown.render([run]).splitlines()[4]

    assert row == "| `` a¦b\\n<script> `1` `` | – | – | 0 | 0 | 0 |"


def test_an_escape_sequence_in_a_name_does_not_reach_the_terminal(make: Callable[..., Run]) -> None:
    text = terminal.table([make(backend={"name": "\x1b]0;owned\x07", "version": "\x1b[31m"})])

    assert text.splitlines()[1] == "│ area   │   items │   \\x1b]0;owned\\x07 │   \\x1b]0;owned\\x07 │"
    assert text.splitlines()[-1] == "\\x1b]0;owned\\x07 \\x1b[31m, values judged by torch 2.13.0: "
