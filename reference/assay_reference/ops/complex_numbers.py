"""Complex numbers: made of two real ones, and seen as these."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, namespace, strided
from assay_reference.core.dispatch import attach, composite, elementwise, view
from assay_reference.core.dtypes import of_array
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import zeros_like
from assay_reference.ops.parts import select
from assay_reference.ops.pointwise import conj, sgn, where

# -- the parts, in the memory of the whole ----------------------------------------------------------------------------


@view(method=False)
def view_as_real(input: Array) -> Array:
    """Show complex numbers as pairs of real ones, in a new last dimension."""
    if input.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return strided(input.real, (*input.shape, 2), (*input.strides, input.itemsize // 2))


@view(name="view_as_complex", method=False, function=False)
def complex_view(input: Array) -> Array:
    if input.dtype not in PAIRS:
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
            f"{of_array(input).title}"
        )
    if not input.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if input.size and input.strides[-1] != input.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(each % (2 * input.itemsize) for each in input.strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return input.view(PAIRS[input.dtype])[..., 0]


PAIRS = {np.dtype(np.float32): np.complex64, np.dtype(np.float64): np.complex128}

view_as_real.vjp(input=lambda grad: complex_view(grad.contiguous()))
complex_view.vjp(input=lambda grad: view_as_real(grad))


@composite(method=False)
def view_as_complex(input: Tensor) -> Tensor:
    """Show pairs of real numbers, which lie in the last dimension, as complex ones."""
    viewed: Tensor = complex_view(input)
    if input.storage_offset() % 2:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    return viewed


@composite(method=False)
def real(input: Tensor) -> Tensor:
    """Return the real parts, which share memory with the complex numbers."""
    return select(view_as_real(input), -1, 0) if input.is_complex() else input


@composite(method=False)
def imag(input: Tensor) -> Tensor:
    """Return the imaginary parts, which share memory with the complex numbers."""
    if not input.is_complex():
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return select(view_as_real(input), -1, 1)  # type: ignore[no-any-return]


def set_real(self: Tensor, value: Any) -> None:
    """Overwrite the real parts."""
    real(self)[...] = value


def set_imag(self: Tensor, value: Any) -> None:
    """Overwrite the imaginary parts."""
    imag(self)[...] = value


attach("real", property(real, set_real))
attach("imag", property(imag, set_imag))


# -- made of real numbers ---------------------------------------------------------------------------------------------


def check_parts(first: Tensor, second: Tensor) -> None:
    """Refuse what cannot be the parts of complex numbers."""
    if not all(each.dtype.is_floating_point and each.dtype.name != "bfloat16" for each in (first, second)):
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {first.dtype.title} and "
            f"{second.dtype.title}"
        )
    if first.dtype is not second.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {first.dtype.title} but got scalar type {second.dtype.title} for second "
            "argument"
        )


def joined(real: Array, imag: Array) -> Array:
    """Join parts; a sum would lose signs of zero, and make NaN of infinities."""
    both = np.broadcast_arrays(real, imag)
    made = namespace(real).empty(both[0].shape, PAIRS[real.dtype])
    made.real, made.imag = both
    return made


@elementwise(promotes="same", method=False, in_place=False)
def complex(real: Array, imag: Array) -> Array:
    """Make complex numbers of their real and imaginary parts."""
    return joined(real, imag)


complex.vjp(real=lambda grad: real(grad), imag=lambda grad: imag(grad))


@complex.check
def check_complex(real: Tensor, imag: Tensor) -> None:
    check_parts(real, imag)


@elementwise(promotes="same", method=False, in_place=False)
def polar(abs: Array, angle: Array) -> Array:
    """Make complex numbers of their absolute values and angles."""
    return joined(abs * np.cos(angle), abs * np.sin(angle))


polar.vjp(
    abs=lambda grad, out: real(conj(grad) * sgn(out)),
    angle=lambda grad, out: real(conj(grad) * (out * 1j)),
)


@polar.check
def check_polar(abs: Tensor, angle: Tensor) -> None:
    check_parts(abs, angle)


# -- the angle --------------------------------------------------------------------------------------------------------


@elementwise(promotes="int_to_float", in_place=False)
def angle(input: Array) -> Array:
    """Return the angle of complex numbers; of real ones, 0 or pi."""
    if input.dtype.kind == "c":
        return np.arctan2(input.imag, input.real)
    return np.where(np.isnan(input), input, np.where(input < 0, input.dtype.type(np.pi), input.dtype.type(0)))


@angle.vjp
def angle_vjp(grad: Tensor, input: Tensor) -> Any:
    """Differentiate the angle, which is 0 at the origin and for real numbers."""
    if not input.is_complex():
        return zeros_like(grad)
    return where(input == 0, 0.0, grad * (input / input.abs() ** 2 * 1j))


# -- what PyTorch puts off, and is done here already ------------------------------------------------------------------


@composite()
def resolve_conj(input: Tensor) -> Tensor:
    """Conjugate lazy conjugates, of which there are none here."""
    return input


@composite()
def resolve_neg(input: Tensor) -> Tensor:
    """Negate lazy negatives, of which there are none here."""
    return input


@composite(method=False)
def is_complex(input: Tensor) -> bool:
    """Return whether the elements are complex numbers."""
    return input.is_complex()


@composite(method=False)
def is_floating_point(input: Tensor) -> bool:
    """Return whether the elements are floating point numbers."""
    return input.is_floating_point()


@elementwise(promotes="same", in_place=False, out=None)
def isreal(input: Array) -> Array:
    """Return whether an element has no imaginary part."""
    return np.equal(input.imag, 0)
