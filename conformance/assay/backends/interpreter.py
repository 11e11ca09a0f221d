"""The interpreter: runs the steps of a trace on a library, and observes what the case asks for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from assay.backends import program
from assay.backends.base import IDENTITY, Unsupported, missing
from assay.cases.arrays import Host
from assay.cases.case import LOADED, MADE, Case
from assay.cases.outcome import Array, Outcome
from assay_spec.steps import Function, Ref, Step, Value

if TYPE_CHECKING:
    from assay.backends.library import LibraryBackend


def set_item(tensor: Any, index: Any, value: Any) -> Any:
    """Write to the elements that an index names; return the tensor, as an in-place operator does."""
    tensor[index] = value
    return tensor


OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "remainder": operator.mod,
    "floor_divide": operator.floordiv,
    "pow": operator.pow,
    "matmul": operator.matmul,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "neg": operator.neg,
    "abs": operator.abs,
    "positive": operator.pos,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "bitwise_not": operator.invert,
    "lshift": operator.lshift,
    "rshift": operator.rshift,
    "__getitem__": operator.getitem,
    "__setitem__": set_item,
    "is": operator.is_,
    "is not": operator.is_not,
    "in": lambda item, items: item in items,
    "not in": lambda item, items: item not in items,
    "not": operator.not_,
}
IN_PLACE_OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "add": operator.iadd,
    "sub": operator.isub,
    "mul": operator.imul,
    "div": operator.itruediv,
    "remainder": operator.imod,
    "floor_divide": operator.ifloordiv,
    "pow": operator.ipow,
    "matmul": operator.imatmul,
    "bitwise_and": operator.iand,
    "bitwise_or": operator.ior,
    "bitwise_xor": operator.ixor,
    "lshift": operator.ilshift,
    "rshift": operator.irshift,
}


class Run:
    """The run of one case on a library."""

    __slots__ = ("case", "given", "library", "seen")

    def __init__(self, library: LibraryBackend, case: Case) -> None:
        self.library, self.case = library, case
        self.given: dict[str, Any] = {}  # the result of each step, by its name
        self.seen: list[Value] = []  # the values of the looks

    def outcome(self) -> Outcome:
        if self.case.seed is not None:
            self.library.seeded(self.case.seed)  # before an object is made: its parameters are random numbers too
        if self.case.wrt:
            return self._differentiated()
        found: Outcome | None = None
        looks = self.case.looks_by_step() if self.case.looks else {}
        for index, step in enumerate(self.case.steps):
            if step.name:
                self.given[step.name] = self._taken(step, self.given)
            else:
                found = self._called(step)
                if found.raised or found.unsupported:
                    return found
            for value in looks.get(index, ()):
                self.seen.append(self.library.host(self.native(value, self.given)))
        if found is None and not self.case.looks:  # the last step is to raise: a lazy library does when it is read
            self._read(self.given[self.case.steps[-1].name])
        if self.case.looks or found is None:
            return Outcome(results=tuple(self.seen), structure="tuple")
        return found

    def _taken(self, step: Step, given: Mapping[str, Any]) -> Any:
        """Run a step on the results of earlier steps; return its result."""
        match step.form:
            case "value":
                return self.native(step.arguments["0"], given)
            case "program":
                return program.execute(self.library, self.case, step)
        arguments = {name: self.native(value, given) for name, value in step.arguments.items()}
        match step.form:
            case "attribute":
                return self.library.attribute(arguments["0"], step.target)
            case "set attribute":
                return self._set(arguments["0"], step.target, arguments["1"])
            case "iterate":
                return tuple(arguments["0"])
            case "builtin":
                function = self.library.builtin(step.target)
            case _:
                function = self.library.function(step)
        return _invoked(function, step, arguments)

    def _read(self, answer: Any) -> None:
        for each in filter(self.library.is_native, self.library.split(answer)):
            self.library.to_host(each)

    def _set(self, owner: Any, name: str, value: Any) -> None:
        if self.library.is_native(owner):  # a tensor would take any name, and nothing would come of it
            self.library.attribute(owner, name)
        try:
            setattr(owner, name, value)
        except AttributeError as error:
            raise missing(error) from None

    def native(self, value: Value, given: Mapping[str, Any]) -> Any:
        """Convert a value of the case to the library's."""
        kind = type(value)
        if kind is Ref:
            return self._followed(value, given)
        if kind is Function:
            return self._closure(value, given)
        if kind is tuple or kind is list:
            return kind([self.native(each, given) for each in value])
        if kind is dict:
            return {key: self.native(each, given) for key, each in value.items()}
        return self.library.native(value)

    def _followed(self, ref: Ref, given: Mapping[str, Any]) -> Any:
        found = given[ref.name]
        for part in ref.path:
            by_key = isinstance(part, int) or isinstance(found, Mapping)
            found = found[part] if by_key else self.library.attribute(found, str(part))
        return found

    def _closure(self, function: Function, given: Mapping[str, Any]) -> Callable[..., Any]:
        """Return a function that runs its steps when it is called, in a scope nested in this one."""

        def call(*arguments: Any) -> Any:
            inner = {**given, **dict(zip(function.parameters, arguments, strict=True))}
            for step in function.steps:
                inner[step.name] = self._taken(step, inner)
            return self.native(function.result, inner)

        return call

    def _called(self, step: Step) -> Outcome:
        """Run the step that the case is about, and observe it."""
        case, library = self.case, self.library
        function = _identity if step.target == IDENTITY else library.function(step)
        arguments = {name: self.native(value, self.given) for name, value in step.arguments.items()}
        before = self._contents(arguments) if "mutation" in case.observe else None
        hosted: list[Value] = []
        try:
            for _ in range(case.repeat):
                answer = _invoked(function, step, arguments)
                results = library.split(answer)
                hosted += map(self._hosted, results)  # now: the next call may write into the same tensor
        except Exception as error:
            outcome = library.failed(error)
            return outcome if before is None else replace(outcome, changed=self._changes(arguments, before))
        self.given[""] = answer
        target = _target(step, arguments)
        return Outcome(
            results=tuple(hosted),
            structure=library.structure(answer),
            names=library.names(answer),
            returned_self=target is not None and answer is target,
            changed=frozenset() if before is None else self._changes(arguments, before),
            shares=self._sharing(results, arguments) if "sharing" in case.observe else frozenset(),
        )

    def _hosted(self, result: Any) -> Value:
        """Convert a result to plain data, with its strides if the case asks for them."""
        found = self.library.host(result)
        if isinstance(found, Array) and "strides" in self.case.observe:
            return replace(found, strides=self.library.strides(result))
        return found

    def _differentiated(self) -> Outcome:
        trace = Differentiable(self)
        try:
            found = self.library.differentiate(trace)
            if self.case.second and not found.second:
                raise Unsupported("feature", "no second derivatives")
            return Outcome(
                results=tuple(map(self.library.host, found.results)),
                structure=self.library.structure(trace.answer),
                names=self.library.names(trace.answer),
                gradients={name: self._optional(each) for name, each in found.gradients.items()},
                second={name: self._optional(each) for name, each in found.second.items()},
            )
        except Exception as error:
            if trace.answer is None:
                return self.library.failed(error)
            return self._with_results(self.library.failed(error, during="backward"), trace.answer)

    def _with_results(self, outcome: Outcome, answer: Any) -> Outcome:
        """Add the results whose gradients could not be taken, where they can be read."""
        library = self.library
        try:
            results = tuple(map(library.host, library.split(answer)))
            return replace(outcome, results=results, structure=library.structure(answer), names=library.names(answer))
        except Exception:
            return outcome

    def _optional(self, native: Any) -> Array | None:
        return None if native is None else self.library.to_host(native)

    def _contents(self, arguments: Mapping[str, Any]) -> dict[str, Host]:
        return {name: self.library.to_host(native).array.copy() for name, native in self._tensors(arguments)}

    def _tensors(self, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield every tensor among the arguments with its name."""
        is_native = self.library.is_native
        for name, value in arguments.items():
            if is_native(value):
                yield name, value
            elif isinstance(value, (tuple, list)):
                yield from ((f"{name}.{index}", each) for index, each in enumerate(value) if is_native(each))

    def _changes(self, arguments: Mapping[str, Any], before: Mapping[str, Host]) -> frozenset[str]:
        return frozenset(
            name
            for name, native in self._tensors(arguments)
            if not _same_bits(self.library.to_host(native).array, before[name])
        )

    def _sharing(self, results: Sequence[Any], arguments: Mapping[str, Any]) -> frozenset[str]:
        """Find the arguments that share memory with a result: writing to either shows in the other."""
        shared = set()
        for result in filter(self.library.is_native, results):
            for name, native in self._tensors(arguments):
                if self._shows(result, native) and self._shows(native, result):
                    shared.add(name)
        return frozenset(shared)

    def _shows(self, written: Any, watched: Any) -> bool:
        before = self.library.to_host(watched).array.copy()
        self.library.overwrite(written)
        return not _same_bits(self.library.to_host(watched).array, before)


class Differentiable:
    """A trace as a function of some of its inputs: call it with these, or with others instead."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.answer: Any = None  # the last result of the call
        library, case = run.library, run.case
        self.inputs = {name: library.to_native(case.input(name)) for name in case.wrt}
        self.upstream = {index: library.to_native(value) for index, value in case.upstream.items()}
        self.second = {name: library.to_native(value) for name, value in case.second.items()}
        self.flowing = {str(index): self.upstream[index] for index in case.flowing}  # to differentiate gradients by
        self._arguments: dict[str, Any] = {}

    def __call__(self, inputs: Mapping[str, Any]) -> Sequence[Any]:
        """Run all steps again; return the results of the call."""
        run = self._run
        run.given = {}
        for step in run.case.steps:
            arguments = {name: self._native(step, name, value, inputs) for name, value in step.arguments.items()}
            answer = _invoked(run.library.function(step), step, arguments)
            run.given[step.name] = answer
            if not step.name:
                self.answer, self._arguments = answer, arguments
        results = run.library.split(self.answer)
        if run.case.spoiled:
            self._spoil(run.case.spoiled, results)
        return results

    def _spoil(self, name: str, results: Sequence[Any]) -> None:
        """Change a tensor in place that the backward pass may need."""
        try:
            self._run.library.overwrite(results[int(name)] if name.isdigit() else self.leaf(name))
        except Unsupported:
            raise
        except Exception as error:
            raise Unsupported("feature", f"no writing into {name}: {error}") from error

    def _native(self, step: Step, name: str, value: Value, inputs: Mapping[str, Any]) -> Any:
        """Convert an argument to the library's; use the new tensor where it is one of the inputs."""
        run = self._run
        if step.name == LOADED and name == "state":
            return {key: inputs[key] if key in inputs else run.native(each, run.given) for key, each in value.items()}
        if step.name:
            return run.native(value, run.given)
        if name in inputs:
            return inputs[name]
        if isinstance(value, (tuple, list)):
            members = ((f"{name}.{index}", each) for index, each in enumerate(value))
            return type(value)(inputs[key] if key in inputs else run.native(each, run.given) for key, each in members)
        return run.native(value, run.given)

    def leaf(self, name: str) -> Any:
        """Return the tensor to differentiate by: the input itself, or the parameter that it was loaded into."""
        owner, _, index = name.partition(".")
        if owner in self._arguments:
            found = self._arguments[owner]
            return found[int(index)] if index else found
        found = self._run.given[MADE]
        for part in name.split("."):
            found = self._run.library.attribute(found, part)
        return found


def _invoked(function: Callable[..., Any], step: Step, arguments: Mapping[str, Any]) -> Any:
    positional: list[Any] = []
    for name in step.positional:
        if name == step.unpacked:
            positional.extend(arguments[name])
        else:
            positional.append(arguments[name])
    if len(step.positional) == len(arguments):
        return function(*positional)
    return function(*positional, **{name: each for name, each in arguments.items() if name not in step.positional})


def _target(step: Step, arguments: Mapping[str, Any]) -> Any:
    """Return the tensor that an in-place or out= call must return."""
    if step.form == "out":
        return arguments["out"]
    return next(iter(arguments.values())) if step.form.startswith("in-place") else None


def _identity(input: Any) -> Any:
    return input


def _same_bits(first: Host, second: Host) -> bool:
    return (
        first.shape == second.shape and np.ascontiguousarray(first).tobytes() == np.ascontiguousarray(second).tobytes()
    )
