"""A library with names of its own, as a backend: a table from PyTorch's names to its functions and classes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple

from assay.backends.base import Capabilities, Unsupported, missing
from assay.backends.interpreter import IN_PLACE_OPERATORS, OPERATORS
from assay.backends.library import LibraryBackend
from assay_spec import load_corpus
from assay_spec.steps import Step

_NAMED: Final = 8  # entries of a table that a note names


class TableBackend(LibraryBackend):
    """Subclasses define the table: functions and classes with PyTorch's parameter names, without unsupported ones.

    The in-place form of `add` is the function `add_`, or `add` with its first argument as `out`. An instance of a class
    is used by PyTorch's methods and attributes (`load_state_dict`, `step`, `weight`).
    """

    table: ClassVar[Mapping[str, Callable[..., Any]]]  # by PyTorch's name without `torch.` and `Tensor.`
    methods: ClassVar[frozenset[str]] = frozenset()  # those that are methods of the library's tensors too
    operators: ClassVar[frozenset[str]] = frozenset(OPERATORS)  # the operators that its tensors have

    def declared(self) -> Capabilities:
        known = {short_name(name) for name in load_corpus().ops}
        odd = [name for name in self.table if name not in known and name.removesuffix("_") not in known]
        near = {name: get_close_matches(name.removeprefix("torch."), known, 1, 0.8) for name in odd}
        notes = [
            f"the table has {name!r}, which is no op of the corpus (did you mean {close[0]!r}?)"
            for name, close in near.items()
            if close
        ]
        rest = [repr(name) for name, close in near.items() if not close]
        if rest:
            more = f" and {len(rest) - _NAMED:,} more" if len(rest) > _NAMED else ""
            ops = "is no op" if len(rest) == 1 else "are no ops"
            notes.append(f"the table has {', '.join(rest[:_NAMED])}{more}, which {ops} of the corpus")
        return replace(self.capabilities, notes=(*self.capabilities.notes, *notes))

    def function(self, step: Step) -> Callable[..., Any]:
        short = short_name(step.target)
        match step.form:
            case "operator" | "reflected" | "in-place operator":
                return self._operator(short, step.form)
            case "method":
                return self._method(step)
            case "in-place":
                return self._in_place(short, step)
        found = self._entry(short)
        _takes(found, step)
        return found

    def named(self, name: str) -> Any:
        return self._entry(short_name(name))

    def builtin(self, name: str) -> Callable[..., Any]:
        found = super().builtin(name)
        return _printing(found) if name in ("repr", "str") else found

    def attribute(self, owner: Any, name: str) -> Any:
        try:
            found = getattr(owner, name)
        except AttributeError as error:
            raise missing(error) from None
        if self.is_native(owner) and inspect.ismethod(found):
            raise Unsupported("feature", f"no attribute {name}, but a method")
        return found

    def _entry(self, short: str) -> Callable[..., Any]:
        if short not in self.table:
            raise Unsupported("op", f"no {short}")
        return self.table[short]

    def _operator(self, short: str, form: str) -> Callable[..., Any]:
        if short not in self.operators:
            raise Unsupported("feature", f"no operator for {short}")
        if form == "in-place operator":
            return IN_PLACE_OPERATORS[short]
        return OPERATORS[short]

    def _method(self, step: Step) -> Callable[..., Any]:
        """Return a function that calls a method: from the table where its owner is a tensor, else the owner's own."""
        short = short_name(step.target)

        def call(owner: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.is_native(owner):
                method = self.attribute(owner, short)
                if inspect.ismethod(method):
                    _takes(method.__func__, step)
                return method(*args, **kwargs)
            return self._tensor_method(step, short)(owner, *args, **kwargs)

        return call

    def _tensor_method(self, step: Step, short: str) -> Callable[..., Any]:
        if step.target.startswith("torch.Tensor.") or short in self.methods:
            found = self._entry(short)
            _takes(found, step)
            return found
        if short.endswith("_") and short[:-1] in self.table:
            return self._in_place(short[:-1], step)
        raise Unsupported("feature", f"no method {short}")

    def _in_place(self, short: str, step: Step) -> Callable[..., Any]:
        """Return the function that writes the result of an op into its first argument."""
        own, function = self.table.get(f"{short}_"), self._entry(short)
        _takes(own or function, step)
        if own is not None:
            return own
        if "out" not in _parameters(function).names:
            raise Unsupported("feature", f"no in-place {short}")
        return lambda input, *args, **kwargs: function(input, *args, **kwargs, out=input)


def short_name(name: str) -> str:
    """Return the name under which a table has an op."""
    return name.removeprefix("torch.").removeprefix("Tensor.")


def _printing(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return `repr` or `str` for numbers and text only: other objects a library may print as it likes."""

    def written(value: Any) -> str:
        if not isinstance(value, (bool, int, float, complex, str)):
            raise Unsupported("feature", f"prints its {type(value).__name__} in its own format")
        return write(value)

    return written


def _takes(function: Callable[..., Any], step: Step) -> None:
    """Raise Unsupported if a step passes a parameter that the function does not have, or leaves out one it needs."""
    parameters = _parameters(function)
    for name in step.positional[parameters.by_position :]:
        raise Unsupported("feature", f"no parameter {name}")
    for name in step.arguments:
        if name not in step.positional and name not in parameters.names and not parameters.any_name:
            raise Unsupported("feature", f"no parameter {name}")
    for name in parameters.needed[len(step.positional) :]:
        if name not in step.arguments:
            raise Unsupported("feature", f"no call without {name}")


class _Parameters(NamedTuple):
    names: frozenset[str]
    any_name: bool
    by_position: int  # how many can be passed so
    needed: tuple[str, ...]  # those without a default, in order


@cache
def _parameters(function: Callable[..., Any]) -> _Parameters:
    parameters = inspect.signature(function).parameters.values()
    kinds = [each.kind for each in parameters]
    several, options = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    return _Parameters(
        names=frozenset(each.name for each in parameters),
        any_name=options in kinds,
        by_position=sys.maxsize if several in kinds else sum(each.kind is not each.KEYWORD_ONLY for each in parameters),
        needed=tuple(
            each.name for each in parameters if each.default is each.empty and each.kind not in (several, options)
        ),
    )
