"""The strides facet: results lie in memory as PyTorch's do, where a backend claims that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.cases.case import Case, TensorValue, called
from assay.cases.outcome import Array, Outcome
from assay.facets.base import Judgement, SamplingRequest
from assay.facets.strides import FACET
from assay.judge.bench import Bench
from assay.running.engine import not_offered
from assay.running.items import items_of
from assay_spec import load_corpus
from assay_spec.plans import row_major


class AlwaysInOrder(Backend):
    """Lays every result out in order, as a library without strides would."""

    def __init__(self) -> None:
        self.good = open_backend("reference")
        self.capabilities = self.good.capabilities

    def perform(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        ordered = [
            replace(each, strides=row_major(each.shape)) if isinstance(each, Array) else each
            for each in outcome.results
        ]
        return replace(outcome, results=tuple(ordered))


def judgements(op: str, candidate: Backend, oracle: str | None = "reference") -> list[Judgement]:
    found = FACET.trials(load_corpus()[op], SamplingRequest(None, "quick", 0))
    return [trial.judge(Bench(candidate, oracle and open_backend(oracle))) for trial in found]


@pytest.mark.parametrize("op", ["torch.add", "torch.where", "torch.sort", "torch.inverse", "torch.transpose"])
@pytest.mark.parametrize("oracle", ["torch", "reference"])
def test_the_reference_lays_results_out_as_pytorch_does(op: str, oracle: str) -> None:
    if oracle == "torch":
        pytest.importorskip("torch")

    assert {each.result for each in judgements(op, open_backend("reference"), oracle)} == {"pass"}


def test_results_that_are_always_in_order_are_found() -> None:
    for op in ("torch.exp", "torch.add", "torch.transpose"):
        found = {each.reason.code for each in judgements(op, AlwaysInOrder()) if each.reason is not None}
        assert found == {"A205"}, op


def test_without_an_oracle_nobody_knows() -> None:
    found = FACET.trials(load_corpus()["torch.exp"], SamplingRequest(None, "quick", 0))

    assert all(trial.needs_oracle for trial in found)


def test_strides_are_read_where_a_case_asks_for_them() -> None:
    turned = TensorValue("float32", (2, 3), np.arange(6, dtype=np.float32), (1, 2))
    case = called("torch.exp", {"input": turned}, ("input",))
    backend = open_backend("reference")

    assert backend.perform(case).results[0].strides is None
    assert backend.perform(replace(case, observe=frozenset({"strides"}))).results[0].strides == (1, 2)


def test_only_who_claims_pytorchs_layouts_is_judged() -> None:
    item = next(each for each in items_of(load_corpus()["torch.exp"]) if each.facet == "strides")
    reason = not_offered(item, open_backend("numpy").capabilities)

    assert reason is not None
    assert (reason.code, reason.message) == ("A003", "no strides")
    assert not_offered(item, open_backend("reference").capabilities) is None
