"""A Python library as a backend: the few methods that the interpreter runs traces with."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from pathlib import Path
from traceback import StackSummary, walk_tb
from typing import Any, ClassVar, Final, Literal

import numpy as np

from assay.backends import program
from assay.backends.base import Backend, Unsupported
from assay.backends.interpreter import Differentiable, Run
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Missing, Outcome, Raised
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.steps import Named, Step, Value

_OURS: Final = str(Path(__file__).parent)
_ON_THE_WAY: Final = [str(Path(__file__).with_name(f"{name}.py")) for name in ("library", "interpreter", "program")]
_INNERMOST: Final = 8  # calls of a traceback
_LONGEST: Final = 10_000  # characters of a message
# What Python says of objects without a method of its own for an operator, a call, an index, a length.
_NO_SUCH_METHOD: Final = re.compile(
    "unsupported operand type|bad operand type|is not subscriptable|does not support item|is not iterable|has no len"
)


@dataclass(frozen=True, slots=True)
class Differentiated:
    """Results and gradients, as the library's own tensors."""

    results: Sequence[Any]
    gradients: Mapping[str, Any]
    second: Mapping[str, Any] = field(default_factory=dict)


class LibraryBackend(Backend):
    """The base of every adapter in Python: subclasses map cases to the library's functions and tensors."""

    # Exceptions, with a pattern in their message, by which the library says that it lacks something, rather than that
    # the call is invalid.
    unsupported: ClassVar[tuple[tuple[type[BaseException], str], ...]] = ((NotImplementedError, ""),)

    def function(self, step: Step) -> Callable[..., Any]:
        """Find what a step calls; raise Unsupported where the library does not offer it."""
        raise NotImplementedError

    def named(self, name: str) -> Any:
        """Find a class or constant by PyTorch's name; raise Unsupported where the library does not offer it."""
        raise Unsupported("op", f"no {name}")

    def builtin(self, name: str) -> Callable[..., Any]:
        """Return a built-in function or class of Python."""
        found: Callable[..., Any] = getattr(builtins, name)
        return found

    def attribute(self, owner: Any, name: str) -> Any:
        """Return an attribute of a tensor, or of an object that the library made."""
        return getattr(owner, name)

    def to_native(self, value: TensorValue) -> Any:
        """Make the library's tensor, in the layout that the value has; it must not share the value's buffer."""
        raise NotImplementedError

    def to_host(self, native: Any) -> Array:
        """Return a tensor's elements on the host; run its lazy computation first."""
        raise NotImplementedError

    def is_native(self, value: Any) -> bool:
        """Return whether a value is the library's tensor."""
        raise NotImplementedError

    def to_dtype(self, dtype: str) -> Any:
        """Return the library's own object for an element type."""
        raise Unsupported("feature", "no dtype arguments")

    def differentiate(self, trace: Differentiable) -> Differentiated:
        """Return the gradients of a trace, as a function of its inputs, for the given gradients of its results."""
        raise Unsupported("feature", "no gradients")

    def overwrite(self, native: Any) -> None:
        """Change at least one element of a tensor in place."""
        raise Unsupported("feature", "no writing into tensors")

    def strides(self, native: Any) -> tuple[int, ...]:
        """Return how many elements lie between neighbours along each dimension of a tensor."""
        raise Unsupported("feature", "no strides")

    def seeded(self, seed: int) -> None:
        """Start the library's random numbers from a seed."""
        raise Unsupported("feature", "no seeds")

    def wide_defaults(self) -> AbstractContextManager[Any]:
        """Compute in float64 where the library would choose float32 by itself."""
        return nullcontext()

    def surroundings(self, case: Case) -> AbstractContextManager[Any]:
        """Set up what a scenario needs besides the library, and clean up afterwards."""
        return program.surroundings(case, self.capabilities.device, None)

    def namespace(self) -> Any:
        """Return the module that a program uses as `torch`."""
        raise Unsupported("feature", "programs use PyTorch's own names")

    def perform(self, case: Case) -> Outcome:
        try:
            with self._manner(case):
                return Run(self, case).outcome()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # whatever the library raises is its answer
            return self.failed(error)

    def _manner(self, case: Case) -> AbstractContextManager[Any]:
        if case.scenario:
            return self.surroundings(case)
        return self.wide_defaults() if case.wide else nullcontext()

    def failed(self, error: BaseException, during: Literal["call", "backward"] = "call") -> Outcome:
        """Convert an exception of the library to an outcome: unsupported, or raised."""
        if isinstance(error, Unsupported):
            return Outcome(raised=error.raised, unsupported=error.unsupported)
        text = _text(error)
        raised = Raised(tuple(each.__name__ for each in type(error).__mro__[:-2]) or (type(error).__name__,), text)
        lacks = _lacks_a_name(error) and _is_asked_by_us(error)
        if lacks or any(isinstance(error, kind) and re.search(part, text) for kind, part in self.unsupported):
            return Outcome(raised=raised, unsupported=Missing("feature", str(raised)), during=during)
        return Outcome(raised=replace(raised, traceback=_calls(error)), during=during)

    def native(self, value: Value) -> Any:
        """Convert a plain value of a case to the library's."""
        kind = type(value)
        if kind is TensorValue:
            return self._taken_in(value)
        if kind is Dtype:
            return self.to_dtype(str(value))
        if kind is Slice:
            return slice(value.start, value.stop, value.step)
        if kind is Named:
            return self.named(value.name) if value.name.startswith("torch") else getattr(builtins, value.name)
        return value

    def _taken_in(self, value: TensorValue) -> Any:
        """Make the library's tensor; one that the library cannot hold is unsupported."""
        try:
            return self.to_native(value)
        except Unsupported:
            raise
        except Exception as error:
            what = f"{value.dtype}{list(value.shape)}"
            raise Unsupported("dtype", f"cannot take in {what}: {type(error).__name__}: {_text(error)}") from error

    def host(self, value: Any) -> Value:
        """Convert a result to plain data."""
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
        """Return the results of one answer as a flat sequence."""
        return tuple(answer) if isinstance(answer, (tuple, list)) else (answer,)

    def structure(self, answer: Any) -> Literal["single", "tuple", "named"]:
        if not isinstance(answer, (tuple, list)):
            return "single"
        return "named" if self.names(answer) else "tuple"

    def names(self, answer: Any) -> tuple[str, ...]:
        """Return the field names of a named tuple."""
        return tuple(getattr(answer, "_fields", ()))


