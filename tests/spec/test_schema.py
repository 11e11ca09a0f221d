"""The JSON Schema and the tables of keys, made from the typed keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from assay_spec.builder import RANDOM_WORDS
from assay_spec.domains import CONSTRUCTORS
from assay_spec.keys import Class
from assay_spec.loader import corpus_root
from assay_spec.schema import BEGIN, END, SCHEMA, TABLES, guide, json_schema, tables, written
from assay_spec.typed import read

GUIDE = Path(__file__).parents[2] / "docs" / "spec-format.md"  # the checkout's, wherever the package is installed
# What every object of JavaScript has: its validators take such a key for one that is there.
OF_EVERY_OBJECT = {
    "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf",
}  # fmt: skip


def properties() -> dict[str, dict[str, Any]]:
    return {name: each["properties"] for name, each in json_schema()["$defs"].items() if "properties" in each}


def test_the_schema_that_is_shipped_is_that_of_the_keys() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == written(json_schema()) + "\n", "run `python -m assay_spec.schema`"


def test_the_guide_has_the_tables_of_the_keys() -> None:
    text = GUIDE.read_text(encoding="utf-8")

    assert text == guide(text), "run `python -m assay_spec.schema`"
    assert tables() in text


def test_the_schema_says_nothing_twice() -> None:
    assert len(written(json_schema()).splitlines()) < 600


def test_no_key_is_one_that_every_object_of_javascript_has() -> None:
    assert OF_EVERY_OBJECT & {key for each in properties().values() for key in each} == set()


def test_every_key_stands_in_a_table() -> None:
    own = {
        (name, key)
        for name, keys in properties().items()
        for key, rule in keys.items()
        if "properties" not in str(rule)
    }
    told = {
        (kind.__name__, key) for _, parts in TABLES for _, kind in parts for key in properties().get(kind.__name__, ())
    }

    assert own - told == {("Shown", "rules"), ("Shown", "scenarios")}  # which stand in the footer of an op


def test_a_table_says_what_each_key_means() -> None:
    assert "| `trail` | what to look at after each of repeated calls |" in tables()
    assert "| `equivalent` | `because` | why either answer is right |" in tables()


def test_the_tables_of_a_guide_are_written_anew_and_the_rest_is_kept() -> None:
    before, after = f"# A\n\n{BEGIN}old\n{END}\n## B\n", f"# A\n\n{BEGIN}\n{tables()}\n{END}\n## B\n"

    assert guide(before) == after
    assert guide(after) == after


def test_json_stands_on_one_line_where_it_fits() -> None:
    assert written({"a": {"b": [1, 2]}}) == '{"a": {"b": [1, 2]}}'
    assert written({"a": "x" * 60, "b": {"c": "y" * 60}}) == (
        '{\n "a": "' + "x" * 60 + '",\n "b": {"c": "' + "y" * 60 + '"}\n}'
    )


def blocks() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_first_file_of_the_guide_says_what_the_corpus_says() -> None:
    first = yaml.safe_load(blocks()[0])
    due = yaml.safe_load((corpus_root() / "torch" / "topk.yaml").read_text(encoding="utf-8"))

    assert {key: due.get(key) for key in first} == {
        **first, "errors": [{**first["errors"][0], "because": due["errors"][0]["because"]}],
    }  # fmt: skip


def test_the_class_of_the_guide_can_be_read() -> None:
    text = f"name: torch.f\narea: a\nsummary: S.\n{blocks()[1]}"

    assert read(Class, yaml.safe_load(text)).methods is not None


def test_the_guide_names_words_that_there_are() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    told = text[text.index("Shapes: `") : text.index("`assay_spec/vocabulary.py` has")]

    assert [
        word for word in re.findall(r"`(\w+)`", told) if word not in (*RANDOM_WORDS, *CONSTRUCTORS, "random", "init")
    ] == []


def test_the_guide_names_every_domain() -> None:
    text = GUIDE.read_text(encoding="utf-8")

    assert [name for name in CONSTRUCTORS if f"`{name}(" not in text and name != "varying"] == []
