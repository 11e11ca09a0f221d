from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest

from assay_reports.expectations import Expectations
from assay_reports.mutants import MutationRun, Verdict
from assay_reports.records import Event, Finding
from assay_reports.results import Result, Run
from assay_reports.site import render_site
from assay_reports.site.cells import Cell
from assay_reports.site.names import labels, slugs
from assay_spec import load_corpus

Make = Callable[..., Run]
New = Callable[..., Result]
Found = Callable[..., Finding]

_VOID: Final = {"meta", "link", "br", "img", "input", "wbr"}
_ODD: Final = "bell \x07, line\nbreak, \u2028, \ud800, \u202e, </script><script>alert(1)</script> & \"'"


class Page(HTMLParser):
    """A page as its reader finds it: ids, addresses and text; an end tag that closes another element is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"<{tag}> has an attribute twice"
        self.tags.append((tag, found))
        self.texts += [" "] if tag != "wbr" else []
        self.ids += [found["id"]] if found.get("id") else []  # type: ignore[list-item]
        self.links += [str(found[name]) for name in ("href", "src", "action", "data-items") if name in found]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.texts += [" "] if tag != "a" else []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def rendered(out: Path, *runs: Run, **more: Any) -> dict[str, Page]:
    """Write a site, and read its pages back."""
    render_site(runs, out, load_corpus(), **more)
    return {
        path.relative_to(out).as_posix(): Page(path.read_text(encoding="utf-8")) for path in sorted(out.rglob("*.html"))
    }


def of(run: Run, **changes: Any) -> Run:
    """Return a run of another backend."""
    return replace(run, header=replace(run.header, backend=replace(run.header.backend, **changes)))


@pytest.fixture
def odd(make: Make, result: New, finding: Found) -> list[Run]:
    """Runs with names, ops, codes and messages that nobody expects."""
    strange = finding(
        "A901", message=_ODD, form=_ODD, call=_ODD, expected=_ODD, actual=_ODD, snippet=f"print(1)\n{_ODD}"
    )
    lacking = finding("A003", "unsupported", form="no gradients", message="no gradients", snippet="", expected="")
    run = make(
        result("torch.exp::values[float32]", "fail", "A101", findings=(finding(), strange, lacking)),
        result("torch.exp::values[float24]", "fail", "A901", findings=(strange,)),
        result("torch.exp::gradient[float32]", "unsupported", "A003", findings=(lacking,)),
        result("torch.exp::examples", "partial", passed=4, unsupported=6, findings=(lacking,)),
        result("torch.exp::shape", "self", passed=0, self=10),
        result("torch.exp::made up, <i>", "crash", "A801"),
        result("torch.Tensor::examples"),
        result("torch.tensor::examples", "suite_error", "A901"),
        result("torch.un/heard <b>of::shape", "fail", "A201", area="odd & <b>"),
    )
    run = replace(run, events=(Event("crash", "torch.exp::made up, <i>", "SIGSEGV", message=_ODD),))
    names = ["a/b", "a-b", "A-B", "toy", "toy", "my lib", f"x{_ODD}", "op", "x:y", "", "..", "<script>"]
    return [of(run, name=name) for name in names]


def test_every_page_is_well_formed_and_no_id_occurs_twice(odd: list[Run], tmp_path: Path) -> None:
    pages = rendered(tmp_path, *odd)

    assert len(pages) == 3 + len(odd) + 4
    for path, page in pages.items():
        assert page.open == [], path
        assert len(set(page.ids)) == len(page.ids), path
        assert not any(set(id) & set(" \t\n") for id in page.ids), path


def test_every_link_leads_somewhere(odd: list[Run], result: New, tmp_path: Path) -> None:
    others = (result("torch.exp::examples", "fail", "A105"), result("torch.gone::shape"))
    before = replace(odd[0], header=replace(odd[0].header, started="2025"), results=others)

    pages = rendered(tmp_path, *odd, earlier=[before])

    links = [(path, link) for path, page in pages.items() for link in page.links if not link.startswith("data:")]
    assert len(links) > 1000
    assert [each for each in links if not leads(each, pages, tmp_path)] == []


def leads(link: tuple[str, str], pages: dict[str, Page], out: Path) -> bool:
    """Return whether a page's link leads to a file of the site, and to an element of it if it names one."""
    address, _, fragment = link[1].partition("#")
    target = (out / link[0]).parent / address if address else out / link[0]
    path = target.resolve().relative_to(out.resolve()).as_posix()
    if not target.is_file() or path in ("matrix.html", "coverage.html"):  # where the fragment is a search
        return target.is_file()
    return not fragment or fragment in pages[path].ids or unquote(fragment) in pages[path].ids


