"""The layout in which oneDNN keeps what its kernels read; here it is an ordinary array that only some ops take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import composite, op
from assay_reference.core.layouts import Packed, _mkldnn, layout, strided
from assay_reference.core.op import Op
from assay_reference.core.tensor import Tensor
from assay_reference.ops import conversion, elementary, pointwise, shape
from assay_reference.ops.creation import as_dtype

TAKEN: Final = ("float32", "bfloat16", "float16", "uint8", "int8")


@dataclass(eq=False)
class Mkldnn(Packed):
    """An array in oneDNN's own order."""

    values: Array

    layout: ClassVar[layout] = _mkldnn
    implementation: ClassVar[str] = "OpaqueTensorImpl"

    @classmethod
    def zeros(cls, xp: Any, shape: tuple[int, ...], dtype: Any) -> Mkldnn:
        if dtype.name not in TAKEN:
            raise RuntimeError("get_mkldnn_dtype: unsupported data type")
        return cls(xp.zeros(shape, dtype))

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return tuple(self.values.shape)

    @property
    def strides(self) -> Any:
        return self.values.strides

    @property
    def flags(self) -> Any:
        return self.values.flags

    def each(self, function: Callable[[Array], Array]) -> Mkldnn:
        return Mkldnn(function(self.values))

    def with_values(self, values: Array) -> Mkldnn:
        return Mkldnn(values)

    def to_dense(self) -> Array:
        return self.values.copy()


@op(name="to_mkldnn", function=False, method=False)
def pack(input: Array) -> Array:
    return Mkldnn(input.copy(order="C"))


pack.vjp(input=lambda grad: conversion.to_dense(grad))


@composite(function=False)
def to_mkldnn(self: Tensor, dtype: Any = None) -> Tensor:
    """Return a tensor in oneDNN's layout with the same elements."""
    if self.layout is not strided or self.is_cuda:
        raise conversion.no_kernel_for("to_mkldnn", self)
    if self.dtype.name not in TAKEN:
        raise RuntimeError("dense_to_mkldnn expects float, bfloat16, half, uint8, int8 tensor input")
    if not self.ndim:
        raise RuntimeError("could not create a primitive descriptor for the reorder primitive.")
    return pack(self.to(as_dtype("to_mkldnn", dtype) or self.dtype))  # type: ignore[no-any-return]


def by_array(op: Op) -> None:
    """Let an op do with this layout what it does with an array."""

    def kernel(input: Any, *rest: Any, **options: Any) -> Mkldnn:
        return Mkldnn(op.kernel(input.values, *rest, **options))

    op.on(_mkldnn)(kernel)


for _op in (
    conversion.clone, conversion.zero, pointwise.relu, elementary.sigmoid, elementary.tanh, shape.reshape_packed,
    shape.t, shape.transpose,
):  # fmt: skip
    by_array(_op)


def values_of(operand: Any) -> Array:
    """Return the array of an operand that must have this layout."""
    if not isinstance(operand, Mkldnn):
        raise RuntimeError("itensor_from_mkldnn expects MKL-DNN tensor input")
    return operand.values


@pointwise.add.on(_mkldnn)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Mkldnn:
    return Mkldnn(values_of(input) + alpha * values_of(other))


@pointwise.mul.on(_mkldnn)
def mul(input: Any, other: Any) -> Mkldnn:
    first, second = (values_of(each) if np.ndim(each) else each for each in (input, other))
    return Mkldnn(first * second)


@pointwise.relu_slope.on(_mkldnn)
def relu_slope(gradient: Any, result: Any) -> Mkldnn:
    return Mkldnn(pointwise.relu_slope.kernel(values_of(gradient), values_of(result)))


@shape.view_of_size.on(_mkldnn)
def view(input: Mkldnn, size: Any) -> Any:
    raise RuntimeError("Currently Mkldnn tensor does not support view. Change to use reshape instead")
