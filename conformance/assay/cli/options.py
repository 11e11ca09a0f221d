"""Settings as options of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from assay.settings import Command, Option, options

F = TypeVar("F", bound=Callable[..., Any])


def takes(command: Command, **defaults: Any) -> Callable[[F], F]:
    """Add the options of its settings to a click command; one whose default is a tuple may be repeated."""

    def decorate(function: F) -> F:
        for each in reversed(options(command)):
            function = _option(each, defaults.get(each.name, each.default))(function)
        return function

    return decorate


def _option(option: Option, default: Any) -> Callable[[F], F]:
    shown = option.shown
    names = [f"--{option.flag}", *([f"-{shown.short}"] if shown.short else [])]
    if option.kind is bool:
        return click.option(*names, is_flag=True, help=shown.help)
    several = isinstance(default, tuple)
    return click.option(
        *names,
        type=_type(option),
        default=default,
        multiple=several,
        show_default=default not in (None, ""),
        metavar=shown.metavar,
        help=shown.help + " May be repeated." * several,
    )


def _type(option: Option) -> Any:
    if option.choices:
        return click.Choice(option.choices)
    return click.Path(path_type=Path) if option.kind is Path else option.kind
