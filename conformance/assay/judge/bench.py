"""The bench: a candidate and an oracle, which run the same cases."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import numpy as np

from assay.backends.base import Backend
from assay.cases.arrays import Host, wide
from assay.cases.case import Case, TensorValue, map_case, map_tensors, tensors_in
from assay.cases.outcome import Array, Outcome
from assay.judge.budgets import Bounds
from assay.judge.sensitivity import absolute, distance, flushed, perturbed, sensitivity, subnormals, tamed
from assay_spec import dtypes
from assay_spec.domains import Dtype

T = TypeVar("T")

_PERTURBATIONS: Final = 6
_ENOUGH_TO_CROSS: Final = 32  # perturbations of which one nearly surely crosses a discontinuity within half an ulp


@dataclass(frozen=True)
class _Known:
    """The oracle's answers about one case, by question."""

    case: Case
    answers: dict[Any, Any] = field(default_factory=dict)


@dataclass
class Bench:
    """Runs cases on the candidate, and in float64 on the oracle. A candidate is never its own oracle."""

    candidate: Backend
    oracle: Backend | None
    asked: int = 0
    _known: _Known | None = None  # about the current case

    def with_candidate(self, candidate: Backend) -> Bench:
        """Return the same bench for another candidate: the oracle's answers are kept."""
        return replace(self, candidate=candidate)

    def ask(self, case: Case) -> Outcome:
        """Return the candidate's answer."""
        self.asked += 1
        return self.candidate.perform(case)

    def oracle_of(self, case: Case) -> Backend | None:
        """Return the oracle; None if it does not offer the op, as PyTorch without torchvision does not offer its."""
        return self.oracle if self.oracle is not None and self.oracle.offers(case.op) else None

    def expect(self, case: Case) -> Outcome | None:
        """Return the oracle's answer to the candidate's inputs, computed in float64."""
        oracle = self.oracle_of(case)
        return None if oracle is None else self._once(case, "answer", lambda: oracle.perform(widened(case)))

    def expect_as_given(self, case: Case) -> Outcome | None:
        """Return the oracle's answer in the candidate's element types, for what depends on these."""
        oracle = self.oracle_of(case)
        return None if oracle is None else self._once(case, "as given", lambda: oracle.perform(case))

    def _once(self, case: Case, question: Any, ask: Callable[[], T]) -> T:
        """Return the answer to a question about a case; it is cached while the case is the current one."""
        if self._known is None or self._known.case is not case:
            self._known = _Known(case)
        answers = self._known.answers
        if question not in answers:
            answers[question] = ask()
        return answers[question]  # type: ignore[no-any-return]

    def bounds(self, case: Case, result: int, answer: Outcome, numbers: frozenset[str] = frozenset()) -> Bounds:
        """Return the bounds of one result; plain `numbers` are summed up like tensors."""
        return self._bounds(case, answer, lambda outcome: outcome.results[result], numbers)

    def gradient_bounds(self, case: Case, name: str, answer: Outcome) -> Bounds:
        """Return the bounds of one gradient."""
        return self._bounds(case, answer, lambda outcome: outcome.gradients[name], frozenset())

    def second_bounds(self, case: Case, name: str, answer: Outcome) -> Bounds:
        """Return the bounds of one gradient of the gradients; a missing one is zero."""
        return self._bounds(case, answer, lambda outcome: _or_zeros(outcome.second[name]), frozenset())

    def _bounds(self, case: Case, answer: Outcome, pick: Any, numbers: frozenset[str]) -> Bounds:
        """Return bounds; all results and gradients of a case share the oracle's further answers."""

        def magnitude() -> Host:
            sizes = self._once(case, numbers, lambda: self._precise(_magnitudes(case, numbers)))
            return np.asarray(np.abs(pick(sizes).array))

        def moves() -> Host:
            near = self._once(case, "perturbed", lambda: [self._moved(case, draw) for draw in range(_PERTURBATIONS)])
            base, moved = pick(answer).array, [pick(outcome).array for outcome in near]
            return sensitivity(base, moved, summands(case, base.size))

        def genuine_nan() -> Host:
            tame = self._once(case, "tame", lambda: self._precise(map_tensors(case, tamed)))
            return np.asarray(np.isnan(pick(tame).array))

        def moves_flushed() -> Host:
            if not any(subnormals(each).any() for each in tensors_of(case)):
                return np.zeros(())
            without = self._once(case, "flushed", lambda: self._precise(map_tensors(case, flushed)))
            return distance(pick(without).array, pick(answer).array)

        def nearby() -> Iterator[Host]:
            draws = range(_PERTURBATIONS, _PERTURBATIONS + _ENOUGH_TO_CROSS)
            far = self._once(case, "perturbed more", lambda: [self._moved(case, draw) for draw in draws])
            return (pick(outcome).array for outcome in far)

        flushes = self.candidate.capabilities.flushes_subnormals
        return Bounds(magnitude, moves, genuine_nan, moves_flushed, nearby, flushes)

    def _moved(self, case: Case, draw: int) -> Outcome:
        outcome = self._answer_nearby(case, draw)
        # What is refused above a bound, as probabilities above 1 are, is taken below.
        return self._answer_nearby(case, draw, inwards=True) if outcome.raised else outcome

    def _answer_nearby(self, case: Case, draw: int, *, inwards: bool = False) -> Outcome:
        source = np.random.Generator(np.random.Philox(key=draw))
        return self._precise(map_tensors(case, lambda value: perturbed(value, source, inwards=inwards)))

    def _precise(self, case: Case) -> Outcome:
        """Return an answer computed in float64, by the candidate itself where there is no oracle."""
        return (self.oracle_of(case) or self.candidate).perform(widened(case))


def _or_zeros(found: Array | None) -> Array:
    return Array("float64", np.zeros(())) if found is None else found


def summands(case: Case, size: int) -> float:
    """Return how many numbers go into each element of a result, or of a gradient and the result behind it."""
    ends = [math.prod(each.shape) for each in case.upstream.values()]
    taken = sum(math.prod(each.shape) for each in tensors_of(case)) + sum(ends)
    return taken / max(min([size, *ends]), 1)


def tensors_of(case: Case) -> Iterator[TensorValue]:
    """Yield the tensors among the arguments of a case's call, those in lists too."""
    return tensors_in(case.arguments)


def _magnitudes(case: Case, numbers: frozenset[str]) -> Case:
    """Return a call on absolute values; of integers too, where they are summed in another dtype."""
    requested = case.arguments.get("dtype")
    cast = isinstance(requested, Dtype) and dtypes.has_fractions(requested)
    positive = map_tensors(
        case,
        lambda value: absolute(value.cast("float64") if cast and not dtypes.has_fractions(value.dtype) else value),
    )
    arguments = {
        name: abs(value) if name in numbers and isinstance(value, (int, float)) else value
        for name, value in positive.arguments.items()
    }
    return positive.with_arguments(arguments)


def widened(case: Case) -> Case:
    """Return the same case with everything floating in float64."""
    return map_case(case, _widened, wide=True)


def _widened(value: Any) -> Any:
    if type(value) is TensorValue:
        target = wide(value.dtype)
        return value if target == value.dtype else value.cast(target)
    return Dtype(wide(str(value))) if type(value) is Dtype else value
