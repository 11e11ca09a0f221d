"""The hunt: what kills a mutant, what survives, and what makes no difference to any call."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.cases.case import Case
from assay.cases.content import same
from assay.cases.outcome import Outcome
from assay.mutants import Hunt
from assay.mutants.changed import UnknownRevision, changed_files, touches
from assay.mutants.limit import limited
from assay.mutants.mutant import Mutant, Scene, mutant, raised, results
from assay_reports.mutants import Verdict, read
from assay_spec import load_corpus
from assay_spec.model import Op


@pytest.fixture(scope="module")
def good() -> Backend:
    return open_backend("reference")


@pytest.fixture(scope="module")
def sign(good: Backend) -> Hunt:
    return Hunt(load_corpus()["torch.sign"], good, good, effort="quick")


def shrunk(op: str, **changes: object) -> Op:
    """Return an op whose spec says less."""
    found = load_corpus()[op]
    return replace(found, overloads=tuple(replace(each, **changes) for each in found.overloads))  # type: ignore[arg-type]


NEGATED = mutant("negated", results(lambda result, case: -result.array if result.dtype == "float32" else None))


def test_a_mutant_is_killed_by_the_first_item_that_shows_it(sign: Hunt) -> None:
    verdict = sign.verdict(NEGATED)

    assert verdict is not None
    assert (verdict.status, verdict.facet, verdict.code) == ("killed", "values", "A101")
    assert verdict.item == "torch.sign::values[float32]"
    assert verdict.call.startswith("torch.sign(float32[")
    assert verdict.original != verdict.mutated


def test_what_makes_no_difference_to_any_call_is_no_mutant(sign: Hunt) -> None:
    assert sign.verdict(mutant("nothing", lambda case, outcome, scene: outcome)) is None
    assert sign.verdict(mutant("the same again", lambda case, outcome, scene: scene.ask(case))) is None


def test_one_nan_is_as_good_as_another() -> None:
    assert same(np.array([np.nan, -0.0]), np.array([-np.nan, -0.0]))
    assert same(np.array([complex(np.nan, 1)]), np.array([complex(-np.nan, 1)]))
    assert not same(np.array([np.nan, -0.0]), np.array([-np.nan, 0.0]))
    assert not same(np.array([complex(np.nan, 1)]), np.array([complex(np.nan, 2)]))


def hidden(where: Callable[[Case], bool]) -> Mutant:
    """Return a mutant that is wrong only in calls whose values no facet judges."""

    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        return NEGATED.answer(case, outcome, scene) if scene.facet in ("shape", "aliasing") and where(case) else outcome

    return mutant("negated where no facet judges", answer)


def test_a_survivor_has_a_witness(sign: Hunt) -> None:
    verdict = sign.verdict(hidden(lambda case: True))

    assert verdict is not None
    assert (verdict.status, verdict.facet, verdict.cases) == ("survived", None, len(sign.records))
    assert verdict.original.startswith("results ")
    assert verdict.mutated.startswith("results ")
    assert "torch.sign(" in verdict.snippet


def test_an_answer_and_an_error_differ_in_a_few_words(sign: Hunt) -> None:
    verdict = sign.verdict(mutant("refused", lambda case, outcome, scene: raised("RuntimeError", "no")))

    assert verdict is not None
    assert (verdict.original, verdict.mutated) == ("results float32[2, 3]", "raises RuntimeError: no")


def test_a_survivor_that_the_spec_declares_is_equivalent(good: Backend) -> None:
    op = replace(load_corpus()["torch.sign"], equivalent={"negated where no facet judges": "no facet judges it"})

    verdict = Hunt(op, good, good, effort="quick").verdict(hidden(lambda case: True))

    assert verdict is not None
    assert (verdict.status, verdict.because) == ("equivalent", "no facet judges it")


def test_further_calls_are_tried_for_a_witness(sign: Hunt) -> None:
    known = {id(case) for record in sign.records for case, _ in record.asked}

    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        return outcome if id(case) in known else NEGATED.answer(case, outcome, scene)

    verdict = sign.verdict(mutant("negated in calls that the suite does not make", answer))

    assert verdict is not None
    assert verdict.status == "survived"


def test_the_same_hunt_returns_the_same_verdicts(good: Backend) -> None:
    op = load_corpus()["torch.t"]

    def hunted() -> list[Verdict]:
        return list(Hunt(op, good, good, effort="quick").verdicts())

    assert hunted() == hunted()
    assert {verdict.status for verdict in hunted()} == {"killed"}


def test_a_spec_that_says_less_kills_less(good: Backend) -> None:
    full = Hunt(load_corpus()["torch.sign"], good, good, effort="quick")
    vague = Hunt(shrunk("torch.sign", gradient={}), good, good, effort="quick")

    def names(hunt: Hunt) -> set[str]:
        return {verdict.mutant for verdict in hunt.verdicts() if verdict.status == "killed"}

    assert names(vague) < names(full)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=folder, check=True,
                   capture_output=True)  # fmt: skip


def test_the_files_that_changed_since_a_revision_are_those_written_and_those_new(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "kept").write_text("1")
    (tmp_path / "changed").write_text("1")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "changed").write_text("2")
    (tmp_path / "new").write_text("1")

    assert changed_files(tmp_path, "HEAD") == {(tmp_path / name).resolve() for name in ("changed", "new")}


def test_there_may_be_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(UnknownRevision, match="not a git repository"):
        changed_files(tmp_path, "HEAD")
    git(tmp_path, "init", "-q")
    with pytest.raises(UnknownRevision, match="nowhere"):
        changed_files(tmp_path, "nowhere")


def test_an_op_is_touched_by_its_spec_its_family_and_its_code(good: Backend) -> None:
    corpus = load_corpus()
    op = corpus["torch.exp"]
    family = corpus.root / "families" / f"{op.family}.yaml"
    code = good.source("torch.exp")

    assert code is not None and code.name == "elementary.py"
    assert all(touches({file.resolve()}, op, good) for file in (op.file, family, code))
    assert not touches({corpus["torch.cat"].file.resolve()}, op, good)


def test_the_command_measures_writes_and_says_what_it_found(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "assay.cli", "mutants", "--filter", "op:torch.t op:torch.Tensor.numpy", "-j", "1",
         "--effort", "quick"], cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip

    found = read(tmp_path / "out" / "mutants.jsonl")
    assert done.returncode == 0, done.stderr
    assert found.complete
    assert set(found.by_op) == {"torch.t", "torch.Tensor.numpy"}
    assert f"mutation score 100%: {found.score.killed} killed, 0 survived, 0 equivalent, in 2 ops" in done.stdout
    assert "first killed by:" in done.stdout


def test_a_program_that_waits_for_ever_is_given_up_with_the_processes_it_started() -> None:
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))

    with pytest.raises(TimeoutError, match=r"not done within 0\.2 s"), limited(0.2):
        process.start()
        multiprocessing.SimpleQueue().get()

    assert process.exitcode is not None


def test_what_is_done_in_time_is_left_alone() -> None:
    with limited(0.2):
        pass
    time.sleep(0.3)
