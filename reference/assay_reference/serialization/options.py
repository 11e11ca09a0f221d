"""torch.serialization: a setting of the process, for files that leave something unsaid."""

from __future__ import annotations

import sys
from enum import Enum
from typing import Any, Final


class LoadEndianness(Enum):
    """The order of bytes in files that do not say theirs."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3

    @property
    def order(self) -> str:
        """Return what a file would say."""
        return sys.byteorder if self is LoadEndianness.NATIVE else self.name.lower()


_chosen: Final[list[LoadEndianness | None]] = [None]


def get_default_load_endianness() -> LoadEndianness | None:
    """Return the order of bytes in files that do not say theirs; None is little."""
    return _chosen[0]


def set_default_load_endianness(endianness: Any) -> None:
    """Choose the order of bytes in files that do not say theirs."""
    if not isinstance(endianness, LoadEndianness | None):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    _chosen[0] = endianness
