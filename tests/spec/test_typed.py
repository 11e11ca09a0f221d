"""Plain data read by the annotations of dataclasses, and the JSON Schema of the same."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest

from assay_spec.typed import Mismatch, Named, Pattern, Range, key, keys_of, read, schema

Tree = Annotated[Any, Named("Tree", lambda: int | tuple[Tree, ...])]
Raw = Annotated[Any, Named("Raw", lambda: int | tuple[int, ...], True)]
Code = Annotated[str, Pattern(r"^R\d$", "number it R1")]
Word = Literal["exact", "law"]
Share = Annotated[float, Range(0, 1)]


@dataclass(frozen=True, kw_only=True)
class Leaf:
    name: str = key("what it is called")
    size: float = key("how large it is", 1.0)


@dataclass(frozen=True, kw_only=True)
class Fruit:
    name: str = key("what it is called")
    weight: int = key("how heavy it is")


@dataclass(frozen=True, kw_only=True)
class Branch(Leaf):
    leaves: tuple[Leaf, ...] | None = key("what hangs on it", None)
    codes: dict[Code, int] = key("its numbers", {})


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (Any, {"a": [1]}, {"a": [1]}),
        (str, "a", "a"),
        (int, 1, 1),
        (float, 1, 1),
        (float, 1.5, 1.5),
        (bool, True, True),
        (str | None, None, None),
        (Word, "law", "law"),
        (Code, "R1", "R1"),
        (Share, 1, 1),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[str, int], ["a", 2], ("a", 2)),
        (dict[str, bool], {"a": True}, {"a": True}),
        (Tree, [1, [2, [3]]], (1, (2, (3,)))),
        (Raw, [1, 2], [1, 2]),
        (Leaf, {"name": "a"}, Leaf(name="a")),
        (Leaf | Fruit, {"name": "a", "weight": 2}, Fruit(name="a", weight=2)),
        (Branch, {"name": "a", "leaves": [{"name": "b", "size": 2}], "codes": {"R1": 7}},
         Branch(name="a", leaves=(Leaf(name="b", size=2),), codes={"R1": 7})),
    ],
)  # fmt: skip
def test_data_is_read_by_its_kind(kind: Any, value: Any, found: Any) -> None:
    assert read(kind, value) == found


@pytest.mark.parametrize(
    ("kind", "value", "path", "message", "hint"),
    [
        (str, 1, (), "1 is not a text", "see docs/spec-format.md"),
        (str, "", (), "'' is not a text", "see docs/spec-format.md"),
        (int, True, (), "true is not an integer", "see docs/spec-format.md"),
        (int, 1.5, (), "1.5 is not an integer", "see docs/spec-format.md"),
        (float, "1", (), "'1' is not a number", "see docs/spec-format.md"),
        (bool, None, (), "null is not true or false", "see docs/spec-format.md"),
        (tuple[int, ...], 1, (), "1 is not a list", "see docs/spec-format.md"),
        (dict[str, int], [1], (), "[1] is not a mapping", "see docs/spec-format.md"),
        (Leaf, [1], (), "[1] is not a mapping", "see docs/spec-format.md"),
        (Word, 1, (), "1 is not a word: exact, law", "see docs/spec-format.md"),
        (Word, "lwa", (), "unknown word 'lwa'", "did you mean 'law'?"),
        (Code, "X", (), "'X' does not fit", "number it R1"),
        (Share, 1.5, (), "1.5 is not from 0 to 1", "see docs/spec-format.md"),
        (Share, math.nan, (), "nan is not from 0 to 1", "see docs/spec-format.md"),
        (tuple[str, int], ["a"], (), "a list of 1, not of 2", "see docs/spec-format.md"),
        (tuple[int, ...], [1, "a"], (1,), "'a' is not an integer", "see docs/spec-format.md"),
        (dict[str, int], {"a": "b"}, ("a",), "'b' is not an integer", "see docs/spec-format.md"),
        (Leaf, {"nmae": "a"}, ("nmae",), "unknown key 'nmae'", "did you mean 'name'?"),
        (Branch, {"name": "a", "leaves": None}, ("leaves",), "null is not a list", "see docs/spec-format.md"),
        (Leaf, {"size": 1}, (), "the key 'name' is missing", "add `name:`"),
        (Branch, {"name": "a", "codes": {"X": 1}}, ("codes", "X"), "'X' does not fit", "number it R1"),
        (Branch, {"name": "a", "leaves": [{"name": 1}]}, ("leaves", 0, "name"), "1 is not a text",
         "see docs/spec-format.md"),
    ],
)  # fmt: skip
def test_data_of_another_kind_says_where_and_what(
    kind: Any, value: Any, path: tuple[Any, ...], message: str, hint: str
) -> None:
    with pytest.raises(Mismatch) as caught:
        read(kind, value)

    assert (caught.value.path, caught.value.message, caught.value.hint) == (path, message, hint)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (Leaf | Fruit, {"name": "a", "wieght": 2}, "unknown key 'wieght'"),  # a fruit, written wrong
        (Leaf | Fruit, {"name": "a", "colour": 2}, "unknown key 'colour'"),
        (Fruit | Leaf, {"size": 2}, "the key 'name' is missing"),  # a leaf
        (Word | Fruit, "exct", "unknown word 'exct'"),
        (Word | Fruit, {"nmae": 1}, "unknown key 'nmae'"),
        (Fruit | dict[str, Word], {"apple": "exct"}, "unknown word 'exct'"),
        (int | tuple[int, ...], ["a"], "'a' is not an integer"),
        (Tree, [1, ["a"]], "'a' is not an integer"),
    ],
)
def test_of_several_kinds_the_nearest_says_what_is_wrong(kind: Any, value: Any, message: str) -> None:
    with pytest.raises(Mismatch) as caught:
        read(kind, value)

    assert caught.value.message == message


def test_the_keys_of_a_mapping_stand_in_order_and_say_what_they_mean() -> None:
    assert [(each.name, each.required) for each in keys_of(Branch)] == [
        ("name", True), ("size", False), ("leaves", False), ("codes", False),
    ]  # fmt: skip
    assert keys_of(Branch)[2].says == "what hangs on it"


def test_a_json_schema_says_the_same() -> None:
    definitions: dict[str, Any] = {}

    assert schema(Branch, definitions) == {"$ref": "#/$defs/Branch"}
    assert definitions == {
        "Branch": {
            "type": "object",
            "properties": {
                "name": {"$ref": "#/$defs/Leaf/properties/name"},
                "size": {"$ref": "#/$defs/Leaf/properties/size"},
                "leaves": {"type": "array", "items": {"$ref": "#/$defs/Leaf"}},
                "codes": {
                    "type": "object",
                    "propertyNames": {"type": "string", "pattern": r"^R\d$"},
                    "additionalProperties": {"type": "integer"},
                },
            },
            "required": ["name"],
            "additionalProperties": False,
        },
        "Leaf": {
            "type": "object",
            "properties": {"name": {"type": "string", "minLength": 1}, "size": {"type": "number"}},
            "required": ["name"],
            "additionalProperties": False,
        },
    }


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (Any, {}),
        (Word, {"enum": ["exact", "law"]}),
        (Share, {"type": "number", "minimum": 0, "maximum": 1}),
        (bool | None, {"anyOf": [{"type": "boolean"}, {"type": "null"}]}),
        (tuple[int, bool], {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}],
                            "minItems": 2, "maxItems": 2}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
    ],
)  # fmt: skip
def test_a_kind_has_its_schema(kind: Any, found: Any) -> None:
    assert schema(kind, {}) == found


def test_a_kind_that_holds_itself_is_defined_once() -> None:
    definitions: dict[str, Any] = {}

    assert schema(Tree, definitions) == {"$ref": "#/$defs/Tree"}
    assert definitions == {
        "Tree": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/Tree"}}]}
    }
