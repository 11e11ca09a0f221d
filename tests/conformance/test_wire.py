"""The wire protocol loses nothing, and says what is wrong with a line that does not follow it."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import struct
from dataclasses import fields
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from assay.backends import wire
from assay.backends.base import FEATURES, Capabilities
from assay.backends.frames import Frames
from assay.backends.lines import Lines, parse
from assay.backends.messages import LIMIT, Framing, Reply, Request, WireError
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
    buffer = draw(buffers(dtype))
    offset = draw(st.integers(0, len(buffer)))
    shape, strides, last = [], [], offset
    for _ in range(draw(st.integers(0, 3))):
        size, step = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        if last + max(size - 1, 0) * step < len(buffer):
            shape.append(size)
            strides.append(step)
            last += max(size - 1, 0) * step
    if last >= len(buffer):
        shape, strides = [0, *shape], [1, *strides]
    return TensorValue(dtype, tuple(shape), buffer, tuple(strides), offset, draw(st.booleans()))


@st.composite
def arrays(draw: st.DrawFn) -> Array:
    dtype = draw(st.sampled_from(dtypes.ALL))
    array = draw(buffers(dtype))
    shape = draw(st.sampled_from([array.shape, (*array.shape, 1), (1, *array.shape)]))
    name = draw(st.sampled_from([dtype, "float80"]))
    strides = draw(st.none() | st.just(tuple(range(len(shape)))))
    return Array(name, array.reshape(shape), draw(st.sampled_from(["cpu", "cuda"])), strides)


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
    observe=st.frozensets(st.sampled_from(["mutation", "sharing", "strides"])),
    wrt=st.lists(NAMES, max_size=2).map(tuple),
    upstream=st.dictionaries(st.integers(0, 3), tensors(), max_size=2),
    second=st.dictionaries(NAMES, tensors(), max_size=2),
    spoiled=NAMES | st.just(""),
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
    raised=st.none() | built(Raised, classes=st.lists(NAMES, max_size=2).map(tuple), message=NAMES, traceback=NAMES),
    during=st.sampled_from(["call", "backward"]),
    unsupported=st.none() | built(Missing, kind=st.sampled_from(["op", "dtype", "feature", "device"]), message=NAMES),
    fallback=st.booleans(),
)


VALIDATOR = Draft202012Validator(wire.schema())


def is_valid(message: Any) -> bool:
    """Validate a message against the protocol's schema, after a round trip through JSON."""
    return bool(VALIDATOR.is_valid(json.loads(json.dumps(message))))


def line_of(message: Request | Reply) -> Any:
    """Return the line of a message as JSON."""
    return json.loads(Lines().pack([message]).partition(b"\n")[0])


FRAMINGS = pytest.mark.parametrize("framing", [Lines(), Frames()], ids=["lines", "frames"])


@FRAMINGS
@settings(max_examples=150, deadline=None)
@given(case=CASES)
def test_every_case_arrives_as_it_was_sent(framing: Framing, case: Case) -> None:
    (arrived,) = framing.read(io.BytesIO(framing.pack([Request(7, "run", case)])))

    assert is_valid(line_of(Request(7, "run", case)))
    assert arrived.case is not None
    assert (arrived.id, arrived.do) == (7, "run")
    assert fingerprint(arrived.case) == fingerprint(case)


@FRAMINGS
@settings(max_examples=150, deadline=None)
@given(outcome=OUTCOMES)
def test_every_outcome_arrives_as_it_was_sent(framing: Framing, outcome: Outcome) -> None:
    received = bytearray(framing.pack([Reply(7, outcome=outcome)]))

    (arrived,) = framing.take(received)

    assert is_valid(line_of(Reply(7, outcome=outcome)))
    assert arrived.outcome is not None
    assert (arrived.id, received) == (7, b"")
    assert fingerprint(arrived.outcome) == fingerprint(outcome)


@FRAMINGS
def test_a_reply_is_taken_once_it_is_there_as_a_whole(framing: Framing) -> None:
    large = Outcome(results=(Array("uint8", np.arange(70_000, dtype=np.uint8)),))
    first, second = framing.pack([Reply(1, outcome=large)]), framing.pack([Reply(2)])
    received = bytearray()

    for start in range(0, len(first), 9_999):
        assert framing.take(received) == []
        received += first[start : start + 9_999]
    received += second

    assert [reply.id for reply in (*framing.take(received), *framing.take(received))] == [1, 2]
    assert framing.take(received) == []


@FRAMINGS
def test_messages_that_are_sent_together_arrive_in_their_order(framing: Framing) -> None:
    requests = [Request(number, "ping") for number in range(1, 5)]
    stream, arrived = io.BytesIO(framing.pack(requests)), list[Request]()

    while together := framing.read(stream):
        arrived += together

    assert arrived == requests


def test_frames_that_are_too_large_together_are_sent_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.backends.frames.LIMIT", 3_000)
    large = [Outcome(results=(Array("uint8", np.full(2_000, each, np.uint8)),)) for each in (1, 2)]
    received = bytearray(Frames().pack([Reply(number, outcome=each) for number, each in enumerate(large)]))

    assert [len(Frames().take(received)) for _ in range(3)] == [1, 1, 0]


