"""The judge: how far an answer is from the right one, as a fraction of the budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assay.cases.arrays import Host, host_dtype, limits
from assay_spec import dtypes
from assay_spec.model import Budget

# Significant bits, and the exponent of the smallest subnormal.
_FORMAT: Final = {"float16": (11, -24), "bfloat16": (8, -133), "float32": (24, -149), "float64": (53, -1074)}
_SMALL_CHANGE: Final = 3.0  # ulps that a composition may lose besides what its conditioning explains
_ACCUMULATION: Final = 4.0
_CONDITIONED: Final = 16.0
_CANCELLED: Final = 8.0  # eps of a composition's largest result that may be lost on the way to its smaller ones
_CANCELLED_IN_HALF: Final = 2.0  # where the steps are taken in float32
_FLUSHED: Final = 8.0  # steps of one result that may each lose a subnormal
ROOM: Final = 64.0  # how much larger than its result a step of a composition may be


@dataclass(frozen=True, slots=True)
class Worst:
    """The element that lies farthest from its expected value."""

    fraction: float  # of the budget; more than 1 is wrong
    ulp: float | None
    index: tuple[int, ...]
    got: str
    want: str
    budget: str = "exact"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the budgets of compositions need, computed only when one asks for it."""

    magnitude: Callable[[], Host]  # the op applied to absolute values
    spread: Callable[[], Host]  # how far the answer moves when the inputs move by half an ulp
    owed: Callable[[], Any] = lambda: True  # where the answer is NaN for another reason than infinities that meet
    flushed: Callable[[], Any] = lambda: 0.0  # how far the answer moves when the inputs' subnormals are flushed
    nearby: Callable[[], Iterable[Host]] = lambda: ()  # the answers when the inputs move by up to half an ulp


def ulp_of(values: Host, dtype: str) -> Host:
    """Return the unit in the last place of a dtype at some magnitudes."""
    bits, smallest = _FORMAT[dtype]
    with np.errstate(invalid="ignore"):
        exponents = np.frexp(np.where(np.isfinite(values), values, 1.0))[1]
    exponents = np.where(values == 0, smallest, exponents - bits)  # frexp gives 0 an exponent of 0
    return np.asarray(np.ldexp(1.0, np.maximum(exponents, smallest)))


def eps_of(dtype: str) -> float:
    return float(2.0 ** (1 - _FORMAT[dtypes.real_part(dtype)][0]))


def tiny_of(dtype: str) -> float:
    """Return the smallest number of a dtype that is not subnormal."""
    bits, smallest = _FORMAT[dtypes.real_part(dtype)]
    return float(2.0 ** (smallest + bits - 1))


def rounded(want: Host, dtype: str) -> Host:
    """Round an oracle's answer once to the dtype of the result."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(want).astype(host_dtype(dtype))


def measure(
    got: Host,
    want: Host,
    dtype: str,
    budget: Budget,
    bounds: Bounds,
    *,
    signs: bool = False,
    slack: float = 0.0,
    room: float = ROOM,
) -> Worst | None:
    """Compare two arrays of one shape; return the worst element, or None where there is nothing to compare."""
    if not got.size:
        return None
    if dtypes.is_complex(dtype) and budget.kind != "exact":
        return _measure_complex(got, want, dtype, budget, bounds, slack=slack, room=room)
    if budget.kind == "exact" or not dtypes.is_floating(dtype):
        return _measure_exact(got, rounded(want, dtype), signs=signs)
    return _measure_close(got, want, dtype, budget, bounds, signs=signs, slack=slack, room=room)


def _measure_exact(got: Host, want: Host, *, signs: bool) -> Worst:
    same = got == want
    if got.dtype.kind not in "biu":
        same |= (got != got) & (want != want)
        if signs and got.dtype.kind != "c":
            same &= (got != 0) | (np.signbit(got) == np.signbit(want))
    if same.all():
        return Worst(0.0, 0.0, (), "", "")
    index = tuple(int(each) for each in np.unravel_index(int(np.argmin(same)), got.shape))
    return Worst(math.inf, None, index, show(got[index]), show(want[index]))


def _measure_close(
    got: Host, want: Host, dtype: str, budget: Budget, bounds: Bounds, *, signs: bool, slack: float, room: float
) -> Worst:
    target, answer = rounded(want, dtype), got.astype(np.float64)
    want = want.astype(np.float64)
    with np.errstate(all="ignore"):
        unit = ulp_of(want, dtype)
        error = np.abs(answer - want)
        odd = ~np.isfinite(answer) | ~np.isfinite(target.astype(np.float64))
        allowed = _SMALL_CHANGE * unit
        if budget.kind == "ulp" or odd.any() or (error > allowed / 2).any():
            # What a composition may lose beyond a few ulp costs further oracle calls: only where it matters.
            allowed = _allowed(want, unit, dtype, budget, bounds) + slack * unit
        fraction = error / allowed
    if odd.any():
        # The steps of a composition may overflow where its result just does not.
        margin = 1.0 if budget.kind in ("ulp", "exact") else room
        found = _odd_ones(answer, target.astype(np.float64), want, allowed, dtype, margin)
        if budget.kind == "conditioned":
            # Infinities that meet inside a composition become NaN in one order of steps and not in another.
            meet = ~np.isfinite(answer) & ~np.isfinite(target.astype(np.float64)) & (found > 0)
            found = np.where(meet & ~(bounds.owed() & ~np.isnan(answer)), 0.0, found) if meet.any() else found
        fraction = np.where(odd, found, fraction)
        if budget.kind in ("accumulation", "conditioned"):
            # A quotient is infinite where the subnormal by which it divides is flushed.
            fraction = np.where(odd & np.isinf(bounds.flushed()), 0.0, fraction)
        if budget.kind == "accumulation":
            # A sum whose finite terms overflow may do so on the way, in one order of adding and not in another.
            fraction = np.where(odd & (bounds.magnitude() > limits(dtype)[1]), 0.0, fraction)
    if budget.kind == "conditioned" and (fraction > 1).any():
        fraction = np.where(_across_a_jump(answer, want, allowed, bounds), 0.0, fraction)
    if signs:
        fraction = np.where((answer == 0) & (want == 0) & (np.signbit(answer) != np.signbit(want)), math.inf, fraction)
    place = int(np.argmax(fraction))
    index = tuple(int(each) for each in np.unravel_index(place, got.shape))
    ulps = float(error[index] / unit[index]) if not odd[index] else None
    return Worst(
        float(fraction[index]),
        ulps,
        index,
        show(got[index]),
        show(target[index]),
        f"{allowed[index]:.3g} ({budget})",
    )


def allowance(want: Host, dtype: str, budget: Budget, bounds: Bounds) -> Host:
    """Return how far each element of an answer may be from the oracle's."""
    return _allowed(want, ulp_of(want, dtype), dtype, budget, bounds)


