from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from assay_reports import badge, codes, diff, expectations, json_report, junit, markdown, terminal
from assay_reports.results import Result, Run
from assay_reports.site import render_site
from assay_spec import load_corpus

Make = Callable[..., Run]
New = Callable[..., Result]


def test_the_table_says_of_how_many(make: Make, result: New) -> None:
    text = terminal.table([make(result("torch.exp::shape"), result("torch.exp::dtype", "unsupported", "A003"))])

    assert "1 pass" in text
    assert "100% of 1" in text
    assert "values judged by torch 2.13.0: 1 pass, 1 unsupported" in text


def test_a_failure_is_printed_once_with_the_command_that_repeats_it(make: Make, result: New) -> None:
    text = terminal.failures(
        make(result("torch.exp::values[float32]", "fail", "A101"), result("torch.exp::layout", "fail", "A101"))
    )

    assert text == (
        "torch.exp::values[float32]  A101  result is 1, not 2\n"
        "  expected: 2\n"
        "  actual:   1\n"
        "  budget:   exact\n"
        "    import torch\n"
        "    print(1)\n"
        "  again: assay repro 'torch.exp::values[float32]' --backend toy.py:Toy\n"
        "  and 4 more like this"
    )


def test_the_table_says_what_was_excused(make: Make, result: New) -> None:
    text = terminal.table([make(result("torch.exp::special[float32]", excused={"flushed subnormal": 12}))])

    assert text.splitlines()[-1] == (
        "toy 1.0, values judged by torch 2.13.0: 1 pass; 12 elements excused: flushed subnormal"
    )


def test_a_failing_item_says_what_was_excused_beside(make: Make, result: New) -> None:
    text = terminal.failure(
        result("torch.exp::special[float32]", "fail", "A101", excused={"flushed subnormal": 12}), {}
    )

    assert text.splitlines()[-1] == "  12 elements excused: flushed subnormal"


def test_the_markdown_summary_says_what_was_excused(make: Make, result: New) -> None:
    excusing, plain = (
        result("torch.exp::special[float32]", excused={"flushed subnormal": 12}),
        result("torch.exp::shape"),
    )

    assert "\n- toy: 12 elements excused: flushed subnormal\n" in markdown.render([make(excusing)])
    assert "excused" not in markdown.render([make(plain)])


def test_the_page_of_an_op_says_what_was_excused(make: Make, result: New, tmp_path: Path) -> None:
    excusing = result("torch.exp::special[float32]", excused={"flushed subnormal": 12})

    render_site([make(excusing, result("torch.exp::shape"))], tmp_path, load_corpus())

    page = (tmp_path / "op" / "torch.exp.html").read_text(encoding="utf-8")
    assert '<dt class="mono">torch.exp::special[float32]</dt><dd>12 elements excused: flushed subnormal</dd>' in page
    assert page.count("excused") == 1


def test_the_markdown_summary_has_at_most_sixty_lines(make: Make, result: New) -> None:
    results = [result(f"torch.op{number}::shape", "fail", "A201") for number in range(200)]

    text = markdown.render([make(*results)])

    assert len(text.splitlines()) <= 60
    assert "200 items fail" in text


def test_junit_is_xml_whatever_a_backend_says(make: Make, result: New) -> None:
    text = junit.render(
        make(result("torch.exp::shape", "fail", "A201", message="bell \x07 <tag> & more"), result("torch.exp::dtype"))
    )

    suite = ElementTree.fromstring(text)

    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite[0][0].get("message") == "A201: bell \ufffd <tag> & more"


SETTINGS = {"backend": "exec:./harness --quiet", "seed": 3, "time_limit": 0.5}
AGAIN = "assay repro a::shape --backend 'exec:./harness --quiet' --seed 3 --time-limit 0.5"


def test_every_report_says_how_to_run_a_failure_again(make: Make, result: New, tmp_path: Path) -> None:
    run = make(result("a::shape", "fail", "A201"), result("b::shape"), settings=SETTINGS)

    assert f"  again: {AGAIN}" in terminal.failures(run).splitlines()
    assert markdown.render([run]).splitlines()[-1] == f"Again: `{AGAIN}`"
    assert f"again: {AGAIN}" in str(ElementTree.fromstring(junit.render(run))[0][0].text).splitlines()


def test_json_reads_back(make: Make, result: New) -> None:
    content = json.loads(json_report.render([make(result("torch.exp::shape"))]))

    assert content["runs"][0]["items"] == {"pass": 1}


