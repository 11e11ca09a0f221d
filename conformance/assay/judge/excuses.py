"""Excuses: elements that are beyond their budget and still right, by name.

Each excuse is a function that marks elements of an answer; `EXCUSES` says which of them a kind of budget has. What one
of them marks is excused, whatever the others say, so that their order decides about no verdict: only about which name
is reported, and about the cost, for the dearest is tried last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from assay.cases.arrays import Host, limits
from assay.judge.budgets import Expected, named
from assay.judge.floats import ulp_of
from assay_spec import dtypes

Excuse = Callable[[Host, Expected, Any], Host]

# A step of a composition may be that much larger than its result: the squares and exponentials that a root, a quotient
# or a logarithm brings down again, and sums of them.
HEADROOM: Final = 64.0


def brink_of_overflow(answer: Host, expected: Expected, allowed: Any) -> Host:
    """Mark infinities instead of the largest numbers, and the reverse, where a rounding within the budget decides."""
    near = np.abs(expected.want) >= _largest_sure(expected, allowed)
    over = near & np.isinf(answer) & _on_the_same_side(answer, expected.want)
    return np.asarray(over | (np.abs(answer - expected.want) <= allowed))


def overflow_on_the_way(answer: Host, expected: Expected, allowed: Any) -> Host:
    """Mark overflow where the result is large: an intermediate step may overflow, to either sign or to NaN.

    In float64 it may be the oracle that overflows; the largest number itself is no answer, but an infinity cut off.
    """
    if expected.headroom <= 1:
        return np.zeros(answer.shape, dtype=bool)
    most = _largest_sure(expected, allowed)
    over = (np.abs(expected.want) >= most / expected.headroom) & ~np.isfinite(answer)
    if dtypes.real_part(expected.dtype) == "float64":
        size = np.abs(answer)
        over |= np.isinf(expected.want) & (size >= most / expected.headroom) & (size < limits(expected.dtype)[1])
    return over


def nonfinite_complex(answer: Host, expected: Expected, allowed: Any) -> Host:
    """Mark complex numbers that are as non-finite as they should be.

    Which part of a complex overflow is NaN and which infinite depends on the order of operations.
    """
    both = ~np.isfinite(answer) & ~np.isfinite(expected.target)
    return both & np.iscomplexobj(answer)


def infinities_that_meet(answer: Host, expected: Expected, allowed: Any) -> Host:
    """Mark other non-finite values: infinities that meet become NaN, and in another order of steps they do not meet.

    Where the oracle's NaN has another reason than that, it must be NaN.
    """
    both = ~np.isfinite(answer) & ~np.isfinite(expected.target)
    return both & ~(expected.bounds.genuine_nan() & ~np.isnan(answer)) if both.any() else both


def flushed_subnormal(answer: Host, expected: Expected, allowed: Any) -> Host:
    """Mark elements that become infinite or NaN when a subnormal divisor is flushed to zero."""
    return np.asarray(_either_nonfinite(answer, expected) & np.isinf(expected.bounds.flushed()))


def partial_sum_overflows(answer: Host, expected: Expected, allowed: Any) -> Host:
    """Mark sums whose finite terms overflow in one order of adding them up and not in another, or before a division."""
    magnitude = np.asarray(expected.bounds.magnitude())
    return _either_nonfinite(answer, expected) & (magnitude > limits(expected.dtype)[1] / expected.headroom)


def across_a_discontinuity(answer: Host, expected: Expected, allowed: Any) -> Host:
    """Mark answers that are right on the other side of a discontinuity, which a rounding may cross."""
    across = np.zeros(answer.shape, dtype=bool)
    for moved in expected.bounds.nearby():
        across |= (np.abs(moved - expected.want) > allowed) & (np.abs(answer - moved) <= allowed)
    return across


def _largest_sure(expected: Expected, allowed: Any) -> Host:
    """Return the size up to which no rounding within the budget overflows."""
    most = limits(expected.dtype)[1]
    return np.asarray(most - allowed - ulp_of(np.asarray(most), dtypes.real_part(expected.dtype)))


def _on_the_same_side(answer: Host, want: Host) -> Host:
    """Mark elements whose infinite parts have the right sign."""
    real = ~np.isinf(answer.real) | (np.sign(answer.real) == np.sign(want.real))
    imaginary = ~np.isinf(answer.imag) | (np.sign(answer.imag) == np.sign(want.imag))
    return np.asarray(real & imaginary)


def _either_nonfinite(answer: Host, expected: Expected) -> Host:
    return np.asarray(~np.isfinite(answer) | ~np.isfinite(expected.target))


EXCUSES: Final[dict[str, dict[str, Excuse]]] = {
    "ulp": named(brink_of_overflow, nonfinite_complex),
    "accumulation": named(
        brink_of_overflow, overflow_on_the_way, nonfinite_complex, partial_sum_overflows, flushed_subnormal
    ),
    "conditioned": named(
        brink_of_overflow, overflow_on_the_way, nonfinite_complex, flushed_subnormal, infinities_that_meet,
        across_a_discontinuity,
    ),
}  # fmt: skip


def excuse(
    answer: Host, expected: Expected, allowed: Any, wrong: Host, excuses: Mapping[str, Excuse]
) -> tuple[Host, dict[str, int]]:
    """Return which wrong elements no excuse marks, and how many each excuse does."""
    excused: dict[str, int] = {}
    for name, marks in excuses.items():
        if not wrong.any():
            break
        marked = wrong & marks(answer, expected, allowed)
        if marked.any():
            excused[name] = int(np.count_nonzero(marked))
            wrong = wrong & ~marked
    return wrong, excused
