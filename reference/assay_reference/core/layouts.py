"""Layouts: how a tensor's elements are arranged, and what a tensor that is not strided keeps instead of an array."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar, Final, Self

from assay_reference.core.arrays import Array, is_on_host


class layout:
    """How the elements of a tensor are arranged."""

    def __init__(self, name: str, title: str) -> None:
        self.name = name
        self.title = title  # what messages call it

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided: Final = layout("strided", "Strided")
sparse_coo: Final = layout("sparse_coo", "Sparse")
sparse_csr: Final = layout("sparse_csr", "SparseCsr")
sparse_csc: Final = layout("sparse_csc", "SparseCsc")
_mkldnn: Final = layout("_mkldnn", "Mkldnn")

COMPRESSED: Final = (sparse_csr, sparse_csc)
SPARSE: Final = (sparse_coo, *COMPRESSED)


KINDS: Final[dict[layout, type[Packed]]] = {}  # what tensors of each layout keep


class Packed:
    """The elements of a tensor that is not strided: arrays, and the shape that they stand for.

    A tensor keeps it where a strided one keeps its array, and asks it the same questions. An op hands it to the kernel
    that it has for the layout.
    """

    layout: ClassVar[layout]
    implementation: ClassVar[str]  # what messages call the memory
    values: Array
    shape: tuple[int, ...]

    def __init_subclass__(cls) -> None:
        if "layout" in vars(cls):
            KINDS[cls.layout] = cls

    @classmethod
    def zeros(cls, xp: Any, shape: tuple[int, ...], dtype: Any) -> Self:
        """Return one that stands for zeros."""
        raise NotImplementedError

    def each(self, function: Callable[[Array], Array]) -> Self:
        """Return a copy with a function applied to every array."""
        raise NotImplementedError

    def with_values(self, values: Array) -> Self:
        """Return a copy with other values at the same indices."""
        raise NotImplementedError

    def to_dense(self) -> Array:
        """Return the array that this stands for."""
        raise NotImplementedError

    def become(self, other: Self) -> None:
        """Take what another has, in place."""
        vars(self).update(vars(other))

    def astype(self, dtype: Any) -> Self:
        return self.with_values(self.values.astype(dtype))

    def copy(self) -> Self:
        return self.each(lambda array: array.copy())

    @property
    def backend(self) -> str:
        """What messages call the kernels for this layout on this device."""
        return self.layout.title + ("CPU" if is_on_host(self.values) else "CUDA")

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def strides(self) -> tuple[int, ...]:
        return (0,) * len(self.shape)

    @property
    def flags(self) -> Any:
        return SimpleNamespace(c_contiguous=False)

    @property
    def data(self) -> Any:
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")

    def get(self) -> Array:
        """Refuse to show the elements in order."""
        return self.data


def no_kernel(name: str, backend: str) -> NotImplementedError:
    """Return the error of an op that does not take the tensors of a backend."""
    return NotImplementedError(f"Could not run 'aten::{name}' with arguments from the '{backend}' backend.")
