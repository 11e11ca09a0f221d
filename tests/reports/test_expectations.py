from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay_reports.expectations import Comparison, Expectations, escaped, matches
from assay_reports.results import Finding, Result, Run
from assay_reports.updating import update
from assay_reports.yaml_lists import ExpectationsError

New = Callable[..., Result]
Find = Callable[..., Finding]
RunOf = Callable[..., Run]


def compared(folder: Path, text: str, run: Run) -> Comparison:
    path = folder / "known.yaml"
    path.write_text(text, encoding="utf-8")
    return Expectations.load(path).compare(run)


# What other people's libraries taught


def test_a_broken_sort_is_red_though_honest_failures_of_sort_are_expected(
    result: New, finding: Find, run_of: RunOf, tmp_path: Path
) -> None:
    """An honest NumPy differs in a few cases of `sort`; one whose last element is always 7 in nearly all of them."""
    dtypes = ("float32", "float64", "int32", "int64")
    axis = finding("A301", "error", form="axis # is out of bounds", cases=8)
    differs = finding("A101", form="result differs", cases=3)
    honest = run_of(
        *[
            result(f"sort::shape[{dtype}]", "error", cases=80, passed=72, failed=8, findings=(axis,))
            for dtype in dtypes
        ],
        result("sort::special[float32]", "fail", cases=80, passed=77, failed=3, findings=(differs,)),
    )
    update(tmp_path / "known.yaml", honest)
    everywhere = finding("A101", form="result differs", cases=72)
    broken = run_of(
        *[result(f"sort::shape[{each}]", "error", passed=0, findings=(axis, everywhere)) for each in dtypes],
        result("sort::special[float32]", "fail", cases=80, passed=4, failed=76, findings=(everywhere,)),
    )

    found = Expectations.load(tmp_path / "known.yaml").compare(broken)

    assert list(found.lines()) == [
        "unexpected: A101 sort::shape[float32]: result is 1, not 2 (1 op, 4 items, 288 cases)",
        f"unexpected: A101 sort::special[float32]: 72 cases, and {tmp_path / 'known.yaml'}:1 lists 3",
        "4 known findings, 2 unexpected",
    ]
    assert not found.holds


def test_a_new_bug_beside_a_known_one_in_every_item_is_shown_and_red(
    result: New, finding: Find, run_of: RunOf, tmp_path: Path
) -> None:
    """A library whose `add` lacks `alpha`, which is known, and then subtracts."""
    alpha = finding("A301", "error", form="raised TypeError: _() got 'alpha'", message="raised TypeError", cases=4)
    subtracts = finding("A101", form="result differs", message="result is -1, not 3", cases=30)
    ids = [f"add::values[{dtype}]" for dtype in ("float32", "int64")]
    update(tmp_path / "known.yaml", run_of(*[result(id, "error", findings=(alpha,)) for id in ids]))

    run = run_of(*[result(id, "error", findings=(alpha, subtracts)) for id in ids])
    known = Expectations.load(tmp_path / "known.yaml")

    assert list(known.compare(run).lines()) == [
        "unexpected: A101 add::values[float32]: result is -1, not 3 (1 op, 2 items, 60 cases)",
        "2 known findings, 1 unexpected",
    ]
    assert not any(map(known.covers, run.results))


# What an entry matches

KNOWN = "- {code: A101, form: result differs, items: {'a::shape': 5}, reason: rounding}\n"


def test_what_is_listed_is_expected(result: New, run_of: RunOf, tmp_path: Path) -> None:
    found = compared(tmp_path, KNOWN, run_of(result("a::shape", "fail", "A101"), result("b::shape")))

    assert list(found.lines()) == ["1 known finding, 0 unexpected"]
    assert found.holds


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"code": "A102"}, "A102 a::shape: result is 1, not 2 (1 op, 1 item, 5 cases)"),
        ({"form": "result is NaN"}, "A101 a::shape: result is 1, not 2 (1 op, 1 item, 5 cases)"),
        ({"cases": 11}, "A101 a::shape: 11 cases, and {path}:1 lists 5"),
    ],
)
def test_another_code_another_form_and_many_more_cases_are_unexpected(
    changes: dict[str, object], told: str, result: New, finding: Find, run_of: RunOf, tmp_path: Path
) -> None:
    run = run_of(result("a::shape", "fail", findings=(finding(**changes),)))

    found = compared(tmp_path, KNOWN, run)

    assert found.unexpected == [told.format(path=tmp_path / "known.yaml")]