def _odd_ones(answer: Host, target: Host, want: Host, allowed: Host, dtype: str, margin: float) -> Host:
    """Judge elements where either side is NaN or infinite: they agree, or overflow was a matter of rounding."""
    agree = (answer == target) | (np.isnan(answer) & np.isnan(target))
    most = limits(dtype)[1]
    with np.errstate(invalid="ignore"):
        near = np.abs(want) >= (most - allowed - ulp_of(np.asarray(most), dtype)) / margin
        # Which side a step overflows to, and whether two such steps meet, a result does not tell.
        brink = near & ((np.sign(answer) == np.sign(want)) | (margin > 1)) & ~np.isfinite(answer)
    return np.where(agree | brink, 0.0, math.inf)


def _across_a_jump(answer: Host, want: Host, allowed: Host, bounds: Bounds) -> Host:
    """Mark the elements that are right on the far side of a jump, to which the rounding of a step may lead."""
    across = np.zeros(answer.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        for moved in bounds.nearby():
            across |= (np.abs(moved - want) > allowed) & (np.abs(answer - moved) <= allowed)
    return across


def _allowed(want: Host, unit: Host, dtype: str, budget: Budget, bounds: Bounds) -> Host:
    if budget.kind == "ulp":
        return budget.amount * unit
    if budget.kind == "accumulation":
        magnitude = np.minimum(bounds.magnitude(), limits(dtype)[1])  # of terms that overflow together, the most
        reach = _ACCUMULATION * budget.amount * eps_of(dtype) * magnitude
    else:
        # What cancels inside a composition leaves an error in proportion to its largest results.
        largest = np.max(np.abs(want), initial=0.0, where=np.isfinite(want))
        cancelled = (_CANCELLED_IN_HALF if dtype in dtypes.HALF else _CANCELLED) * eps_of(dtype) * largest
        reach = budget.amount * (_CONDITIONED * np.abs(bounds.spread()) + cancelled)
    # Where steps may round, subnormals may be flushed.
    floor = budget.absolute * eps_of(dtype) + _FLUSHED * tiny_of(dtype) + bounds.flushed()
    return np.asarray(
        np.nan_to_num(reach, nan=0.0, posinf=0.0) + _SMALL_CHANGE * unit + np.nan_to_num(floor, posinf=0.0)
    )


def _measure_complex(
    got: Host, want: Host, dtype: str, budget: Budget, bounds: Bounds, *, slack: float, room: float
) -> Worst:
    """Judge a complex number by its distance in the plane, in units of its magnitude."""
    part = dtypes.real_part(dtype)
    with np.errstate(all="ignore"):
        unit = ulp_of(np.abs(want), part)
        allowed = _allowed(want, unit, dtype, budget, bounds) + slack * unit
        error = np.abs(got.astype(np.complex128) - want)
        odd = ~np.isfinite(got) | ~np.isfinite(rounded(want, dtype))
        # Which part of a complex overflow is NaN and which infinite depends on the order of operations.
        agree = np.isfinite(got) == np.isfinite(rounded(want, dtype))
        if budget.kind != "ulp":
            agree |= ~np.isfinite(got) & (np.abs(want) >= limits(part)[1] / room)  # a step overflows before its result
        fraction = np.where(odd, np.where(agree, 0.0, math.inf), error / allowed)
    index = tuple(int(each) for each in np.unravel_index(int(np.argmax(fraction)), got.shape))
    ulps = None if odd[index] else float(error[index] / unit[index])
    return Worst(
        float(fraction[index]),
        ulps,
        index,
        show(got[index]),
        show(want[index]),
        f"{allowed[index]:.3g} ({budget})",
    )


def show(element: Any) -> str:
    """Write one element so that it can be read back."""
    value = element.item() if hasattr(element, "item") else element
    return repr(value)
