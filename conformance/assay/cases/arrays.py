"""Arrays on the host: the suite's own arithmetic, never the candidate's."""

from __future__ import annotations

from typing import Any, Final

import ml_dtypes
import numpy as np
import numpy.typing as npt

from assay_spec import dtypes

Host = npt.NDArray[Any]

_HOST: Final[dict[str, np.dtype[Any]]] = {
    **{name: np.dtype(name) for name in dtypes.ALL if name != "bfloat16"},
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}
_WIDE: Final = {
    **dict.fromkeys(dtypes.FLOATING, "float64"),
    **dict.fromkeys(dtypes.COMPLEX, "complex128"),
}


def host_dtype(name: str) -> np.dtype[Any]:
    """Return the NumPy dtype of an element type; bfloat16 is ml_dtypes'."""
    return _HOST[name]


def wide(dtype: str) -> str:
    """Return the dtype in which an oracle computes: float64 for floating, complex128 for complex, else the same."""
    return _WIDE.get(dtype, dtype)


def limits(dtype: str) -> tuple[float, float]:
    """Return the smallest and the largest finite value of a dtype."""
    if dtype == "bool":
        return 0, 1
    if dtypes.is_integral(dtype):
        info = np.iinfo(host_dtype(dtype))
        return int(info.min), int(info.max)
    info = finfo(dtypes.real_part(dtype))
    return float(info.min), float(info.max)


def finfo(dtype: str) -> Any:
    """Return the machine limits of a floating dtype."""
    return ml_dtypes.finfo(host_dtype(dtype))  # type: ignore[no-untyped-call]
