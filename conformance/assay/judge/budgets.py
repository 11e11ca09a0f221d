"""Budgets: how far an answer may be from the oracle's, as a sum of named terms.

Each term is a function of what is expected and returns a distance for each element; `TERMS` says which of them a kind
of budget has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Final, TypeVar

import numpy as np

from assay.cases.arrays import Host, limits
from assay.judge.floats import eps_of, rounded, tiny_of, ulp_of
from assay_spec import dtypes
from assay_spec.model import Budget


@dataclass(frozen=True, slots=True)
class Bounds:
    """What terms and excuses need of the oracle besides its answer, each computed on first use."""

    magnitude: Callable[[], Host]  # the op applied to absolute values
    sensitivity: Callable[[], Host]  # how far the answer moves when each input moves by up to eps of itself
    genuine_nan: Callable[[], Any] = lambda: True  # where it is NaN for another reason than infinities that meet
    flushed: Callable[[], Any] = lambda: 0.0  # how far the answer moves when the inputs' subnormals are flushed
    nearby: Callable[[], Iterable[Host]] = lambda: ()  # several answers to inputs moved so
    flushes: bool = False  # the candidate says that it flushes subnormal numbers


@dataclass(frozen=True, slots=True)
class Expected:
    """The oracle's answer, and all that decides how far from it the candidate's may be."""

    want: Host  # in float64 or complex128
    target: Host  # the same, rounded once to the dtype
    unit: Host  # an ulp of the dtype at each element; of a complex dtype's parts, at its distance from 0
    dtype: str
    budget: Budget
    bounds: Bounds
    summands: float | None = None  # how many numbers the oracle added up for each element; None where it added nothing
    headroom: float = 1.0  # how much larger than its result a step on the way may be

    @classmethod
    def of(cls, want: Host, dtype: str, budget: Budget, bounds: Bounds, *more: Any) -> Expected:
        """Return the expectation for a dtype from an oracle's answer; `more` are the last fields."""
        wide = want.astype(np.complex128 if dtypes.is_complex(dtype) else np.float64)
        unit = ulp_of(np.abs(wide), dtypes.real_part(dtype))
        return cls(wide, rounded(want, dtype), unit, dtype, budget, bounds, *more)


Term = Callable[[Expected], Any]
F = TypeVar("F", bound=Callable[..., Any])

_OWN_ROUNDING: Final = 3.0  # ulps: the last roundings of a composition, or the error of an elementary function


def own_rounding(expected: Expected) -> Host:
    """Return the rounding error of the last steps, for any op."""
    return _OWN_ROUNDING * expected.unit


def stated_ulps(expected: Expected) -> Host:
    """Return the error that the op's spec allows."""
    return expected.budget.amount * expected.unit


_SUMMATION: Final = 4.0  # eps of the terms' sizes: the worst error of summing 256 of them pairwise


def summation(expected: Expected) -> Host:
    """Return the error of a sum, in proportion to the magnitudes of its terms."""
    # If the sum of magnitudes overflows, take the largest finite number.
    magnitude = np.minimum(expected.bounds.magnitude(), limits(expected.dtype)[1])
    return _finite(_SUMMATION * expected.budget.amount * eps_of(expected.dtype) * magnitude)


# The root of the mean square of a few random moves is a few times less than the farthest one, and each of a
# composition's steps moves its own inputs as its rounding moves the next step's.
_CONDITIONING: Final = 16.0


def conditioning(expected: Expected) -> Host:
    """Return the error of a composition that comes from its sensitivity to its inputs."""
    return _finite(_CONDITIONING * expected.budget.amount * np.abs(expected.bounds.sensitivity()))


_CANCELLATION: Final = 8.0  # eps of the largest result: as many steps may each round a number of its size
_CANCELLATION_IN_HALF_PRECISION: Final = 2.0  # there only the inputs are half precision


def cancellation(expected: Expected) -> float:
    """Return the error from cancellation inside a composition, in proportion to the largest of its results."""
    steps = _CANCELLATION_IN_HALF_PRECISION if expected.dtype in dtypes.HALF else _CANCELLATION
    largest = np.max(np.abs(expected.want), initial=0.0, where=np.isfinite(expected.want))
    return float(steps * expected.budget.amount * eps_of(expected.dtype) * largest)


_SUMMANDS_PER_ULP: Final = 16.0  # added up in order, 5,831 squares of float64 lose 362 ulp


def summation_order(expected: Expected) -> Any:
    """Return the error of a composition in float32 that sums its terms one after the other.

    Its sensitivity does not show that. Smaller dtypes are summed in float32.
    """
    if expected.summands is None or dtypes.real_part(expected.dtype) != "float32":
        return 0.0
    return expected.summands / _SUMMANDS_PER_ULP * expected.unit


_ORACLE_ROUNDING: Final = 3.0  # ulps: the same as the candidate's own rounding


def oracle_rounding(expected: Expected) -> Any:
    """Return the oracle's own error where no dtype is wider than the candidate's."""
    if expected.summands is None or dtypes.real_part(expected.dtype) != "float64":
        return 0.0
    return (_ORACLE_ROUNDING + expected.summands / _SUMMANDS_PER_ULP) * expected.unit


def absolute_floor(expected: Expected) -> float:
    """Return the absolute error that the op's spec allows, in eps of 1: for ops that subtract from a value near 1."""
    return expected.budget.absolute * eps_of(expected.dtype)


_FLUSHED_STEPS: Final = 8.0  # steps of one result that may each lose a subnormal


def flushed_steps(expected: Expected) -> float:
    """Return the error of steps whose subnormal results are flushed to zero."""
    return _FLUSHED_STEPS * tiny_of(expected.dtype)


def flushed_inputs(expected: Expected) -> Host:
    """Return how far the answer moves when subnormal inputs are flushed to zero."""
    return _finite(expected.bounds.flushed())


def _finite(distances: Any) -> Host:
    """Return distances with 0 for those that are not finite, which are no measure of an error."""
    return np.asarray(np.nan_to_num(distances, nan=0.0, posinf=0.0))


def named(*functions: F) -> dict[str, F]:
    """Return terms or excuses by the names that reports show, in order."""
    return {each.__name__.replace("_", " "): each for each in functions}


_OF_STEPS: Final = (absolute_floor, flushed_steps, flushed_inputs, oracle_rounding)
TERMS: Final[dict[str, dict[str, Term]]] = {
    "ulp": named(stated_ulps, oracle_rounding),
    "accumulation": named(own_rounding, summation, *_OF_STEPS),
    "conditioned": named(own_rounding, conditioning, cancellation, summation_order, *_OF_STEPS),
}
# The terms that ask the oracle again, or the candidate where there is none.
ASKING: Final = frozenset(named(summation, conditioning, flushed_inputs))


def free_terms_of(expected: Expected) -> dict[str, Any]:
    """Return those terms of a budget that cost nothing, by name; most answers lie within them."""
    return {name: term(expected) for name, term in TERMS[expected.budget.kind].items() if name not in ASKING}


def terms_of(expected: Expected) -> dict[str, Any]:
    """Return all terms of a budget by name; some cost further calls of the oracle."""
    return {name: term(expected) for name, term in TERMS[expected.budget.kind].items()}


def total(terms: Mapping[str, Any]) -> Host:
    """Return the sum of terms: how far each element may be from the oracle's."""
    return np.asarray(reduce(add, terms.values()))


def allowance(want: Host, dtype: str, budget: Budget, bounds: Bounds) -> Host:
    """Return how far each element of an answer may be from the oracle's."""
    return total(terms_of(Expected.of(want, dtype, budget, bounds)))