@FRAMINGS
@settings(max_examples=300, deadline=None)
@given(garbage=st.binary(max_size=200), at=st.integers(0, 300), outcome=OUTCOMES)
def test_damaged_replies_are_refused_whatever_they_are(
    framing: Framing, garbage: bytes, at: int, outcome: Outcome
) -> None:
    good = framing.pack([Reply(1, outcome=outcome)])
    for data in (garbage, good[:at] + garbage + good[at + len(garbage) :], good[:at] + garbage + good[at:]):
        received = bytearray(data)
        try:
            while framing.take(received):
                pass
        except WireError as error:
            assert str(error)


KEYS = sorted({key for each in wire.schema()["$defs"].values() for key in each.get("properties", ())})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(KEYS), inner, max_size=3
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(kind=st.sampled_from(["outcome", "error", "hello", "unusable", "fault", "other"]), content=JSON)
def test_a_line_of_the_wrong_kind_is_refused(kind: str, content: Any) -> None:
    line = {"id": 1, kind: content}
    try:
        (reply,) = Lines().take(bytearray(json.dumps(line).encode() + b"\n"))
    except WireError as error:
        assert str(error)
        return
    assert is_valid(line) or reply.fault or reply.unusable


def test_a_line_that_is_nested_too_deeply_is_refused() -> None:
    deep = '{"list":[' * 100_000 + "null" + "]}" * 100_000

    with pytest.raises(WireError):
        Lines().take(bytearray(f'{{"id":1,"outcome":{{"results":[{deep}]}}}}\n'.encode()))


@pytest.mark.parametrize("size", [LIMIT + 1, 10**11, -1, 1.5, "7", True])
def test_a_blob_of_a_size_that_cannot_be_is_refused_before_it_comes(size: Any) -> None:
    with pytest.raises(WireError, match=r"are the most$"):
        Lines().take(bytearray(json.dumps({"id": 1, "blob": size}).encode() + b"\n"))


def test_a_frame_that_is_too_large_is_refused_before_it_comes() -> None:
    head = struct.pack(">5sqQ", b"assay", 1, 10**11)

    with pytest.raises(WireError, match=r"^a frame of 100000000000 bytes; 67108864 are the most$"):
        Frames().take(bytearray(head))


def test_a_frame_makes_nothing_but_parts_of_messages() -> None:
    made = pickle.dumps([(1, os.system)])
    frame = struct.pack(">5sqQ", b"assay", 3, len(made)) + made

    assert Frames().take(bytearray(frame)) == [
        Reply(3, fault="a frame names posix.system, which is no part of a message")
    ]


def test_what_is_no_part_of_a_message_is_not_put_into_a_frame() -> None:
    with pytest.raises(TypeError, match=r"^numpy\.float64 is no part of a message$"):
        Frames().pack([Reply(1, outcome=Outcome(results=(np.float64(1),)))])


def test_large_buffers_follow_the_line_and_small_ones_are_in_it() -> None:
    large, small = np.arange(65537, dtype=np.uint8), np.zeros(65536, dtype=np.uint8)
    outcome = Outcome(results=(Array("uint8", large), Array("uint8", small), Array("uint8", large[::-1])))

    line, _, blob = Lines().pack([Reply(1, outcome=outcome)]).partition(b"\n")

    results = json.loads(line)["outcome"]["results"]
    assert [each["array"].get("at") for each in results] == [[0, 65537], None, [65537, 65537]]
    assert len(blob) == 2 * 65537


@FRAMINGS
def test_an_array_of_a_dtype_that_pytorch_does_not_have_keeps_its_elements(framing: Framing) -> None:
    outcome = Outcome(results=(Array("uint64", np.array([2**64 - 1], np.uint64)),))

    (arrived,) = framing.take(bytearray(framing.pack([Reply(1, outcome=outcome)])))

    assert arrived.outcome is not None
    assert arrived.outcome.results[0].array.tolist() == [2**64 - 1]


@FRAMINGS
def test_what_arrives_can_be_written_to(framing: Framing) -> None:
    outcome = Outcome(results=(Array("float32", np.zeros(2, np.float32)),))

    (arrived,) = framing.take(bytearray(framing.pack([Reply(1, outcome=outcome)])))

    assert arrived.outcome is not None
    array = arrived.outcome.results[0].array
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
    outcome = wire.unpack_error({"kind": kind, "message": "no", "traceback": "in add"})

    assert outcome.raised is not None
    assert (str(outcome.raised), outcome.raised.traceback) == (f"{raised}: no", "in add")


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
        ([], "[] is no object"),
        ({"results": {}}, "{} is no array"),
        ({"returned_self": 1}, "1 is no boolean"),
        ({"during": "sleep"}, '"sleep" is none of call, backward'),
        ({"unsupported": {"kind": "mood"}}, '"mood" is none of op, dtype, feature, device'),
        ({"results": [{"float": "0x1p99999"}]}, "OverflowError: hexadecimal value too large"),
    ],
)
def test_a_bad_outcome_is_refused_with_a_precise_message(packed: Any, message: str) -> None:
    with pytest.raises(WireError) as caught:
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
    with pytest.raises(WireError) as caught:
        parse(source)

    assert str(caught.value) == message


def test_another_protocol_is_refused() -> None:
    with pytest.raises(WireError, match=r"^it speaks protocol 2, this is 1$"):
        wire.unpack_capabilities({"protocol": 2, "name": "x", "version": "1"})
