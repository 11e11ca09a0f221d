"""PaddlePaddle in PyTorch's place: tensors go in as they lie, and what the suite writes counts as written."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from assay.backends.base import Backend
from assay.backends.discover import open_backend, open_candidate
from assay.cases.case import TensorValue, called
from assay.cases.outcome import Array
from assay.judge.bench import Bench
from assay.running.engine import measure
from assay.running.items import items_of
from assay.settings import Settings
from assay_spec import load_corpus

# Not imported here: it would take PyTorch's place in this process.
pytestmark = pytest.mark.skipif(not importlib.util.find_spec("paddle"), reason="PaddlePaddle is not installed")


@pytest.fixture(scope="module")
def paddle() -> Iterator[Backend]:
    with closing(open_candidate(Settings("paddle", time_limit=120.0))) as backend:
        yield backend


def answer(backend: Backend, op: str, input: TensorValue, **named: object) -> object:
    outcome = backend.perform(called(op, {"input": input, **named}, ("input",)))
    assert outcome.raised is None and outcome.unsupported is None, outcome
    found = [each.array.tolist() if isinstance(each, Array) else each for each in outcome.results]
    return found if len(found) > 1 else found[0]


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "complex128"])
def test_tensors_keep_their_strides_and_offset(paddle: Backend, dtype: str) -> None:
    array = np.arange(6).astype(dtype)
    value = TensorValue(dtype, (2, 2), array, (1, 2), 1)

    assert answer(paddle, "torch.clone", value) == value.array().tolist()
    assert answer(paddle, "torch.Tensor.stride", value) == [1, 2]


def test_functions_are_those_that_are_made_to_be_like_pytorchs(paddle: Backend) -> None:
    matrix = TensorValue.of(np.ones((1, 2), np.float32))

    assert answer(paddle, "torch.nn.functional.pad", matrix, pad=(1, 0)) == [[0.0, 1.0, 1.0]]


def test_no_promotion_is_lacking_and_not_an_error(paddle: Backend) -> None:
    mixed = {"input": TensorValue.of(np.ones(2, np.int64)), "other": TensorValue.of(np.ones(2, np.float32))}

    outcome = paddle.perform(called("torch.add", mixed, ("input", "other")))

    assert outcome.unsupported is not None and "Type promotion only support" in outcome.unsupported.message


@pytest.mark.parametrize("op", ["torch.abs", "torch.exp"])
def test_what_a_gradient_needs_and_is_changed_is_refused(paddle: Backend, op: str) -> None:
    pytest.importorskip("torch")
    torch = open_backend("torch")
    item = next(each for each in items_of(load_corpus()[op]) if each.name == "saved")

    result, _ = measure(item, Bench(paddle, torch), effort="quick", seed=0)

    assert {each.code for each in result.broken} <= {"A501"}
