"""Box and Muller's transform of uniform numbers into normal ones, to the bit as PyTorch computes it on the CPU.

In float32 that is its vector code, whose logarithm, sine and cosine are the polynomials of Cephes (S. Moshier), every
product fused with the sum that follows; in float64 it is the C library.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce
from typing import Final

import numpy as np

from assay_reference.core.arrays import Array

BLOCK: Final = 16  # normal numbers are made sixteen at a time, in pairs eight apart
AT_ONCE: Final = 2**16  # so many numbers, with all that is computed on the way, stay in a processor's cache

_SPLIT: Final = 2.0**27 + 1  # parts a float64 into two halves, whose products are exact
_LOG: Final = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
               2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
_SINE: Final = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COSINE: Final = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_LOG_2: Final = (0.693359375, -2.12194440e-4)  # in two parts, of which a whole multiple of the first is exact
_EIGHTH_TURN: Final = (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)  # to be added, in three parts


def parts(count: int) -> Iterator[slice]:
    """Return, one after the other, the parts of so many numbers that are made at once."""
    return (slice(start, min(start + AT_ONCE, count)) for start in range(0, count, AT_ONCE))


def box_muller(uniform: Array) -> Array:
    """Turn pairs of uniform numbers of [0, 1), eight apart in blocks of sixteen, into pairs of normal ones."""
    normal = np.empty_like(uniform)
    for part in parts(len(uniform)):
        normal[part] = _transformed(uniform[part])
    return normal


def _transformed(uniform: Array) -> Array:
    blocks = uniform.reshape(-1, 2, BLOCK // 2)
    far, around = 1 - blocks[:, 0], blocks.dtype.type(2 * math.pi) * blocks[:, 1]
    logarithm, (sine, cosine) = (
        (_log(far), _sine_and_cosine(around))
        if uniform.dtype == np.float32
        else (_in_c(math.log, far), (_in_c(math.sin, around), _in_c(math.cos, around)))
    )
    radius = np.sqrt(-2 * logarithm)
    return np.stack([radius * cosine, radius * sine], axis=1).reshape(-1)


def fused(left: Array, right: Array | float, addend: Array | float) -> Array:
    """Multiply and add, rounded once, in the type of the first operand: float32 or float64."""
    if left.dtype == np.float32:
        return (left.astype(np.float64) * np.float32(right) + np.float32(addend)).astype(np.float32)
    with np.errstate(all="ignore"):
        product = left * right
        total = product + addend
        # What product and sum lose by rounding is known exactly (Dekker, Knuth), and added last.
        shifted = total - product
        whole = total + ((product - (total - shifted)) + (addend - shifted) + _lost(left, np.float64(right), product))
        return np.where(np.isfinite(whole), whole, total)


def _lost(left: Array, right: Array, product: Array) -> Array:
    """Return the rounding error of a product of float64."""
    (high, low), (other_high, other_low) = _halves(left), _halves(right)
    return low * other_low - (((product - high * other_high) - low * other_high) - high * other_low)


def _halves(number: Array) -> tuple[Array, Array]:
    high = number * _SPLIT - (number * _SPLIT - number)
    return high, number - high


def _in_c(function: object, numbers: Array) -> Array:
    """Apply a function of the C library: NumPy's own differ in the last bit."""
    return np.frompyfunc(function, 1, 1)(numbers).astype(numbers.dtype)  # type: ignore[call-overload]


def _polynomial(coefficients: tuple[float, ...], variable: Array) -> Array:
    first, *rest = (np.float32(each) for each in coefficients)
    return reduce(lambda value, each: fused(value, variable, each), rest, np.full_like(variable, first))


def _log(number: Array) -> Array:
    """Return the logarithm of float32 numbers of (0, 1]."""
    fraction, exponent = np.frexp(number)
    low = fraction < np.float32(math.sqrt(0.5))
    rest = np.where(low, fraction + fraction, fraction) - np.float32(1)
    exponent = (exponent - low).astype(np.float32)
    square = rest * rest
    value = _polynomial(_LOG, rest) * rest
    value = fused(value, square, exponent * np.float32(_LOG_2[1])) - square * np.float32(0.5)
    return fused(exponent, _LOG_2[0], rest + value)


def _sine_and_cosine(angle: Array) -> tuple[Array, Array]:
    """Return sine and cosine of float32 angles that are not negative."""
    octant = (angle * np.float32(4 / math.pi)).astype(np.int32)
    octant += octant & 1
    turns = octant.astype(np.float32)
    rest = reduce(lambda value, part: fused(turns, part, value), _EIGHTH_TURN, angle)
    square = rest * rest
    cosine = fused(_polynomial(_COSINE, square) * square, square, square * np.float32(-0.5)) + np.float32(1)
    sine = fused(_polynomial(_SINE, square) * square, rest, rest)
    swapped = octant & 2 != 0
    sine, cosine = np.where(swapped, cosine, sine), np.where(swapped, sine, cosine)
    return np.where(octant & 4 != 0, -sine, sine), np.where((octant + 2) & 4 != 0, -cosine, cosine)
