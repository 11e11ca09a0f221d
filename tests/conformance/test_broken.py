"""Calls that are wrong in one tensor: what PyTorch refuses must be refused."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from assay.backends.reference import ReferenceBackend
from assay.cases.broken import broken
from assay.cases.case import Case
from assay.cases.outcome import Array, Outcome
from assay.cases.walk import walk
from assay.facets.base import Judgement, SamplingRequest
from assay.facets.errors import FACET
from assay.judge.bench import Bench
from assay_spec import load_corpus
from assay_spec.domains import Focus
from assay_spec.plans import TensorPlan


class AnswersAlways(ReferenceBackend):
    """A library that answers with a zero where PyTorch refuses."""

    def perform(self, case: Case) -> Outcome:
        outcome = super().perform(case)
        return outcome if outcome.raised is None else Outcome(results=(Array("float32", np.zeros(())),))


def judgements(op: str, candidate: ReferenceBackend, oracle: ReferenceBackend | None) -> Iterator[Judgement]:
    for trial in FACET.trials(load_corpus()[op], SamplingRequest(None, "standard", 0)):
        if trial.needs_oracle:
            yield trial.judge(Bench(candidate, oracle))


def changed(op: str, name: str) -> list[TensorPlan]:
    (overload, *_) = load_corpus()[op].overloads
    (plan,) = islice(walk(overload, Focus(), 1), 1)
    return [each.given[name] for _, each in broken(plan) if each.given[name] is not plan.given[name]]


def test_sizes_ranks_and_dtypes_are_wrong_in_turn() -> None:
    found = changed("torch.add", "other")

    assert {(3, 3), (2, 4), (0, 3), (3,), (2,), (2, 2, 3)} <= {each.shape for each in found}
    assert {each.dtype for each in found} == {"float32", "bool", "int64", "complex64"}


def test_positions_are_beyond_either_end() -> None:
    found = [each.fill.given for each in changed("torch.nn.functional.embedding", "input") if each.dtype == "int64"]

    assert {each for each in found if each is not None} >= {-1}


@pytest.mark.parametrize("op", ["torch.add", "torch.matmul", "torch.cat", "torch.nn.functional.embedding"])
def test_a_library_that_answers_where_pytorch_refuses_is_told_so(op: str) -> None:
    found = [each for each in judgements(op, AnswersAlways(), ReferenceBackend()) if each.reason is not None]

    assert found and {each.reason.code for each in found if each.reason is not None} == {"A302"}
    assert all("PyTorch says" in each.reason.message for each in found if each.reason is not None)


@pytest.mark.parametrize("op", ["torch.add", "torch.matmul", "torch.cat", "torch.nn.functional.embedding"])
def test_a_library_that_refuses_the_same_is_right(op: str) -> None:
    assert {each.result for each in judgements(op, ReferenceBackend(), ReferenceBackend())} == {"pass"}


def test_without_an_oracle_nothing_is_refused() -> None:
    assert {each.result for each in judgements("torch.add", AnswersAlways(), None)} == {"pass"}
