"""The floating formats: their ulp, their eps, their smallest normal number, and rounding to them."""

from __future__ import annotations

from typing import Final

import numpy as np

from assay.cases.arrays import Host, host_dtype
from assay_spec import dtypes

# Significant bits, and the exponent of the smallest subnormal.
_FORMAT: Final = {"float16": (11, -24), "bfloat16": (8, -133), "float32": (24, -149), "float64": (53, -1074)}


def ulp_of(values: Host, dtype: str) -> Host:
    """Return the unit in the last place of a dtype at some magnitudes."""
    bits, smallest = _FORMAT[dtype]
    exponents = np.frexp(np.where(np.isfinite(values), values, 1.0))[1]
    exponents = np.where(values == 0, smallest, exponents - bits)  # frexp gives 0 an exponent of 0
    return np.asarray(np.ldexp(1.0, np.maximum(exponents, smallest)))


def eps_of(dtype: str) -> float:
    """Return the distance from 1 to the next number of a dtype, or of the parts of a complex one."""
    return float(2.0 ** (1 - _FORMAT[dtypes.real_part(dtype)][0]))


def tiny_of(dtype: str) -> float:
    """Return the smallest number of a dtype that is not subnormal."""
    bits, smallest = _FORMAT[dtypes.real_part(dtype)]
    return float(2.0 ** (smallest + bits - 1))


def rounded(want: Host, dtype: str) -> Host:
    """Round an oracle's answer once to the dtype of the result."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(want).astype(host_dtype(dtype))
