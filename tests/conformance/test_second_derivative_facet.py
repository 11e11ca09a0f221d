"""The second-derivative facet: zeros and ties, mixed derivatives, and what flows in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.cases import spelling
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome
from assay.facets.base import Judgement, SamplingRequest
from assay.facets.second_derivative import FACET
from assay.judge.bench import Bench
from assay.running.items import items_of
from assay_spec import load_corpus

Second = Mapping[str, Array | None]
Change = Callable[[Case, Second], Second]


class Twice(Backend):
    """Answers as the reference does, but for the gradients of gradients."""

    def __init__(self, change: Change) -> None:
        self.change, self.good = change, open_backend("reference")
        self.capabilities = self.good.capabilities

    def perform(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        return replace(outcome, second=self.change(case, outcome.second)) if outcome.second else outcome


def judgements(op: str, candidate: Backend, oracle: Backend | None, dtype: str | None = "float32") -> list[Judgement]:
    found = FACET.trials(load_corpus()[op], SamplingRequest(dtype, "quick", 0))
    return [trial.judge(Bench(candidate, oracle)) for trial in found]


def codes(op: str, change: Change, oracle: str | None = "reference") -> set[str]:
    found = judgements(op, Twice(change), oracle and open_backend(oracle))
    return {each.reason.code for each in found if each.reason is not None and each.result == "fail"}


def right(case: Case, second: Second) -> Second:
    return second


def nothing_by_inputs(case: Case, second: Second) -> Second:
    return {name: each if name.isdigit() else None for name, each in second.items()}


def nothing_by_what_flows_in(case: Case, second: Second) -> Second:
    return {name: None if name.isdigit() else each for name, each in second.items()}


def lost_beside_zeros(case: Case, second: Second) -> Second:
    """Divide by the elements, as a product may whose rule does not look for zeros: two of them lose all."""
    values = case.input("input").array()
    return {"input": second["input"] if values.all() else None, "0": second["0"]}


def zero_in_mixed(case: Case, second: Second) -> Second:
    """Take every input for a constant in the gradient of the others."""
    return {name: each and replace(each, array=np.zeros_like(each.array)) for name, each in second.items()}


@pytest.mark.parametrize("op", ["torch.prod", "torch.mul", "torch.add", "torch.exp", "torch.nn.Linear"])
@pytest.mark.parametrize("oracle", ["torch", "reference", None])
def test_the_reference_passes(op: str, oracle: str | None) -> None:
    if oracle == "torch":
        pytest.importorskip("torch")

    found = judgements(op, open_backend("reference"), oracle and open_backend(oracle))

    assert {each.result for each in found} <= {"pass"} | ({"self"} if oracle is None else set())
    assert any(each.result == "pass" and each.compared for each in found)


def test_a_product_that_loses_its_second_derivative_beside_zeros_is_found() -> None:
    assert codes("torch.prod", right) == set()
    assert codes("torch.prod", lost_beside_zeros) == {"A506"}


def test_a_backward_pass_that_is_not_recorded_is_found() -> None:
    assert codes("torch.exp", nothing_by_inputs) == {"A506"}
    assert codes("torch.add", nothing_by_what_flows_in) == {"A506"}


@pytest.mark.parametrize("oracle", ["reference", None])
def test_mixed_derivatives_are_judged_by_an_oracle_and_by_differences(oracle: str | None) -> None:
    assert codes("torch.mul", zero_in_mixed, oracle) == {"A505"}


def test_a_second_derivative_that_is_zero_may_be_missing() -> None:
    assert codes("torch.add", nothing_by_inputs) == set()


def test_a_spec_says_where_pytorch_cannot() -> None:
    (item,) = (each for each in items_of(load_corpus()["torch.nn.functional.embedding"]) if each.facet == FACET.name)

    cases = [trial.case for trial in item.trials(SamplingRequest(item.dtype, "quick", 0))]

    assert cases
    assert not any(case.arguments.get("scale_grad_by_freq") for case in cases)


@pytest.mark.parametrize("op", ["torch.log", "torch.acos", "torch.div", "torch.pow", "torch.nn.CrossEntropyLoss"])
def test_an_infinite_derivative_is_no_finding_where_no_oracle_says_which_is_right(op: str) -> None:
    found = list(FACET.trials(load_corpus()[op], SamplingRequest("float32", "standard", 0)))

    results = {trial.judge(Bench(open_backend("reference"), None)).result for trial in found}

    assert found and results <= {"pass", "self"}


def test_the_program_of_a_case_takes_gradients_of_gradients() -> None:
    torch = pytest.importorskip("torch")
    point = TensorValue.of(np.array([2.0, 3.0, 0.0, 0.0], np.float32), requires_grad=True)
    trial = next(iter(FACET.trials(load_corpus()["torch.prod"], SamplingRequest("float32", "quick", 0))))
    one = replace(TensorValue.of(np.ones((), np.float32)), requires_grad=True)
    case = replace(
        trial.case.with_arguments({"input": point}), upstream={0: one},
        second={"input": TensorValue.of(np.array([0, 0, 1.0, 0], np.float32))},
    )  # fmt: skip
    printed: list[str] = []

    exec(spelling.program(case), {"print": lambda *each: printed.extend(map(str, each))})

    assert torch.__name__ == "torch"
    assert printed[1:] == ["tensor([0., 0., 0., 6.])", "tensor(0.)"]
