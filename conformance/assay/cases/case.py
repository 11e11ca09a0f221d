"""Cases: what a backend runs. A case is a trace of steps and what to observe of it, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np

from assay.cases.arrays import Host, host_dtype
from assay_spec.plans import row_major
from assay_spec.steps import Function, Look, Ref, Step, Value

Observation = Literal["mutation", "sharing", "strides"]
MADE: Final = "made"  # the step that makes the object whose method a case calls
LOADED: Final = "loaded"  # the step that loads a state into it
MODE: Final = "mode"  # the step that sets it to evaluation mode


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
        """Return a view of the buffer in this tensor's shape, which shares the buffer's memory."""
        item = self.buffer.itemsize
        strides = tuple(stride * item for stride in self.strides)
        return np.ndarray(self.shape, self.buffer.dtype, self.buffer, self.offset * item, strides)

    def cut(self) -> tuple[Host, tuple[int | slice, ...]]:
        """Return the larger array that this tensor is a part of, and the index that cuts it out, if it has an offset.

        An array of NumPy has no offset that another library would see; a slice of that library's own has.
        """
        if not self.offset or 0 in self.shape:
            return self.array(), ()
        if not self.shape:
            return self.buffer, (self.offset,)
        rest, before = self.offset, [0] * len(self.shape)
        for dim in sorted(range(len(self.shape)), key=lambda dim: -self.strides[dim]):
            if self.strides[dim]:
                before[dim], rest = divmod(rest, self.strides[dim])
        if rest:
            return self.array(), ()
        whole = tuple(length + more for length, more in zip(self.shape, before, strict=True))
        larger = replace(self, shape=whole, offset=0)
        return larger.array(), tuple(slice(more, None) for more in before)

    @property
    def is_contiguous(self) -> bool:
        return self.offset == 0 and self.strides == row_major(self.shape)

    def cast(self, dtype: str) -> TensorValue:
        """Return the same tensor, layout and all, in another dtype."""
        return self.holding(self.buffer.astype(host_dtype(dtype)), dtype)

    def holding(self, buffer: Host, dtype: str | None = None) -> TensorValue:
        """Return a tensor of the same layout over another buffer."""
        return TensorValue(dtype or self.dtype, self.shape, buffer, self.strides, self.offset, self.requires_grad)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A trace, and what to observe of it. The step without a name, if there is one, is the call that it is about."""

    op: str
    steps: tuple[Step, ...]
    looks: tuple[Look, ...] = ()  # what to return as results; if empty, the results of the call
    observe: frozenset[Observation] = frozenset()  # of the call
    wrt: tuple[str, ...] = ()  # the arguments of the call, or parameters of its object, to take gradients for
    upstream: Mapping[int, TensorValue] = field(default_factory=dict)  # result -> the gradient that flows into it
    second: Mapping[str, TensorValue] = field(default_factory=dict)  # input -> what flows into its gradient
    spoiled: str = ""  # the input, or the number of the result, that changes in place before the backward pass
    seed: int | None = None
    repeat: int = 1  # successive calls after one seeding; their results follow each other
    wide: bool = False  # floating arguments were widened: compute defaults in float64 too
    scenario: str = ""
    needs: tuple[str, ...] = ()
    documented: bool = False  # uses names that only the documented edition has

    @property
    def call(self) -> Step | None:
        """The call that the case is about."""
        return next((step for step in reversed(self.steps) if not step.name), None)

    @property
    def form(self) -> str:
        call = self.call
        return "" if call is None else call.form

    @property
    def arguments(self) -> Mapping[str, Value]:
        """The arguments of the call; its object, where it is a method of one, is the first."""
        call = self.call
        return {} if call is None else call.arguments

    @property
    def made(self) -> Mapping[str, Value]:
        """The constructor arguments of the object whose method is called."""
        step = self.step(MADE)
        return {} if step is None else step.arguments

    @property
    def state(self) -> Mapping[str, TensorValue]:
        """The state that was loaded into that object."""
        step = self.step(LOADED)
        return {} if step is None else step.arguments["state"]

    def input(self, name: str) -> TensorValue:
        """Return a tensor to differentiate by: `tensors.1` is the second of a list, other names are a parameter's."""
        owner, _, index = name.partition(".")
        if owner in self.arguments:
            found = self.arguments[owner]
            return found[int(index)] if index else found  # type: ignore[no-any-return]
        return self.state[name]

    @property
    def flowing(self) -> tuple[int, ...]:
        """The results whose upstream gradient is an input of the gradients, to differentiate these by as well."""
        return tuple(index for index, value in self.upstream.items() if value.requires_grad)

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)

    def looks_by_step(self) -> dict[int, list[Value]]:
        """Return the values to look at, by the index of the step before; of steps of one name, the last counts."""
        last = {step.name: index for index, step in enumerate(self.steps)}
        found: dict[int, list[Value]] = {}
        for look in self.looks:
            found.setdefault(last[look.after], []).append(look.at)
        return found

    def with_step(self, name: str, **changes: Any) -> Case:
        """Return the case with one of its steps changed."""
        return replace(self, steps=tuple(replace(s, **changes) if s.name == name else s for s in self.steps))

    def with_arguments(self, arguments: Mapping[str, Value], **changes: Any) -> Case:
        """Return the case with other arguments for its call."""
        return self.with_step("", arguments=arguments, **changes)

    def without_step(self, name: str) -> Case:
        return replace(self, steps=tuple(step for step in self.steps if step.name != name))


