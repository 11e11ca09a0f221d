"""A Python library as a backend: arrays in, one call, arrays out, every exception an outcome."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Final, Literal

import numpy as np

from assay.backends.base import IDENTITY, Backend, Unsupported
from assay.cases.arrays import Host
from assay.cases.case import (
    Array,
    Call,
    Case,
    Lacking,
    Optimization,
    Outcome,
    Program,
    Raised,
    Schedule,
    TensorValue,
    Value,
)
from assay_spec.domains import Dtype
from assay_spec.plans import Slice

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
    "__getitem__": operator.getitem,
}
IN_PLACE_OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "add": operator.iadd,
    "sub": operator.isub,
    "mul": operator.imul,
    "div": operator.itruediv,
    "remainder": operator.imod,
    "floor_divide": operator.ifloordiv,
    "pow": operator.ipow,
}


class LibraryBackend(Backend):
    """The skeleton that every in-process adapter fills: subclasses say how tensors go in and out."""

    # Messages by which the library says that it lacks something, rather than that the call is wrong.
    lacks: ClassVar[tuple[tuple[type[BaseException], str], ...]] = ((NotImplementedError, ""),)

    def function(self, call: Call) -> Callable[..., Any]:
        """Find what a call calls; raise Unsupported where the library does not offer it."""
        raise NotImplementedError

    def to_native(self, value: TensorValue) -> Any:
        """Make the library's tensor, in the layout that the value has; it must not share the value's buffer."""
        raise NotImplementedError

    def to_host(self, native: Any) -> Array:
        """Bring a tensor back, its lazy computation done."""
        raise NotImplementedError

    def is_native(self, value: Any) -> bool:
        """Return whether a value is the library's tensor."""
        raise NotImplementedError

    def to_dtype(self, dtype: str) -> Any:
        """Return the library's own object for an element type."""
        raise Unsupported("feature", "no dtype arguments")

    def gradients(
        self, call: Call, results: Sequence[Any], inputs: Mapping[str, Any], upstream: Mapping[int, Any]
    ) -> Mapping[str, Any]:
        """Return the gradient of each input, or None where there is none."""
        raise Unsupported("feature", "no gradients")

    def overwrite(self, native: Any) -> None:
        """Change a tensor in place, one element of it at least."""
        raise Unsupported("feature", "no writing into tensors")

    def seeded(self, seed: int) -> None:
        """Start the library's random numbers from a seed."""
        raise Unsupported("feature", "no seeds")

    def wide_defaults(self) -> AbstractContextManager[Any]:
        """Compute in float64 where the library would choose float32 by itself."""
        return nullcontext()

    def optimize(self, case: Optimization) -> Outcome:
        raise Unsupported("feature", "no optimizers")

    def schedule(self, case: Schedule) -> Outcome:
        raise Unsupported("feature", "no schedulers")

    def run_program(self, case: Program) -> Outcome:
        raise Unsupported("feature", "programs are in PyTorch's own words")

    def perform(self, case: Case) -> Outcome:
        try:
            match case:
                case Call(wide=True):
                    with self.wide_defaults():
                        return self._call(case)
                case Call():
                    return self._call(case)
                case Optimization():
                    with self.wide_defaults() if case.wide else nullcontext():
                        return self.optimize(case)
                case Schedule():
                    return self.schedule(case)
                case Program():
                    return self.run_program(case)
        except Unsupported as error:
            return Outcome(lacking=error.lacking)
        except Exception as error:  # whatever the library raises is its answer
            return self.failed(error)

    def failed(self, error: Exception, during: Literal["call", "backward"] = "call") -> Outcome:
        """Turn what the library raised into an outcome: what it lacks, or that it raised."""
        text = str(error)
        raised = Raised(tuple(each.__name__ for each in type(error).__mro__[:-2]), text)
        lacks = any(isinstance(error, kind) and part in text for kind, part in self.lacks)
        return Outcome(raised=raised, lacking=Lacking("feature", str(raised)) if lacks else None, during=during)

    def native(self, value: Value) -> Any:
        """Turn a case's value into the library's."""
        if isinstance(value, TensorValue):
            return self.to_native(value)
        if isinstance(value, Dtype):
            return self.to_dtype(str(value))
        if isinstance(value, Slice):
            return slice(value.start, value.stop, value.step)
        if isinstance(value, (tuple, list)):
            return type(value)(self.native(each) for each in value)
        if isinstance(value, Mapping):
            return {key: self.native(each) for key, each in value.items()}
        return value

    def host(self, value: Any) -> Value:
        """Turn a result into plain data."""
        if self.is_native(value):
            return self.to_host(value)
        if isinstance(value, (tuple, list)):
            return (
                type(value)(self.host(each) for each in value)
                if type(value) in (tuple, list)
                else tuple(self.host(each) for each in value)
            )
        if isinstance(value, Mapping):
            return {str(key): self.host(each) for key, each in value.items()}
        if isinstance(value, np.generic):
            return value.item()
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        return repr(value)

    def _call(self, call: Call) -> Outcome:
        if call.seed is not None:
            self.seeded(call.seed)  # before a module is constructed: its parameters are random numbers too
        function = _identity if call.op == IDENTITY else self.function(call)
        arguments = {name: self.native(value) for name, value in call.arguments.items()}
        before = self._contents(arguments) if "mutation" in call.observe else {}
        hosted: list[Value] = []
        try:
            for _ in range(call.repeat):
                answer = self._invoke(function, call, arguments)
                results = self.split(answer)
                hosted.extend(self.host(each) for each in results)  # now: the next call may write into the same tensor
        except Exception as error:
            outcome = Outcome(lacking=error.lacking) if isinstance(error, Unsupported) else self.failed(error)
            return self._changed_by_failure(outcome, arguments, before)
        target = self._target(call, arguments)
        found: dict[str, Any] = {
            "results": tuple(hosted),
            "structure": self.structure(answer),
            "names": self.names(answer),
            "returned_self": target is not None and answer is target,
        }
        if call.wrt:
            try:
                found["gradients"] = self._gradients(call, results, arguments)
            except Unsupported:
                raise
            except Exception as error:
                return self.failed(error, during="backward")
        if "mutation" in call.observe:
            found["changed"] = self._changes(arguments, before)
        if "sharing" in call.observe:
            found["shares"] = self._sharing(results, arguments)
        return Outcome(**found)

    def _invoke(self, function: Callable[..., Any], call: Call, arguments: Mapping[str, Any]) -> Any:
        positional: list[Any] = []
        for name in call.positional:
            positional.extend(arguments[name] if name == call.spread else [arguments[name]])
        named = {name: value for name, value in arguments.items() if name not in call.positional}
        return function(*positional, **named)

    def split(self, answer: Any) -> Sequence[Any]:
        """Return the results of one answer, one after the other."""
        return tuple(answer) if isinstance(answer, (tuple, list)) else (answer,)

    def structure(self, answer: Any) -> Literal["single", "tuple", "named"]:
        if not isinstance(answer, (tuple, list)):
            return "single"
        return "named" if self.names(answer) else "tuple"

    def names(self, answer: Any) -> tuple[str, ...]:
        """Return the field names of a named tuple."""
        return tuple(getattr(answer, "_fields", ()))

    def _target(self, call: Call, arguments: Mapping[str, Any]) -> Any:
        """Find what an in-place or out= call must give back."""
        if call.form == "out":
            return arguments["out"]
        return next(iter(arguments.values())) if call.form.startswith("in-place") else None

    def _gradients(
        self, call: Call, results: Sequence[Any], arguments: Mapping[str, Any]
    ) -> Mapping[str, Array | None]:
        inputs = {name: self.differentiated(name, arguments) for name in call.wrt}
        upstream = {place: self.to_native(value) for place, value in call.upstream.items()}
        found = self.gradients(call, results, inputs, upstream)
        return {name: None if gradient is None else self.to_host(gradient) for name, gradient in found.items()}

    def differentiated(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Find the tensor that a gradient is taken for; `tensors.1` is the second of a list."""
        owner, _, place = name.partition(".")
        return arguments[owner][int(place)] if place else arguments[owner]

    def _contents(self, arguments: Mapping[str, Any]) -> dict[str, Host]:
        return {name: self.to_host(native).array.copy() for name, native in self._tensors(arguments)}

    def _tensors(self, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield every tensor among the arguments with its name."""
        for name, value in arguments.items():
            if self.is_native(value):
                yield name, value
            elif isinstance(value, (tuple, list)):
                yield from ((f"{name}.{place}", each) for place, each in enumerate(value) if self.is_native(each))

    def _changes(self, arguments: Mapping[str, Any], before: Mapping[str, Host]) -> frozenset[str]:
        return frozenset(
            name
            for name, native in self._tensors(arguments)
            if not _same_bits(self.to_host(native).array, before[name])
        )

    def _changed_by_failure(
        self, outcome: Outcome, arguments: Mapping[str, Any], before: Mapping[str, Host]
    ) -> Outcome:
        if not before:
            return outcome
        return Outcome(raised=outcome.raised, lacking=outcome.lacking, changed=self._changes(arguments, before))

    def _sharing(self, results: Sequence[Any], arguments: Mapping[str, Any]) -> frozenset[str]:
        """Find the arguments that share memory with a result: writing to either shows in the other."""
        shared = set()
        for result in filter(self.is_native, results):
            for name, native in self._tensors(arguments):
                if native is result or (self._shows(result, native) and self._shows(native, result)):
                    shared.add(name)
        return frozenset(shared)

    def _shows(self, written: Any, watched: Any) -> bool:
        before = self.to_host(watched).array.copy()
        self.overwrite(written)
        return not _same_bits(self.to_host(watched).array, before)


def _identity(input: Any) -> Any:
    return input


def _same_bits(first: Host, second: Host) -> bool:
    return (
        first.shape == second.shape and np.ascontiguousarray(first).tobytes() == np.ascontiguousarray(second).tobytes()
    )
