"""From one layout to another, and the parts of sparse tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import composite, op, view
from assay_reference.core.layouts import COMPRESSED, SPARSE, Packed, layout, sparse_coo, sparse_csc, sparse_csr, strided
from assay_reference.core.packed import Coo, Csc, Csr, Sparse
from assay_reference.core.tensor import Tensor
from assay_reference.ops.conversion import no_kernel_for, to_dense, unpack

# -- to dense, and back -----------------------------------------------------------------------------------------------


unpack.vjp(
    input=lambda grad, input, masked_grad: packed_like(grad, input) if masked_grad else CONVERSIONS[input.layout](grad)
)


@op(name="sparse_mask", function=False, method=False, layouts=SPARSE)
def masked(input: Array, mask: Array) -> Array:
    return mask.with_values(mask.taken_from(input.to_dense() if isinstance(input, Packed) else input))


masked.vjp(input=lambda grad, input: packed_like(grad, input))


@composite(function=False)
def sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """Keep the elements at the indices that a sparse tensor has."""
    if mask.layout not in SPARSE:
        raise no_kernel_for("sparse_mask", self)
    if self.shape != mask.shape:
        raise RuntimeError(
            "sparse_mask(): operands have incompatible sizes; self has size "
            f"{list(self.shape)} but mask has size {list(mask.shape)}"
        )
    return masked(self, mask)  # type: ignore[no-any-return]


def packed_like(grad: Tensor, input: Tensor) -> Tensor:
    """Convert a gradient to the layout of what it is the gradient of; sparse tensors have one only at their indices."""
    if input.layout in SPARSE:
        return sparse_mask(grad, coalesce(input) if input.is_sparse else input)
    return to_dense(grad) if input.layout is strided else grad.to_mkldnn()


def coordinates(input: Array, sparse_dim: int) -> Coo:
    """Return the stored elements with their coordinates."""
    return input.coo() if isinstance(input, Sparse) else Coo.of_dense(input, sparse_dim)


@op(name="to_sparse", node="ToSparseBackward1", function=False, method=False, layouts=COMPRESSED)
def to_coo(input: Array, sparse_dim: int) -> Array:
    return coordinates(input, sparse_dim)


@op(name="to_sparse_csr", function=False, method=False, layouts=SPARSE)
def to_csr(input: Array) -> Array:
    return Csr.pack(coordinates(input, 2))


@op(name="to_sparse_csc", function=False, method=False, layouts=SPARSE)
def to_csc(input: Array) -> Array:
    return Csc.pack(coordinates(input, 2))


for _op in (to_coo, to_csr, to_csc):
    _op.vjp(input=lambda grad, input: packed_like(grad, input))


@composite(function=False)
def to_sparse(self: Tensor, sparse_dim: int | None = None, *, layout: layout | None = None) -> Tensor:
    """Return a sparse tensor with the same elements: with coordinates for so many dimensions, or in another layout."""
    if layout is not None and sparse_dim is None:
        if layout not in CONVERSIONS:
            raise TypeError(
                f"to_sparse() received an invalid combination of arguments - got (layout={type(layout).__name__}, )"
            )
        return CONVERSIONS[layout](self)
    dims = self.ndim if sparse_dim is None else sparse_dim
    if self.layout in SPARSE:
        if sparse_dim is not None and sparse_dim != self.sparse_dim():
            name = "to_sparse" if self.is_sparse else "sparse_compressed_to_sparse"
            wanted = "self.sparse_dim()" if self.is_sparse else "2"
            raise RuntimeError(
                f"{name}: conversion from {self.layout.title} to Sparse with sparse_dim argument !={wanted} is not "
                "supported"
            )
        return self if self.is_sparse else to_coo(self, dims)
    if not 0 <= dims <= self.ndim:
        raise RuntimeError(
            f"dense_to_sparse: sparse_dim argument must be in [0,{self.ndim}] range, but {dims} is given"
        )
    if not dims and self.ndim:
        raise RuntimeError("dense_to_sparse: sparse_dim argument must be in >0 when self.dim()>0")
    return to_coo(self, dims)  # type: ignore[no-any-return]


@composite(function=False)
def to_sparse_coo(self: Tensor) -> Tensor:
    """Return a tensor with coordinates, and the same elements."""
    return to_sparse(self)


def compression(name: str, to: layout, convert: Any) -> Any:
    """Make the method that compresses the lines of a matrix."""

    @composite(function=False, name=name)
    def method(self: Tensor) -> Tensor:
        if self.layout is to:
            return self
        if self.is_sparse and (self.sparse_dim(), self.ndim) != (2, 2):
            raise RuntimeError(
                f"coo_to_{to.name}: conversion from Sparse to {to.title} for input tensors with sparse_dim()!=2 is not "
                "supported"
            )
        if self.ndim != 2:
            raise RuntimeError(f"{name}: the reference compresses single matrices only, not {self.ndim} dimensions")
        return convert(self)  # type: ignore[no-any-return]

    return method


to_sparse_csr = compression("to_sparse_csr", sparse_csr, to_csr)
to_sparse_csc = compression("to_sparse_csc", sparse_csc, to_csc)
CONVERSIONS: Final[dict[layout, Callable[[Tensor], Tensor]]] = {
    strided: to_dense,
    sparse_coo: to_sparse_coo,
    sparse_csr: to_sparse_csr,
    sparse_csc: to_sparse_csc,
}


# -- parts ------------------------------------------------------------------------------------------------------------


def check_layout(name: str, wanted: str, tensor: Tensor, *layouts: layout) -> None:
    """Refuse a tensor of another layout than those that have such a part."""
    if tensor.layout not in layouts:
        raise RuntimeError(f"{name} expected {wanted} tensor layout but got {tensor.layout.title}")


def check_coalesced(name: str, tensor: Tensor) -> None:
    """Refuse parts in which an index may occur twice."""
    if not tensor._array.coalesced:
        raise RuntimeError(f"Cannot get {name} on an uncoalesced tensor, please call .coalesce() first")


@view(name="values", function=False, method=False, layouts=SPARSE)
def values_of(input: Array) -> Array:
    return input.values


@op(name="with_values", function=False, method=False, layouts=SPARSE)
def with_values(input: Array, values: Array) -> Array:
    return input.with_values(values)


values_of.vjp(input=lambda grad, input: with_values(input, grad))
with_values.vjp(values=lambda grad, input: values_of(sparse_mask(grad, input)))


@composite(function=False)
def values(self: Tensor) -> Tensor:
    """Return the stored elements."""
    check_layout("values", "sparse", self, *SPARSE)
    if self.is_sparse:
        check_coalesced("values", self)
    return values_of(self)  # type: ignore[no-any-return]


@composite(function=False)
def indices(self: Tensor) -> Tensor:
    """Return the coordinates of the elements, a row for each sparse dimension."""
    check_layout("indices", "sparse coordinate", self, sparse_coo)
    check_coalesced("indices", self)
    return Tensor._wrap(self._array.indices)


def part(name: str, wanted: str, to: layout, attribute: str) -> None:
    """Make the method that returns a part of a compressed matrix."""

    @composite(function=False, name=name)
    def method(self: Tensor) -> Tensor:
        check_layout(name, wanted, self, to)
        return Tensor._wrap(getattr(self._array, attribute))

    method.__doc__ = f"Return the {name} of a compressed matrix."


for _packed, _wanted in ((Csr, "sparse row compressed"), (Csc, "sparse column compressed")):
    for _name, _attribute in zip(_packed.names, ("starts", "plain_indices"), strict=True):
        part(_name, _wanted, _packed.layout, _attribute)


@composite(function=False)
def _indices(self: Tensor) -> Tensor:
    """Return the coordinates as they are, also where some occur twice."""
    if not self.is_sparse:
        raise no_kernel_for("_indices", self)
    return Tensor._wrap(self._array.indices)


@composite(function=False)
def _values(self: Tensor) -> Tensor:
    """Return the values as they are, also where some share an index."""
    if not self.is_sparse:
        raise no_kernel_for("_values", self)
    return Tensor._wrap(self._array.values)


@composite(function=False)
def _nnz(self: Tensor) -> int:
    """Count the values."""
    if self.layout not in SPARSE:
        raise no_kernel_for("_nnz", self)
    return self._array.nnz  # type: ignore[no-any-return]


@composite(function=False)
def sparse_dim(self: Tensor) -> int:
    """Count the dimensions that have coordinates."""
    check_layout("sparse_dim", "sparse or strided", self, strided, *SPARSE)
    return 0 if self.layout is strided else self._array.sparse_dim


@composite(function=False)
def dense_dim(self: Tensor) -> int:
    """Count the dimensions that each value has."""
    check_layout("dense_dim", "sparse or strided", self, strided, *SPARSE)
    return self.ndim if self.layout is strided else self._array.dense_dim


@composite(function=False)
def is_coalesced(self: Tensor) -> bool:
    """Return whether the coordinates are in order, and none occurs twice."""
    check_layout("is_coalesced", "sparse coordinate", self, sparse_coo)
    return self._array.coalesced  # type: ignore[no-any-return]


@op(name="coalesce", function=False, method=False, layouts=(sparse_coo,))
def summed_up(input: Array) -> Array:
    return input.coalesce()


summed_up.vjp(input=lambda grad: grad)


@composite(function=False)
def coalesce(self: Tensor) -> Tensor:
    """Put the coordinates in order, and add up the values that share them."""
    check_layout("coalesce", "sparse coordinate", self, sparse_coo)
    return self if self._array.coalesced else summed_up(self)
