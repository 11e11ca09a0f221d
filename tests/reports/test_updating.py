from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_reports.expectations import Expectations
from assay_reports.records import Footer, Header
from assay_reports.results import Finding, Result, Run
from assay_reports.updating import update
from assay_reports.yaml_lists import ExpectationsError

New = Callable[..., Result]
Find = Callable[..., Finding]
RunOf = Callable[..., Run]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known.yaml"


def without_kernel(result: New, finding: Find, *ids: str, cases: int = 3) -> list[Result]:
    """Make items that show one cause."""
    shown = finding("A301", "error", form="no kernel", message="no kernel for float64", cases=cases)
    return [result(id, "error", findings=(shown,)) for id in ids]


def test_one_cause_over_many_ops_is_one_entry(result: New, finding: Find, run_of: RunOf, file: Path) -> None:
    ids = ("torch.exp::shape", "torch.exp::values[float64]", "torch.sin::shape")

    told = update(file, run_of(*without_kernel(result, finding, *ids)))

    assert told == f"{file}: 1 added, 0 removed"
    assert file.read_text() == (
        "- code: A301\n  form: no kernel\n  items:\n    torch.exp::*: 6\n    torch.sin::shape: 3\n"
    )


def test_entries_come_gravest_first(result: New, finding: Find, run_of: RunOf, file: Path) -> None:
    found = (finding("A305", form="refuses"), finding("A202", form="wrong"), finding("A101", form="differs"))

    update(file, run_of(result("a::shape", "fail", findings=found)))

    assert [entry["code"] for entry in yaml.safe_load(file.read_text())] == ["A101", "A202", "A305"]


def test_a_star_in_a_message_stands_for_itself(result: New, finding: Find, run_of: RunOf, file: Path) -> None:
    update(file, run_of(result("a::shape", "error", findings=(finding("A301", "error", form="no * for"),))))

    other = run_of(result("a::shape", "error", findings=(finding("A301", "error", form="no plus for"),)))
    assert not Expectations.load(file).compare(other).holds


WRITTEN = """\
# What we know of.

- code: A301   # looked into
  form: no kernel
  items:
    # both are due in 2.0
    a::shape: 3
    b::shape: 3   # see 12
  reason: |
    No kernel yet.

    Nor a plan.
  issue: 12

# Gone soon:
- code: A101
  items: {a::values: 5}
  reason: rounding

# The end.
"""


def test_what_people_wrote_stays(result: New, finding: Find, run_of: RunOf, file: Path) -> None:
    file.write_text(WRITTEN)

    told = update(file, run_of(*without_kernel(result, finding, "a::shape", "b::shape"), result("a::values")))

    assert told == f"{file}: 0 added, 1 removed"
    assert file.read_text() == WRITTEN.replace("- code: A101\n  items: {a::values: 5}\n  reason: rounding\n", "")


def test_an_item_that_no_longer_shows_it_goes_from_its_entry(
    result: New, finding: Find, run_of: RunOf, file: Path
) -> None:
    file.write_text(WRITTEN)
    values = result("a::values", "fail", findings=(finding(),))

    told = update(file, run_of(*without_kernel(result, finding, "a::shape"), result("b::shape"), values))

    assert told == f"{file}: 0 added, 0 removed"
    assert file.read_text() == WRITTEN.replace("    b::shape: 3   # see 12\n", "")


def test_counts_that_are_far_off_are_mended(result: New, finding: Find, run_of: RunOf, file: Path) -> None:
    file.write_text("- {code: A301, items: {a::shape: 3, b::shape: 30, c::shape: 4}, reason: x}  # all\n")

    update(file, run_of(*without_kernel(result, finding, "a::shape", "b::shape", "c::shape", cases=7)))

    assert (
        file.read_text() == "- {code: A301, items: {'a::shape': 7, 'b::shape': 7, 'c::shape': 4}, reason: x}  # all\n"
    )


def test_a_new_finding_is_added_below(result: New, finding: Find, run_of: RunOf, file: Path) -> None:
    file.write_text(WRITTEN.rstrip("\n"))
    run = run_of(*without_kernel(result, finding, "a::shape", "b::shape"), result("a::values", "fail", "A101"),
                 result("c::values", "fail", "A101"))  # fmt: skip

    assert update(file, run) == f"{file}: 1 added, 0 removed"
    assert file.read_text() == (f"{WRITTEN}- code: A101\n  form: result differs\n  items:\n    c::values: 5\n")


