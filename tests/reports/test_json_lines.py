"""What no results file holds is refused with the file and the line, whatever it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay_reports import mutants
from assay_reports.json_lines import line_of
from assay_reports.records import Event, Footer, Header, Mutants, Selection, Suite, Verdict
from assay_reports.results import Result, ResultsError, read_results

New = Callable[..., Result]

SEE = " (docs/results-format.md says what may stand there)"


def whole_run(header: Header, new: New) -> list[str]:
    records = [header, Event("incident", "a::shape"), new("a::shape"), new("b::shape", "fail", "A201"), Footer(True)]
    return list(map(line_of, records))


def whole_mutation_run() -> list[str]:
    header = Mutants(3, Suite("0.1.0", "abc", "2.13"), "reference", "reference", Selection(), 0, 1)
    verdicts = [
        Verdict("a", "x", "NaN kept", "NaN kept", "killed", 7, facet="values", item="a::values[int8]", code="A101"),
        Verdict("a", "x", "copied", "copied", "survived", 9, call="a(float32[2])"),
    ]
    return [*map(line_of, (header, *verdicts, Footer(True)))]


def refused(path: Path, read: Callable[[Path], Any] = read_results) -> str:
    """Return what is said of a file, without its path."""
    with pytest.raises(ResultsError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


def changed(line: str, change: Callable[[dict[str, Any]], object]) -> str:
    record = json.loads(line)
    change(record)
    return json.dumps(record) + "\n"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("", ":1: no header; a results file begins with one, written by `assay run`"),
        ("{}\n", ":1: no header; a results file begins with one, written by `assay run`"),
        ("nonsense\n{}\n", ":1: not JSON: Expecting value; is this a results file?"),
        ("\n\n[1]\n", ":3: not a JSON object; is this a results file?"),
        ('{"type":NaN}\n', ":1: not JSON: NaN is no number of JSON; is this a results file?"),
        ("[" * 100_000 + "\n", ":1: not JSON: maximum recursion depth exceeded"),
        (
            '{"seed":' + "9" * 5000 + "}\n",
            ":1: not JSON: Exceeds the limit (4300 digits) for integer string conversion",
        ),
        ("\udcff\n", ":1: not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_what_is_no_results_file_is_refused(lines: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(lines, encoding="utf-8", errors="surrogateescape")

    assert refused(path).startswith(told)


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == ": Is a directory"
    assert refused(tmp_path / "none.jsonl") == ": No such file or directory"
    assert refused(tmp_path, mutants.read) == ": Is a directory"


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (2, "schema version 2, and this Assay reads 3; run it again"),
        (4, "schema version 4, and this Assay reads 3; a newer Assay wrote it"),
        ("3", f"schema_version: '3' is not an integer{SEE}"),
    ],
)
def test_another_schema_version_is_refused(
    version: object, told: str, header: Header, result: New, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    first, *rest = whole_run(header, result)
    path.write_text("".join([changed(first, lambda record: record.update(schema_version=version)), *rest]))

    assert refused(path) == f":1: {told}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"outcome": "melted"}, "outcome: unknown word 'melted'"),
        ({"outcome": "pass\n"}, "outcome: unknown word 'pass\\n'"),
        ({"cases": -1}, "cases: -1 is not from 0 to 1000000000"),
        ({"cases": 10**30}, f"cases: {10**30} is not from 0 to 1000000000"),
        ({"cases": 1.5}, "cases: 1.5 is not an integer"),
        ({"passed": True}, "passed: true is not an integer"),
        ({"id": None}, "id: null is not a text"),
        ({"id": ""}, "id: '' is not a text"),
        ({"colour": "red"}, "colour: unknown key 'colour'"),
        ({"\x1b[2J": 1}, "\\x1b[2J: unknown key '\\x1b[2J'"),
        ({"findings": [{"code": "A101"}]}, "findings: 0: the key 'outcome' is missing"),
        ({"findings": [{"code": "A999", "outcome": "fail", "form": "f", "cases": 1}]},
         "findings: 0: code: unknown word 'A999'"),
        ({"findings": {}}, "findings: {} is not a list"),
        ({"excused": {"a": [1]}}, "excused: a: [1] is not an integer"),
        ({"id": "x" * 5000, "op": 1}, "op: 1 is not a text"),
        ({"op": ["x" * 5000]}, f"op: ['{'x' * 294}…"),
    ],
)  # fmt: skip
def test_a_result_that_this_assay_does_not_know_is_refused(
    change: dict[str, Any], told: str, header: Header, result: New, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    lines = whole_run(header, result)
    lines[2] = changed(lines[2], lambda record: record.update(change))
    path.write_text("".join(lines))

    assert refused(path) == f":3: {told}{SEE}"


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [
        ("settings", {"backend": [[1]]}, "settings: backend: [[1]] is not a text"),
        ("selection", {"shard": "all"}, "selection: shard: 'all' does not fit"),
        ("backend", "toy", "backend: 'toy' is not a mapping"),
        ("planned", None, "planned: null is not an integer"),
    ],
)
def test_a_header_that_this_assay_does_not_know_is_refused(
    part: str, value: object, told: str, header: Header, result: New, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    first, *rest = whole_run(header, result)
    path.write_text("".join([changed(first, lambda record: record.update({part: value})), *rest]))

    assert refused(path) == f":1: {told}{SEE}"


def test_deep_json_in_a_record_is_refused(header: Header, result: New, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    deep = '{"type":"result","id":' + "[" * 900 + "]" * 900 + "}\n"
    path.write_text("".join([whole_run(header, result)[0], deep]))

    assert refused(path).startswith(":2: ")


def test_a_second_result_of_an_item_is_refused(header: Header, result: New, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("".join(map(line_of, (header, result("a::shape"), result("b::shape"), result("a::shape")))))

    assert refused(path) == (
        ":4: a second result of a::shape, which line 2 has already; `assay merge` puts results files together"
    )


def test_a_second_header_and_whatever_follows_a_footer_are_refused(header: Header, result: New, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    first, *rest = whole_run(header, result)
    begins = "here another run begins; `assay merge` puts results files together"

    path.write_text("".join([first, first, *rest]))
    assert refused(path) == f":2: {begins}"
    path.write_text("".join([first, *rest, rest[1]]))
    assert refused(path) == f":6: {begins}"


def test_a_record_of_another_type_is_refused(header: Header, result: New, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(whole_run(header, result)[0] + '{"type":["verdict"]}\n')

    assert refused(path) == ":2: a record of type ['verdict']; is this a results file?"


def test_a_last_line_that_was_cut_off_is_left_out(header: Header, result: New, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("".join(whole_run(header, result))[:-20])

    run = read_results(path)

    assert ([*run.by_id], run.complete) == (["a::shape", "b::shape"], False)


def test_a_line_that_was_cut_off_in_the_middle_is_refused(header: Header, result: New, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    lines = whole_run(header, result)
    lines[2] = lines[2][:30] + "\n"
    path.write_text("".join(lines))

    assert refused(path).startswith(":3: not JSON: ")


@pytest.mark.parametrize(
    ("line", "change", "told"),
    [
        (1, {"status": "wounded"}, ":2: status: unknown word 'wounded'" + SEE),
        (1, {"code": "A999"}, ":2: code: unknown word 'A999'" + SEE),
        (1, {"cases": -7}, ":2: cases: -7 is not from 0 to 1000000000" + SEE),
        (1, {"type": "result"}, ":2: a record of type 'result'; run `assay mutants` again"),
        (2, {"op": None}, ":3: op: null is not a text" + SEE),
        (0, {"schema_version": 2}, ":1: schema version 2, and this Assay reads 3; run it again"),
        (0, {"suite": "0.1"}, ":1: suite: '0.1' is not a mapping" + SEE),
        (0, {"type": "header"}, ":1: no header; `assay mutants` writes one first"),
    ],
)
def test_a_mutation_run_that_this_assay_does_not_know_is_refused(
    line: int, change: dict[str, Any], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "mutants.jsonl"
    lines = whole_mutation_run()
    lines[line] = changed(lines[line], lambda record: record.update(change))
    path.write_text("".join(lines))

    assert refused(path, mutants.read) == told


def test_what_follows_the_footer_of_a_mutation_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mutants.jsonl"
    lines = whole_mutation_run()
    path.write_text("".join([*lines, lines[1]]))

    told = refused(path, mutants.read)

    assert told == ":5: a record of type 'verdict' after the footer; run `assay mutants` again"


# Fuzzing

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FUZZ = settings(max_examples=200, deadline=None)


def places(record: Any) -> list[tuple[Any, ...]]:
    """Return the key path of every value in a record."""
    inner = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    return [(key, *path) for key, value in inner for path in [(), *places(value)]]


def damaged(data: st.DataObject, lines: list[str]) -> str:
    """Return a file in which one value is another, or lacks, or one line is bytes of any kind."""
    number = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(["value", "missing", "line", "twice", "left out"]))
    record = json.loads(lines[number])
    if how in ("value", "missing"):
        *path, last = data.draw(st.sampled_from(places(record)))
        inner = record
        for key in path:
            inner = inner[key]
        if how == "value":
            inner[last] = data.draw(JSON)
        else:
            del inner[last]
    new = {
        "line": data.draw(st.binary().map(lambda raw: raw.decode("latin-1"))) + "\n" if how == "line" else "",
        "twice": lines[number] * 2,
        "left out": "",
    }.get(how, json.dumps(record) + "\n")
    return "".join([*lines[:number], new, *lines[number + 1 :]])


def read_or_refused(path: Path, text: str, read: Callable[[Path], Any]) -> None:
    path.write_text(text, encoding="latin-1", errors="backslashreplace")
    try:
        read(path)
    except ResultsError as error:
        assert re.match(rf"{re.escape(str(path))}:\d+: .", str(error))


@FUZZ
@given(data=st.data())
def test_a_damaged_results_file_is_read_or_refused_with_its_line(
    data: st.DataObject, header: Header, result: New, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.jsonl"

    read_or_refused(path, damaged(data, whole_run(header, result)), read_results)


@FUZZ
@given(data=st.data())
def test_a_damaged_mutation_file_is_read_or_refused_with_its_line(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.jsonl"

    read_or_refused(path, damaged(data, whole_mutation_run()), mutants.read)


@FUZZ
@given(raw=st.binary())
@example(raw=b"\xff\xfe{\x00}\x00\n")
@example(raw=b"\xef\xbb\xbf{}\n")
def test_bytes_of_any_kind_are_refused(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.jsonl"
    path.write_bytes(raw)

    for read in (read_results, mutants.read):
        assert re.match(r":\d+: .", refused(path, read))
