"""How a function takes the arguments of a former form as well."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from assay_reference.core.dispatch import composite

Function = Callable[..., Any]

filling: Callable[[Function], Function] = composite(function=False, method=False, out="own")  # one that takes out, too


def renamed(function: Function, **former: str) -> Function:
    """Take arguments by their former names."""

    @functools.wraps(function, updated=())
    def form(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **{former.get(name, name): value for name, value in kwargs.items()})

    return form


def optional(function: Function, name: str) -> Function:
    """Take None for an argument that may now only be left out."""
    signature = inspect.signature(function)

    @functools.wraps(function, updated=())
    def form(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        if bound.arguments.get(name, ...) is None:
            del bound.arguments[name]
        return function(*bound.args, **bound.kwargs)

    return form
