"""A Python library as a backend: a small vocabulary, which the interpreter takes traces with."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from assay.backends.base import Backend, Unsupported
from assay.backends.interpreter import Differentiable, Run
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Missing, Outcome, Raised
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.steps import Named, Step, Value


@dataclass(frozen=True, slots=True)
class Differentiated:
    """What a library gives that was asked for gradients, in its own tensors."""

    results: Sequence[Any]
    gradients: Mapping[str, Any]
    second: Mapping[str, Any] = field(default_factory=dict)


class LibraryBackend(Backend):
    """The skeleton that every in-process adapter fills: subclasses say what the library calls things."""

    # Messages by which the library says that it lacks something, rather than that the call is wrong.
    unsupported: ClassVar[tuple[tuple[type[BaseException], str], ...]] = ((NotImplementedError, ""),)

    def function(self, step: Step) -> Callable[..., Any]:
        """Find what a step calls; raise Unsupported where the library does not offer it."""
        raise NotImplementedError

    def named(self, name: str) -> Any:
        """Find a class or constant by PyTorch's name; raise Unsupported where the library does not offer it."""
        raise Unsupported("op", f"no {name}")

    def builtin(self, name: str) -> Callable[..., Any]:
        """Find a function or class of Python's own."""
        found: Callable[..., Any] = getattr(builtins, name)
        return found

    def attribute(self, owner: Any, name: str) -> Any:
        """Return an attribute of a tensor, or of an object that the library made."""
        return getattr(owner, name)

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

    def differentiate(self, trace: Differentiable) -> Differentiated:
        """Take the gradients of a trace, a function of its inputs, for what flows into its results."""
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

    def surroundings(self, case: Case) -> AbstractContextManager[Any]:
        """Lend what a scenario needs besides the library, and leave nothing of it behind."""
        return nullcontext()

    def namespace(self) -> Any:
        """Return what a program calls torch."""
        raise Unsupported("feature", "programs are in PyTorch's own words")

    def perform(self, case: Case) -> Outcome:
        try:
            if case.scenario:
                with self.surroundings(case):
                    return Run(self, case).outcome()
            if case.wide:
                with self.wide_defaults():
                    return Run(self, case).outcome()
            return Run(self, case).outcome()
        except Exception as error:  # whatever the library raises is its answer
            return self.failed(error)

    def failed(self, error: Exception, during: Literal["call", "backward"] = "call") -> Outcome:
        """Turn what the library raised into an outcome: what it lacks, or that it raised."""
        if isinstance(error, Unsupported):
            return Outcome(raised=error.raised, unsupported=error.unsupported)
        text = str(error)
        raised = Raised(tuple(each.__name__ for each in type(error).__mro__[:-2]), text)
        lacks = any(isinstance(error, kind) and part in text for kind, part in self.unsupported)
        return Outcome(raised=raised, unsupported=Missing("feature", str(raised)) if lacks else None, during=during)

    def native(self, value: Value) -> Any:
        """Turn a plain value of a case into the library's."""
        kind = type(value)
        if kind is TensorValue:
            return self.to_native(value)
        if kind is Dtype:
            return self.to_dtype(str(value))
        if kind is Slice:
            return slice(value.start, value.stop, value.step)
        if kind is Named:
            return self.named(value.name) if value.name.startswith("torch") else getattr(builtins, value.name)
        return value

    def host(self, value: Any) -> Value:
        """Turn a result into plain data."""
        if self.is_native(value):
            return self.to_host(value)
        if isinstance(value, Array):
            return value  # there already
        if isinstance(value, (tuple, list)):
            kind = type(value) if type(value) in (tuple, list) else tuple
            return kind(self.host(each) for each in value)
        if isinstance(value, Mapping):
            return {str(key): self.host(each) for key, each in value.items()}
        if isinstance(value, np.generic):
            return value.item()
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        return repr(value)

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
