"""The examples of the backend documents run, and their lines follow the protocol."""

from __future__ import annotations

import json
import re
import sys
from contextlib import closing
from dataclasses import fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from assay.backends import process, wire
from assay.backends.base import Capabilities
from assay.backends.discover import open_backend
from assay.backends.lines import Lines
from assay.backends.messages import LIMIT, Request
from assay.backends.self_check import self_check
from assay.cases.case import Case, TensorValue, called, made, method_call
from assay.cases.outcome import Missing, Outcome
from assay.cases.runs import run
from assay_spec import load_corpus
from assay_spec.steps import Function, Look, Ref, Step

DOCS = Path(__file__).parents[2] / "docs"


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / document).read_text(), re.MULTILINE | re.DOTALL)


def add(first: Any, second: Any) -> Case:
    return called(
        "torch.add",
        {"input": TensorValue.of(np.float32(first)), "other": TensorValue.of(np.float32(second))},
        ("input", "other"),
    )


def numbers(values: Any) -> TensorValue:
    return TensorValue.of(np.float32(values))


def linear(weight: Any, bias: Any, given: Any) -> Case:
    state = {"weight": numbers(weight), "bias": numbers(bias)}
    layer = made("torch.nn.Linear", {"in_features": 2, "out_features": 1}, state)
    return Case("torch.nn.Linear", (*layer, method_call({"input": numbers(given)}, ("input",))))


def descent(lr: float, own_lr: float, gradients: int) -> Case:
    """Return the case of an optimizer with two groups, one with its own learning rate, and gradients of one."""
    op, one = load_corpus()["torch.optim.SGD"], numbers([1])
    groups = ({"params": (one,)}, {"params": (one,), "lr": own_lr})
    return run(op, op.overloads[0], {"params": groups, "lr": lr}, fed=[(one, one)] * gradients)


def test_the_example_of_a_backend_is_a_sound_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, backend_source, _, check_source = blocks("writing-a-backend.md", "python")
    (tmp_path / "mine.py").write_text(backend_source)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}

    exec(check_source, scope)
    backend = scope["backend"]

    assert backend.perform(add([1, 2], [3, 4])).results[0].array.tolist() == [4, 6]
    unsupported = called("torch.std", {"input": TensorValue.of(np.float32([1, 2])), "correction": 2}, ("input",))
    assert backend.perform(unsupported).unsupported == Missing("feature", "no correction but 0 and 1")
    incomplete = called("torch.transpose", {"input": TensorValue.of(np.float32([[1]]))}, ("input",))
    assert backend.perform(incomplete).unsupported == Missing("feature", "no call without dim0")
    layer = made("torch.nn.Linear", {"in_features": 1, "out_features": 1}, {})
    strictly = method_call({"state": {}, "strict": True}, ("state",), "load_state_dict")
    assert backend.perform(Case("torch.nn.Linear", (*layer, strictly))).unsupported == Missing(
        "feature", "no parameter strict"
    )
    view = called(
        "torch.transpose",
        {"input": TensorValue.of(np.ones((2, 3), np.float32)), "dim0": 0, "dim1": 1},
        ("input", "dim0", "dim1"),
        observe=frozenset({"sharing"}),
    )
    assert backend.perform(view).shares == {"input"}


def test_the_example_of_gradients_differentiates_one_of_several_results() -> None:
    backend = pytest.importorskip("assay.backends.jax").JaxBackend()
    _, _, source, _ = blocks("writing-a-backend.md", "python")
    scope: dict[str, Any] = {}
    exec(source, scope)
    upstream = {0: numbers([1, 10])}
    call = called("torch.sort", {"input": numbers([3, 2])}, ("input",), wrt=("input",), upstream=upstream)

    class AsDocumented(type(backend)):  # type: ignore[misc]
        differentiate = scope["differentiate"]

    outcome, twice = map(AsDocumented().perform, (call, replace(call, second={"input": numbers([1, 1])})))

    assert len(outcome.results) == 2
    assert outcome.gradients["input"].array.tolist() == [10, 1]
    assert twice.unsupported == Missing("feature", "no second derivatives")


