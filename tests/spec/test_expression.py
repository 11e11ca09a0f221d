from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from assay_spec.expression import (
    Expression,
    ExpressionError,
    Free,
    FreeMany,
    UnknownFunction,
    alternatives,
    is_size_name,
)
from assay_spec.plans import TensorPlan

WORDS: dict[str, Any] = {"len": len, "max": max, "double": lambda x, times=2: x * times, "pi": 3.0}


def value(source: str, **scope: Any) -> Any:
    return Expression(source, WORDS)(scope)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("7 // 2", 3),
        ("7 % 4", 3),
        ("7 / 2", 3.5),
        ("2 ** 5", 32),
        ("6 & 3", 2),
        ("6 | 3", 7),
        ("-3 - +2", -5),
        ("~5", -6),
        ("not 0", True),
        ("'a' + 'b'", "ab"),
        ("...", ...),
        ("None", None),
        ("1 < 2", True),
        ("1 < 2 < 2", False),
        ("1 <= 1 != 2", True),
        ("2 in [1, 2]", True),
        ("2 not in [1, 2]", False),
        ("None is None", True),
        ("1 is not None", True),
        ("1 if 0 else 2", 2),
        ("[1, (2, 3)]", (1, (2, 3))),
        ("[1, *[2, 3], 4]", (1, 2, 3, 4)),
        ("[5, 6, 7][1]", 6),
        ("[5, 6, 7][-1]", 7),
        ("[5, 6, 7, 8][1:3]", (6, 7)),
        ("[5, 6, 7, 8][::2]", (5, 7)),
        ("[2 * n for n in [1, 2]]", (2, 4)),
        ("[a + b for a, b in [[1, 2], [3, 4]]]", (3, 7)),
        ("[[m * n for m in [1, 2]] for n in [3, 4]]", ((3, 6), (4, 8))),
        ("len([1, 2])", 2),
        ("double(4)", 8),
        ("double(4, times=3)", 12),
        ("max(*[1, 5], 2)", 5),
        ("pi", 3.0),
        ("  1\n", 1),
    ],
)
def test_an_expression_means_what_python_means_by_it(source: str, expected: Any) -> None:
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("0 or 'maybe'", "maybe"),
        ("3 or 4", 3),
        ("0 and 4", 0),
        ("3 and 4", 4),
        ("0 or '' or 5", 5),
        ("1 and 2 and 3", 3),
    ],
)
def test_and_and_or_give_an_operand_as_in_python(source: str, expected: Any) -> None:
    assert value(source) == expected


@pytest.mark.parametrize("source", ["1 or unknown", "0 and unknown", "2 if 1 else unknown"])
def test_what_is_not_needed_is_not_evaluated(source: str) -> None:
    assert value(source) in (1, 0, 2)


def test_a_tensor_has_its_attributes() -> None:
    plan = TensorPlan("int8", (2, 3))

    found = value("[x.shape, x.dtype, x.ndim, x.numel, x.strides, x.layout]", x=plan)

    assert found == ((2, 3), "int8", 2, 6, (3, 1), "contiguous")


def test_an_index_may_hold_several_slices() -> None:
    class SamplingRequest:
        def __getitem__(self, index: Any) -> Any:
            return index

    assert value("x[1:, 2, ::3]", x=SamplingRequest()) == (slice(1, None, None), 2, slice(None, None, 3))


def test_a_name_of_the_scope_comes_before_a_word() -> None:
    assert value("pi + 1", pi=1) == 2


def test_a_capital_that_nothing_fixed_is_a_free_size() -> None:
    assert value("[*N, C, 3, H - 1]", C=4) == (FreeMany("N"), 4, 3, Free(""))


@pytest.mark.parametrize("source", ["N + 1", "1 + N", "N - 1", "1 - N", "2 * N", "N * 2", "N // 2", "7 // N", "-N"])
def test_what_is_computed_from_a_free_size_is_free(source: str) -> None:
    assert value(source) == Free("")


def test_sizes_that_a_scope_fixes_are_spread() -> None:
    assert value("[*N, C]", N=(5, 6), C=7) == (5, 6, 7)


