"""Sparse tensors made of their parts."""

from __future__ import annotations

from typing import Any

from assay_reference.core.arrays import Array, cuda_namespace
from assay_reference.core.dispatch import composite, op
from assay_reference.core.layouts import layout
from assay_reference.core.packed import Compressed, Coo, Csc, Csr
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import as_dtype, as_tensor, integer_sizes, wanting_grad
from assay_reference.sparse.conversion import sparse_mask, values_of
from assay_reference.sparse.invariants import (
    check_compressed,
    check_coordinates,
    check_lines,
    check_not_negative,
    check_parts,
    checks,
)


@op(
    name="sparse_coo_tensor",
    node="SparseCooTensorWithDimsAndTensorsBackward0",
    function=False,
    method=False,
    keeps_half=True,
)
def of_coordinates(indices: Array, values: Array, size: Any, coalesced: bool) -> Array:
    return Coo(indices, values, size, coalesced)


@op(name="sparse_compressed_tensor", function=False, method=False, keeps_half=True)
def of_lines(starts: Array, plain_indices: Array, values: Array, size: Any, kind: Any) -> Array:
    return kind(starts, plain_indices, values, size)


for _op in (of_coordinates, of_lines):
    _op.vjp(values=lambda grad, out: values_of(sparse_mask(grad, out)))


@composite(method=False)
def sparse_coo_tensor(
    indices: Any = None,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """Make a tensor of the coordinates of its elements, a row for each dimension, and their values; or an empty one."""
    check_pinning(pin_memory)
    if values is None:
        size = sizes("sparse_coo_tensor", indices if size is None else size)
        indices, values, is_coalesced = [[]] * len(size), [], True
    elements = as_tensor(values, as_dtype("sparse_coo_tensor", dtype), device)
    elements = elements if elements.ndim else elements.unsqueeze(0)
    coordinates = as_tensor(indices, device=elements.device).long()
    if coordinates.ndim == 1:
        if size is None:
            raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(coordinates.shape)}")
        coordinates = coordinates.unsqueeze(1)
    if not coordinates.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    if size is None:
        check_not_negative(coordinates)
        shape = (*extents(coordinates), *elements.shape[1:])
    else:
        shape = sizes("sparse_coo_tensor", size)
    check_parts(coordinates, elements, shape)
    if checks.get() if check_invariants is None else check_invariants:
        check_coordinates(coordinates, shape)
        if is_coalesced and not Coo(coordinates._array, elements._array, shape).is_in_order():
            raise RuntimeError("cannot set is_coalesced to true if indices correspond to uncoalesced COO tensor")
    return wanting_grad(of_coordinates(coordinates, elements, shape, bool(is_coalesced)), requires_grad)


def extents(indices: Tensor) -> list[int]:
    """Return the smallest size of each dimension that holds its coordinates."""
    return [int(row.max()) + 1 if row.size else 0 for row in indices._array]


def sizes(name: str, size: Any) -> tuple[int, ...]:
    """Read a size."""
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"{name}() received an invalid combination of arguments - got ({type(size).__name__})")
    wanted = integer_sizes(name, size)
    if any(each < 0 for each in wanted):
        raise RuntimeError("numel: integer multiplication overflow")
    return wanted


@composite(method=False)
def sparse_csr_tensor(crow_indices: Any, col_indices: Any, values: Any, size: Any = None, **options: Any) -> Tensor:
    """Make a matrix of where each row begins in a list of values, and of their columns."""
    return compressed(Csr, "sparse_csr_tensor", crow_indices, col_indices, values, size, **options)


@composite(method=False)
def sparse_csc_tensor(ccol_indices: Any, row_indices: Any, values: Any, size: Any = None, **options: Any) -> Tensor:
    """Make a matrix of where each column begins in a list of values, and of their rows."""
    return compressed(Csc, "sparse_csc_tensor", ccol_indices, row_indices, values, size, **options)


def check_pinning(pin_memory: bool) -> None:
    """Refuse to pin memory where there is no GPU."""
    if pin_memory and cuda_namespace() is None:
        raise RuntimeError("Cannot access accelerator device when none is available.")


def compressed(
    kind: type[Compressed],
    name: str,
    starts: Any,
    plain_indices: Any,
    values: Any,
    size: Any,
    *,
    dtype: Any = None,
    layout: layout | None = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Tensor:
    """Make a compressed matrix of its parts."""
    check_pinning(pin_memory)
    if layout not in (None, kind.layout):
        raise RuntimeError(f"{name}: layout must be {kind.layout.title} but got {layout.title}")
    elements = as_tensor(values, as_dtype(name, dtype), device)
    begins, within = (as_index(each, elements.device) for each in (starts, plain_indices))
    check_lines(kind, begins, within)
    shape = estimated(kind, begins, within, elements) if size is None else sizes(name, size)
    if checks.get() if check_invariants is None else check_invariants:
        check_compressed(kind, begins, within, elements, shape)
    return wanting_grad(of_lines(begins, within, elements, shape, kind), requires_grad)


def as_index(indices: Any, device: Any) -> Tensor:
    """Read indices; an empty list has no type of its own."""
    made = as_tensor(indices, device=device)
    return made if made.numel() or isinstance(indices, Tensor) else made.long()


def estimated(kind: type[Compressed], starts: Tensor, plain_indices: Tensor, values: Tensor) -> tuple[int, ...]:
    """Return the size of the smallest matrix that holds these lines."""
    size = [starts.shape[0] - 1, int(plain_indices.max()) + 1 if plain_indices.numel() else 0]
    return (*(size[::-1] if kind.line else size), *values.shape[1:])