def called(op: str, arguments: Mapping[str, Value], positional: tuple[str, ...] = (), **more: Any) -> Case:
    """Return the case of one call."""
    step = {name: more.pop(name) for name in ("form", "unpacked") if name in more}
    return Case(op, (Step(op, arguments, positional, **step),), **more)


def made(
    target: str, arguments: Mapping[str, Value], state: Mapping[str, TensorValue], *, training: bool = True
) -> tuple[Step, ...]:
    """Return the steps that make an object, load a state if there is one, and set evaluation mode unless training."""
    steps = [Step(target, arguments, name=MADE)]
    if state:
        loading: dict[str, Value] = {"self": Ref(MADE), "state": state}
        steps.append(Step("load_state_dict", loading, ("self", "state"), "method", LOADED))
    if not training:
        steps.append(Step("eval", {"self": Ref(MADE)}, ("self",), "method", MODE))
    return tuple(steps)


def method_call(
    arguments: Mapping[str, Value],
    positional: tuple[str, ...] = (),
    method: str = "__call__",
    *,
    name: str = "",
    unpacked: str | None = None,
) -> Step:
    """Return the step that calls a method of the object that was made."""
    return Step(method, {"self": Ref(MADE), **arguments}, ("self", *positional), "method", name, unpacked)


def map_values(value: Value, change: Callable[[Any], Any]) -> Value:
    """Return a value with every plain value in it changed; the same object if none is."""
    kind = type(value)
    if kind is dict:
        return {key: map_values(each, change) for key, each in value.items()}
    if kind is tuple or kind is list:
        return kind([map_values(each, change) for each in value])
    if kind is Function:
        steps = tuple(_mapped(step, change) for step in value.steps)
        return Function(value.parameters, steps, map_values(value.result, change))
    return change(value)


def map_case(case: Case, change: Callable[[Any], Any], **more: Any) -> Case:
    """Return a case with every plain value in it changed, those in its upstream gradients too."""
    if case.upstream:
        more["upstream"] = {index: change(value) for index, value in case.upstream.items()}
    if case.second:
        more["second"] = {name: change(value) for name, value in case.second.items()}
    return replace(case, steps=tuple([_mapped(step, change) for step in case.steps]), **more)


def map_tensors(case: Case, change: Callable[[TensorValue], TensorValue]) -> Case:
    """Return a case with every tensor in it changed."""
    return map_case(case, lambda value: change(value) if type(value) is TensorValue else value)


def _mapped(step: Step, change: Callable[[Any], Any]) -> Step:
    arguments = {name: map_values(value, change) for name, value in step.arguments.items()}
    return Step(step.target, arguments, step.positional, step.form, step.name, step.unpacked)


def targets(steps: Iterable[Step]) -> Iterator[str]:
    """Yield the targets of steps, of those in closures too."""
    for step in steps:
        yield step.target
        for value in step.arguments.values():
            if isinstance(value, Function):
                yield from targets(value.steps)


def tensors_in(value: Value) -> Iterator[TensorValue]:
    """Yield the tensors in a value."""
    if isinstance(value, TensorValue):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tensors_in(each)
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from tensors_in(each)


def references(value: Value) -> Iterator[Ref]:
    """Yield the references to earlier steps in a value."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from references(each)
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from references(each)