def test_the_badge_shows_the_share_of_what_is_offered(make: Make, result: New) -> None:
    svg = badge.render(make(result("a::shape"), result("b::shape", "fail", "A201")))

    assert ElementTree.fromstring(svg).get("aria-label") == "assay · toy: 50.0% of 2"


def test_every_code_is_explained() -> None:
    assert codes.explain("A401").splitlines()[0] == "A401: A copy where a view is due."


def test_a_regression_is_told_from_a_changed_test(make: Make, result: New) -> None:
    before = make(result("a::shape"), result("b::shape"), result("c::shape", "fail", "A201"))
    after = make(result("a::shape", "fail", "A201"), result("b::shape", "fail", "A201", hash="new"), result("c::shape"))

    assert diff.render(diff.compare(before, after)) == (
        "regressed: 1\n  a::shape: pass -> fail A201\n"
        "fixed: 1\n  c::shape: fail A201 -> pass\n"
        "test changed: 1\n  b::shape: pass -> fail A201"
    )


def test_expectations_sort_failures_into_known_and_surprising(make: Make, result: New, tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text(
        "- {id: 'a::shape', reason: known}\n- {id: 'b::shape', reason: mended}\n- {id: 'z::shape', reason: gone}\n"
    )
    run = make(result("a::shape", "fail", "A201"), result("b::shape"), result("c::shape", "fail", "A201"))

    found = expectations.check(file, run)

    assert (found.expected, found.unexpected) == (["a::shape: fail A201"], ["c::shape: fail A201"])
    assert found.improved == [f"b::shape passes: delete line 2 of {file}"]
    assert found.stale == [f"{file}:3: z::shape matches no item"]


def test_updating_keeps_comments_and_drops_what_is_mended(make: Make, result: New, tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text("# what we know\n- {id: 'b::shape', reason: mended}\n")

    expectations.update(file, make(result("a::shape", "fail", "A201"), result("b::shape")))

    text = file.read_text()
    assert text.startswith("# what we know\n- id: a::shape\n")
    assert "b::shape" not in text


def test_a_partial_run_updates_nothing(make: Make, result: New, tmp_path: Path) -> None:
    with pytest.raises(expectations.ExpectationsError, match="is partial"):
        expectations.update(tmp_path / "known.yaml", make(result("a::shape"), complete=None))


def test_a_glob_that_matches_many_must_say_how_many(make: Make, result: New, tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text("- {id: 'op*', reason: all}\n")
    run = make(*[result(f"op{number}::shape", "fail", "A201") for number in range(21)])

    with pytest.raises(expectations.ExpectationsError, match="matches 21 ids; say `matches: 21`"):
        expectations.check(file, run)


def test_the_site_escapes_what_backends_say(make: Make, result: New, tmp_path: Path) -> None:
    run = make(result("torch.exp::values[float32]", "fail", "A101", message="<script>alert(1)</script>"))

    index = render_site([run], tmp_path / "site", load_corpus())

    page = (tmp_path / "site" / "op" / "torch.exp.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert index.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_site_says_how_to_run_a_failure_again(make: Make, result: New, tmp_path: Path) -> None:
    run = make(result("torch.exp::shape", "fail", "A201"), settings={"backend": "numpy", "seed": 3})

    render_site([run], tmp_path / "site", load_corpus())

    page = (tmp_path / "site" / "op" / "torch.exp.html").read_text(encoding="utf-8")
    assert '<p class="mono">assay repro torch.exp::shape --backend numpy --seed 3</p>' in page


def test_the_matrix_marks_the_functions_that_fail_somewhere(make: Make, result: New, tmp_path: Path) -> None:
    render_site(
        [make(result("torch.exp::shape", "timeout", "A802"), result("torch.sign::shape"))], tmp_path, load_corpus()
    )

    rows = (tmp_path / "matrix.html").read_text(encoding="utf-8").split('<div class="row"')[1:]
    assert [("torch.exp" in row, "data-failing" in row) for row in rows] == [(True, True), (False, False)]


def test_the_site_asks_nothing_of_the_network(make: Make, result: New, tmp_path: Path) -> None:
    render_site([make(result("torch.exp::shape"))], tmp_path, load_corpus())

    pages = [page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")]
    assert pages
    assert not any("http://" in page or "https://" in page for page in pages)
