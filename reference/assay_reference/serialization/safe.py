"""torch.serialization: which classes and functions a file of weights may name, besides those of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from assay_reference.serialization.names import public

Marked = Callable[..., Any] | tuple[Callable[..., Any], str]
_marked: Final[list[Marked]] = []


def add_safe_globals(safe_globals: Iterable[Marked]) -> None:
    """Let files of weights name these; a name of its own, module and all, may stand beside each."""
    _marked.extend(each for each in safe_globals if each not in _marked)


def get_safe_globals() -> list[Marked]:
    """Return what files of weights may name."""
    return list(_marked)


def clear_safe_globals() -> None:
    """Let files of weights name nothing more but what the table has."""
    _marked.clear()


@contextmanager
def safe_globals(safe_globals: Iterable[Marked]) -> Iterator[None]:
    """Let files of weights name these for a while."""
    before = get_safe_globals()
    try:
        add_safe_globals(safe_globals)
        yield
    finally:
        _marked[:] = before


def named(module: str, name: str) -> Any:
    """Return what is marked and has this name: its own, or any that PyTorch may call it by."""
    for each in _marked:
        thing, path = each if isinstance(each, tuple) else (each, None)
        if not isinstance(path, str | None):
            raise TypeError(f"Expected second item in tuple to be str of callable full path, but got: {type(path)}")
        where = public(thing)
        if f"{module}.{name}" == (path or f"{thing.__module__}.{thing.__qualname__}"):
            return thing
        if path is None and where and name == where[1] and f"{module}.".startswith(f"{where[0]}."):
            return thing
    return None


def is_marked(thing: Any) -> bool:
    """Return whether it may be called, made and filled."""
    return any(thing is (each[0] if isinstance(each, tuple) else each) for each in _marked)