def test_names_are_those_that_the_scope_must_have() -> None:
    assert Expression("double(a, times=b) + [n + c for n in d][pi]", WORDS).names == {"a", "b", "c", "d"}


def test_a_variable_is_bound_only_inside_its_comprehension() -> None:
    assert Expression("[n for n in [1, 2]] + [n]", WORDS).names == {"n"}
    assert Expression("[n for n in n]", WORDS).names == {"n"}


def test_a_comprehension_sees_names_that_its_scope_makes_when_asked() -> None:
    class Lazy(dict[str, Any]):
        def __missing__(self, name: str) -> Any:
            return {"late": 10}[name]

    scope: MutableMapping[str, Any] = Lazy()

    assert Expression("[n + late for n in [1, 2]]", WORDS)(scope) == (11, 12)
    assert Expression("[a + b + late for a, b in [[1, 2]]]", WORDS)(scope) == (13,)


def test_a_name_that_nothing_defines_is_said_when_it_is_asked() -> None:
    with pytest.raises(ExpressionError, match=r"^nothing defines 'a' here$"):
        value("a + 1", b=2)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x.__class__", ".__class__ is not one of dtype, layout, ndim, numel, shape, strides"),
        ("x.shape.count", ".count is not one of dtype, layout, ndim, numel, shape, strides"),
        ("x.size()", "the language has no Call"),
        ("(lambda: 1)()", "the language has no Call"),
        ("lambda: 1", "the language has no Lambda"),
        ("(y := 1)", "the language has no NamedExpr"),
        ("{1: 2}", "the language has no Dict"),
        ("{1, 2}", "the language has no Set"),
        ("f'{x}'", "the language has no JoinedStr"),
        ("(n for n in x)", "the language has no GeneratorExp"),
        ("[n for n in x if n]", "the language has no ListComp"),
        ("[n for m in x for n in m]", "the language has no ListComp"),
        ("[n for n.shape in x]", "a comprehension's variable must be a name or a tuple of names"),
        ("x @ x", "the language has no MatMult"),
        ("1 << 9", "the language has no LShift"),
        ("double(**x)", "the language has no ** in a call"),
        ("(yield)", "the language has no Yield"),
        ("1 +", "'1 +' is not an expression: invalid syntax"),
        ("import os", "'import os' is not an expression: invalid syntax"),
        ("", "'' is not an expression: invalid syntax"),
    ],
)
def test_the_language_refuses_the_rest_of_python(source: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression(source, WORDS)

    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["eval", "open", "__import__", "pi"])
def test_only_functions_of_the_vocabulary_are_called(name: str) -> None:
    with pytest.raises(UnknownFunction) as caught:
        Expression(f"{name}('x')", WORDS)

    assert str(caught.value) == f"the vocabulary has no function {name!r}"
    assert caught.value.name == name
    assert caught.value.known == ("len", "max", "double")


def test_a_function_in_the_scope_is_not_called() -> None:
    with pytest.raises(UnknownFunction, match=r"^the vocabulary has no function 'f'$"):
        value("f(1)", f=len)


@pytest.mark.parametrize(("name", "is_size"), [("N", True), ("Batch", True), ("n", False), ("", False), ("_N", False)])
def test_a_size_begins_with_a_capital(name: str, is_size: bool) -> None:
    assert is_size_name(name) is is_size


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("tensor(real | bool)", ("tensor",)),
        ("tensor(real) | number(0, 1)", ("tensor", "number")),
        ("tensor(real) if a else b | one_of(1)", ("tensor", "one_of")),
        ("many(tensor(real), 1, 3)", ("many.tensor",)),
        ("maybe(tensor(real) | number())", ("maybe.tensor", "maybe.number")),
        ("given(maybe(dim(x)))", ("given.maybe.dim",)),
        ("a + b", ()),
    ],
)
def test_alternatives_are_the_domains_that_an_expression_names(source: str, names: tuple[str, ...]) -> None:
    assert alternatives(source) == names


def test_an_expression_shows_its_source() -> None:
    assert repr(Expression("1 + 1", WORDS)) == "Expression('1 + 1')"
