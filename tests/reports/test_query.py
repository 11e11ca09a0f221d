from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

import assay_reports.site
from assay_reports.query import QueryError, check, parse


@dataclass
class Item:
    op: str
    facet: str = "values"
    dtype: str | None = "float32"
    area: str = "pointwise"
    outcome: str = "pass"
    code: str | None = None

    @property
    def id(self) -> str:
        return f"{self.op}::{self.facet}[{self.dtype}]"


EXP = Item("torch.exp")
CONV = Item("torch.nn.Conv2d", "gradient", "float64", "nn-conv", "fail", "A501")

TABLE = [
    ("", True, True),
    ("exp", True, False),
    ("op:torch.nn.*", False, True),
    ("op:exp", True, False),
    ("-op:exp", False, True),
    ("area:nn-*", False, True),
    ("CONV", False, True),
    ("torch.*", True, True),
    ("op:exp op:Conv2d", True, True),
]


@pytest.mark.parametrize(("text", "exp", "conv"), TABLE)
def test_words_select_items(text: str, exp: bool, conv: bool) -> None:
    query = parse(text)

    assert (query.matches(EXP), query.matches(CONV)) == (exp, conv)


@pytest.mark.parametrize(
    ("text", "exp", "conv"),
    [
        ("facet:gradient", False, True),
        ("dtype:float32", True, False),
        ("outcome:fail code:A5*", False, True),
        ("facet:values facet:gradient", True, True),
        ("torch.exp::values[float32]", True, False),
        ("torch.exp::values[*", True, False),
        ("torch.exp::*", True, False),
        ("id:torch.exp::values[float32]", True, False),
        ("-id:torch.exp::*", False, True),
    ],
)
def test_words_about_items_select_them(text: str, exp: bool, conv: bool) -> None:
    query = parse(text)

    assert (query.matches(EXP), query.matches(CONV)) == (exp, conv)


@pytest.mark.parametrize(
    ("text", "exp", "conv"),
    [
        *TABLE[:4], *TABLE[6:],
        ("op:exp facet:gradient", True, False),
        ("facet:gradient", True, True),
        ("-facet:gradient", True, True),
        ("-area:nn-conv", True, True),
        ("torch.exp::values[float32]", True, False),
        ("torch.e*::values*", True, False),
        ("-torch.exp::values[float32]", True, True),
    ],
)  # fmt: skip
def test_an_ops_name_alone_says_whether_an_item_can_match(text: str, exp: bool, conv: bool) -> None:
    query = parse(text)

    assert (query.may_match("torch.exp"), query.may_match("torch.nn.Conv2d")) == (exp, conv)


@pytest.mark.parametrize(("text", "exp", "conv"), TABLE)
def test_the_sites_script_selects_the_same(text: str, exp: bool, conv: bool) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js to run the site's script")
    script = Path(assay_reports.site.__file__).with_name("app.js").read_text(encoding="utf-8")
    items = [{"op": each.op, "area": each.area, "states": [each.outcome]} for each in (EXP, CONV)]
    program = (
        f"{script}\nconst terms = globalThis.assay.parse({json.dumps(text)}, ['toy']);"
        f"console.log(JSON.stringify({json.dumps(items)}.map(item => globalThis.assay.matches(terms, item, ['toy']))));"
    )

    printed = subprocess.run([node, "-e", program], capture_output=True, text=True, check=True).stdout

    assert json.loads(printed) == [exp, conv]


def test_an_unknown_key_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(QueryError) as caught:
        parse("faset:values")

    assert str(caught.value) == "unknown key 'faset' in 'faset:values' (did you mean 'facet'?)"


def test_an_unknown_facet_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(QueryError) as caught:
        parse("facet:gradients")

    assert str(caught.value) == "unknown facet 'gradients' (did you mean 'gradient'?)"


@pytest.mark.parametrize(
    ("text", "admitted"),
    [
        ("", True),
        ("op:torch.exp", True),
        ("op:exp", True),
        ("op:torch.nn.*", False),
        ("op:torch.nn.* op:torch.exp", True),
        ("-op:torch.exp", False),
        ("-op:torch.nn.*", True),
        ("xp", True),
        ("conv", False),
        ("torch.exp::values[float32]", True),
        ("torch.exp::*", True),
        ("torch.*::values", True),
        ("torch.nn.ReLU::values", False),
        ("torch.nn.ReLU::values torch.exp::values", True),
        ("-torch.exp::values", True),
        ("area:nn facet:values outcome:fail", True),
    ],
)
def test_a_query_tells_by_name_which_ops_may_match(text: str, admitted: bool) -> None:
    assert parse(text).may_match("torch.exp") is admitted


def test_an_unknown_op_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(QueryError) as caught:
        check(parse("op:torch.clmap"), ["torch.clamp", "torch.exp"], list)

    assert str(caught.value) == "no op matches 'torch.clmap' (did you mean 'torch.clamp'?)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("area:pointwis", "no area matches 'pointwis' (did you mean 'pointwise'?)"),
        ("area:q*", "no area matches 'q*' (known: nn-conv, pointwise)"),
        (
            "outcome:fail",
            "outcome: is about results, and nothing has run yet; a filter takes op:, area:, facet:, dtype:, id:",
        ),
        (
            "-code:A101",
            "code: is about results, and nothing has run yet; a filter takes op:, area:, facet:, dtype:, id:",
        ),
    ],
)
def test_a_word_that_can_select_nothing_to_run_is_refused(text: str, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        check(parse(text), ["torch.exp"], lambda: {"pointwise", "nn-conv"})

    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["area:point*", "area:nn-conv", "-area:nowhere", "facet:values exp"])
def test_a_word_that_can_select_something_is_not_refused(text: str) -> None:
    check(parse(text), ["torch.exp"], lambda: {"pointwise", "nn-conv"})
