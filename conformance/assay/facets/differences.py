"""Central differences, which judge gradients where there is no oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from assay.cases.arrays import Host
from assay.cases.case import Case, TensorValue, map_tensors
from assay.cases.fill import elements
from assay.cases.outcome import Outcome
from assay.facets.base import Judgement, beyond, gravest
from assay.judge.bench import Bench
from assay.judge.comparison import Comparison
from assay_spec.plans import Fill

_STEP: Final = 2.0**-17  # near the cube root of float64's eps, exact in binary
_UNCERTAIN: Final = 2e-6  # of a slope with that step, relatively

Terms = tuple[float, float]  # the sum of some terms, and of their absolute values


def summed(terms: Iterable[Host]) -> Terms:
    """Return the sum of all elements of arrays, and of their absolute values."""
    each = list(terms)
    return sum(float(np.sum(term)) for term in each), sum(float(np.sum(np.abs(term))) for term in each)


@dataclass(frozen=True, slots=True)
class Differences:
    """The slopes of a weighed sum of a case's answer in float64, from calls a step away."""

    case: Case
    here: Terms
    weigh: Callable[[Outcome], Terms]
    bench: Bench
    code: str  # of a slope that is another than the gradients say

    def judge(self, gradients: Mapping[str, Host]) -> Judgement | None:
        """Judge gradients by the names of their inputs; None where differences say nothing.

        The step goes along all inputs at once, and where that does not show the slope that is due, along each of them.
        """
        together = self._along(gradients)
        if len(gradients) == 1 or (together is not None and together.result == "pass"):
            return together
        alone = [self._along({name: gradient}) for name, gradient in gradients.items()]
        judgements = [each for each in alone if each is not None]
        return gravest(judgements) if judgements else None

    def _along(self, gradients: Mapping[str, Host]) -> Judgement | None:
        """Judge the slope in one direction of some inputs."""
        if not any(gradient.size for gradient in gradients.values()):
            return Judgement("pass", compared=False)
        directions = {
            name: elements("float64", gradient.shape, Fill("plain", 5 + place, 0.25, 1.0), 77)
            for place, (name, gradient) in enumerate(gradients.items())
        }
        left, right = (self._slope(directions, side) for side in (1, -1))
        if left is None or right is None:
            return None
        got, size = summed(gradient * directions[name] for name, gradient in gradients.items())
        want = (left[0] - right[0]) / 2
        allowed = 8 * _UNCERTAIN * max(left[1], right[1], size, 1e-6)
        if abs(left[0] + right[0]) > allowed:
            return None  # at a kink or a tie the one-sided slopes differ, and only an oracle knows PyTorch's choice
        worst = Comparison(
            abs(got - want) / allowed, None, (), repr(got), repr(want), f"{allowed:.3g} (central differences)"
        )
        return beyond(self.code, worst, f"the slope along {' and '.join(gradients)}")

    def _slope(self, directions: Mapping[str, Host], side: int) -> Terms | None:
        """Return the slope to one side, and the magnitude of its terms."""
        ends = [self.bench.ask(self._moved(directions, side * step)) for step in (2 * _STEP, _STEP)]
        if any(end.raised or end.unsupported for end in ends):
            return None
        far, near = (self.weigh(end)[0] for end in ends)
        here, size = self.here
        steep, flat = (near - here) / _STEP, (far - here) / (2 * _STEP)
        noise = 2.0**-50 * size / _STEP
        if not abs(steep - flat) <= 1e-3 * (abs(steep) + abs(flat)) + noise:
            return None  # a discontinuity, or too much curvature for the step: differences say nothing here
        slope = (4 * near - far - 3 * here) / (2 * _STEP)  # second order, from one side
        return (slope, abs(slope) + size) if np.isfinite(slope) else None

    def _moved(self, directions: Mapping[str, Host], step: float) -> Case:
        """Return the case with some of its inputs moved by a step."""
        moved = {}
        for name, direction in directions.items():
            point = self.case.input(name)
            there = TensorValue.of(point.array() + step * direction, point.dtype)
            moved[id(point)] = replace(there, requires_grad=point.requires_grad)
        return map_tensors(self.case, lambda value: moved.get(id(value), value))
