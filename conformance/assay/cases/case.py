"""Cases and outcomes: what is asked of a backend and what it answered, as plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

import numpy as np

from assay.cases.arrays import Host, host_dtype
from assay_spec.plans import row_major

Form = Literal["function", "method", "operator", "reflected", "in-place", "in-place operator", "out"]
Observation = Literal["gradient", "mutation", "sharing", "state"]
Value = Any  # TensorValue, Dtype, Slice, Ellipsis, None, a Python number or string, or a tuple, list or dict of them


@dataclass(frozen=True, slots=True, eq=False)
class TensorValue:
    """A tensor argument: a view of a flat buffer, strides and offset counted in elements."""

    dtype: str
    shape: tuple[int, ...]
    buffer: Host
    strides: tuple[int, ...]
    offset: int = 0
    requires_grad: bool = False

    @classmethod
    def of(cls, array: Host, dtype: str | None = None, *, requires_grad: bool = False) -> TensorValue:
        """Wrap an array as a contiguous tensor."""
        flat = np.ascontiguousarray(array)
        return cls(
            dtype or str(array.dtype),
            array.shape,
            flat.reshape(-1),
            row_major(array.shape),
            0,
            requires_grad,
        )

    def array(self) -> Host:
        """View the buffer in this tensor's shape; the memory is the buffer's own."""
        item = self.buffer.itemsize
        strides = tuple(stride * item for stride in self.strides)
        return np.ndarray(self.shape, self.buffer.dtype, self.buffer, self.offset * item, strides)

    @property
    def is_contiguous(self) -> bool:
        return self.offset == 0 and self.strides == row_major(self.shape)

    def cast(self, dtype: str) -> TensorValue:
        """Return the same tensor, layout and all, in another dtype."""
        return self.holding(self.buffer.astype(host_dtype(dtype)), dtype)

    def holding(self, buffer: Host, dtype: str | None = None) -> TensorValue:
        """Return a tensor of the same layout over another buffer."""
        return TensorValue(dtype or self.dtype, self.shape, buffer, self.strides, self.offset, self.requires_grad)


@dataclass(frozen=True, slots=True)
class ModuleSetup:
    """A module to construct, and what to put into it before its forward call."""

    arguments: Mapping[str, Value]
    state: Mapping[str, TensorValue]
    training: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an op, and what to observe of it."""

    op: str
    arguments: Mapping[str, Value]  # in the signature's order; what is absent is left to its default
    positional: tuple[str, ...] = ()  # which of them go by position, the rest go by name
    spread: str | None = None  # the one that a `*name` parameter takes
    form: Form = "function"
    observe: frozenset[Observation] = frozenset()
    wrt: tuple[str, ...] = ()  # the arguments (or module parameters) to take gradients for
    upstream: Mapping[int, TensorValue] = field(default_factory=dict)  # result -> the gradient that flows into it
    module: ModuleSetup | None = None
    seed: int | None = None
    repeat: int = 1  # successive calls after one seeding; their results follow each other
    wide: bool = False  # floating arguments were widened: compute defaults in float64 too


@dataclass(frozen=True, slots=True)
class Optimization:
    """An optimizer's run: parameter groups, the gradients of each step, and when to save and reload its state."""

    op: str
    options: Mapping[str, Value]
    groups: tuple[tuple[Mapping[str, Value], tuple[TensorValue, ...]], ...]
    gradients: tuple[tuple[TensorValue | None, ...], ...]  # step -> one for each parameter of all groups
    reload_after: int | None = None
    closure: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """A scheduler's run: the learning rates after each step."""

    op: str
    options: Mapping[str, Value]
    lr: float
    steps: int
    reload_after: int | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A scenario: a program in the API's own words, and the expressions to look at after it."""

    op: str
    name: str
    run: str
    expressions: tuple[str, ...]
    needs: tuple[str, ...] = ()
    documented: bool = False  # in words that only the documents have


Case = Call | Optimization | Schedule | Program


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """A tensor that came back: its elements on the host, and what the backend said of it."""

    dtype: str
    array: Host
    device: str = "cpu"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception: the names of its classes, most specific first, and its message."""

    classes: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{self.classes[0]}: {self.message}"


Lack = Literal["op", "dtype", "feature", "device"]


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a backend says it does not offer."""

    kind: Lack
    message: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a backend answered."""

    results: tuple[Value, ...] = ()
    structure: Literal["single", "tuple", "named"] = "single"
    names: tuple[str, ...] = ()
    gradients: Mapping[str, Array | None] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()  # arguments whose elements the call changed
    shares: frozenset[str] = frozenset()  # arguments that the result shares memory with, seen both ways
    returned_self: bool = False  # an in-place or out= call gave back the very tensor
    state: Mapping[str, Array] = field(default_factory=dict)  # a module's, as constructed
    values: Mapping[str, Value] = field(default_factory=dict)  # a program's expressions
    raised: Raised | None = None
    during: Literal["call", "backward"] = "call"  # when it was raised
    lacking: Lacking | None = None
    fallback: bool = False  # answered through somebody else's implementation


def fingerprint(value: Any) -> str:
    """Hash a case (or any plain data) by content, the same on every machine."""
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()[:12]


def same(first: Any, second: Any) -> bool:
    """Return whether two pieces of plain data are equal to the bit, NaN to NaN."""
    if first is second:
        return True
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return (first.dtype, first.shape) == (second.dtype, second.shape) and (
            first.tobytes() == second.tobytes() or _same_but_for_nans(first, second)
        )
    if is_dataclass(first):
        return all(same(getattr(first, each.name), getattr(second, each.name)) for each in fields(first))
    if isinstance(first, Mapping):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (tuple, list)):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second) or (first != first and second != second)


def _same_but_for_nans(first: Host, second: Host) -> bool:
    """Return whether arrays are equal to the bit, whatever the sign and payload of their NaNs."""
    if first.dtype.kind == "c":
        return same(first.real, second.real) and same(first.imag, second.imag)
    numbers = first == first
    return np.array_equal(numbers, second == second) and first[numbers].tobytes() == second[numbers].tobytes()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        digest.update(f"<{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif is_dataclass(value) and not isinstance(value, type):
        digest.update(type(value).__name__.encode())
        for each in fields(value):
            _feed(digest, getattr(value, each.name))
    elif isinstance(value, Mapping):
        for key in value:
            _feed(digest, key)
            _feed(digest, value[key])
    elif isinstance(value, (list, tuple)):
        digest.update(f"[{len(value)}".encode())
        for each in value:
            _feed(digest, each)
    elif isinstance(value, frozenset):
        _feed(digest, sorted(value))
    else:
        digest.update(f"|{type(value).__name__}:{value!r}".encode())


def map_tensors(value: Value, change: Any) -> Value:
    """Rebuild a value with every tensor in it changed."""
    if isinstance(value, TensorValue):
        return change(value)
    if isinstance(value, (tuple, list)):
        return type(value)(map_tensors(each, change) for each in value)
    if isinstance(value, Mapping):
        return {key: map_tensors(each, change) for key, each in value.items()}
    return value
