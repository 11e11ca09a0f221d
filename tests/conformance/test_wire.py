"""The wire protocol loses nothing, and says what is wrong with a line that does not follow it."""

from __future__ import annotations

import io
import json
import math
from dataclasses import fields
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from assay.backends import wire
from assay.backends.base import FEATURES, Capabilities
from assay.cases.arrays import host_dtype
from assay.cases.case import Case, TensorValue
from assay.cases.content import fingerprint
from assay.cases.outcome import Array, Missing, Outcome, Raised
from assay_spec import dtypes
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.steps import Form, Function, Look, Named, Ref, Step

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


def built(record: type, /, **strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    assert set(strategies) == {each.name for each in fields(record)}, "every field travels"
    return st.builds(record, **strategies)


@st.composite
def buffers(draw: st.DrawFn, dtype: str) -> Any:
    target = host_dtype(dtype)
    count = draw(st.integers(0, 6))
    raw = draw(st.binary(min_size=count * target.itemsize, max_size=count * target.itemsize))
    if dtype == "bool":
        return np.frombuffer(raw, np.uint8) % 2 == 1
    return np.frombuffer(raw, target).copy()


@st.composite
def tensors(draw: st.DrawFn) -> TensorValue:
    dtype = draw(st.sampled_from(dtypes.ALL))
    rank = draw(st.integers(0, 3))
    sizes, steps = st.integers(0, 3), st.integers(0, 9)
    return TensorValue(
        dtype=dtype,
        shape=tuple(draw(sizes) for _ in range(rank)),
        buffer=draw(buffers(dtype)),
        strides=tuple(draw(steps) for _ in range(rank)),
        offset=draw(steps),
        requires_grad=draw(st.booleans()),
    )


@st.composite
def arrays(draw: st.DrawFn) -> Array:
    dtype = draw(st.sampled_from(dtypes.ALL))
    array = draw(buffers(dtype))
    shape = draw(st.sampled_from([array.shape, (*array.shape, 1), (1, *array.shape)]))
    name = draw(st.sampled_from([dtype, "float80"]))
    return Array(name, array.reshape(shape), draw(st.sampled_from(["cpu", "cuda"])))


def values(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    ends = st.none() | st.integers()
    plain = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.complex_numbers(),
        NAMES,
        st.sampled_from(dtypes.ALL).map(Dtype),
        st.just(Ellipsis),
        st.builds(Slice, ends, ends, ends),
    )
    return st.recursive(
        plain | leaf,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(NAMES, inner, max_size=3)
        ),
        max_leaves=6,
    )


REFS = st.builds(Ref, NAMES, st.lists(NAMES | st.integers(0, 9), max_size=2).map(tuple))
ANSWERED = values(arrays())
PLAINLY_ASKED = values(tensors() | REFS | NAMES.map(Named))


