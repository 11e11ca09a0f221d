from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from assay_spec.documents import Document, SpecError, digest, read


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "relu.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def document(folder: Path, text: str) -> Document:
    return read(written(folder, text))


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("1e-5", 0.00001),
        ("1e5", 100000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("+2.5", 2.5),
        ("10", 10),
        ("-3", -3),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("0x1.8p-3", 0.1875),
        ("-0x1p4", -16.0),
        ("0x.8p0", 0.5),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("+.INF", math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(tmp_path: Path, scalar: str, value: Any) -> None:
    found = document(tmp_path, f"x: {scalar}\n").content["x"]

    assert (type(found), found) == (type(value), value)


def test_zero_keeps_its_sign(tmp_path: Path) -> None:
    assert math.copysign(1, document(tmp_path, "x: -0.0\n").content["x"]) == -1


@pytest.mark.parametrize(
    "text", ["no", "yes", "on", "off", "NO", "y", "1_000", "12:30", "2017-01-13", "0b1", "1e", ".", "0x.p0", "=", "<<"]
)
def test_what_yaml_1_2_gives_no_other_meaning_is_text(tmp_path: Path, text: str) -> None:
    assert document(tmp_path, f"x: {text}\n").content == {"x": text}


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_nan_is_a_number(tmp_path: Path, text: str) -> None:
    assert math.isnan(document(tmp_path, f"x: {text}\n").content["x"])


@pytest.mark.parametrize("quoted", ["'1'", '"1"', "|-\n  1"])
def test_a_quoted_scalar_is_text(tmp_path: Path, quoted: str) -> None:
    assert document(tmp_path, f"x: {quoted}\n").content == {"x": "1"}


def test_lists_and_mappings_nest(tmp_path: Path) -> None:
    found = document(tmp_path, "x:\n  - [1, {a: b}]\n  - c: [no]\n")

    assert found.content == {"x": [[1, {"a": "b"}], {"c": ["no"]}]}


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    assert document(tmp_path, "# nothing yet\n").content is None


def test_every_part_knows_its_line(tmp_path: Path) -> None:
    found = document(tmp_path, "# why\nname: x\nlist:\n  - 1\n  - a: 2\n    b:\n      3\n")

    lines = [found.line(*path) for path in [("name",), ("list",), ("list", 1), ("list", 1, "a"), ("list", 1, "b")]]

    assert lines == [2, 3, 5, 5, 6]


def test_a_part_that_is_not_there_has_the_line_of_what_is_around_it(tmp_path: Path) -> None:
    found = document(tmp_path, "name: x\nlist:\n  - 1\n  - a: 2\n")

    assert [found.line("list", 1, "z", "y"), found.line("other"), found.line()] == [4, 1, 1]


def test_an_error_says_file_line_what_and_what_to_do(tmp_path: Path) -> None:
    found = document(tmp_path, "name: x\nkind: y\n")

    error = found.error(("kind",), "no kind 'y'", "did you mean 'x'?")

    assert str(error) == f"{tmp_path}/relu.yaml:2: no kind 'y' (did you mean 'x'?)"
    assert (error.file, error.line, error.message, error.hint) == (
        tmp_path / "relu.yaml",
        2,
        "no kind 'y'",
        "did you mean 'x'?",
    )


def test_an_error_without_a_hint_has_no_brackets() -> None:
    assert str(SpecError("relu.yaml", 4, "too long")) == "relu.yaml:4: too long"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "3: the key 'a' appears twice (keep one of the two)"),
        ("a:\n  b: 1\n  b: 1\n", "3: the key 'b' appears twice (keep one of the two)"),
        ("a: [{b: 1,\n  b: 1}]\n", "2: the key 'b' appears twice (keep one of the two)"),
        ("a: 1\n'a': 1\n", "2: the key 'a' appears twice (keep one of the two)"),
        ("a: 1\n2: b\n", "2: the key 2 is not a string (put it in quotes)"),
        ("true: b\n", "1: the key True is not a string (put it in quotes)"),
        ("a:\n  ? [b]\n  : c\n", "2: the key ['b'] is not a string (put it in quotes)"),
        (b"a: 1\nb: caf\xe9\n", "2: not UTF-8: the byte 0xe9 (save the file as UTF-8)"),
        ("a: ü\nb: \x07\n", "2: not YAML: the control character U+0007 (take it out)"),
        ("a: &all [1, *all]\n", "1: nested without end (an alias must not stand inside its own anchor)"),
    ],
)
def test_a_file_that_is_not_sound_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    file = written(tmp_path, text)

    with pytest.raises(SpecError) as caught:
        read(file)

    assert str(caught.value) == f"{file}:{message}"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb:\n\t- 2\n", 3, "found character that cannot start any token"),
        ("a: 1\n---\nb: 2\n", 2, "but found another document"),
        ("a: 1\nb: *c\n", 2, "found undefined alias"),
    ],
)
def test_what_the_parser_of_yaml_refuses_has_file_and_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    file = written(tmp_path, text)

    with pytest.raises(SpecError) as caught:
        read(file)

    said = str(caught.value).replace("'\\t' that", "that").replace(" 'c'", "")  # the parser in Python says a bit more
    assert said == f"{file}:{line}: not YAML: {problem} (check indentation, quotes and brackets)"


def test_the_same_value_twice_by_an_alias_is_no_endless_nesting(tmp_path: Path) -> None:
    assert document(tmp_path, "a: &x [1]\nb: *x\n").content == {"a": [1], "b": [1]}


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1}) != digest({"a": 1, "b": [3]})
