"""The self-check finds a backend that cannot be trusted with plain inputs, and says what is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.backends.base import Backend, BackendUnusable
from assay.backends.discover import open_backend
from assay.backends.numpy import NumpyBackend
from assay.backends.self_check import self_check
from assay.cases.case import Case
from assay.cases.outcome import Array, Missing, Outcome, Raised

CANDIDATES = Path(__file__).with_name("candidates.py")
CRASH = f"exec:'{sys.executable}' '{CANDIDATES}' announces_a_blob_and_dies assay.identity"


class Spoilt(Backend):
    """Returns a given answer for one op, and NumPy's for every other."""

    def __init__(self, op: str, answer: Callable[[Outcome], Outcome], *names: str) -> None:
        self.op, self.answer, self.good = op, answer, NumpyBackend()
        self.capabilities = replace(self.good.capabilities, name="spoilt", dtypes=names or ("float32",))

    def perform(self, case: Case) -> Outcome:
        outcome = self.good.perform(case)
        return self.answer(outcome) if case.op == self.op else outcome


def array(change: Callable[[Any], Any]) -> Callable[[Outcome], Outcome]:
    """Return an answer with changed elements in the result."""
    return lambda outcome: replace(
        outcome, results=tuple(replace(each, array=change(each.array)) for each in outcome.results)
    )


def always(outcome: Outcome) -> Callable[[Outcome], Outcome]:
    return lambda _: outcome


def boom(_: Outcome) -> Outcome:
    raise KeyError("oops")


UNSUPPORTED = Outcome(unsupported=Missing("dtype", "no float32"))
RAISES = Outcome(raised=Raised(("MemoryError",), "full"))
ONE = Outcome(results=(Array("float32", np.float32([[1]])),))


@pytest.mark.parametrize(
    ("op", "answer", "message"),
    [
        (
            "assay.identity",
            always(UNSUPPORTED),
            "spoilt declares float32, but answers assay.identity of float32[] with an"
            " unsupported dtype (no float32); support it or do not declare it",
        ),
        (
            "assay.identity",
            always(RAISES),
            "spoilt cannot take float32[] in and return it: MemoryError: full",
        ),
        (
            "assay.identity",
            always(Outcome(results=(1.0,))),
            "spoilt takes float32[] in and returns (1.0,), not one tensor",
        ),
        (
            "assay.identity",
            array(np.atleast_1d),
            "spoilt takes float32[] in and returns shape [1]",
        ),
        (
            "assay.identity",
            lambda outcome: replace(outcome, results=(replace(outcome.results[0], dtype="float64"),)),
            "spoilt takes float32[] in and returns float64",
        ),
        (
            "assay.identity",
            array(np.nan_to_num),
            "spoilt takes float32 [nan, -0.0, inf, -inf, 0.5] in and returns"
            " [0.0, -0.0, 3.4028234663852886e+38, -3.4028234663852886e+38, 0.5]",
        ),
        (
            "assay.identity",
            array(lambda each: each + np.float32(0)),
            "spoilt takes float32 [nan, -0.0, inf, -inf, 0.5] in and returns [nan, 0.0, inf, -inf, 0.5]",
        ),
        (
            "assay.no_such_op",
            always(ONE),
            "spoilt answers assay.no_such_op with [[1.0]], not that the op is unsupported",
        ),
        (
            "assay.no_such_op",
            always(RAISES),
            "spoilt answers assay.no_such_op with the error MemoryError: full, not that the op is unsupported",
        ),
        ("torch.mm", always(ONE), "spoilt multiplies a 2x3 matrix by a 2x3 matrix: [[1.0]], not an error"),
        (
            "torch.mm",
            boom,
            "spoilt raises KeyError on torch.mm: 'oops'; an adapter returns failures as outcomes",
        ),
    ],
)
def test_the_message_says_what_is_wrong(op: str, answer: Callable[[Outcome], Outcome], message: str) -> None:
    with pytest.raises(BackendUnusable) as caught:
        self_check(Spoilt(op, answer))

    assert str(caught.value) == message


def test_integers_whose_extremes_change_are_refused() -> None:
    through_a_float = array(lambda each: each.astype(np.float64).clip(-(2**62), 2**62).astype(np.int64))

    with pytest.raises(BackendUnusable, match=r"^spoilt takes int64 \[-9223372036854775808, 9223372036854775807\] in"):
        self_check(Spoilt("assay.identity", through_a_float, "int64"))


def test_an_element_type_that_pytorch_does_not_have_is_refused() -> None:
    with pytest.raises(BackendUnusable, match=r"^spoilt declares 'float24', which is no element type of PyTorch$"):
        self_check(Spoilt("assay.identity", lambda outcome: outcome, "float24"))


def test_a_declared_dtype_that_is_unsupported_is_refused() -> None:
    with pytest.raises(
        BackendUnusable, match=r"^DeclaresWhatIsUnsupported declares float16, but answers assay.identity of"
    ):
        self_check(open_backend(f"{CANDIDATES}:DeclaresWhatIsUnsupported"))


def test_a_process_that_dies_is_unusable() -> None:
    with closing(open_backend(CRASH)) as backend, pytest.raises(BackendUnusable) as caught:
        self_check(backend)

    assert str(caught.value) == ("announces_a_blob_and_dies, on assay.identity: the process exited with status 0")


@pytest.mark.parametrize("name", ["AlwaysWrong", "RaisesAlways", "Segfaults", "Hangs", "SwallowsNan"])
def test_a_backend_that_is_wrong_in_one_op_only_may_run(name: str) -> None:
    self_check(open_backend(f"{CANDIDATES}:{name}"))
