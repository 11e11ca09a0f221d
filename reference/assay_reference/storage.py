"""Storage: the memory that a tensor and its views share, and the count of the writes to it."""

from __future__ import annotations

from typing import Any

from assay_reference import dtypes
from assay_reference.arrays import address


class Storage:
    """The memory behind a tensor and all its views."""

    __slots__ = ("array", "inference", "version")

    def __init__(self, array: Any) -> None:
        self.array = array  # keeps the memory alive, and says where it starts
        self.version = 0
        self.inference = False

    def data_ptr(self) -> int:
        """Give the address of the first element."""
        return address(self.array)

    def nbytes(self) -> int:
        """Give the size in bytes."""
        return int(self.array.nbytes)

    def offset_of(self, array: Any) -> int:
        """Tell how many elements into this memory an array starts."""
        return (address(array) - address(self.array)) // int(array.itemsize) if array.size else 0

    def __len__(self) -> int:
        return self.nbytes() // dtypes.of_array(self.array).itemsize
