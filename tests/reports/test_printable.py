from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_reports.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("nul \x00, csi \x9b, del \x7f", "nul \\x00, csi \\x9b, del \\x7f"),
        ("line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"),
        ("right \u202eto left\u2066 \u200f", "right \\u202eto left\\u2066 \\u200f"),
        ("lone \udc80", "lone \\udc80"),
        ("noncharacter \uffff", "noncharacter \\uffff"),
        ("größer ≥ 1 · 😀", "größer ≥ 1 · 😀"),
    ],
)
def test_what_would_act_is_shown_as_its_code(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_a_printable_text_is_one_line_that_any_file_can_hold(text: str) -> None:
    shown = printable(text)

    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert {unicodedata.category(each) for each in shown}.isdisjoint({"Cc", "Cs", "Zl", "Zp"})
    assert printable(shown) == shown