def test_nothing_that_a_backend_says_acts_on_a_page(odd: list[Run], tmp_path: Path) -> None:
    pages = rendered(tmp_path, *odd)

    scripts = [attributes for page in pages.values() for tag, attributes in page.tags if tag == "script"]
    assert {each.get("src", each.get("type")) for each in scripts} == {"app.js", "../app.js", "application/json"}
    texts = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html"))
    assert re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800]", texts) == []
    assert r"bell \x07, line" in texts


def test_runs_of_one_name_have_pages_and_labels_of_their_own(make: Make, result: New, tmp_path: Path) -> None:
    run = make(result("torch.exp::shape"))
    runs = [
        run,
        of(run, version="2.0"),
        of(run, version="2.0", device="cuda"),
        of(run, name="a/b"),
        of(run, name="a-b"),
    ]

    pages = rendered(tmp_path, *runs)

    assert [page for page in pages if page.startswith("backend/")] == [
        "backend/a-b-c14cddc0.html", "backend/a-b.html", "backend/toy-1.0-42597405.html",
        "backend/toy-2.0-cpu-5f3833a8.html", "backend/toy-2.0-cuda-f27e6a44.html",
    ]  # fmt: skip
    assert labels(runs) == ["toy 1.0", "toy 2.0 cpu", "toy 2.0 cuda", "a/b", "a-b"]
    assert all(label in pages["matrix.html"].text for label in labels(runs))


def test_runs_that_nothing_tells_apart_are_numbered(make: Make, result: New) -> None:
    run = make(result("torch.exp::shape"))

    assert labels([run, run, of(run, name="toy (2)")]) == ["toy", "toy (2)", "toy (2) (2)"]


@pytest.mark.parametrize(
    "names",
    [
        ["a/b", "a-b", "a b"], ["Toy", "toy", "TOY"], ["a-b-c14cddc0", "a/b"], ["", ".", "..", "/"],
        ["x" * 300, "x" * 301], ["\x00", "\ud800", "é"],
    ],
)  # fmt: skip
def test_no_two_names_have_one_file(names: list[str]) -> None:
    found = [slug.casefold() for slug in slugs(names).values()]

    assert len(set(found)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_][a-z0-9._-]{0,100}", slug) for slug in found)


def test_the_functions_tensor_and_Tensor_have_files_of_their_own_where_case_does_not_count(
    make: Make, result: New, tmp_path: Path
) -> None:
    pages = rendered(tmp_path, make(result("torch.Tensor::examples"), result("torch.tensor::examples")))

    found = [page for page in pages if page.startswith("op/")]
    assert len({page.casefold() for page in found}) == 2


def test_the_two_numbers_are_the_same_on_overview_backend_matrix_and_badge(
    make: Make, result: New, tmp_path: Path
) -> None:
    run = make(
        result("torch.exp::shape", "fail", "A201", cases=10, passed=4, failed=1, unsupported=5),
        result("torch.abs::shape"),
    )

    pages = rendered(tmp_path, run)

    assert run.score.texts == ("75.0%", "90.0%")
    assert "toy 1.0 75.0% 90.0%" in pages["index.html"].text
    assert "75.0% coverage 90.0% conformance" in pages["backend/toy.html"].text
    assert "all ✗ 75.0 90.0" in pages["matrix.html"].text
    assert "75.0% covered, 90.0% right" in (tmp_path / "data" / "toy" / "badge.svg").read_text(encoding="utf-8")


def test_what_only_the_backend_itself_could_confirm_is_not_judged(make: Make, result: New, tmp_path: Path) -> None:
    pages = rendered(tmp_path, make(result("torch.exp::values[float32]", "self", passed=0, self=10)))

    assert "1 not judged without PyTorch" in pages["index.html"].text
    assert "○ not judged without PyTorch" in pages["matrix.html"].text
    assert "10 cases not judged without PyTorch" in pages["backend/toy.html"].text


def test_an_error_of_the_suite_is_not_shown_as_a_crash(make: Make, result: New, tmp_path: Path) -> None:
    pages = rendered(tmp_path, make(result("torch.exp::shape", "suite_error", "A901"), result("torch.abs::shape")))

    assert "1 pass 1 error of the suite" in pages["index.html"].text
    assert "crash" not in pages["index.html"].text


