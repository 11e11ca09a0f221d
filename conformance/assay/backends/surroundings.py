"""What a case may leave changed in its process, so that later cases run in another world than they should."""

from __future__ import annotations

import locale
import os
import signal
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

_ASPECTS: Final[dict[str, Callable[[], Any]]] = {
    "the working directory": os.getcwd,
    "the environment": lambda: tuple(os.environ.items()),
    "the locale": lambda: locale.setlocale(locale.LC_ALL),
    "the recursion limit": sys.getrecursionlimit,
    "signal handlers": lambda: tuple(signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)),
    "NumPy's handling of errors": np.geterr,
    "how subnormal numbers are computed": lambda: float(np.float32(2.0**-140) * np.float32(0.5)),
    "NumPy itself": lambda: {name: id(value) for name, value in vars(np).items() if not name.startswith("_")},
}


class Surroundings:
    """The state of a process when this is made, and what of it has changed since."""

    def __init__(self, settings: Mapping[str, Callable[[], Any]] = MappingProxyType({})) -> None:
        self._aspects = {**_ASPECTS, **settings}
        self._before = {name: _now(look) for name, look in self._aspects.items()}

    def changes(self) -> tuple[str, ...]:
        """Return the names of what is not as it was."""
        return tuple(name for name, look in self._aspects.items() if not _same(self._before[name], _now(look)))


def _now(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except Exception as error:  # for example a working directory that was removed
        return repr(error)


def _same(before: Any, now: Any) -> bool:
    """Return whether nothing that was there is another now; what was added, as by a lazy import, does no harm."""
    if isinstance(before, dict) and isinstance(now, dict):
        return all(now.get(name) == value for name, value in before.items())
    return bool(before == now)
