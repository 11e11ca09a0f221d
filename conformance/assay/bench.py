"""The bench: a candidate and an oracle, asked the same things."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from assay.arrays import Host, wide
from assay.backends.base import Backend
from assay.case import Array, Call, Case, ModuleSetup, Optimization, Outcome, TensorValue, map_tensors
from assay.judge import Bounds, eps_of
from assay_spec import dtypes
from assay_spec.domains import Dtype
from assay_spec.model import Budget

_PERTURBATIONS: Final = 6
_TERMS_PER_ULP: Final = 128  # PyTorch's own std of 20,000 float64 is 12 to 50 ulp off, its norm of 1,000 float32 is 7


@dataclass
class Bench:
    """Asks the candidate; asks the oracle in float64. A candidate has no oracle in itself."""

    candidate: Backend
    oracle: Backend | None
    asked: int = 0
    _moved: tuple[Call, list[Outcome]] | None = None

    def ask(self, case: Case) -> Outcome:
        """Give the candidate's answer."""
        self.asked += 1
        return self.candidate.perform(case)

    def expect(self, case: Case) -> Outcome | None:
        """Give the oracle's answer on the inputs as the candidate got them, computed in float64."""
        if self.oracle is None:
            return None
        return self.oracle.perform(widened(case))

    def bounds(self, case: Call, result: int, answer: Outcome, numbers: frozenset[str] = frozenset()) -> Bounds:
        """Prepare what accumulation and conditioning allow for one result; `numbers` are summed up like tensors."""

        def magnitude() -> Host:
            return self._array(_magnitudes(case, numbers), lambda outcome: outcome.results[result])

        def spread() -> Host:
            return self._spread(case, answer, lambda outcome: outcome.results[result])

        return Bounds(magnitude, spread)

    def gradient_bounds(self, case: Call, name: str, answer: Outcome) -> Bounds:
        """Prepare what conditioning allows for one gradient."""

        def magnitude() -> Host:
            return self._array(map_case(case, _absolute), lambda outcome: outcome.gradients[name])

        return Bounds(magnitude, lambda: self._spread(case, answer, lambda outcome: outcome.gradients[name]))

    def _array(self, case: Call, pick: Any) -> Host:
        return np.asarray(np.abs(pick(self._precise(case)).array))

    def _spread(self, case: Call, answer: Outcome, pick: Any) -> Host:
        base = pick(answer).array
        with np.errstate(invalid="ignore", over="ignore"):
            moved = [np.square(np.abs(pick(outcome).array - base)) for outcome in self._perturbed(case)]
        return np.asarray(np.sqrt(np.mean(moved, axis=0)))

    def _perturbed(self, case: Call) -> list[Outcome]:
        """Ask the oracle about slightly different inputs; all results and gradients of a case share the answers."""
        if self._moved is None or self._moved[0] is not case:
            self._moved = (case, [self._moved_once(case, draw) for draw in range(_PERTURBATIONS)])
        return self._moved[1]

    def _moved_once(self, case: Call, draw: int) -> Outcome:
        source = np.random.Generator(np.random.Philox(key=draw))
        return self._precise(map_case(case, lambda value: _perturbed(value, source)))

    def _precise(self, case: Call) -> Outcome:
        """Compute in float64 how large terms are: where there is no oracle, the candidate may say so itself."""
        return (self.oracle or self.candidate).perform(widened(case))


def slack(case: Call, answer: Array, budget: Budget) -> float:
    """Give by how many ulp the oracle, or an honest order of adding up, may be off beyond the budget.

    In float64 the oracle rounds like the candidate, term by term. In float32 a composition may add up its terms one
    after the other, which half-ulp changes of the inputs don't show; smaller dtypes are added up in float32.
    """
    terms = sum(math.prod(tensor.shape) for tensor in tensors_of(case)) / max(answer.array.size, 1)
    if answer.dtype in ("float64", "complex128"):
        return 1.0 + terms / _TERMS_PER_ULP
    return terms / _TERMS_PER_ULP if answer.dtype == "float32" and budget.kind == "conditioned" else 0.0


def tensors_of(case: Call) -> Iterator[TensorValue]:
    """Give the tensors among the arguments of a call, those in lists too."""
    for value in case.arguments.values():
        for each in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(each, TensorValue):
                yield each


def _magnitudes(case: Call, numbers: frozenset[str]) -> Call:
    """Give a call on absolute values."""
    positive = map_case(case, _absolute)
    arguments = {
        name: abs(value) if name in numbers and isinstance(value, (int, float)) else value
        for name, value in positive.arguments.items()
    }
    return replace(positive, arguments=arguments)


def map_case(case: Call, change: Any) -> Call:
    """Give a call with every tensor in it changed, upstream gradients and a module's parameters too."""
    return replace(
        case,
        arguments={name: map_tensors(value, change) for name, value in case.arguments.items()},
        upstream={place: change(value) for place, value in case.upstream.items()},
        module=case.module and replace(case.module, state={k: change(v) for k, v in case.module.state.items()}),
    )


def widened(case: Case) -> Case:
    """Give the same case with everything floating in float64."""
    if isinstance(case, Call):
        case = map_case(case, _widened_tensor)
        return replace(case, arguments=_wide_dtypes(case.arguments), module=_wide_module(case.module), wide=True)
    if isinstance(case, Optimization):
        groups = tuple((options, tuple(map(_widened_tensor, values))) for options, values in case.groups)
        gradients = tuple(tuple(each and _widened_tensor(each) for each in step) for step in case.gradients)
        return replace(case, groups=groups, gradients=gradients, wide=True)
    return case


def _wide_module(module: ModuleSetup | None) -> ModuleSetup | None:
    return module and replace(module, arguments=_wide_dtypes(module.arguments))


def _wide_dtypes(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Dtype(wide(str(value))) if isinstance(value, Dtype) else value for name, value in arguments.items()}


def _widened_tensor(value: TensorValue) -> TensorValue:
    target = wide(value.dtype)
    return value if target == value.dtype else value.cast(target)


def _absolute(value: TensorValue) -> TensorValue:
    if not (dtypes.is_floating(value.dtype) or dtypes.is_complex(value.dtype)):
        return value
    sizes = np.where(np.isfinite(value.buffer), np.abs(value.buffer), 0)  # an infinite term has no size to bound
    return value.holding(sizes.astype(value.buffer.dtype))


def _perturbed(value: TensorValue, source: np.random.Generator) -> TensorValue:
    """Move every element by up to an ulp, up or down."""
    if not (dtypes.is_floating(value.dtype) or dtypes.is_complex(value.dtype)):
        return value
    if 0 in value.strides:
        value = TensorValue.of(value.array(), value.dtype, requires_grad=value.requires_grad)  # each element by itself
    # float64 has nothing finer to compute in: there a whole ulp is the least that makes a difference.
    reach = eps_of(value.dtype) * (2 if eps_of(value.dtype) < 1e-15 else 1)
    steps = source.uniform(-reach, reach, size=value.buffer.shape)
    target = wide(value.dtype)
    return value.holding(value.buffer.astype(target) * (1 + steps), target)


def arrays_of(outcome: Outcome) -> list[Array]:
    """Give the tensors among an outcome's results."""
    return [each for each in outcome.results if isinstance(each, Array)]