def test_a_backends_page_lists_its_causes_the_gravest_first(
    make: Make, result: New, finding: Found, tmp_path: Path
) -> None:
    spelling = finding("A305", message="no parameter _", cases=1, call="torch.exp(input=x)")
    wrong = finding("A101", cases=2, snippet="import torch\nprint(torch.exp(x))", call="torch.exp(float32[1])")
    larger = finding("A101", cases=7, snippet="import torch\nx = 12\nprint(torch.exp(x))", call="torch.exp(float32[9])")
    run = make(
        result("torch.exp::signature", "fail", findings=(spelling,)),
        result("torch.exp::values[float64]", "fail", findings=(larger,)),
        result("torch.exp::values[float32]", "fail", findings=(wrong,)),
    )

    page = rendered(tmp_path, run)["backend/toy.html"]

    found = re.findall(r"\d\. (A\d+ .*?) A .*? (\d+ function.*?)\. call (\S+) .*?and (\d items)?", page.text)
    assert found == [
        ("A101 torch.exp: result differs", "1 function, 2 items, 9 cases", "torch.exp(float32[1])", "2 items"),
        ("A305 torch.exp: no parameter _", "1 function, 1 item, 1 case", "torch.exp(input=x)", ""),
    ]
    assert "import torch print(torch.exp(x))" in page.text
    assert "../op/torch.exp.html#toy:values[float64]" in page.links


def test_causes_that_are_unexpected_come_first_and_are_marked(
    make: Make, result: New, finding: Found, tmp_path: Path
) -> None:
    known = Expectations.of(tmp_path / "known.yaml", "- {code: A101, items: {'torch.exp::*': 5}, reason: known}\n")
    spelling = finding("A305", message="no parameter _")
    run = make(result("torch.exp::signature", "fail", findings=(spelling,)), result("torch.exp::shape", "fail", "A101"))

    pages = rendered(tmp_path, run, expected=known)

    titles = re.findall(r"\d\. (A\d+ .*?) A ", pages["backend/toy.html"].text)
    assert titles == ["A305 torch.exp: no parameter _ unexpected", "A101 torch.exp: result is 1, not 2"]
    assert "The gravest come first; before them those that are unexpected, 1 of 2." in pages["backend/toy.html"].text
    assert "A305 torch.exp: no parameter _ unexpected 1 function" in pages["index.html"].text
    assert "unexpected" not in rendered(tmp_path, run)["backend/toy.html"].text


def test_all_findings_of_an_item_are_shown_on_its_ops_page(
    make: Make, result: New, finding: Found, tmp_path: Path
) -> None:
    first, second = (
        finding(message="result is 1, not 2"),
        finding("A202", message="result is int64, not int32", cases=3),
    )
    lacking = finding("A002", "unsupported", message="no bfloat16", form="no dtype", cases=1)
    run = make(
        result("torch.exp::values[float32]", "fail", findings=(first, second, lacking)),
        result("torch.exp::examples", "partial", unsupported=1, findings=(lacking,)),
    )

    page = rendered(tmp_path, run)["op/torch.exp.html"]

    assert "A101 result is 1, not 2 A value lies beyond the error budget. 5 cases" in page.text
    assert "A202 result is int64, not int32 Wrong dtype. 3 cases" in page.text
    assert "A002 no bfloat16 The backend does not offer the dtype. 1 case." in page.text
    assert "Not offered by toy A002 no bfloat16 1 case: examples" in page.text


def test_failures_stand_first_on_an_ops_page(make: Make, result: New, tmp_path: Path) -> None:
    page = rendered(tmp_path, make(result("torch.exp::shape"), result("torch.exp::values[float32]", "fail", "A101")))

    places = [page["op/torch.exp.html"].ids.index(id) for id in ("-findings", "toy:values[float32]", "-items", "-spec")]
    assert places == sorted(places)


def test_items_that_are_wrong_in_one_way_stand_together_the_gravest_first(
    make: Make, result: New, finding: Found, tmp_path: Path
) -> None:
    wrong, spelling = (
        finding("A101", message="2, not 1"),
        finding("A305", message="no parameter dim", form="no parameter _"),
    )
    run = make(
        result("torch.exp::signature", "fail", findings=(spelling,)),
        result("torch.exp::values[float32]", "fail", findings=(wrong,)),
        result("torch.exp::values[float64]", "fail", findings=(wrong, spelling)),
        result("torch.exp::errors", "fail", findings=(finding("A101", form="another"),)),
    )

    page = rendered(tmp_path, run)["op/torch.exp.html"]

    assert re.findall(r"fail (A\d+ [^.]*?) (\d items?) (\S+) 5 of 10 cases pass", page.text) == [
        ("A101 2, not 1", "2 items", "values[float32]"),
        ("A101 result is 1, not 2", "1 item", "errors"),
        ("A305 no parameter dim", "1 item", "signature"),
    ]


