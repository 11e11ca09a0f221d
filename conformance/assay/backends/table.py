"""A library with names of its own, as a backend: a table from op to a short function."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar

from assay.backends.base import Unsupported
from assay.backends.library import IN_PLACE_OPERATORS, OPERATORS, LibraryBackend
from assay.cases.case import Call, ModuleSetup


class TableBackend(LibraryBackend):
    """Subclasses give the table: functions with PyTorch's parameter names, less those that are lacking."""

    table: ClassVar[Mapping[str, Callable[..., Any]]]  # by the op's name without `torch.` and `Tensor.`
    methods: ClassVar[frozenset[str]] = frozenset()  # which of these are methods of the library's tensors too
    operators: ClassVar[frozenset[str]] = frozenset(OPERATORS)  # whose operators its tensors have

    def function(self, call: Call) -> Callable[..., Any]:
        if call.module is not None:
            return self.module(call.op, call.module)
        short = short_name(call.op)
        match call.form:
            case "operator" | "reflected" | "in-place operator":
                return self._operator(short, call.form)
            case "method" if call.op.startswith("torch.Tensor.") or short in self.methods:
                found = self._entry(short)
            case "method":
                raise Unsupported("feature", f"no method {short}")
            case "in-place":
                return _in_place(self._entry(short), call, short)
            case _:
                found = self._entry(short)
        _takes(found, call)
        return found

    def module(self, op: str, setup: ModuleSetup) -> Callable[..., Any]:
        """Construct a module, with its state, ready to be called."""
        raise Unsupported("op", f"no {short_name(op)}")

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


def short_name(op: str) -> str:
    """Return the name under which a table has an op."""
    return op.removeprefix("torch.").removeprefix("Tensor.")


def _takes(function: Callable[..., Any], call: Call) -> None:
    """Refuse a call that gives a parameter which the library has no counterpart for."""
    named, room = _parameters(function)
    for place, name in enumerate(call.positional):
        if place >= room:
            raise Unsupported("feature", f"no parameter {name}")
    for name in call.arguments:
        if name not in call.positional and name not in named:
            raise Unsupported("feature", f"no parameter {name}")


@cache
def _parameters(function: Callable[..., Any]) -> tuple[frozenset[str], float]:
    """Return the names that a function takes, and how many of them by position."""
    parameters = inspect.signature(function).parameters.values()
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        room = math.inf
    else:
        room = sum(each.kind is not each.KEYWORD_ONLY for each in parameters)
    return frozenset(each.name for each in parameters), room


def _in_place(function: Callable[..., Any], call: Call, short: str) -> Callable[..., Any]:
    """Make the in-place form of a function that can write its result into its first argument."""
    if "out" not in _parameters(function)[0]:
        raise Unsupported("feature", f"no in-place {short}")
    _takes(function, call)
    return lambda input, *args, **kwargs: function(input, *args, **kwargs, out=input)
