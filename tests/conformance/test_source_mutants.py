"""Mutants of the reference's source: how they are made, found by coverage, hunted, listed and reported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.mutants.changed import changed_lines
from assay.mutants.source import covering
from assay.mutants.source.equivalents import Equivalent, Listed, OutOfReach, listed
from assay.mutants.source.hunting import Hunted, SourceHunt, order
from assay.mutants.source.making import (
    SourceMutant,
    digest,
    files,
    module_of,
    mutants_in,
    mutants_of,
    mutated,
    sample,
)
from assay.mutants.source.verdicts import SourceVerdict, kept, line, summary, survivors
from assay_spec import SpecError


@pytest.fixture(scope="module")
def hunt() -> SourceHunt:
    good: Backend = open_backend("reference")
    return SourceHunt(good, good, effort="quick")


def made(source: str) -> list[tuple[str, str, str]]:
    return [(each.kind, each.before, each.after) for each in mutants_in(source, "a.py")]


def found(file: str, before: str, after: str) -> SourceMutant:
    return next(each for each in mutants_of(file) if (each.before, each.after) == (before, after))


def test_each_kind_of_change_is_made() -> None:
    assert made("a = b < c") == [("comparison", "a = b < c", "a = b <= c")]
    assert made("a = b - c") == [("operator", "a = b - c", "a = b + c")]
    assert made("a = -b") == [("operator", "a = -b", "a = b")]
    assert made("a = 1, 0.5, 0.0, True") == [
        ("constant", "a = (1, 0.5, 0.0, True)", f"a = {after}")
        for after in ("(2, 0.5, 0.0, True)", "(1, 1.0, 0.0, True)", "(1, 0.5, 1.0, True)", "(1, 0.5, 0.0, False)")
    ]
    assert made("if a:\n    b") == [("condition", "if a:", "if False:"), ("condition", "if a:", "if True:")]
    assert made("a = b and c") == [("condition", "a = b and c", "a = b or c")]
    assert made("check(a, b)") == [("dropped call", "check(a, b)", "pass")]
    assert made("a = abs(b)") == [("dropped call", "a = abs(b)", "a = b")]
    assert made("a = b.sum(c, d)") == [("dropped call", "a = b.sum(c, d)", "a = b")]
    assert made("import b\na = b.sum(c)") == [("dropped call", "a = b.sum(c)", "a = c")]


def test_no_loop_is_made_endless() -> None:
    assert made("while a:\n    b") == [("condition", "while a:", "while False:")]


@pytest.mark.parametrize(
    "source",
    [
        "def f(a: A | B = None) -> C[1]: ...",
        "raise ValueError(f'{a + 1}')",
        "a = f'{b + 1}'",
        "a = 'b' + c",
        "warn(a + 1)",
        "if a < b:\n    warnings.warn(c)",
        "assert a < 1",
        "if TYPE_CHECKING:\n    a = 1",
        "Number = int | float",
        "a = tuple(b)",
    ],
)
def test_what_is_about_types_and_wording_is_left_alone(source: str) -> None:
    assert made(source) == []


def test_a_change_is_named_alike_when_its_lines_have_moved() -> None:
    source = "class A:\n    def b(self, c=0):\n        return c + c + 1\n"
    first, moved = mutants_in(source, "a.py"), mutants_in(f"import d\n\n\n{source}", "a.py")

    assert [each.identity for each in first] == [each.identity for each in moved]
    assert [each.line + 3 for each in first] == [each.line for each in moved]
    assert [each.function for each in first] == ["A", "A.b", "A.b", "A.b"]  # a default is the class's
    assert mutants_in("def f():\n    check()", "a.py")[0].function == "f"
    assert first[1].identity == "a.py A.b: return c + c + 1 -> return c - c + 1 #1"


def test_equal_changes_are_numbered() -> None:
    assert [each.occurrence for each in mutants_in("a = b + c\na = b + c", "a.py")] == [1, 2]


def test_a_mutant_differs_from_the_source_in_one_change() -> None:
    source = "def f(a):\n    return a + a * 2\n"
    scope: dict[str, object] = {}
    results = []
    for number in range(len(mutants_in(source, "a.py"))):
        exec(compile(mutated(source, number), "a.py", "exec"), scope)
        results.append(scope["f"](5))  # type: ignore[operator]

    assert results == [5 - 5 * 2, 5 + (5 + 2), 5 + 5 * 3]


def test_every_change_of_the_reference_has_a_name_of_its_own() -> None:
    every = [mutant.identity for file in files() for mutant in mutants_of(file)]

    assert len(every) > 10_000
    assert len(set(every)) == len(every)


def test_a_larger_sample_holds_the_smaller_one() -> None:
    every = mutants_of("core/op.py")

    assert sample(every, 5, 0) == sample(every, 9, 0)[:5]
    assert sample(every, 5, 0) != sample(every, 5, 1)


def test_a_file_is_a_module() -> None:
    assert (module_of("core/op.py"), module_of("nn/__init__.py")) == ("assay_reference.core.op", "assay_reference.nn")


def test_a_mutant_is_killed_by_an_item_that_runs_it(hunt: SourceHunt) -> None:
    mutant = found("linalg/norms.py", "if ord == 0:", "if True:")

    result = hunt.hunted(mutant, covering.Reach(("torch.norm::values[float32]",)))

    assert result.kill is not None
    assert (result.kill.item, result.kill.code, result.differs) == ("torch.norm::values[float32]", "A101", True)


def test_a_mutant_that_the_items_do_not_run_survives(hunt: SourceHunt) -> None:
    mutant = found("linalg/norms.py", "if ord == 0:", "if True:")

    result = hunt.hunted(mutant, covering.Reach(("torch.t::shape",)))

    assert (result.items, result.differs, result.kill) == (1, False, None)
    assert result.cases > 0
    assert hunt.hunted(mutant, covering.Reach()) == Hunted(0, 0, differs=False)


def test_a_survivor_that_is_listed_is_equivalent() -> None:
    survived = verdict(status="survived")

    assert survived.with_reason("b is zero").status == "equivalent"
    assert survived.with_reason("b is zero").with_reason(None) == survived
    assert verdict().with_reason("b is zero").status == "killed"


def test_a_mutant_that_cannot_be_imported_is_killed(hunt: SourceHunt) -> None:
    mutant = found("core/op.py", "if isinstance(returns, str):", "if True:")

    assert hunt.hunted(mutant, covering.Reach(("torch.t::shape",))).kill is not None


def test_one_item_of_each_op_and_facet_is_tried_before_a_second_one() -> None:
    items = ["a::values[float32]", "a::values[int64]", "a::shape", "b::shape"]

    tried = order(items, mutants_in("a = b + c", "a.py")[0])

    assert sorted(tried) == sorted(items)
    assert tried[-1].startswith("a::values")


def test_coverage_says_which_items_run_a_line(tmp_path: Path) -> None:
    (part,) = covering.measured(tmp_path, ["torch.nn.functional.relu"], seed=0, jobs=1)
    covered = covering.Covering(part)
    gradient = next(each for each in mutants_of("ops/pointwise.py") if each.function == "relu_slope")
    forward = next(each for each in mutants_of("ops/pointwise.py") if each.function == "relu")
    elsewhere = next(each for each in mutants_of("ops/pointwise.py") if each.function == "floored")
    imported = next(each for each in mutants_of("ops/pointwise.py") if not each.function)

    assert {name.partition("[")[0] for name in covered.reach(gradient).direct} >= {"torch.nn.functional.relu::gradient"}
    assert "torch.nn.functional.relu::values[float32]" in covered.reach(forward).direct
    assert "torch.nn.functional.relu::values[float32]" not in covered.reach(gradient).direct
    assert (covered.reach(elsewhere), covered.is_specified(elsewhere)) == (covering.Reach(), False)
    assert covered.is_specified(forward) and covered.is_specified(gradient)
    assert covered.reach(imported).imported and set(covered.reach(imported).near) <= covered.all


def test_the_list_of_equivalents_holds_nothing_that_is_no_mutant() -> None:
    assert listed().stale([mutant for file in files() for mutant in mutants_of(file)]) == []


def test_what_is_listed_is_found_by_its_text() -> None:
    mutants = mutants_in("def f():\n    return a + b\n\ndef g():\n    return a + b\n", "a.py")
    same = {"file": "a.py", "before": "return a + b", "after": "return a - b", "because": "b is zero"}
    known = Listed(
        equivalent=(Equivalent(**same, function="f"), Equivalent(**same, function="h")),  # type: ignore[arg-type]
        out_of_reach=(OutOfReach(file="a.py", function="g", because="never called"),),
    )

    assert [known.because(mutant) for mutant in mutants] == ["b is zero", None]
    assert known.reached(mutants) == mutants[:1]
    assert known.stale(mutants) == ["a.py h: return a + b -> return a - b: equivalent, but is no mutant"]


def test_the_list_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "equivalent.yaml"
    path.write_text("equivalent:\n  - {file: a.py, before: a, after: b}\n")

    with pytest.raises(SpecError, match=r"equivalent\.yaml:2: the key 'because' is missing"):
        listed(path)


def verdict(**more: object) -> SourceVerdict:
    values = {"file": "core/op.py", "function": "f", "line": 3, "kind": "constant", "before": "return 1",
              "after": "return 2", "occurrence": 1, "source": digest("core/op.py"), "corpus": "c", "effort": "quick",
              "status": "killed",
              "items": 2, "cases": 9}  # fmt: skip
    return SourceVerdict(**{**values, **more})  # type: ignore[arg-type]


def test_verdicts_hold_as_long_as_their_source_and_a_survivors_as_long_as_the_corpus(tmp_path: Path) -> None:
    path = tmp_path / "source-mutants.jsonl"
    holds = [verdict(), verdict(function="g", status="survived"), verdict(function="h", corpus="before")]
    fails = [
        verdict(function="i", status="survived", corpus="before"),
        verdict(function="j", source="before"),
        verdict(function="l", status="survived", effort="standard"),
        verdict(function="k", file="gone.py"),
    ]
    path.write_text("".join(map(line, holds + fails)))

    assert list(kept(path, "c", "quick").values()) == holds
    assert kept(tmp_path / "nowhere", "c", "quick") == {}


def test_a_survivor_is_shown_as_code_before_and_after() -> None:
    verdicts = [verdict(), verdict(status="survived"), verdict(status="survived", items=0, cases=0)]

    assert list(survivors(verdicts)) == [
        "core/op.py:3 in f: constant: survived (9 cases of 2 items, answered alike)",
        "  - return 1",
        "  + return 2",
        "core/op.py:3 in f: constant: survived (no item runs it)",
        "  - return 1",
        "  + return 2",
    ]
    assert summary(verdicts).splitlines()[-1].split() == ["all", "3", "1", "2", "0", "33.3%"]


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=folder, check=True,
                   capture_output=True)  # fmt: skip


def test_the_lines_that_changed_since_a_revision_are_those_written_and_those_new(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "kept").write_text("1\n")
    (tmp_path / "changed").write_text("1\n2\n3\n4\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "changed").write_text("1\nb\n3\n4\n5\n6\n")
    (tmp_path / "new").write_text("1\n2\n")

    top = tmp_path.resolve()
    assert changed_lines(tmp_path, "HEAD") == {top / "changed": {2, 5, 6}, top / "new": {1, 2}}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--sample", "3"], "--sample is about mutants of the source: add --source"),
        (["--source", "--filter", "op:torch.t"], "--source takes no --filter and no other --backend"),
        (["--source", "--backend", "numpy"], "--source takes no --filter and no other --backend"),
    ],
)
def test_the_command_refuses_what_does_not_go_together(tmp_path: Path, words: list[str], told: str) -> None:
    command = [sys.executable, "-m", "assay.cli", "mutants", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 2
    assert told in done.stderr
