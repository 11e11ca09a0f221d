"""Shapes, indexing, joining, reductions, order and linear algebra on the strict stand-in for CuPy."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import assay_reference

pytestmark = pytest.mark.usefixtures("stand_in")

CALLS = Path(__file__).parent / "calls"
FACTORIES = ("tensor", "zeros", "ones", "empty", "eye", "arange", "full")


def answer(call: str, device: str) -> str:
    """Make a call with all tensors on a device; return the type of the result, or the error."""
    made = {name: functools.partial(getattr(assay_reference, name), device=device) for name in FACTORIES}
    torch = SimpleNamespace(**{**vars(assay_reference), **made})
    a = torch.arange(24.0).reshape(2, 3, 4)
    names = {"torch": torch, "T": torch.tensor, "a": a, "z": torch.tensor(5.0), "e": torch.empty(0)}
    names |= {"i": torch.arange(6), "x": torch.arange(6.0), "inf": np.inf, "nan": np.nan, "np": np}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result: Any = exec(call, names) if call.startswith("x[") else eval(call, names)
        except Exception as error:
            return f"{type(error).__name__}: {error}".replace("torch.cuda.", "torch.")
    return type(result).__name__


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])  # the current one, and another
@pytest.mark.parametrize("family", ["shape", "joining", "indexing", "writing", "reduction", "comparison", "linalg"])
def test_calls_make_no_hidden_trip_to_the_cpu(family: str, device: str) -> None:
    calls = (CALLS / f"{family}.txt").read_text().splitlines()

    different = [call for call in calls if answer(call, device) != answer(call, "cpu")]

    assert different == []
