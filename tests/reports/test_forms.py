from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_reports.forms import normal_form


@pytest.mark.parametrize(
    ("message", "form"),
    [
        ("result at [2] is 0.5, not 1.0, 8.4e+06 ulp away", "result at # is #, not # ulp away"),
        ("values has shape [3, 3, 3], not [3, 0, 0]", "values has shape #, not #"),
        ("result has shape [], not [0]", "result has shape #, not #"),
        ("got [[1., 2.], [3., 4.]] and [[[5]]]", "got # and #"),
        ("shapes cannot be multiplied (2x3 and 4x5)", "shapes cannot be multiplied (# and #)"),
        ("is (1+2j), not (1-2j)", "is #, not #"),
        ("is nan, not -inf", "is #, not #"),
        ("0x1.8p+3 lies at 0x7ffe12", "# lies at #"),
        ("tensor([1., 2.]) differs from tensor([1.])", "tensor(#) differs from tensor(#)"),
        ("f() takes no arguments", "_() takes no arguments"),
        ("monkey_patch_tensor.<locals>.backward() got 'x'", "_() got 'x'"),
        ("Tanh.forward() got 'x', and not ()", "_() got 'x', and not #"),
        ("conv2d has no log1p", "conv2d has no log1p"),
        ("1D tensors expected, but got 2D and 1d", "#D tensors expected, but got #D and #d"),
    ],
)
def test_numbers_are_left_out(message: str, form: str) -> None:
    assert normal_form(message) == form


@pytest.mark.parametrize(
    ("message", "form"),
    [
        ("result is torch.float32, not int64", "result is dtype, not dtype"),
        ("no ufunc for dtype('complex128')", "no ufunc for dtype('dtype')"),
        ("\"abs\" not implemented for 'ComplexHalf'", "\"abs\" not implemented for 'dtype'"),
        ("expected scalar type Long but found BFloat16", "expected scalar type dtype but found dtype"),
        ("wanted f32[3,4], got bf16[2]", "wanted dtype#, got dtype#"),
        ("float32[3] and uint8[]", "dtype# and dtype#"),
        ("floating point", "floating point"),
    ],
)
def test_element_types_are_left_out(message: str, form: str) -> None:
    assert normal_form(message) == form


def test_the_names_of_the_case_are_left_out_and_longer_names_first() -> None:
    message = "torch.add: add() has no 'alpha'; torch.addmm and x.add have"

    assert normal_form(message, ["add", "torch.add", ""]) == "_: _() has no 'alpha'; torch.addmm and x.add have"


def test_a_form_is_the_first_line_that_says_something() -> None:
    assert normal_form("\n   \n  no kernel\nstack of frames") == "no kernel"


@pytest.mark.parametrize("message", ["", "  \n "])
def test_a_form_is_never_empty(message: str) -> None:
    assert normal_form(message) == "no message"


def test_a_long_form_is_cut() -> None:
    assert normal_form("a" * 161) == "a" * 160 + "…"


@pytest.mark.parametrize("message", ["[1 2 " * 500, "[" * 3000, "1" * 3000 + "x", "(1," * 1000, "1x" * 2000 + "y"])
def test_a_message_that_never_ends_takes_no_time(message: str) -> None:
    started = time.perf_counter()

    normal_form(message)

    assert time.perf_counter() - started < 1


@given(st.text(), st.lists(st.text()))
def test_every_message_has_a_form_of_one_line(message: str, names: list[str]) -> None:
    form = normal_form(message, names)

    assert form
    assert len(form.splitlines()) == 1
    assert len(form) <= 161
