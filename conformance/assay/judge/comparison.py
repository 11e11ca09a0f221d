"""Comparing an answer with the oracle's: the element that takes most of its budget, and what was excused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from assay.cases.arrays import Host
from assay.judge.budgets import Bounds, Expected, free_terms_of, terms_of, total
from assay.judge.excuses import EXCUSES, HEADROOM, excuse
from assay.judge.floats import rounded, tiny_of
from assay_spec import dtypes
from assay_spec.model import Budget

FLUSHED: Final = "flushed as declared"  # the excuse of elements that a backend says it flushes
_SHOWN = 1e-3  # of its budget: a term that is less is not worth a reader's time


@dataclass(frozen=True, slots=True)
class Comparison:
    """The element that lies farthest from its expected value, in budgets, and how many others were excused."""

    fraction: float  # error / budget; more than 1 is wrong
    ulp: float | None
    index: tuple[int, ...]
    got: str
    want: str
    budget: str = "exact"
    excused: Mapping[str, int] = field(default_factory=dict)


def measure(
    got: Host,
    want: Host,
    dtype: str,
    budget: Budget,
    bounds: Bounds,
    *,
    signs: bool = False,
    summands: float | None = None,
    headroom: float = HEADROOM,
) -> Comparison | None:
    """Compare two arrays of one shape; return None where there is nothing to compare.

    The oracle's further answers, which a budget may need, are computed only if an answer is not within the other terms.
    """
    if not got.size:
        return None
    if bounds.flushes:
        got, flushed = _unflushed(got, rounded(want, dtype), dtype)
        if flushed:
            plain = replace(bounds, flushes=False)
            found = measure(got, want, dtype, budget, plain, signs=False, summands=summands, headroom=headroom)
            assert found is not None
            return replace(found, excused={**found.excused, FLUSHED: flushed})
    if budget.kind == "exact" or not dtypes.has_fractions(dtype):
        return _measure_exact(got, rounded(want, dtype), signs=signs)
    with np.errstate(all="ignore"):
        expected = Expected.of(want, dtype, budget, bounds, summands, headroom)
        return _measure_close(got, expected, signs=signs and not dtypes.is_complex(dtype))


def _unflushed(got: Host, want: Host, dtype: str) -> tuple[Host, int]:
    """Return an answer with the zeros that stand for subnormal numbers replaced by these, and how many there are."""
    if not dtypes.has_fractions(dtype):
        return got, 0
    answer, count = got.copy(), 0
    parts = [(answer.real, want.real), (answer.imag, want.imag)] if np.iscomplexobj(got) else [(answer, want)]
    for mine, theirs in parts:
        small = (mine == 0) & (theirs != 0) & (np.abs(theirs) < tiny_of(dtype))
        mine[small] = theirs[small]
        count += int(np.count_nonzero(small))
    return answer, count


def _measure_exact(got: Host, want: Host, *, signs: bool) -> Comparison:
    same = got == want
    if got.dtype.kind not in "biu":
        same |= (got != got) & (want != want)
        if signs and got.dtype.kind != "c":
            same &= (got != 0) | (np.signbit(got) == np.signbit(want))
    if same.all():
        return Comparison(0.0, 0.0, (), "", "")
    index = tuple(int(each) for each in np.unravel_index(int(np.argmin(same)), got.shape))
    return Comparison(math.inf, None, index, show(got[index]), show(want[index]))


def _measure_close(got: Host, expected: Expected, *, signs: bool) -> Comparison:
    answer = got.astype(expected.want.dtype)
    error = np.abs(answer - expected.want)
    finite = np.isfinite(answer) & np.isfinite(expected.target)
    if not finite.all():
        error = np.where(finite, error, np.where(compare_nonfinite(answer, expected.target), 0.0, math.inf))
    terms = free_terms_of(expected)
    allowed = total(terms)
    fraction, index = _largest(error / allowed)
    if fraction[index] > 1:
        terms = terms_of(expected)
        allowed = total(terms)
        fraction, index = _largest(error / allowed)
    excused: dict[str, int] = {}
    if fraction[index] > 1:
        wrong = fraction > 1
        still_wrong, excused = excuse(answer, expected, allowed, wrong, EXCUSES[expected.budget.kind])
        fraction, index = _largest(np.where(still_wrong == wrong, fraction, 0.0))
    if signs:
        other = (answer == 0) & (expected.want == 0) & (np.signbit(answer) != np.signbit(expected.want))
        fraction, index = _largest(np.where(other, math.inf, fraction))
    return Comparison(
        float(fraction[index]),
        _in_ulps(answer[index], expected, error[index], index) if finite[index] else None,
        tuple(map(int, index)),
        show(got[index]),
        show(expected.target[index]),
        _described(expected.budget, float(allowed[index]), terms if fraction[index] > 1 else {}, index),
        excused,
    )


def _in_ulps(answer: Any, expected: Expected, error: Any, index: tuple[Any, ...]) -> float | None:
    """Return how many units in the last place an element is off; None where zero lies in between, or is one of them."""
    if error and error >= max(np.abs(answer), np.abs(expected.want[index])):
        return None
    return float(error / expected.unit[index])


def _largest(fraction: Any) -> tuple[Host, tuple[Any, ...]]:
    """Return fractions with the index of the largest."""
    return fraction, np.unravel_index(fraction.argmax(), fraction.shape)


def compare_nonfinite(answer: Host, target: Host) -> Host:
    """Mark the elements that are the same infinity, or both NaN."""
    return np.asarray((answer == target) | (np.isnan(answer) & np.isnan(target)))


def _described(budget: Budget, allowed: float, terms: Mapping[str, Host], index: tuple[Any, ...]) -> str:
    """Return as text how far an element may be off, and the terms of that sum."""
    sizes = {name: float(term[index]) if np.ndim(term) else float(term) for name, term in terms.items()}
    shown = [f"{name} {size:.2g}" for name, size in sizes.items() if size > _SHOWN * allowed]
    return f"{allowed:.3g} ({budget}{': ' if shown else ''}{', '.join(shown)})"


def show(element: Any) -> str:
    """Return one element as text that Python can evaluate."""
    value = element.item() if hasattr(element, "item") else element
    return repr(value)
