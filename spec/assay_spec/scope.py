"""The names that a spec's expressions see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Scope(dict[str, Any]):
    """The names that expressions see: what is chosen so far, and what `let:` derives from it."""

    def __init__(self, let: Mapping[str, Any], names: Mapping[str, Any] | None = None) -> None:
        super().__init__(names or {})
        self._let = let

    def __missing__(self, name: str) -> Any:
        value = self[name] = self._let[name](self)
        return value

    def copy(self) -> Scope:
        return Scope(self._let, self)