def test_pruning_adds_nothing(result: New, finding: Find, run_of: RunOf, file: Path) -> None:
    file.write_text(WRITTEN)
    run = run_of(*without_kernel(result, finding, "a::shape", "b::shape", "c::shape"), result("a::values"))

    assert update(file, run, add=False) == f"{file}: 0 added, 1 removed"
    assert not Expectations.load(file).compare(run).holds


def test_pruning_does_not_accept_what_has_grown(result: New, finding: Find, run_of: RunOf, file: Path) -> None:
    text = "- code: A301\n  items:\n    a::shape: 1\n    b::shape: 1\n  reason: x\n"
    file.write_text(text)

    update(file, run_of(*without_kernel(result, finding, "a::shape", cases=9), result("b::shape")), add=False)

    assert file.read_text() == text.replace("    b::shape: 1\n", "")


def test_an_entry_for_another_platform_stays(result: New, run_of: RunOf, file: Path) -> None:
    file.write_text("- {code: A101, items: {a::shape: 5}, when: macOS, reason: x}\n")

    update(file, run_of(result("a::shape", "fail", "A101")))

    assert [entry.when for entry in Expectations.load(file).entries] == ["macOS", None]


def test_an_expired_entry_goes_and_what_still_shows_is_listed_anew(result: New, run_of: RunOf, file: Path) -> None:
    file.write_text("- {code: A101, items: {a::shape: 5}, expires: 2020-01-01, reason: x}\n")

    assert update(file, run_of(result("a::shape", "fail", "A101"))) == f"{file}: 1 added, 1 removed"
    assert [entry.expires for entry in Expectations.load(file).entries] == [None]


@pytest.mark.parametrize("part", [{"selection": {"filter": "facet:shape"}}, {"selection": {"shard": "1/2"}}])
def test_a_part_of_a_run_leaves_what_it_says_nothing_about(
    part: dict[str, Any], result: New, finding: Find, run_of: RunOf, file: Path
) -> None:
    text = "- code: A101\n  items:\n    a::shape: 5\n    b::shape: 5\n    a::*: 5\n  reason: x\n"
    file.write_text(text)

    update(file, run_of(result("a::shape"), **part))

    assert file.read_text() == text.replace("    a::shape: 5\n", "")


def test_a_partial_run_updates_nothing(make: Callable[..., Run], result: New, file: Path) -> None:
    run = make(result("a::shape"), complete=None)

    with pytest.raises(ExpectationsError) as caught:
        update(file, run)

    assert str(caught.value) == (
        f"{run.path} is partial: what it did not run would look mended; finish it with --resume"
    )
    assert not file.exists()