def test_what_is_unexpected_comes_gravest_first(result: New, finding: Find, run_of: RunOf, tmp_path: Path) -> None:
    found = (finding("A202", form="wrong"), finding("A305", form="refuses"), finding("A101", cases=11))

    unexpected = compared(tmp_path, KNOWN, run_of(result("a::shape", "fail", findings=found))).unexpected

    assert [words[:4] for words in unexpected] == ["A101", "A202", "A305"]


def test_another_item_is_unexpected(result: New, run_of: RunOf, tmp_path: Path) -> None:
    run = run_of(result("a::shape", "fail", "A101"), result("b::shape", "fail", "A101"))

    assert compared(tmp_path, KNOWN, run).unexpected == ["A101 b::shape: result is 1, not 2 (1 op, 1 item, 5 cases)"]


@pytest.mark.parametrize("cases", [1, 5, 10])
def test_up_to_twice_as_many_cases_are_the_same_finding(
    cases: int, result: New, finding: Find, run_of: RunOf, tmp_path: Path
) -> None:
    run = run_of(result("a::shape", "fail", findings=(finding(cases=cases),)))

    assert compared(tmp_path, KNOWN, run).holds


def test_an_entry_without_form_lists_every_finding_of_its_code(
    result: New, finding: Find, run_of: RunOf, tmp_path: Path
) -> None:
    both = (finding(form="one", cases=2), finding(form="other", cases=3))
    text = "- {code: A101, items: {'a::shape': 5}, reason: rounding}\n"

    assert compared(tmp_path, text, run_of(result("a::shape", "fail", findings=both))).holds


def test_a_glob_lists_many_items_and_how_many_cases_they_have_together(
    result: New, run_of: RunOf, tmp_path: Path
) -> None:
    text = "- {code: A101, form: 'result *', items: {'a::values[*]': 6}, reason: rounding}\n"
    two, three = (run_of(*[result(f"a::values[{each}]", "fail", "A101") for each in "xyz"[:n]]) for n in (2, 3))

    assert compared(tmp_path, text, two).holds
    assert compared(tmp_path, text, three).unexpected == [
        f"A101 a::values[*]: 15 cases, and {tmp_path / 'known.yaml'}:1 lists 6"
    ]


@pytest.mark.parametrize(
    ("text", "glob", "fits"),
    [
        ("a::values[float32]", "a::values[float32]", True),
        ("a::values[float32]", "a::values[*]", True),
        ("a::values[f]", "a::values[float32]", False),
        ("a::shape", "a::sh?pe", True),
        ("a::shape", "*::shape", True),
        ("a::shape", "A::shape", False),
        ("a * b", r"a \* b", True),
        ("a plus b", r"a \* b", False),
        ("why?", r"why\?", True),
        ("why!", r"why\?", False),
        (r"a\b", r"a\b", True),
        ("line\nbreak", "line*", True),
    ],
)
def test_a_glob_matches(text: str, glob: str, fits: bool) -> None:
    assert matches(text, glob) == fits


@given(st.text(), st.text())
@example("x*", r"x\*")
@example("[a]", "a")
def test_an_escaped_text_matches_itself_only(one: str, other: str) -> None:
    assert matches(one, escaped(one))
    assert matches(other, escaped(one)) == (one == other)


# `when` and `expires`


@pytest.mark.parametrize(("when", "holds"), [("Linux", True), ("linux", True), ("x86_64", True), ("macOS", False)])
def test_an_entry_applies_where_its_platform_is(
    when: str, holds: bool, result: New, run_of: RunOf, tmp_path: Path
) -> None:
    text = KNOWN.replace("reason", f"when: {when}, reason")

    assert compared(tmp_path, text, run_of(result("a::shape", "fail", "A101"))).holds == holds


def test_an_entry_for_another_platform_is_not_missed(result: New, run_of: RunOf, tmp_path: Path) -> None:
    text = KNOWN.replace("reason", "when: macOS, reason")

    assert compared(tmp_path, text, run_of(result("a::shape"))).holds


