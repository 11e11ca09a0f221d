"""A facet is one module and its name in one list: no other layer names it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from assay.cases.case import Case
from assay.cases.draw import SHARES
from assay.cases.plan import Plan
from assay.facets import facets
from assay.facets.base import PASS, Facet, Judgement, SamplingRequest, Trial, drawn_trial, plans, unanswered
from assay.judge.bench import Bench
from assay.running.session import Session
from assay.settings import Settings
from assay_reports import terminal, vocabulary
from assay_reports.results import read_results
from assay_reports.site import render_site
from assay_spec import load_corpus
from assay_spec.model import Op


def test_every_facet_has_the_name_of_its_module() -> None:
    assert tuple(each.name for each in facets()) == vocabulary.FACETS


def test_every_effort_has_its_share_of_cases() -> None:
    assert tuple(SHARES) == vocabulary.EFFORTS


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> str:
    """Add a facet: its name to the list, its module beside the others."""

    def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
        for each in plans(op, request, limit=1):
            yield drawn_trial(op, each, judge)

    def judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
        return unanswered(bench.ask(case)) or PASS

    module = ModuleType("assay.facets.made_up")
    module.FACET = Facet("made-up", lambda op: op.name == "torch.sign", trials)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(vocabulary, "FACETS", (*vocabulary.FACETS, "made-up"))
    return "made-up"


def test_a_facet_of_ones_own_runs_through_plan_query_table_and_site(made_up: str, tmp_path: Path) -> None:
    settings = Settings("numpy", oracle="none", filter=f"torch.sign facet:{made_up}", results=tmp_path / "numpy.jsonl")
    session = Session(settings)

    session.start()
    for item in session.due:
        session.record(*session.measure(item))
    session.finish()

    run = read_results(tmp_path / "numpy.jsonl")
    assert [(each.id, each.outcome) for each in run.results] == [("torch.sign::made-up", "pass")]
    assert [line.split() for line in terminal.table([run]).splitlines()[-3:-2]] == [
        ["│", "all", "│", "1", "│", "100%", "│", "100%", "│"]
    ]
    render_site([run], tmp_path / "site", load_corpus())
    page = (tmp_path / "site" / "op" / "torch.sign.html").read_text(encoding="utf-8")
    assert '>made-up</a></th><td role="cell" class="pass">✓</td>' in page