def _lacks_a_name(error: BaseException) -> bool:
    """Return whether an object has no attribute, or no method for an operator."""
    return isinstance(error, AttributeError) or (
        isinstance(error, TypeError) and bool(_NO_SUCH_METHOD.search(_text(error)))
    )


def _is_asked_by_us(error: BaseException) -> bool:
    """Return whether our own code, or a scenario, asks for it, and not the library for something of its own."""
    codes = [frame.f_code for frame, _ in walk_tb(error.__traceback__)]
    while codes and codes[-1].co_name in ("__getattr__", "__getattribute__"):  # how an object may look for a name
        codes.pop()
    return bool(codes) and codes[-1].co_filename.startswith((_OURS, program.PROGRAM))


def _calls(error: BaseException) -> str:
    """Return the innermost calls that led to an exception, as a traceback shows them, without those that are ours."""
    calls = walk_tb(error.__traceback__)
    theirs = dropwhile(lambda each: each[0].f_code.co_filename in _ON_THE_WAY, calls)
    try:
        return "".join(StackSummary.extract(theirs, limit=-_INNERMOST).format())
    except Exception:  # of a loader that cannot show its source
        return ""


def _text(error: BaseException) -> str:
    """Return an exception's message, or the beginning of a long one, whatever the exception thinks of that."""
    try:
        return str(error)[:_LONGEST]
    except Exception as worse:
        return f"(its message raises {type(worse).__name__})"