def steps(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    one = built(
        Step,
        target=NAMES,
        arguments=st.dictionaries(NAMES, value, max_size=3),
        positional=st.lists(NAMES, max_size=2).map(tuple),
        form=st.sampled_from(get_args(Form)),
        name=NAMES | st.just(""),
        unpacked=st.none() | NAMES,
    )
    return st.lists(one, max_size=2).map(tuple)


CLOSURES = built(
    Function, parameters=st.lists(NAMES, max_size=2).map(tuple), steps=steps(PLAINLY_ASKED), result=PLAINLY_ASKED
)
ASKED = values(tensors() | REFS | CLOSURES)
CASES = built(
    Case,
    op=NAMES,
    steps=steps(ASKED),
    looks=st.lists(built(Look, at=ASKED, after=NAMES | st.just("")), max_size=2).map(tuple),
    observe=st.frozensets(st.sampled_from(["mutation", "sharing"])),
    wrt=st.lists(NAMES, max_size=2).map(tuple),
    upstream=st.dictionaries(st.integers(0, 3), tensors(), max_size=2),
    second=st.dictionaries(NAMES, tensors(), max_size=2),
    seed=st.none() | st.integers(),
    repeat=st.integers(1, 5),
    wide=st.booleans(),
    scenario=NAMES | st.just(""),
    needs=st.lists(NAMES, max_size=2).map(tuple),
    documented=st.booleans(),
)
OUTCOMES = built(
    Outcome,
    results=st.lists(ANSWERED, max_size=2).map(tuple),
    structure=st.sampled_from(["single", "tuple", "named"]),
    names=st.lists(NAMES, max_size=2).map(tuple),
    gradients=st.dictionaries(NAMES, st.none() | arrays(), max_size=2),
    second=st.dictionaries(NAMES, st.none() | arrays(), max_size=2),
    changed=st.frozensets(NAMES, max_size=2),
    shares=st.frozensets(NAMES, max_size=2),
    returned_self=st.booleans(),
    raised=st.none() | built(Raised, classes=st.lists(NAMES, max_size=2).map(tuple), message=NAMES),
    during=st.sampled_from(["call", "backward"]),
    unsupported=st.none() | built(Missing, kind=st.sampled_from(["op", "dtype", "feature", "device"]), message=NAMES),
    fallback=st.booleans(),
)


VALIDATOR = Draft202012Validator(wire.schema())


def is_valid(message: Any) -> bool:
    """Validate a message against the protocol's schema, after a round trip through JSON."""
    return bool(VALIDATOR.is_valid(json.loads(json.dumps(message))))


def sent(packed: Any, blob: bytearray) -> tuple[Any, bytes]:
    """Send a message through a stream; return what arrives."""
    received = wire.read(io.BytesIO(wire.line({"id": 1, "content": packed}, blob)))
    assert received is not None
    return received[0]["content"], received[1]


@settings(max_examples=150, deadline=None)
@given(CASES)
def test_every_case_arrives_as_it_was_sent(case: Case) -> None:
    blob = bytearray()
    packed = wire.pack_case(case, blob)

    arrived = wire.unpack_case(*sent(packed, blob))

    assert is_valid({"id": 1, "do": "run", "case": packed})
    assert fingerprint(arrived) == fingerprint(case)


@settings(max_examples=150, deadline=None)
@given(OUTCOMES)
def test_every_outcome_arrives_as_it_was_sent(outcome: Outcome) -> None:
    blob = bytearray()
    packed = wire.pack_outcome(outcome, blob)

    arrived = wire.unpack_outcome(*sent(packed, blob))

    assert is_valid({"id": 1, "outcome": packed})
    assert fingerprint(arrived) == fingerprint(outcome)


def test_large_buffers_follow_the_line_and_small_ones_are_in_it() -> None:
    large, small = np.arange(65537, dtype=np.uint8), np.zeros(65536, dtype=np.uint8)
    outcome = Outcome(results=(Array("uint8", large), Array("uint8", small), Array("uint8", large[::-1])))
    blob = bytearray()

    packed, arrived = sent(wire.pack_outcome(outcome, blob), blob)

    assert [each["array"].get("at") for each in packed["results"]] == [[0, 65537], None, [65537, 65537]]
    assert len(arrived) == 2 * 65537
    assert fingerprint(wire.unpack_outcome(packed, arrived)) == fingerprint(outcome)


def test_an_array_of_a_dtype_that_pytorch_does_not_have_keeps_its_elements() -> None:
    outcome = Outcome(results=(Array("uint64", np.array([2**64 - 1], np.uint64)),))
    blob = bytearray()

    arrived = wire.unpack_outcome(*sent(wire.pack_outcome(outcome, blob), blob))

    assert arrived.results[0].array.tolist() == [2**64 - 1]


def test_what_arrives_can_be_written_to() -> None:
    blob = bytearray()
    packed = wire.pack_outcome(Outcome(results=(Array("float32", np.zeros(2, np.float32)),)), blob)

    array = wire.unpack_outcome(*sent(packed, blob)).results[0].array
    array += 1

    assert array.tolist() == [1, 1]


def test_numbers_that_json_cannot_hold_travel_as_text() -> None:
    packed = [wire.pack_value(value, bytearray()) for value in (2**64, -0.0, math.nan, -math.inf, 1.5)]

    assert packed == [
        {"int": "18446744073709551616"},
        {"float": "-0x0.0p+0"},
        {"float": "nan"},
        {"float": "-inf"},
        {"float": "0x1.8000000000000p+0"},
    ]


def test_a_value_of_another_kind_cannot_travel() -> None:
    with pytest.raises(TypeError, match=r"^\{1\} \(set\) cannot be sent$"):
        wire.pack_value({1}, bytearray())


def test_an_array_of_objects_cannot_travel() -> None:
    with pytest.raises(TypeError, match=r"^an array of object cannot be sent$"):
        wire.pack_value(Array("object", np.array([None])), bytearray())


def test_capabilities_arrive_as_they_were_declared() -> None:
    declared = Capabilities("jax", "1", "C", "cuda", ("cuda",), ("float32",), FEATURES[:2], True, ("torch.add",))

    assert wire.unpack_capabilities(json.loads(json.dumps(wire.pack_capabilities(declared)))) == declared


@pytest.mark.parametrize(
    ("kind", "raised"),
    [("index", "IndexError"), ("shape", "RuntimeError"), ("type", "TypeError"), ("memory", "MemoryError")],
)
def test_an_error_reply_is_an_exception_of_its_kind(kind: str, raised: str) -> None:
    outcome = wire.unpack_error({"kind": kind, "message": "no"})

    assert str(outcome.raised) == f"{raised}: no"


def test_an_error_reply_of_what_is_not_implemented_is_unsupported() -> None:
    outcome = wire.unpack_error({"kind": "not_implemented", "message": "no complex numbers"})

    assert outcome.unsupported == Missing("feature", "no complex numbers")


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        ({"result": []}, "unknown key 'result'; the keys here are results, structure, names"),
        ({"results": [1.5]}, "1.5 is no value: numbers, lists and objects need a tag"),
        ({"results": [{"number": "1"}]}, "unknown tag 'number'; the tags are int, float, complex"),
        ({"results": [{"int": "one"}]}, "ValueError: invalid literal for int"),
        (
            {"results": [{"array": {"dtype": "float32", "shape": [2], "data": "AAAA"}}]},
            "ValueError: buffer size must be a multiple of element size",
        ),
        (
            {"results": [{"array": {"dtype": "uint8", "shape": [2], "data": "AAAA"}}]},
            "an array of shape [2] came with 3 elements",
        ),
        (
            {"results": [{"array": {"dtype": "float8", "shape": [1], "data": "AA=="}}]},
            "unknown element type 'float8'",
        ),
        ([], "AttributeError: 'list' object has no attribute 'items'"),
    ],
)
def test_a_bad_outcome_is_refused_with_a_precise_message(packed: Any, message: str) -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.unpack_outcome(packed, b"")

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"hello\n", "not JSON: 'hello'"),
        (b"[1]\n", "not a message: '[1]'"),
        (b"\xff\n", r"not JSON: '\\xff'"),
    ],
)
def test_a_line_that_is_no_message_is_shown(source: bytes, message: str) -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.parse(source)

    assert str(caught.value) == message


def test_another_protocol_is_refused() -> None:
    with pytest.raises(wire.WireError, match=r"^it speaks protocol 2, this is 1$"):
        wire.unpack_capabilities({"protocol": 2, "name": "x", "version": "1"})