def test_an_entry_counts_until_it_expires(result: New, run_of: RunOf, tmp_path: Path) -> None:
    run = run_of(result("a::shape", "fail", "A101"))

    assert compared(tmp_path, KNOWN.replace("reason", "expires: 9999-12-31, reason"), run).holds
    assert list(compared(tmp_path, KNOWN.replace("reason", "expires: 2020-01-31, reason"), run).lines()) == [
        "unexpected: A101 a::shape: result is 1, not 2 (1 op, 1 item, 5 cases)",
        f"stale: {tmp_path / 'known.yaml'}:1: expired on 2020-01-31; renew or delete it",
        "0 known findings, 1 unexpected",
    ]


# What no longer shows

MANY = "- code: A101\n  items:\n    a::shape: 5\n    b::*: 5\n    z::*: 5\n  reason: rounding\n"


def test_what_no_longer_shows_is_improved_and_what_names_nothing_is_stale(
    result: New, run_of: RunOf, tmp_path: Path
) -> None:
    path = tmp_path / "known.yaml"

    found = compared(tmp_path, MANY, run_of(result("a::shape"), result("b::shape")))

    assert found.improved == [
        f"{path}:1: a::shape no longer shows A101; `assay expect update` deletes it",
        f"{path}:1: b::* no longer shows A101; `assay expect update` deletes it",
    ]
    assert found.stale == [f"{path}:1: z::* names no item of the run"]
    assert not found.holds