@pytest.mark.parametrize(
    ("outcomes", "state", "text"),
    [
        ([], "none", ""),
        (["pass", "pass"], "pass", "✓"),
        (["pass", "unsupported"], "partial", "◐ 50.0  100"),
        (["pass", "self"], "partial", "◐  100  100"),
        (["self", "unsupported"], "self", "○"),
        (["unsupported"], "unsupported", "–"),
        (["pass", "fail"], "fail", "✗  100 75.0"),
        (["fail", "crash", "pass"], "crash", "☠  100 66.7"),
        (["suite_error"], "suite_error", "?"),
    ],
)
def test_a_cell_shows_the_gravest_outcome_and_two_numbers_where_these_say_more(
    result: New, outcomes: list[str], state: str, text: str
) -> None:
    counts = {"self": {"passed": 0, "self": 10}, "suite_error": {"passed": 0, "failed": 0}}
    results = [result(f"torch.exp::{number}", each, **counts.get(each, {})) for number, each in enumerate(outcomes)]

    cell = Cell.of(results)

    assert (cell.state, cell.text) == (state, text)


def test_an_ops_page_has_only_facets_and_dtypes_that_the_op_has(make: Make, result: New, tmp_path: Path) -> None:
    run = make(*[result(f"torch.exp::values[{dtype}]") for dtype in ("float64", "float32")], result("torch.exp::shape"))

    page = rendered(tmp_path, run)["op/torch.exp.html"]

    items = page.text[page.text.index("item toy") : page.text.index("What the spec says")]
    assert re.findall(r"(\S+) ✓", items) == [
        "all", "shape", "values", "values[float32]", "values[float64]", "float32", "float64",
    ]  # fmt: skip


def test_every_item_and_every_cause_has_an_anchor_and_a_link_to_it(make: Make, result: New, tmp_path: Path) -> None:
    run = make(result("torch.exp::values[float32]", "fail", "A101"), result("torch.exp::shape"))

    pages = rendered(tmp_path, run)

    op, backend = pages["op/torch.exp.html"], pages["backend/toy.html"]
    for place in ("values[float32]", "shape", "toy:values[float32]"):
        assert place in op.ids
        assert f"#{place}" in op.links
    cause = next(id for id in backend.ids if id.startswith("A101-"))
    assert f"#{cause}" in backend.links
    assert f"backend/toy.html#{cause}" in pages["index.html"].links
    assert f"../backend/toy.html#{cause}" in op.links


def test_an_op_that_the_corpus_does_not_have_is_shown(make: Make, result: New, tmp_path: Path) -> None:
    pages = rendered(tmp_path, make(result("torch.frobnicate::shape", "fail", "A201", area="newer")))

    assert "The corpus of this report does not have this function" in pages["op/torch.frobnicate.html"].text
    assert "op/torch.frobnicate.html" in pages["matrix.html"].links
    assert "newer" in pages["index.html"].text


def test_a_run_without_results_is_shown(make: Make, tmp_path: Path) -> None:
    pages = rendered(tmp_path, make(complete=None))

    assert "0 functions and 0 items" in pages["index.html"].text
    assert "The run is partial: it was interrupted." in pages["backend/toy.html"].text


def test_the_matrix_has_as_many_cells_in_each_row_as_in_its_head(odd: list[Run], tmp_path: Path) -> None:
    render_site(odd, tmp_path, load_corpus())

    rows = (tmp_path / "matrix.html").read_text(encoding="utf-8").split("<tr ")[1:]
    assert {len(re.findall(r"<t[hd] ", row)) for row in rows} == {1 + len(odd)}
    assert f'style="--n:{len(odd)}"' in (tmp_path / "matrix.html").read_text(encoding="utf-8")


def test_the_page_of_an_op_says_what_was_excused(make: Make, result: New, tmp_path: Path) -> None:
    excusing = result("torch.exp::special[float32]", excused={"flushed subnormal": 12})

    page = rendered(tmp_path, make(excusing, result("torch.exp::shape")))["op/torch.exp.html"]

    assert "Excused on toy torch.exp::special[float32] 12 elements excused: flushed subnormal" in page.text
    assert page.text.count("excused") == 1


