"""The state facet: what is saved is loaded, and goes on, at every moment."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

import assay_reference
from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.backends.reference import ReferenceBackend
from assay.cases.case import Case
from assay.cases.outcome import Outcome
from assay.facets.base import Judgement, SamplingRequest
from assay.facets.state import FACET
from assay.judge.bench import Bench
from assay_reference.optim import Adam
from assay_spec import load_corpus
from assay_spec.steps import Step


class Replaced(ReferenceBackend):
    """The reference with another class in place of one of its own."""

    def __init__(self, target: str, kind: type) -> None:
        super().__init__()
        self.target, self.kind = target, kind

    def function(self, step: Step) -> Any:
        return self.kind if step.target == self.target else super().function(step)


class NeedsSteps(Adam):
    """Cannot load the state of an optimizer that made no step."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state_dict["state"][0]
        super().load_state_dict(state_dict)


class StartsAgain(Adam):
    """Counts its steps anew after a reload."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state = copy.deepcopy(state_dict)
        for each in state["state"].values():
            each["step"] = each["step"] * 0
        super().load_state_dict(state)


class CountsInNumbers(Adam):
    """Saves its number of steps as one of Python's."""

    def state_dict(self) -> dict[str, Any]:
        saved = super().state_dict()
        state = {index: {**each, "step": float(each["step"])} for index, each in saved["state"].items()}
        return {**saved, "state": state}


class OtherOrder(Adam):
    """Saves its state in another order."""

    def state_dict(self) -> dict[str, Any]:
        saved = super().state_dict()
        state = {index: dict(reversed(each.items())) for index, each in saved["state"].items()}
        return {**saved, "state": state}


class KeepsNoStatistics(assay_reference.nn.BatchNorm1d):
    """Starts with fresh running statistics where it has saved some itself."""

    def load_state_dict(self, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
        found = super().load_state_dict(state_dict, *args, **kwargs)
        if type(state_dict) is not dict:
            self.reset_running_stats()
        return found


def judgements(op: str, candidate: Backend) -> list[Judgement]:
    found = FACET.trials(load_corpus()[op], SamplingRequest(None, "quick", 0))
    return [trial.judge(Bench(candidate, open_backend("reference"))) for trial in found]


def codes(op: str, candidate: Backend) -> set[str]:
    return {each.reason.code for each in judgements(op, candidate) if each.reason is not None}


@pytest.mark.parametrize(
    "op", ["torch.optim.Adam", "torch.optim.LBFGS", "torch.optim.lr_scheduler.StepLR", "torch.nn.BatchNorm1d"]
)
def test_the_reference_passes(op: str) -> None:
    assert {each.result for each in judgements(op, open_backend("reference"))} == {"pass"}


def test_an_optimizer_that_cannot_load_the_state_of_no_steps_is_found() -> None:
    assert codes("torch.optim.Adam", Replaced("torch.optim.Adam", NeedsSteps)) == {"A301"}


def test_an_optimizer_that_counts_anew_is_found() -> None:
    assert codes("torch.optim.Adam", Replaced("torch.optim.Adam", StartsAgain)) == {"A616"}


def test_a_state_of_other_things_is_found() -> None:
    assert codes("torch.optim.Adam", Replaced("torch.optim.Adam", CountsInNumbers)) == {"A612"}


def test_a_state_in_another_order_is_found() -> None:
    assert "A611" in codes("torch.optim.Adam", Replaced("torch.optim.Adam", OtherOrder))


def test_a_module_that_does_not_load_what_it_saved_is_found() -> None:
    assert "A614" in codes("torch.nn.BatchNorm1d", Replaced("torch.nn.BatchNorm1d", KeepsNoStatistics))


def test_a_run_is_reloaded_before_the_first_call_and_after_each_but_the_last() -> None:
    trials = list(FACET.trials(load_corpus()["torch.optim.SGD"], SamplingRequest(None, "quick", 0)))

    counts = {sum(step.name == "restored" for step in trial.case.steps) for trial in trials}

    assert counts == {0, 1, 5}


def test_what_a_reload_loses_shows_in_the_second_call() -> None:
    class Doubles(Backend):
        """Doubles the result that follows a reload."""

        def __init__(self) -> None:
            self.good = open_backend("reference")
            self.capabilities = self.good.capabilities

        def perform(self, case: Case) -> Outcome:
            outcome = self.good.perform(case)
            if case.step("restored") is None or outcome.raised:
                return outcome
            state, second = outcome.results
            return replace(outcome, results=(state, replace(second, array=second.array * 2)))

    assert codes("torch.nn.Linear", Doubles()) == {"A614"}
