from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assay_reports.results import Finding, Result, Run
from assay_reports.site import render_site
from assay_spec import load_corpus

Make = Callable[..., Run]
New = Callable[..., Result]


def test_the_page_of_an_op_says_what_was_excused(make: Make, result: New, tmp_path: Path) -> None:
    excusing = result("torch.exp::special[float32]", excused={"flushed subnormal": 12})

    render_site([make(excusing, result("torch.exp::shape"))], tmp_path, load_corpus())

    page = (tmp_path / "op" / "torch.exp.html").read_text(encoding="utf-8")
    assert '<dt class="mono">torch.exp::special[float32]</dt><dd>12 elements excused: flushed subnormal</dd>' in page
    assert page.count("excused") == 1


def test_the_site_escapes_what_backends_say(
    make: Make, result: New, finding: Callable[..., Finding], tmp_path: Path
) -> None:
    told = finding(message="<script>alert(1)</script>")
    run = make(result("torch.exp::values[float32]", "fail", findings=(told,)))

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
