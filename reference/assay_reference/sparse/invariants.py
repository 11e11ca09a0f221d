"""What must hold of the parts of a sparse tensor; the indices are checked only on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import namespace
from assay_reference.core.grad_mode import _Switch
from assay_reference.core.tensor import Tensor

checks: Final[ContextVar[bool]] = ContextVar("checks", default=False)


class check_sparse_tensor_invariants(_Switch):
    """Check the indices of every sparse tensor that is made: inside a with block or a function, or from now on."""

    def __new__(cls, enable: bool = True) -> Any:
        return super().__new__(cls)

    def __init__(self, enable: bool = True) -> None:
        super().__init__()
        self.wanted = enable

    def settings(self) -> Mapping[ContextVar[bool], bool]:
        return {checks: self.wanted}

    @staticmethod
    def enable() -> None:
        """Check from now on."""
        checks.set(True)

    @staticmethod
    def disable() -> None:
        """Check no more."""
        checks.set(False)

    @staticmethod
    def is_enabled() -> bool:
        """Return whether indices are checked."""
        return checks.get()


def check_parts(indices: Tensor, values: Tensor, size: Sequence[int]) -> None:
    """Refuse coordinates, values and a size that do not belong together."""
    sparse_dim, dense_dim = indices.shape[0], values.ndim - 1
    if len(size) != sparse_dim + dense_dim:
        raise RuntimeError(
            f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = "
            f"{sparse_dim}, dense_dim = {dense_dim}"
        )
    if indices.shape[1] != values.shape[0]:
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {indices.shape[1]}, nnz from values: "
            f"{values.shape[0]}"
        )
    expected = [values.shape[0], *size[sparse_dim:]]
    if list(values.shape) != expected:
        raise RuntimeError(f"values has incorrect size, expected {expected}, got {list(values.shape)}")


def check_not_negative(indices: Tensor) -> None:
    """Refuse negative coordinates."""
    for dim, row in enumerate(indices._array):
        if row.size and row.min() < 0:
            raise RuntimeError(f"found negative index {int(row.min())} for dim {dim}")


def check_coordinates(indices: Tensor, size: Sequence[int]) -> None:
    """Refuse coordinates that are not in a tensor of that size."""
    check_not_negative(indices)
    for dim, row in enumerate(indices._array):
        if row.size and row.max() >= size[dim]:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {dim}, size is {size[dim]} but found index "
                f"{int(row.max())}"
            )


def check_lines(kind: Any, starts: Tensor, plain_indices: Tensor) -> None:
    """Refuse starts and indices that are not two vectors."""
    begins, within = kind.names
    if not starts.ndim:
        raise RuntimeError(f"{begins} must have dimensionality >= 1 but got 0")
    if starts.ndim != plain_indices.ndim:
        raise RuntimeError(
            f"{begins} and {within} dimensionalities must be equal but got {starts.ndim} and {plain_indices.ndim}, "
            "respectively"
        )
    if starts.ndim > 1:
        raise RuntimeError(f"{begins} of a batch of matrices: the reference compresses single matrices only")


def check_compressed(kind: Any, starts: Tensor, plain_indices: Tensor, values: Tensor, size: Sequence[int]) -> None:
    """Refuse lines that do not follow each other, or do not fit in a matrix of that size."""
    begins, within = kind.names
    line, width = kind.line, ("ncols", "nrows")[kind.line]
    if len(size) != 1 + values.ndim:
        raise RuntimeError(
            "tensor dimensionality must be sum of batch, base, and dense dimensionalities (=0 + 2 + "
            f"{values.ndim - 1}) but got {len(size)}"
        )
    if starts.shape[0] != size[line] + 1:
        raise RuntimeError(
            f"{begins}.shape[-1] must be equal to the number of {('rows', 'columns')[line]} + 1 (={size[line] + 1}), "
            f"but got {starts.shape[0]}"
        )
    if plain_indices.shape[0] != values.shape[0]:
        raise RuntimeError(
            f"{within}.shape[-1] must be equal to nnz (={values.shape[0]}) as defined by values.shape[0], but got "
            f"{plain_indices.shape[0]}"
        )
    if starts.dtype is not plain_indices.dtype:
        raise RuntimeError(
            f"{begins} and {within} must have the same dtype, bot got {starts.dtype.title} and "
            f"{plain_indices.dtype.title}, respectively"
        )
    if starts.dtype.name not in ("int32", "int64"):
        raise RuntimeError(f"{begins} and {within} dtype must be Int or Long, but got {starts.dtype.title}")
    start, plain, nnz, across = starts._array, plain_indices._array, values.shape[0], size[1 - line]
    steps = start[1:] - start[:-1]
    begin = np.isin(namespace(plain).arange(1, max(nnz, 1)), start)  # where a line begins, the first one aside
    lines = f"{within}[..., {begins}[..., i - 1]:{begins}[..., i]] for all i = 1, ..., {('nrows', 'ncols')[line]}"
    for rule, holds in (
        (f"{begins}[..., 0] == 0", start[0] == 0),
        (f"{begins}[..., -1] == nnz", start[-1] == nnz),
        (f"0 <= {begins}[..., 1:] - {begins}[..., :-1] <= {width}", (steps >= 0) & (steps <= across)),
        (f"0 <= {within} < {width}", (plain >= 0) & (plain < across)),
        (f"{lines} are sorted and distinct along the last dimension values", begin | (plain[1:] > plain[:-1])),
    ):
        if not holds.all():
            raise RuntimeError(f"`{rule}` is not satisfied.")
