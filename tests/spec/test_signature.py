from __future__ import annotations

from typing import Any

import pytest

from assay_spec.signature import Parameter, SignatureError, parse


def test_a_signature_has_its_parameters_in_order() -> None:
    found = parse("(input, dim=-1, *sizes, out=None, key, **options)")

    assert found.parameters == (
        Parameter("input", "positional", required=True),
        Parameter("dim", "positional", required=False, default=-1),
        Parameter("sizes", "many", required=True),
        Parameter("out", "keyword", required=False, default=None),
        Parameter("key", "keyword", required=True),
        Parameter("options", "options", required=False),
    )


def test_a_bare_star_ends_the_positional_ones() -> None:
    found = parse("(input, other, *, alpha=1)")

    assert found.positional == ("input", "other")
    assert found.names == ("input", "other", "alpha")


def test_what_many_collects_is_positional() -> None:
    assert parse("(*size, out=None)").positional == ("size",)


def test_a_slash_changes_nothing_about_the_names() -> None:
    assert parse("(input, /, dim=0)").names == ("input", "dim")


def test_a_parameter_is_found_by_name() -> None:
    found = parse("(input, dim=-1)")

    assert found["dim"].default == -1
    assert "dim" in found
    assert "keepdim" not in found


@pytest.mark.parametrize(
    ("written", "default"),
    [
        ("1e-5", 0.00001),
        ("-1", -1),
        ("'mean'", "mean"),
        ("None", None),
        ("True", True),
        ("(0.9, 0.999)", (0.9, 0.999)),
        ("[]", []),
    ],
)
def test_a_default_is_a_literal(written: str, default: Any) -> None:
    assert parse(f"(a={written})")["a"].default == default


@pytest.mark.parametrize("source", ["()", "( )", "  ()  "])
def test_a_call_may_take_nothing(source: str) -> None:
    assert parse(source).parameters == ()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("(a, dim=torch.float32)", "the default of 'dim' is not a literal: torch.float32"),
        ("(a=1, b)", "'(a=1, b)' is not a signature: non-default argument follows default argument"),
        ("(a b)", "'(a b)' is not a signature: invalid syntax"),
        ("(a: b, c)", "'(a: b, c)' is not a signature: invalid syntax"),
        ("(a: 1, lambda)", "'(a: 1, lambda)' is not a signature: invalid syntax"),
        ("input, dim", "'input, dim' is not a signature: it is not in brackets"),
        ("(input, dim", "'(input, dim' is not a signature: it is not in brackets"),
        ("", "'' is not a signature: it is not in brackets"),
        ("(a, b, a=1)", "'(a, b, a=1)' is not a signature: 'a' appears twice"),
    ],
)
def test_what_is_no_signature_is_refused(source: str, message: str) -> None:
    with pytest.raises(SignatureError) as caught:
        parse(source)

    # Python 3.12 words one of its errors anew
    said = str(caught.value).replace("parameter without a default follows parameter with a default",
                                     "non-default argument follows default argument")  # fmt: skip
    assert said == message