def test_the_example_of_a_harness_is_a_sound_backend(tmp_path: Path) -> None:
    (source,) = blocks("wire-protocol.md", "python")
    harness = tmp_path / "harness.py"
    harness.write_text(source)

    with closing(open_backend(f"exec:'{sys.executable}' '{harness}'")) as backend:
        self_check(backend)
        total = backend.perform(add([1, 2], [3, 4]))
        large = backend.perform(add(np.ones(20_000), np.ones(20_000)))
        wrong = backend.perform(add([1, 2], [3]))
        stepped = TensorValue("float32", (2,), np.float32([1, 9, 2, 9]), (2,))
        strided = backend.perform(called("assay.identity", {"input": stepped}, ("input",)))
        layer = backend.perform(linear([[2, 3]], [1], [[1, 4 / 3]]))
        steps = backend.perform(descent(lr=0.5, own_lr=0.25, gradients=2))
        empty = backend.perform(called("torch.optim.SGD", {"params": (), "lr": 0.5}, ("params",)))
        plus_number = backend.perform(called("torch.add", {"input": TensorValue.of(np.float32([1])), "other": 0.5}))

    assert total.results[0].array.tolist() == [4, 6]
    assert layer.results[0].array.tolist() == [[7]]
    assert [each.array.tolist() for each in steps.results] == [[0.5], [0.75], [0.0], [0.5]]
    assert large.results[0].array.sum() == 40_000
    assert str(wrong.raised) == "RuntimeError: shapes differ: [[2], [1]]"
    assert strided.results[0].array.tolist() == [1, 2]
    assert str(empty.raised) == "ValueError: no parameters"
    assert plus_number.unsupported == Missing("feature", "no numbers as operands")


def test_the_profile_of_a_library_with_pytorchs_names_is_a_sound_backend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, *_ = blocks("writing-a-backend.md", "python")
    (tmp_path / "profile.py").write_text(source)
    monkeypatch.chdir(tmp_path)

    backend = open_backend("profile.py:Mine")
    self_check(backend)

    assert backend.capabilities.dtypes == ("float32", "int64", "bool")
    assert backend.perform(add([1, 2], [3, 4])).results[0].array.tolist() == [4, 6]


def test_the_worked_lines_are_those_of_the_protocol() -> None:
    hello, *others = [list(map(json.loads, block.splitlines())) for block in blocks("wire-protocol.md", "json")]
    (request, reply), (error, unsupported) = others
    case = called("torch.add", {"input": TensorValue.of(np.float32([1, 2])), "other": 0.5}, ("input", "other"))

    assert hello[0] == {"id": 1, "do": "hello"}
    assert wire.unpack_capabilities(hello[1]["hello"]).language == "Rust"
    assert request == json.loads(Lines().pack([Request(2, "run", case)]))
    assert wire.unpack_outcome(reply["outcome"], b"").results[0].array.tolist() == [1.5, 2.5]
    assert str(wire.unpack_error(error["error"]).raised) == "IndexError: dimension 3 of 2"
    assert wire.unpack_outcome(unsupported["outcome"], b"").unsupported == Missing("op", "no torch.add")


def test_the_schema_that_ships_is_that_of_the_code() -> None:
    shipped = files("assay.backends").joinpath("wire.schema.json").read_text(encoding="utf-8")

    assert shipped == json.dumps(wire.schema(), indent=2) + "\n"
    Draft202012Validator.check_schema(wire.schema())


def test_the_lines_of_the_document_are_those_of_the_schema() -> None:
    validator = Draft202012Validator(wire.schema())
    lines = [json.loads(line) for block in blocks("wire-protocol.md", "json") for line in block.splitlines()]

    assert [line for line in lines if not validator.is_valid(line)] == []


@pytest.mark.parametrize("record", [Case, Step, Look, Ref, Function, Outcome, Capabilities])
def test_every_key_of_the_protocol_is_documented(record: type) -> None:
    text = (DOCS / "wire-protocol.md").read_text()

    assert [each.name for each in fields(record) if f"`{each.name}`" not in text] == []


def test_the_documented_limits_are_those_of_the_code() -> None:
    text = (DOCS / "wire-protocol.md").read_text()

    assert (process.CRASHES_OF_AN_OP, process.RESTARTS_WITHOUT_AN_ANSWER, wire.INLINE) == (3, 20, 64 * 1024)
    assert (LIMIT, wire.PROTOCOL) == (64 * 2**20, 1) and "64 MiB" in text
    assert "Three such losses in one op" in text and "twenty in a row" in text and "more than 64 KiB" in text
