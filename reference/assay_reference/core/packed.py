"""Sparse matrices and tensors as arrays: the stored elements, and their indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, ClassVar, Self

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.layouts import Packed, layout, sparse_coo, sparse_csc, sparse_csr


class Sparse(Packed):
    """What all sparse layouts share: the stored elements in `values`, and their indices by coo()."""

    def with_values(self, values: Array) -> Self:
        return replace(self, values=values)  # type: ignore[type-var]

    def coo(self) -> Coo:
        """Return the same elements with the coordinates of each."""
        raise NotImplementedError

    def coalesce(self) -> Self:
        """Return the same elements with no index twice."""
        return self

    def of_coo(self, coo: Coo) -> Any:
        """Return the same elements in this layout."""
        raise NotImplementedError

    def to_dense(self) -> Array:
        return self.coo().to_dense()

    def parts(self) -> dict[str, Array]:
        """Return the arrays by their names in a repr."""
        raise NotImplementedError

    @property
    def nnz(self) -> int:
        """How many elements are stored, explicit zeros and repeated ones among them."""
        return len(self.values)

    @property
    def sparse_dim(self) -> int:
        """How many dimensions have indices."""
        return 2

    @property
    def dense_dim(self) -> int:
        """How many dimensions each value has."""
        return int(self.values.ndim) - 1

    def taken_from(self, array: Array) -> Array:
        """Take the elements of an array at the indices of the values."""
        return np.broadcast_to(array, self.shape)[tuple(self.coo().indices)]


@dataclass(eq=False)
class Coo(Sparse):
    """Coordinates, a row for each sparse dimension, and the value at each, which may have dimensions of its own."""

    indices: Array
    values: Array
    shape: tuple[int, ...]
    coalesced: bool = False  # whether the indices are in order, and each is there once

    layout: ClassVar[layout] = sparse_coo
    implementation: ClassVar[str] = "SparseTensorImpl"

    def __post_init__(self) -> None:
        self.coalesced = self.coalesced or len(self.values) < 2

    @classmethod
    def zeros(cls, xp: Any, shape: tuple[int, ...], dtype: Any) -> Coo:
        return cls(xp.zeros((len(shape), 0), np.int64), xp.zeros(0, dtype), shape)

    @classmethod
    def of_dense(cls, array: Array, sparse_dim: int) -> Coo:
        """Store the elements that are not zero."""
        there = array != 0
        if sparse_dim < array.ndim:
            there = there.any(axis=tuple(range(sparse_dim, array.ndim)))
        if not array.ndim:
            values = array.reshape(1)[there.reshape(1)]
            return cls(namespace(array).zeros((0, len(values)), np.int64), values, (), coalesced=True)
        indices = np.stack(np.nonzero(there))
        return cls(indices, array[tuple(indices)], array.shape, coalesced=True)

    @property
    def sparse_dim(self) -> int:
        return len(self.indices)

    def each(self, function: Callable[[Array], Array]) -> Coo:
        return replace(self, indices=function(self.indices), values=function(self.values))

    def parts(self) -> dict[str, Array]:
        return {"indices": self.indices, "values": self.values}

    def coo(self) -> Coo:
        return self

    def of_coo(self, coo: Coo) -> Coo:
        return coo

    def to_dense(self) -> Array:
        if not self.sparse_dim:
            return namespace(self.values).asarray(self.values.sum(axis=0, dtype=self.dtype))
        dense = namespace(self.values).zeros(self.shape, self.dtype)
        np.add.at(dense, tuple(self.indices), self.values)
        return dense

    def flat_indices(self) -> Array:
        """Return the index of each value as one number, counted in the order of the dimensions."""
        flat = namespace(self.values).zeros(self.nnz, np.int64)
        for index, size in zip(self.indices, self.shape, strict=False):
            flat = flat * size + index
        return flat

    def coalesce(self) -> Coo:
        """Put the indices in order, and add up the values that share one."""
        return self if self.coalesced else replace(self._summed(self.flat_indices(), 1), coalesced=True)

    def is_in_order(self) -> bool:
        """Return whether the indices are in order, and each is there once."""
        flat = self.flat_indices()
        return bool((flat[1:] > flat[:-1]).all())

    def plus(self, other: Coo) -> Coo:
        """Add: of the values that share an index, the first is added to the first, the second to the second."""
        coalesced = self.coalesced and other.coalesced
        if self.nnz == other.nnz and (self.indices == other.indices).all():
            return replace(self, values=self.values + other.values, coalesced=coalesced)
        indices = np.concatenate([self.indices, other.indices], axis=1)
        both = Coo(indices, np.concatenate([self.values, other.values]), self.shape, coalesced)
        repeats = np.concatenate([self._repeats(), other._repeats()])
        most = int(repeats.max()) + 1
        return both._summed(both.flat_indices() * most + repeats, most)

    def _repeats(self) -> Array:
        """Return for each value how many before it have the same index."""
        flat = self.flat_indices()
        order = np.argsort(flat, kind="stable")
        repeats = namespace(flat).empty(self.nnz, np.int64)
        repeats[order] = namespace(flat).arange(self.nnz) - np.searchsorted(flat[order], flat[order])
        return repeats

    def _summed(self, keys: Array, factor: int) -> Coo:
        """Add up the values with the same key, which is a flat index times the factor, plus less than the factor."""
        keys, which = np.unique(keys, return_inverse=True)
        values = namespace(self.values).zeros((len(keys), *self.values.shape[1:]), self.dtype)
        np.add.at(values, which, self.values)
        flat, rows = keys // factor, []
        for size in reversed(self.shape[: self.sparse_dim]):
            rows.append(flat % max(size, 1))
            flat = flat // max(size, 1)
        indices = np.stack(rows[::-1]) if rows else self.indices[:, : len(keys)]
        return replace(self, indices=indices, values=values)

    def permute(self, order: Sequence[int]) -> Coo:
        """Put the dimensions in another order, in which the sparse ones are still the first."""
        shape = tuple(self.shape[dim] for dim in order)
        sparse, dense = order[: self.sparse_dim], order[self.sparse_dim :]
        values = self.values.transpose(0, *(dim - self.sparse_dim + 1 for dim in dense))
        in_order = list(sparse) == list(range(self.sparse_dim))
        indices = self.indices if in_order else np.stack([self.indices[dim] for dim in sparse])
        return Coo(indices, values, shape, self.coalesced and in_order)

    def select(self, dim: int, index: int) -> Any:
        """Take one index along a dimension; what is left without a sparse dimension is an array."""
        if dim >= self.sparse_dim:
            taken = self.values[(slice(None),) * (dim - self.sparse_dim + 1) + (index,)]
            return replace(self, values=taken, shape=self.shape[:dim] + self.shape[dim + 1 :])
        whole = self.coalesce()
        there = whole.indices[dim] == index % self.shape[dim]
        rows = [row[there] for number, row in enumerate(whole.indices) if number != dim]
        if not rows:
            return whole.values[there].sum(axis=0, dtype=self.dtype)
        return Coo(np.stack(rows), whole.values[there], self.shape[:dim] + self.shape[dim + 1 :], coalesced=True)

    def unsqueeze(self, dim: int) -> Coo:
        """Insert a dimension of size 1."""
        shape = (*self.shape[:dim], 1, *self.shape[dim:])
        if dim > self.sparse_dim:
            return Coo(self.indices, np.expand_dims(self.values, dim - self.sparse_dim + 1), shape)
        row = namespace(self.values).zeros((1, self.nnz), np.int64)
        return Coo(np.concatenate([self.indices[:dim], row, self.indices[dim:]]), self.values, shape)

    def sum(self, dims: Sequence[int], keepdim: bool) -> Any:
        """Add up along dimensions; what is left without a sparse dimension is an array."""
        kept = [dim for dim in range(self.sparse_dim) if dim not in dims]
        values = self.values.sum(
            axis=tuple(dim - self.sparse_dim + 1 for dim in dims if dim >= self.sparse_dim),
            keepdims=keepdim,
            dtype=self.dtype,
        )
        shape = tuple(1 if dim in dims else size for dim, size in enumerate(self.shape) if keepdim or dim not in dims)
        if not kept:
            return values.sum(axis=0, dtype=self.dtype).reshape(shape)
        rows = [self.indices[dim] * (dim in kept) for dim in range(self.sparse_dim) if keepdim or dim in kept]
        return Coo(np.stack(rows), values, shape).coalesce()

    def only(self, which: Array | slice) -> Coo:
        """Keep the values of a mask, or of a slice."""
        return replace(self, indices=self.indices[:, which], values=self.values[which])

    @staticmethod
    def joined(parts: Sequence[Coo], dim: int) -> Coo:
        """Join along a dimension, in which each part begins where the one before ends."""
        ends = list(accumulate(each.shape[dim] for each in parts))
        moved = [each.moved(dim, end - each.shape[dim], ends[-1]) for each, end in zip(parts, ends, strict=True)]
        indices = np.concatenate([each.indices for each in moved], axis=1)
        return Coo(indices, np.concatenate([each.values for each in moved]), moved[0].shape)

    def moved(self, dim: int, start: int, size: int) -> Coo:
        """Give a dimension another size, in which the elements begin at an index."""
        shape = (*self.shape[:dim], size, *self.shape[dim + 1 :])
        if dim < self.sparse_dim:
            row = self.indices[dim : dim + 1] + start
            return Coo(np.concatenate([self.indices[:dim], row, self.indices[dim + 1 :]]), self.values, shape)
        values = namespace(self.values).zeros((self.nnz, *shape[self.sparse_dim :]), self.dtype)
        key = (slice(None),) * (dim - self.sparse_dim + 1) + (slice(start, start + self.shape[dim]),)
        values[key] = self.values
        return Coo(self.indices, values, shape)

    def times(self, dense: Array) -> Array:
        """Multiply with a dense matrix, or a vector."""
        rows, columns = self.indices
        values = self.values.reshape(-1, *(1,) * (dense.ndim - 1))
        product = namespace(dense).zeros((self.shape[0], *dense.shape[1:]), self.dtype)
        np.add.at(product, rows, values * dense[columns])
        return product


@dataclass(eq=False)
class Compressed(Sparse):
    """A matrix whose values stand line after line: where each line begins, and the index of each value in its line."""

    starts: Array  # with the end of the last
    plain_indices: Array
    values: Array
    shape: tuple[int, ...]

    line: ClassVar[int]  # the dimension whose indices are compressed
    title: ClassVar[str]
    names: ClassVar[tuple[str, str]]  # of starts and plain indices
    implementation: ClassVar[str] = "SparseCsrTensorImpl"

    @classmethod
    def zeros(cls, xp: Any, shape: tuple[int, ...], dtype: Any) -> Self:
        if len(shape) != 2:
            raise RuntimeError(
                "torch.zeros: Only batched sparse compressed (non-block) tensors are supported, but got size "
                f"{list(shape)}"
            )
        starts = xp.zeros(shape[cls.line] + 1, np.int64)
        return cls(starts, xp.zeros(0, np.int64), xp.zeros(0, dtype), shape)

    @classmethod
    def pack(cls, coo: Coo) -> Self:
        """Compress a matrix with coordinates."""
        lines = coo.coalesce() if not cls.line else coo.permute((1, 0)).coalesce()
        count = namespace(coo.values).arange(lines.shape[0] + 1)
        return cls(np.searchsorted(lines.indices[0], count), lines.indices[1], lines.values, coo.shape)

    def each(self, function: Callable[[Array], Array]) -> Self:
        return replace(
            self, starts=function(self.starts), plain_indices=function(self.plain_indices), values=function(self.values)
        )

    @property
    def nnz(self) -> int:
        return len(self.plain_indices)

    def parts(self) -> dict[str, Array]:
        return dict(zip((*self.names, "values"), (self.starts, self.plain_indices, self.values), strict=True))

    def coo(self) -> Coo:
        lines = np.searchsorted(self.starts, namespace(self.values).arange(self.nnz), side="right") - 1
        rows = (lines, self.plain_indices) if not self.line else (self.plain_indices, lines)
        return Coo(np.stack(rows).astype(np.int64), self.values, self.shape, coalesced=not self.line)

    def of_coo(self, coo: Coo) -> Self:
        return self.pack(coo)

    @property
    def strides(self) -> tuple[int, ...]:
        raise RuntimeError(f"{self.title} tensors do not have strides")

    @property
    def flags(self) -> Any:
        raise RuntimeError(f"{self.title} tensors do not have is_contiguous")


@dataclass(eq=False)
class Csr(Compressed):
    """A matrix compressed by rows."""

    layout: ClassVar[layout] = sparse_csr
    line: ClassVar[int] = 0
    title: ClassVar[str] = "Sparse CSR"
    names: ClassVar[tuple[str, str]] = ("crow_indices", "col_indices")

    def transposed(self) -> Csc:
        """Read the rows as columns."""
        return Csc(self.starts, self.plain_indices, self.values, self.shape[::-1])


@dataclass(eq=False)
class Csc(Compressed):
    """A matrix compressed by columns."""

    layout: ClassVar[layout] = sparse_csc
    line: ClassVar[int] = 1
    title: ClassVar[str] = "Sparse CSC"
    names: ClassVar[tuple[str, str]] = ("ccol_indices", "row_indices")

    def transposed(self) -> Csr:
        """Read the columns as rows."""
        return Csr(self.starts, self.plain_indices, self.values, self.shape[::-1])
