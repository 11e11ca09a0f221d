from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

import pytest

from assay_reports.site.cells import LABELS

STYLE: Final = files("assay_reports.site").joinpath("style.css").read_text(encoding="utf-8")
_ROOTS: Final = [
    dict(re.findall(r"--([\w-]+): (#\w{6})", root)) for root in re.findall(r":root \{(.*?)\}", STYLE, re.S)
]
COLOURS: Final = {"light": _ROOTS[0], "dark": _ROOTS[0] | _ROOTS[1]}
BEHIND: Final = {"fail": ["fail-wash"], "error": ["error-wash"], "crash": ["crash-wash"]}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_the_standards() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(
    "text",
    ["ink", "soft", "link", "pass", "partial", "self", "fail", "error", "crash", "none", "coverage", "conformance"],
)
def test_text_stands_out_from_what_is_behind_it(mode: str, text: str) -> None:
    colours = COLOURS[mode]

    for behind in ("paper", "wash", *BEHIND.get(text, [])):
        assert contrast(colours[text], colours[behind]) >= 4.5, behind


def test_dark_pages_have_every_colour_that_light_ones_have() -> None:
    assert set(_ROOTS[1]) == set(_ROOTS[0])


def test_every_colour_that_is_used_is_defined_and_every_outcome_has_one() -> None:
    used = set(re.findall(r"var\(--([\w-]+)\)", STYLE)) - {"n", "rows", "share", "first", "cell"}

    assert used == set(_ROOTS[0])
    assert [name for name in LABELS if not re.search(rf"\.{name}\b[^{{}}]*\{{ color:", STYLE)] == []


def test_columns_have_one_width_whatever_is_in_them() -> None:
    rule = re.search(r"\.grid tr \{([^}]*)\}", STYLE)

    assert rule is not None
    assert "grid-template-columns: var(--first) repeat(var(--n), var(--cell))" in rule[1]
    assert re.search(r"\.grid thead \{ position: sticky; top: 0;", STYLE)
    assert re.search(r"\.grid tr > :first-child \{ position: sticky; left: 0;", STYLE)
