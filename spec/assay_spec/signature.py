"""Signatures in Python's own syntax, parsed by Python's own parser."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["positional", "keyword", "many", "options"]


class SignatureError(ValueError):
    """A text that is no signature."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `many` is a `*name` and `options` a `**name`."""

    name: str
    kind: Kind
    required: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a call, in order."""

    source: str
    parameters: tuple[Parameter, ...]

    def __contains__(self, name: object) -> bool:
        return any(parameter.name == name for parameter in self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        return next(parameter for parameter in self.parameters if parameter.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def positional(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.parameters if each.kind in ("positional", "many"))

    def without(self, names: Collection[str]) -> str:
        """Write the positional parameters except some."""
        rest = (each for each in self.parameters if each.kind == "positional" and each.name not in names)
        return f"({', '.join(each.name if each.required else f'{each.name}={each.default!r}' for each in rest)})"


def parse(source: str) -> Signature:
    """Parse `(input, dim=-1, *, out=None)`."""
    inside = source.strip()
    if not (inside.startswith("(") and inside.endswith(")")):
        raise SignatureError(f"{source!r} is not a signature: it is not in brackets")
    try:
        arguments = ast.parse(f"lambda {inside[1:-1]}: 0", mode="eval").body
    except SyntaxError as error:
        raise SignatureError(f"{source!r} is not a signature: {error.msg}") from None
    if not isinstance(arguments, ast.Lambda):
        raise SignatureError(f"{source!r} is not a signature: invalid syntax")
    found = Signature(source, tuple(_parameters(arguments.args)))
    twice = next((name for name in found.names if found.names.count(name) > 1), None)
    if twice is not None:
        raise SignatureError(f"{source!r} is not a signature: {twice!r} appears twice")
    return found


def _parameters(arguments: ast.arguments) -> list[Parameter]:
    plain = [*arguments.posonlyargs, *arguments.args]
    without = len(plain) - len(arguments.defaults)
    found = [
        _parameter(each, "positional", None if position < without else arguments.defaults[position - without])
        for position, each in enumerate(plain)
    ]
    if arguments.vararg:
        found.append(Parameter(arguments.vararg.arg, "many", required=True))
    found += [
        _parameter(each, "keyword", default)
        for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        found.append(Parameter(arguments.kwarg.arg, "options", required=False))
    return found


def _parameter(argument: ast.arg, kind: Kind, default: ast.expr | None) -> Parameter:
    if default is None:
        return Parameter(argument.arg, kind, required=True)
    try:
        return Parameter(argument.arg, kind, required=False, default=ast.literal_eval(default))
    except ValueError:
        raise SignatureError(f"the default of {argument.arg!r} is not a literal: {ast.unparse(default)}") from None
