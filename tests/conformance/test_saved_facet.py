"""The saved facet: what a gradient needs may not change before `backward`, and everything else may."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.cases import spelling
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome, Raised
from assay.facets.base import Judgement, SamplingRequest
from assay.facets.saved import FACET
from assay.judge.bench import Bench
from assay_spec import load_corpus


class Good(Backend):
    """Answers as the reference does."""

    def __init__(self) -> None:
        self.good = open_backend("reference")
        self.capabilities = self.good.capabilities

    def perform(self, case: Case) -> Outcome:
        return self.good.perform(case)


class Unchecked(Good):
    """Counts no writes."""

    def perform(self, case: Case) -> Outcome:
        return self.good.perform(replace(case, spoiled=""))


class ComputesWithTheOtherFactor(Unchecked):
    """Counts no writes either, and gets the gradients of what was changed."""

    def perform(self, case: Case) -> Outcome:
        outcome = super().perform(case)
        if not case.spoiled:
            return outcome
        wrong = {name: each and Array(each.dtype, each.array * 2) for name, each in outcome.gradients.items()}
        return replace(outcome, gradients=wrong)


class Overcareful(Good):
    """Refuses whatever was written to."""

    def perform(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        refusal = Raised(("RuntimeError", "Exception"), "modified by an inplace operation")
        return replace(outcome, raised=refusal, during="backward") if case.spoiled else outcome


class ComputesWithTheChange(Good):
    """Keeps the memory of what it needs not, and gets another gradient for it."""

    def perform(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        wrong = {
            name: each and Array(each.dtype, each.array + np.array(1, each.array.dtype))
            for name, each in outcome.gradients.items()
        }
        return replace(outcome, gradients=wrong)


def judgements(op: str, candidate: Backend, oracle: str | None = "reference") -> list[Judgement]:
    found = FACET.trials(load_corpus()[op], SamplingRequest(None, "quick", 0))
    return [trial.judge(Bench(candidate, oracle and open_backend(oracle))) for trial in found]


def codes(op: str, candidate: Backend) -> set[str]:
    return {each.reason.code for each in judgements(op, candidate) if each.reason is not None}


@pytest.mark.parametrize("op", ["torch.matmul", "torch.add", "torch.addcdiv", "torch.sort", "torch.nn.BatchNorm1d"])
@pytest.mark.parametrize("oracle", ["torch", "reference"])
def test_the_reference_refuses_where_pytorch_does(op: str, oracle: str) -> None:
    if oracle == "torch":
        pytest.importorskip("torch")

    assert {each.result for each in judgements(op, Good(), oracle)} == {"pass"}


def test_a_product_whose_saved_input_may_change_is_found() -> None:
    assert "A507" in codes("torch.matmul", ComputesWithTheOtherFactor())


def test_what_keeps_a_copy_need_not_refuse() -> None:
    assert codes("torch.matmul", Unchecked()) == set()


def test_a_sum_that_keeps_its_inputs_is_found() -> None:
    assert codes("torch.add", Overcareful()) == {"A508"}


def test_a_gradient_that_sees_the_change_is_found() -> None:
    assert "A501" in codes("torch.add", ComputesWithTheChange())


def test_without_an_oracle_nobody_knows() -> None:
    found = FACET.trials(load_corpus()["torch.mul"], SamplingRequest(None, "quick", 0))

    assert all(trial.needs_oracle for trial in found)


def test_each_tensor_is_changed_with_all_gradients_and_with_each_alone() -> None:
    found = FACET.trials(load_corpus()["torch.mm"], SamplingRequest(None, "quick", 0))

    changes = {(trial.case.spoiled, trial.case.wrt) for trial in found}

    both = ("input", "mat2")
    assert changes == {(name, wrt) for name in (*both, "0") for wrt in (both, ("input",), ("mat2",))}


def test_the_program_of_a_case_changes_the_tensor() -> None:
    torch = pytest.importorskip("torch")
    point = TensorValue.of(np.array([2.0], np.float32), requires_grad=True)
    trial = next(iter(FACET.trials(load_corpus()["torch.exp"], SamplingRequest(None, "quick", 0))))
    case = replace(
        trial.case.with_arguments({"input": point}), upstream={0: TensorValue.of(np.ones(1, np.float32))}, spoiled="0"
    )  # fmt: skip

    assert "with torch.no_grad():\n    y.add_(1)" in spelling.program(case)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        exec(spelling.program(case), {"print": lambda *each: None})
    assert torch.is_grad_enabled()