def test_pages_say_how_to_run_a_failure_again(make: Make, result: New, tmp_path: Path) -> None:
    run = make(result("torch.exp::shape", "fail", "A201"), settings={"backend": "numpy", "seed": 3})

    pages = rendered(tmp_path, run)

    command = "again: assay repro torch.exp::shape --backend numpy --seed 3"
    assert command in pages["op/torch.exp.html"].text
    assert command in pages["backend/toy.html"].text


def test_the_coverage_page_names_an_edition_only_where_an_op_is_not_in_both(
    make: Make, result: New, tmp_path: Path
) -> None:
    page = rendered(tmp_path, make(result("torch.exp::shape")))["coverage.html"]

    alone = [op.name for op in load_corpus() if len(op.editions) == 1]
    assert page.text.count(" documented only ") == len(alone)


def test_the_coverage_page_shows_what_the_reference_makes_of_each_function(
    make: Make, result: New, tmp_path: Path
) -> None:
    on_cpu = make(result("torch.exp::shape"), result("torch.exp::dtype"), backend={"name": "reference"})
    on_cuda = make(result("torch.exp::shape", "fail", "A201"), backend={"name": "reference (strict stand-in)"})
    other = make(result("torch.exp::shape"))

    page = rendered(tmp_path, on_cpu, on_cuda, other)["coverage.html"]

    cells = [found for tag, found in page.tags if tag == "td" and (found["data-name"] or "").startswith("reference")]
    told = {(found["data-name"], found["class"]) for found in cells}
    assert told == {
        ("reference", "pass"), ("reference", "none"),
        ("reference (strict stand-in)", "fail"), ("reference (strict stand-in)", "none"),
    }  # fmt: skip
    assert re.search(r"torch\.exp \S.* form 2 ", page.text)


def test_the_coverage_page_says_what_of_the_documents_is_wrong(make: Make, result: New, tmp_path: Path) -> None:
    page = rendered(tmp_path, make(result("torch.exp::shape")))["coverage.html"]

    corpus = load_corpus()
    assert all(" ".join(each.says.split()) in page.text for op in corpus.ops for each in corpus.errata(op))


def test_pages_show_mutation_scores_and_the_mutants_that_survived(make: Make, result: New, tmp_path: Path) -> None:
    killed = Verdict("torch.exp", "pointwise", "sign: input", "sign", "killed", 3, "torch.exp(a)", "1", "-1")
    survivor = replace(killed, mutant="strides ignored: input", status="survived", original="results 2.0 at 0")
    equivalent = replace(killed, mutant="order: results", status="equivalent", because="PyTorch does so itself")
    run = make(result("torch.exp::shape"), result("torch.abs::shape"))

    pages = rendered(tmp_path / "with", run, mutation=MutationRun({}, (killed, survivor, equivalent)))
    without = rendered(tmp_path / "without", run)

    assert "Mutation score 50%: the suite kills 1 of 2 mutants." in pages["coverage.html"].text
    exp = pages["op/torch.exp.html"].text
    assert "Mutation score 50%: the suite kills 1 of 2 mutants of this function." in exp
    assert "survived strides ignored: input witness torch.exp(a) original results 2.0 at 0" in exp
    assert "equivalent order: results: PyTorch does so itself" in exp
    assert not any("utation score" in page.text or "mutant" in page.text for page in without.values())


def test_what_needs_the_script_is_hidden_without_it(odd: list[Run], tmp_path: Path) -> None:
    for path, page in rendered(tmp_path, *odd).items():
        assert dead(page) == [], path


def dead(page: Page) -> list[str]:
    """Return the controls that a reader without the script would see."""
    found, hidden = [], 0
    for tag, attributes in page.tags:
        hidden = 2 if tag in ("form", "div") and "hidden" in attributes else hidden
        if tag in ("form", "div", "main") and "hidden" not in attributes:
            hidden = 0
        if tag == "dialog":
            break  # closed until the script opens it
        if tag in ("button", "input") and not hidden and "hidden" not in attributes:
            found.append(tag)
    return found


def test_the_site_asks_nothing_of_the_network(odd: list[Run], tmp_path: Path) -> None:
    rendered(tmp_path, *odd)

    def texts() -> Iterator[str]:
        for path in tmp_path.rglob("*"):
            if path.suffix in (".html", ".css", ".js"):
                yield path.read_text(encoding="utf-8")

    assert not any(re.search(r"(?:https?:)?//[a-z]+\.", text) for text in texts())
