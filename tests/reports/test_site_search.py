from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import pytest

from assay_reports.query import KEYS, QueryError, parse
from assay_reports.results import Result, Run
from assay_reports.site.pages import Site
from assay_reports.site.published import items
from assay_spec import load_corpus

Make = Callable[..., Run]
New = Callable[..., Result]

QUERIES = [
    "",
    "exp",
    "EXP",
    "op:torch.nn.*",
    "op:exp",
    "op:xp",
    "-op:exp",
    "op:torch.[es]*",
    "op:torch.[!e]*",
    "op:exp op:sign",
    "area:nn-*",
    "area:pointwise -sign",
    "facet:gradient",
    "-facet:values",
    "facet:values facet:gradient dtype:float32",
    "dtype:float*",
    "dtype:float64 outcome:fail",
    "outcome:fail",
    "-outcome:pass",
    "code:A1*",
    "code:A101 -dtype:float32",
    "code:a1*",
    "id:torch.exp::shape",
    "torch.exp::values[float32]",
    "torch.exp::values[*",
    "-torch.exp::*",
    "torch.e*::*",
    "id:*shape id:*gradient*",
    "'op:torch.exp' \"facet:shape\"",
    r"op:torch\.exp",
    "op:torch.[z-a]*",
    "torch.?xp",
    "op:a.b",
]


@pytest.fixture
def site(make: Make, result: New) -> Site:
    first = make(
        result("torch.exp::shape"),
        result("torch.exp::values[float32]", "fail", "A101"),
        result("torch.exp::values[float64]", "fail", "A102"),
        result("torch.sign::values[float32]"),
        result("torch.sign::examples", "error", "A301"),
        result("torch.nn.Conv2d::gradient[float32]", "unsupported", "A003", area="nn-conv"),
    )
    second = make(result("torch.exp::shape", "fail", "A201"), result("torch.sign::values[float32]"))
    return Site([first, second], load_corpus())


def script(site: Site, queries: Sequence[str]) -> list[Any]:
    """Return which ops the site's script finds by each query, or what it says is wrong with the query."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js to run the site's script")
    rows = [
        {
            "op": each.name,
            "area": each.area,
            "states": [cell.state for cell in each.cells],
            "failing": any(cell.broken for cell in each.cells),
        }
        for each in site.functions
    ]
    labels = [backend.label for backend in site.backends]
    program = f"""{files("assay_reports.site").joinpath("app.js").read_text(encoding="utf-8")}
    const {{ parse, matches, load }} = globalThis.assay, labels = {json.dumps(labels)};
    load({json.dumps(items(site))});
    const asked = {json.dumps(queries)}.map(text => {{
      try {{
        const terms = parse(text, labels, {json.dumps(site.words)});
        return {json.dumps(rows)}.filter(row => matches(terms, row, labels)).map(row => row.op);
      }} catch (error) {{ return error.message; }}
    }});
    console.log(JSON.stringify(asked));"""
    printed = subprocess.run([node, "-"], input=program, capture_output=True, text=True, check=True).stdout
    found: list[Any] = json.loads(printed)
    return found


def test_the_site_finds_the_ops_of_the_items_that_the_filter_selects(site: Site) -> None:
    found = script(site, QUERIES)

    results = [result for backend in site.backends for result in backend.run.results]
    for text, ops in zip(QUERIES, found, strict=True):
        query = parse(text)
        chosen = {each.op for each in results if query.matches(each)}
        assert set(ops) == chosen, text


@pytest.mark.parametrize(
    "text", ["faset:values", "facet:gradients", "dtype:flaot32", "outcome:fial", "facet:'a b", "x\\"]
)
def test_the_site_says_of_a_wrong_query_what_the_filter_says(site: Site, text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)

    assert script(site, [text]) == [str(caught.value).replace(repr(text), f"'{text}'")]


def test_the_site_knows_every_key_of_the_filter(site: Site) -> None:
    known = f"known: {', '.join([*KEYS, 'is', *(backend.label for backend in site.backends)])}"

    assert script(site, ["qqqqqqqqqqqq:x"]) == [f"unknown key 'qqqqqqqqqqqq' in 'qqqqqqqqqqqq:x' ({known})"]


def test_a_backends_name_with_a_state_finds_ops_and_says_which_backend_is_meant(make: Make, result: New) -> None:
    run = make(result("torch.exp::shape", "fail", "A201"), result("torch.sign::shape"))
    other = make(
        result("torch.exp::values[float32]"), result("torch.sign::shape", "fail", "A201"), backend={"name": "my lib: 2"}
    )

    found = script(
        Site([run, other], load_corpus()),
        [
            "toy:fail", '"my lib: 2:fail"', '-"my lib: 2:fail"', "toy:fail facet:values", "toy:fail facet:shape",
            "toy:fail toy:pass", "is:failing", "is:different", "-is:failing", "toy:fali", "is:odd",
        ],
    )  # fmt: skip

    both, exp, sign = ["torch.exp", "torch.sign"], ["torch.exp"], ["torch.sign"]
    assert found == [
        exp, sign, exp, [], exp, both, both, both, [],
        "unknown outcome 'fali' (did you mean 'fail'?)", "unknown is 'odd' (known: different, failing)",
    ]  # fmt: skip