def test_what_an_earlier_entry_lists_already_has_not_improved(result: New, run_of: RunOf, tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"

    found = compared(tmp_path, KNOWN + KNOWN, run_of(result("a::shape", "fail", "A101")))

    assert found.improved == []
    assert found.stale == [
        f"{path}:2: a::shape shows A101, but a::shape at line 1 lists that already; delete one of them"
    ]


@pytest.mark.parametrize(
    "part", [{"selection": {"filter": "facet:shape"}}, {"selection": {"shard": "1/2"}}, {"complete": False}]
)
def test_a_part_of_a_run_says_only_what_is_known_of_the_items_that_ran(
    part: dict[str, object], result: New, run_of: RunOf, tmp_path: Path
) -> None:
    found = compared(tmp_path, MANY, run_of(result("a::shape"), result("b::shape"), **part))

    assert found.improved == [
        f"{tmp_path / 'known.yaml'}:1: a::shape no longer shows A101; `assay expect update` deletes it"
    ]
    assert found.stale == []


@pytest.mark.parametrize(
    ("filter", "improved"),
    [
        ("op:a", True),
        ("a", True),
        ("area:pointwise -op:c", True),
        ("op:a facet:shape", False),
        ("a::*", False),
        ("no:key", False),
    ],
)
@pytest.mark.parametrize("name", ["a::*", "a::sh*"])
def test_what_no_item_of_an_op_shows_is_improved_where_a_filter_takes_the_whole_op(
    name: str, filter: str, improved: bool, result: New, run_of: RunOf, tmp_path: Path
) -> None:
    text = f"- {{code: A101, items: {{'{name}': 5, '*::shape': 5}}, reason: rounding}}\n"

    found = compared(tmp_path, text, run_of(result("a::shape"), selection={"filter": filter}))

    assert [told.partition(": ")[2].partition(" ")[0] for told in found.improved] == [name] * improved


@pytest.mark.parametrize("complete", [True, False])  # a run whose backend died too often is complete
@pytest.mark.parametrize("name", ["a::shape", "a::*"])
def test_an_item_that_did_not_run_is_neither_improved_nor_stale(
    name: str, complete: bool, result: New, run_of: RunOf, tmp_path: Path
) -> None:
    run = run_of(result("a::shape", "not_run"), result("a::layout"), complete=complete)

    assert compared(tmp_path, KNOWN.replace("a::shape", name), run).holds


def test_what_is_only_unsupported_needs_no_entry(result: New, finding: Find, run_of: RunOf, tmp_path: Path) -> None:
    unsupported = result("a::shape", "unsupported", findings=(finding("A001", "unsupported"),))

    assert compared(tmp_path, "", run_of(unsupported)).holds


def test_a_result_is_covered_where_all_that_is_wrong_is_listed(result: New, finding: Find, tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    path.write_text(KNOWN)
    known = Expectations.load(path)

    assert known.covers(result("a::shape", "fail", "A101"))
    assert not known.covers(result("a::shape", "fail", findings=(finding(cases=11),)))
    assert not known.covers(result("a::shape", "fail", findings=(finding(), finding("A102"))))
    assert known.covers(result("a::shape"))


# Files that are not valid


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("code: A101\n", ":1: not a list; begin each entry with `- code:`"),
        ("- just words\n", ":1: 'just words' is not a mapping (see docs/reading-a-report.md)"),
        ("# none\n- {code: A101, reason: x}\n", ":2: the key 'items' is missing (add `items:`)"),
        ("- {code: A101, items: {}, reason: x}\n", ":1: the entry has no items"),
        ("- code: A101\n  items: {a: 1}\n  reason:\n", ":3: reason: '' is not a text (see docs/reading-a-report.md)"),
        ("- code: A101\n  itmes: {a: 1}\n  reason: x\n",
         ":2: unknown key 'itmes' (did you mean 'items' or 'expires'?)"),
        ("- code: A999\n  items: {a: 1}\n  reason: x\n",
         ":1: code: unknown word 'A999' (did you mean 'A903' or 'A902'?)"),
        ("- code: A101\n  items:\n    a: 0\n  reason: x\n", ":3: items: a: 0 is not from 1 to 9007199254740992 (see"),
        ("- code: A101\n  items:\n    a: some\n  reason: x\n", ":3: items: a: 'some' is not an integer (see"),
        ("- code: A101\n  items:\n    a: " + "9" * 5000 + "\n  reason: x\n", ":3: items: a: '9999"),
        ("- code: A101\n  items: {a: 1, a: 2}\n  reason: x\n", ":2: items: a: stands here twice (keep one of the two)"),
        ("- code: A101\n  code: A101\n", ":2: code: stands here twice (keep one of the two)"),
        ("- code: A101\n  items: {[a]: 1}\n", ":2: items: a key that is no text (write it as `key:`)"),
        ("- code: A101\n  items: {a: 1}\n  reason: x\n  expires: 2026-13-45\n",
         ":4: expires: '2026-13-45' does not fit (write it as 2027-01-31)"),
        ("- code: A101\n  items: {a: 1\n", ":3: not YAML: did not find expected ',' or '}'"),
        ("- &a {code: A101, items: {b: 1}, reason: x}\n- *a\n",
         ":1: an alias repeats what stands here; write it out"),
        ("- " + "[" * 30 + "]" * 30 + "\n", ":1: nested too deeply"),
        ("- " * 50_000 + "a\n", ":1"),
        ("- a\n--- \n- b\n", ":2: not YAML: but found another document"),
        ("# one\n- \x07\n", ":2: the control character U+0007; take it out"),
        ("# one\n- \udcff\n", ":2: not UTF-8: the byte 0xff"),
        ("#" * 5_000_000, ":1: more than 4,194,304 bytes; group what is listed by globs"),
    ],
)  # fmt: skip
def test_an_invalid_file_is_refused_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")

    with pytest.raises(ExpectationsError) as caught:
        Expectations.load(path)

    assert str(caught.value).startswith(f"{path}{told}")
    assert len(str(caught.value)) < 1000


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    for path, told in ((tmp_path, "Is a directory"), (tmp_path / "none.yaml", "No such file or directory")):
        with pytest.raises(ExpectationsError) as caught:
            Expectations.load(path)
        assert str(caught.value) == f"{path}: {told}"


def test_an_empty_file_lists_nothing(tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    for text in ("", "# nothing yet\n", "[]\n"):
        path.write_text(text)
        assert Expectations.load(path).entries == ()


PIECES = st.sampled_from(
    ["- ", "  ", "\n", "code: A101", "items:", "a::shape: 5", "{", "}", "[", "]", ", ", "reason: x", "'", '"', "#",
     "&a ", "*a", "|", ">", "!!str ", "?", ": ", "---", "...", "%", "\t", "<<", "expires: 2026-01-01", "9" * 30, "é",
     "\ufeff"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(text=st.lists(PIECES, max_size=30).map("".join) | st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
@example(text="- {code: A101, items: {a: 1}, reason: x, form: 12}")
@example(text="- ? {a: 1}\n  : b")
def test_any_text_is_read_or_refused_with_its_line(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")

    try:
        Expectations.load(path)
    except ExpectationsError as error:
        assert re.match(rf"{re.escape(str(path))}:\d+: .", str(error))
