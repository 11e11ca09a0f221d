"""The suite kills the mutants that tensor libraries really had."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from assay.backends.reference import ReferenceBackend
from assay.cases.case import Case
from assay.cases.content import same
from assay.facets.base import Reason, SamplingRequest, Trial
from assay.judge.bench import Bench
from assay.running.items import Item, items_of
from assay_reports.vocabulary import FACETS
from assay_spec import load_corpus
from assay_spec.model import Op
from assay_spec.steps import Step

HERE = Path(__file__).parent / "modelled"
RAISED = ("A301", "A303", "A305", "A503")  # findings about what a candidate raised


def _bank() -> ModuleType:
    """Import every module of the catalogue; return the one that they register their bugs in."""
    spec = importlib.util.spec_from_file_location("assay_test_bank", HERE / "__init__.py")
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = package
    spec.loader.exec_module(package)
    modules = [importlib.import_module(f"{spec.name}.{path.stem}") for path in sorted(HERE.glob("[a-z]*.py"))]
    return next(module for module in modules if module.__name__.endswith(".bugs"))


bank = _bank()
good = ReferenceBackend()


def trials(op: Op) -> Iterator[tuple[Item, Trial]]:
    for item in sorted(items_of(op), key=lambda item: item.facet != "examples"):  # the quickest first
        for trial in item.trials(SamplingRequest(item.dtype, "standard", 0)):
            yield item, trial


def findings(op: Op, candidate: ReferenceBackend) -> Iterator[tuple[Item, Trial, Reason]]:
    """Yield the suite's findings about a candidate, trial by trial."""
    for item, trial in trials(op):
        judgement = trial.judge(Bench(candidate, good))
        if judgement.result in ("fail", "error"):
            assert judgement.reason is not None
            yield item, trial, judgement.reason


def answers_otherwise(candidate: ReferenceBackend, case: Case) -> bool:
    """Return whether a candidate's answer differs from the good one, with the same seed."""
    outcomes = []
    for backend in (candidate, good):
        backend.seeded(0)
        outcomes.append(backend.perform(case))
    return not same(*outcomes)


def all_bugs() -> Iterator[Any]:
    """Yield every modelled bug; those that survive as yet must fail."""
    for bug in bank.BUGS:
        survives = bank.SURVIVORS.get(bug.name)
        marks = (
            [pytest.mark.xfail(reason=survives["why"], raises=pytest.fail.Exception, strict=True)] if survives else []
        )
        yield pytest.param(bug, marks=marks, id=f"{bug.op}-{bug.name}")


@pytest.mark.filterwarnings("ignore:size_average", "ignore:(var|std|Using torch.cross)")
@pytest.mark.parametrize("bug", list(all_bugs()))
def test_the_suite_notices(bug: Any) -> None:
    op, candidate = load_corpus()[bug.op], bank.Patched(bug)
    killed = next(findings(op, candidate), None)
    if killed is None:
        known = bug.name in bank.SURVIVORS
        shown = known or any(answers_otherwise(candidate, trial.case) for _, trial in trials(op))
        pytest.fail("it survives" if shown else "the patch changes nothing")

    # The same trial of the good backend passes, so it is the patch that was killed, and not by a mistake of its own.
    _, trial, finding = killed
    assert trial.judge(Bench(good, good)).reason is None
    assert finding.code not in RAISED or (bug.raises is not None and bug.raises in finding.message), finding.message


def shown(bug: Any, backend: ReferenceBackend, program: str) -> str:
    """Run the program that shows a bug; return its result as text."""
    wrong = backend is not good
    backend.asked = bug.op
    names = {"torch": backend.torch}
    if not bug.everywhere:
        names["f"] = backend.function(Step(bug.op, form=bug.forms[0] if bug.forms else "function"))
    with bug.patch(backend.torch) if wrong and bug.everywhere else nullcontext():
        try:
            exec(program, names)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return repr(names["result"])


@pytest.mark.filterwarnings("ignore:(var|std)")
@pytest.mark.parametrize("survivor", list(bank.SURVIVORS.values()), ids=lambda survivor: survivor["bug"])
def test_what_survives_is_wrong_all_the_same(survivor: dict[str, str]) -> None:
    bug = next(each for each in bank.BUGS if each.name == survivor["bug"])
    assert shown(bug, bank.Patched(bug), survivor["shows"]) != shown(bug, good, survivor["shows"])


def test_the_later_rounds_are_complete_and_have_their_first_sight() -> None:
    assert {bug.name for bug in bank.BUGS if bug.steps} == set(bank.CHOSEN) == set(bank.FIRST_SIGHT)
    assert len(bank.CHOSEN) == sum(map(len, bank.ROUNDS.values()))
    assert set(bank.SURVIVORS) <= {name for name, each in bank.FIRST_SIGHT.items() if each["killed_by"] == "none"}
    assert {each["expected"] for each in bank.CHOSEN.values()} <= set(FACETS)
    assert {each["killed_by"] for each in bank.FIRST_SIGHT.values()} <= {*FACETS, "none"}


@pytest.mark.parametrize(("round", "bugs", "projects"), [("second", 60, 20), ("third", 30, 15), ("fourth", 30, 15)])
def test_a_later_round_comes_from_many_projects(round: str, bugs: int, projects: int) -> None:
    chosen = bank.ROUNDS[round].values()
    assert len(chosen) >= bugs
    assert len({"/".join(each["thread"].split("/")[3:5]) for each in chosen}) >= projects


def test_every_bug_was_reported_somewhere() -> None:
    assert all(bug.url.startswith("https://") and bug.what for bug in bank.BUGS)
    assert len({bug.url for bug in bank.BUGS}) == len(bank.BUGS)
    assert len({bug.name for bug in bank.BUGS}) == len(bank.BUGS)


def test_there_are_enough_of_them_over_enough_ops() -> None:
    assert len(bank.BUGS) >= 80
    assert len({bug.op for bug in bank.BUGS}) >= 60
