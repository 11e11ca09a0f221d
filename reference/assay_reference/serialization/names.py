"""The names that classes and functions have in files: PyTorch's, which the reference has elsewhere or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from typing import Any, Final

OURS: Final = {"torch": "assay_reference", "torchvision": "assay_reference.torchvision"}


def found(module: str, name: str) -> Any:
    """Return what the reference has under a name of PyTorch's: in that very module, or in a namespace above it."""
    for outer in _outward(translated(module)):
        try:
            return reduce(getattr, name.split("."), import_module(outer))
        except (AttributeError, ModuleNotFoundError):
            continue
    return None


def public(thing: Any) -> tuple[str, str] | None:
    """Return the public name of what is the reference's own: PyTorch has the same in that place."""
    module, name = getattr(thing, "__module__", None) or "", getattr(thing, "__qualname__", "")
    if module in OURS and getattr(sys.modules.get(OURS[module]), name, None) is thing:
        return module, name  # in a program that is served
    for outer in reversed(list(_outward(module) if module.split(".")[0] == OURS["torch"] else ())):
        if getattr(sys.modules.get(outer), name, None) is thing:
            theirs = "torchvision" if outer.startswith(OURS["torchvision"]) else "torch"
            return theirs + outer.removeprefix(OURS[theirs]), name
    return None


def is_pytorchs(module: str) -> bool:
    """Return whether a name stands for something of the reference."""
    return module.split(".")[0] in OURS


def translated(module: str) -> str:
    """Return where the reference would have a module of PyTorch's."""
    package, dot, rest = module.partition(".")
    return OURS[package] + dot + rest


def _outward(module: str) -> Iterator[str]:
    """Yield a module's name, and those of the packages that it lies in."""
    while module:
        yield module
        module = module.rpartition(".")[0]
