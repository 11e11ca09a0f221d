"""The sensitivity of an oracle's answer: near the limits of float64, and where subnormals are flushed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.backends.base import Backend, Capabilities
from assay.cases.case import TensorValue, called
from assay.cases.outcome import Array, Outcome, Raised
from assay.judge.bench import Bench


class Multiplier(Backend):
    """An oracle that multiplies."""

    capabilities = Capabilities("multiplier", "1")

    def perform(self, case: Any) -> Outcome:
        first, second = (each.array() for each in case.arguments.values())
        return Outcome(results=(Array("float64", first * second),))


@pytest.mark.parametrize("first", [1e200, float(np.finfo(np.float64).max)])
def test_a_large_answer_moves_in_proportion(first: float) -> None:
    operands = {"input": TensorValue.of(np.array(first)), "other": TensorValue.of(np.array(0.5))}
    case, bench = called("torch.mul", operands), Bench(Multiplier(), Multiplier())

    sensitivity = bench.bounds(case, 0, Multiplier().perform(case)).sensitivity() / (first / 2)

    assert 1e-17 < sensitivity < 1e-15


class Divider(Backend):
    """An oracle that divides."""

    capabilities = Capabilities("divider", "1")

    def perform(self, case: Any) -> Outcome:
        first, second = (each.array() for each in case.arguments.values())
        with np.errstate(all="ignore"):
            return Outcome(results=(Array("float64", first / second),))


def test_flushing_moves_what_is_divided_by_a_subnormal_and_no_nan_or_infinity_beside_it() -> None:
    subnormal = float(np.finfo(np.float64).smallest_subnormal)
    operands = {
        "input": TensorValue.of(np.array([subnormal, 0.0, np.nan, np.inf, 2.0])),
        "other": TensorValue.of(np.array([subnormal, subnormal, subnormal, 1.0, 1.0])),
    }
    case, bench = called("torch.div", operands), Bench(Divider(), Divider())

    moved = bench.bounds(case, 0, Divider().perform(case)).flushed()

    np.testing.assert_array_equal(moved, [np.inf, np.inf, 0.0, 0.0, 0.0])


class Chance(Backend):
    """An oracle that takes probabilities alone."""

    capabilities = Capabilities("chance", "1")

    def perform(self, case: Any) -> Outcome:
        given = case.arguments["input"].array()
        if np.any(given > 1):
            return Outcome(raised=Raised(("RuntimeError",), "no probability"))
        return Outcome(results=(Array("float64", 1 - given),))


def test_what_is_refused_beyond_a_bound_moves_away_from_it() -> None:
    case, bench = called("torch.rsub", {"input": TensorValue.of(np.array([1.0, 0.5]))}), Bench(Chance(), Chance())

    moved = bench.bounds(case, 0, Chance().perform(case)).sensitivity()

    assert np.all(moved > 0)
