"""The suite kills the mutants that tensor libraries really had."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
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
from assay_spec import load_corpus
from assay_spec.model import Op

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
    for item in items_of(op):
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


@pytest.mark.parametrize("bug", bank.BUGS, ids=lambda bug: f"{bug.op}-{bug.name}")
def test_the_suite_notices(bug: Any) -> None:
    op, candidate = load_corpus()[bug.op], bank.Patched(bug)
    killed = next(findings(op, candidate), None)
    if killed is None:
        shown = any(answers_otherwise(candidate, trial.case) for _, trial in trials(op))
        pytest.fail("it survives" if shown else "the patch changes nothing")

    # The same trial of the good backend passes, so it is the patch that was killed, and not by a mistake of its own.
    _, trial, finding = killed
    assert trial.judge(Bench(good, good)).reason is None
    assert finding.code not in RAISED or (bug.raises is not None and bug.raises in finding.message), finding.message


def test_every_bug_was_reported_somewhere() -> None:
    assert all(bug.url.startswith("https://") and bug.what for bug in bank.BUGS)
    assert len({bug.url for bug in bank.BUGS}) == len(bank.BUGS)
    assert len({bug.name for bug in bank.BUGS}) == len(bank.BUGS)


def test_there_are_enough_of_them_over_enough_ops() -> None:
    assert len(bank.BUGS) >= 80
    assert len({bug.op for bug in bank.BUGS}) >= 60
