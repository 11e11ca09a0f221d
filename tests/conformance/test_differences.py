"""Central differences judge gradients where there is no oracle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.cases.case import Case
from assay.cases.outcome import Array, Outcome
from assay.facets import gradient
from assay.facets.base import Judgement, SamplingRequest
from assay.judge.bench import Bench
from assay_spec import load_corpus


class Scaled(Backend):
    """Answers as the reference does, but for the gradient of one input, which is this much of it."""

    def __init__(self, name: str, factor: float) -> None:
        self.name, self.factor, self.good = name, factor, open_backend("reference")
        self.capabilities = self.good.capabilities
        self.asked = 0

    def perform(self, case: Case) -> Outcome:
        self.asked += 1
        outcome = self.good.perform(case)
        return replace(outcome, gradients=self._scaled(outcome.gradients)) if outcome.gradients else outcome

    def _scaled(self, gradients: Mapping[str, Array | None]) -> Mapping[str, Array | None]:
        return {
            name: each and replace(each, array=each.array * self.factor) if name == self.name else each
            for name, each in gradients.items()
        }


def judged(op: str, candidate: Backend) -> list[Judgement]:
    trials = gradient.trials(load_corpus()[op], SamplingRequest("float64", "quick", 0))
    return [trial.judge(Bench(candidate, None)) for trial in trials if not trial.needs_oracle]


def messages(op: str, candidate: Backend) -> set[str]:
    return {
        str(each.reason and each.reason.message).partition(" is ")[0] for each in judged(op, candidate) if each.reason
    }


@pytest.mark.parametrize("name", ["input", "other"])
def test_a_wrong_gradient_is_found_and_its_input_named(name: str) -> None:
    assert messages("torch.mul", Scaled(name, 1.001)) == {f"the slope along {name}"}


def test_right_gradients_are_those_of_differences() -> None:
    found = judged("torch.mul", Scaled("input", 1.0))

    assert {each.result for each in found} <= {"pass", "self"}
    assert any(each.result == "pass" and each.compared for each in found)


def test_one_step_shows_the_slopes_along_all_inputs() -> None:
    cell = Scaled("input", 1.0)

    found = judged("torch.nn.LSTMCell", cell)

    assert {each.result for each in found} == {"pass"}
    assert cell.asked == 5 * len(found)


def test_a_kink_of_one_input_hides_no_wrong_gradient_of_another() -> None:
    assert "the slope along other" in messages("torch.fmod", Scaled("other", 1.5))


@pytest.mark.parametrize(
    ("op", "dtype", "argument", "value"),
    [
        ("torch.nn.functional.embedding", None, "scale_grad_by_freq", True),
        ("torch.nn.functional.cosine_similarity", "float64", "eps", 0.5),
    ],
)
def test_a_convention_is_judged_by_an_oracle_only(op: str, dtype: str | None, argument: str, value: object) -> None:
    trials = list(gradient.trials(load_corpus()[op], SamplingRequest(dtype, "standard", 0)))

    conventional = [trial for trial in trials if trial.case.arguments.get(argument) == value]

    assert conventional and all(trial.needs_oracle for trial in conventional)
    assert any(not trial.needs_oracle for trial in trials)


def test_logarithms_that_are_cut_have_a_convention_at_the_ends_of_probability() -> None:
    op = load_corpus()["torch.nn.functional.binary_cross_entropy"]
    for trial in gradient.trials(op, SamplingRequest("float64", "standard", 0)):
        at_an_end = np.isin(trial.case.input("input").array(), (0.0, 1.0)).any()
        assert trial.needs_oracle or not at_an_end