@pytest.mark.parametrize("text", ["[]\n", "# none yet\n---\n", "", "# none yet"])
def test_a_file_without_entries_gets_its_first(text: str, result: New, run_of: RunOf, file: Path) -> None:
    file.write_text(text)

    update(file, run_of(result("a::shape", "fail", "A101")))

    assert len(Expectations.load(file).entries) == 1
    assert file.read_text().startswith("# none yet\n" if "#" in text else "- code: A101\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[{code: A301, items: {a::shape: 3}, reason: x}]\n", ":1: begin a line with each entry: `- code:`"),
        ("- code: A301\n  items: {a::shape: 3}\n  reason: x\n...\n",
         ": what it lists cannot be edited; begin a line with each entry and item"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_edited_stays_as_it_is(
    text: str, told: str, result: New, finding: Find, run_of: RunOf, file: Path
) -> None:
    file.write_text(text)
    run = run_of(*without_kernel(result, finding, "a::shape"), result("b::shape", "fail", "A101"))

    with pytest.raises(ExpectationsError) as caught:
        update(file, run)

    assert str(caught.value) == f"{file}{told}"
    assert file.read_text() == text


def test_a_disk_that_is_full_leaves_the_file(
    result: New, run_of: RunOf, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    file.write_text(WRITTEN)
    monkeypatch.setattr(os, "write", full)

    with pytest.raises(OSError, match="No space left"):
        update(file, run_of(result("a::shape"), result("b::shape"), result("a::values")))

    assert file.read_text() == WRITTEN
    assert os.listdir(file.parent) == [file.name]


# Any file and any run

OPS: Final = ("a", "b", "ab")
FACETS: Final = ("shape", "values", "layout")
CODES: Final = ("A101", "A202", "A301")
FORMS: Final = ("x", "x *", "x?", "a [#] b", "größer: #", "'", "\\")
GLOBS: Final = (*(f"{op}::{facet}" for op in OPS for facet in FACETS), "a::*", "*::shape", "a*", "?::values", "z::*")


@st.composite
def entries(draw: st.DrawFn) -> str:
    """Draw an entry as people write them."""
    items = draw(st.dictionaries(st.sampled_from(GLOBS), st.integers(1, 20), min_size=1, max_size=4))
    entry: dict[str, Any] = {"code": draw(st.sampled_from(CODES)), "items": items, "reason": "known"}
    for name, values in (("form", FORMS), ("when", ("Linux", "macOS")), ("expires", ("2020-01-01", "9999-01-01"))):
        if draw(st.booleans()):
            entry[name] = draw(st.sampled_from(values))
    names = draw(st.permutations(list(entry)))
    text = yaml.safe_dump(
        [{name: entry[name] for name in names}],
        sort_keys=False,
        default_flow_style=draw(st.sampled_from([None, False])),
        allow_unicode=True,
        indent=draw(st.sampled_from([2, 4])),
    )
    above, below = (draw(st.sampled_from(["", "# note - this\n", "\n"])) for _ in range(2))
    return f"{above}{text}{below}"


@st.composite
def shown(draw: st.DrawFn, header: Header, new: New, find: Find) -> Run:
    """Draw a run of some of the items."""
    results = []
    for id in draw(st.sets(st.sampled_from([f"{op}::{facet}" for op in OPS for facet in FACETS]), min_size=1)):
        forms = draw(st.sets(st.tuples(st.sampled_from(CODES), st.sampled_from(FORMS)), max_size=3))
        found = [find(code, form=form, cases=draw(st.integers(1, 60))) for code, form in sorted(forms)]
        results.append(new(id, "fail" if found else "pass", findings=tuple(found)))
    return Run(header, tuple(results), footer=Footer(True))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), known=st.lists(entries(), max_size=4).map("".join))
def test_after_an_update_the_run_is_as_expected(
    data: st.DataObject,
    known: str,
    header: Header,
    result: New,
    finding: Find,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    run = data.draw(shown(header, result, finding))
    path = tmp_path_factory.getbasetemp() / "updated.yaml"
    path.write_text(known, encoding="utf-8")
    notes = known.count("# note - this")

    update(path, run)
    after = path.read_text(encoding="utf-8")

    assert list(Expectations.load(path).compare(run).lines()) == [f"{count(run)}, 0 unexpected"]
    assert after.count("# note - this") == notes
    assert update(path, run) == f"{path}: 0 added, 0 removed"
    assert path.read_text(encoding="utf-8") == after


def count(run: Run) -> str:
    number = sum(len(each.broken) for each in run.results)
    return "1 known finding" if number == 1 else f"{number} known findings"


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_another_finding_is_unexpected_after_an_update(
    data: st.DataObject, header: Header, result: New, finding: Find, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = data.draw(shown(header, result, finding))
    path = tmp_path_factory.getbasetemp() / "other.yaml"
    path.unlink(missing_ok=True)
    update(path, run)
    new = finding("A101", form=data.draw(st.sampled_from(["x y", "xx", "other"])), cases=1)
    first, *rest = run.results
    changed = result(first.id, "fail", findings=(*first.findings, new))

    found = Expectations.load(path).compare(Run(header, (changed, *rest), footer=Footer(True)))

    assert len(found.unexpected) == 1


def test_a_cause_of_several_codes_and_forms_is_an_entry_for_each_code(
    result: New, finding: Find, run_of: RunOf, file: Path
) -> None:
    found = (finding("A101", form="one *"), finding("A101", form="two"), finding("A301", "error", form="no kernel"))
    run = run_of(result("a::shape", "error", findings=found))

    update(file, run)

    entries = yaml.safe_load(file.read_text())
    assert [(entry["code"], entry["form"]) for entry in entries] == [
        ("A101", ["one \\*", "two"]),
        ("A301", "no kernel"),
    ]
    assert Expectations.load(file).compare(run).holds
    other = run_of(result("a::shape", "error", findings=(finding("A101", form="one more"),)))
    assert Expectations.load(file).compare(other).unexpected
