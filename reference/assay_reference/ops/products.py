"""Products of matrices and vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from assay_reference.core import dtypes
from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import FUNCTIONS, attach, broadcast_shape, composite, not_implemented, op
from assay_reference.core.tensor import Tensor
from assay_reference.ops.pointwise import conj, multiplied
from assay_reference.ops.shape import adjoint, expand, t, transpose, unsafe_view


def check_multipliable(first: Tensor, second: Tensor) -> None:
    """Refuse two matrices that have no product."""
    if first.shape[1] != second.shape[0]:
        (rows, columns), (more_rows, more_columns) = first.shape, second.shape
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{columns} and {more_rows}x{more_columns})"
        )
    if first.dtype is not second.dtype:
        names = f"{first.dtype.c_name} != {second.dtype.c_name}"
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {names}")


# -- two matrices -----------------------------------------------------------------------------------------------------


def check_kernel(name: str, first: Array, second: Array) -> None:
    """Refuse to multiply truth values; where there is nothing to multiply, types do not matter."""
    if first.size and second.size and first.dtype == bool:
        raise NotImplementedError(f"\"{name}\" not implemented for 'Bool'")


@op(out="own")
def mm(input: Array, mat2: Array) -> Array:
    """Multiply two matrices."""
    check_kernel("addmm_impl_cpu_", input, mat2)
    return input @ mat2


def of_left(grad: Tensor, right: Tensor, strides: Sequence[int]) -> Tensor:
    """Multiply a gradient for the left factor, which lies in memory as the factor does."""
    if strides == (1, grad.shape[0]):
        return t(mm(conj(right), t(grad)))  # type: ignore[no-any-return]
    return mm(grad, adjoint(right))  # type: ignore[no-any-return]


def of_right(grad: Tensor, left: Tensor, strides: Sequence[int]) -> Tensor:
    """Multiply a gradient for the right factor, which lies in memory as the factor does."""
    if strides == (1, left.shape[1]):
        return t(mm(t(grad), conj(left)))  # type: ignore[no-any-return]
    return mm(adjoint(left), grad)  # type: ignore[no-any-return]


mm.vjp(
    input=lambda grad, mat2, strides: of_left(grad, mat2, strides[0]),
    mat2=lambda grad, input, strides: of_right(grad, input, strides[1]),
)


@mm.check
def check_mm(input: Tensor, mat2: Tensor) -> None:
    for name, each in (("self", input), ("mat2", mat2)):
        if each.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix")
    check_multipliable(input, mat2)


@op(out="own", in_place=True)
def addmm(input: Array, mat1: Array, mat2: Array, *, beta: complex = 1, alpha: complex = 1) -> Array:
    """Multiply two matrices and alpha, and add beta times the input."""
    check_kernel("addmm_impl_cpu_", mat1, mat2)
    if mat1.dtype.kind in "iu":
        beta, alpha = int(beta.real), int(alpha.real)
    product = mat1 @ mat2 * mat1.dtype.type(alpha)
    # Times 0 would let NaN and infinities of the input through.
    return product + mat1.dtype.type(beta) * input if beta else product


addmm.vjp(
    input=lambda grad, beta: multiplied(grad, beta),
    mat1=lambda grad, mat2, strides, alpha: multiplied(of_left(grad, mat2, strides[1]), alpha),
    mat2=lambda grad, mat1, strides, alpha: multiplied(of_right(grad, mat1, strides[2]), alpha),
)


@addmm.check
def check_addmm(input: Tensor, mat1: Tensor, mat2: Tensor, beta: complex, alpha: complex) -> None:
    for number, each in enumerate((mat1, mat2), 1):
        if each.ndim != 2:
            raise RuntimeError(f"mat{number} must be a matrix, got {each.ndim}-D tensor")
    for name, each in (("self", input), ("mat1", mat1)):
        if each.dtype is not mat2.dtype:
            kinds = f"{each.dtype.title} and {mat2.dtype.title}"
            raise RuntimeError(f"{name} and mat2 must have the same dtype, but got {kinds}")
    check_multipliable(mat1, mat2)
    expand(input.detach(), (mat1.shape[0], mat2.shape[1]))  # which says what is wrong with other shapes


# -- vectors ----------------------------------------------------------------------------------------------------------


@op(out="own", refuses=not_implemented("dot", "bool"))
def dot(input: Array, tensor: Array) -> Array:
    """Multiply two vectors element by element, and add up."""
    return input @ tensor


dot.vjp(
    input=lambda grad, tensor: grad * conj(tensor),
    tensor=lambda grad, input: grad * conj(input),
)


@dot.check
def check_dot(input: Tensor, tensor: Tensor) -> None:
    if (input.ndim, tensor.ndim) != (1, 1):
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.dtype is not tensor.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {input.dtype.title} and {tensor.dtype.title}"
        )
    if input.shape != tensor.shape:
        (first,), (second,) = input.shape, tensor.shape
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{first}] and src [{second}] to have the same number of "
            f"elements, but got {first} and {second} elements respectively"
        )


@op(out="own")
def mv(input: Array, vec: Array) -> Array:
    """Multiply a matrix and a vector."""
    check_kernel("addmv_impl_cpu", input, vec)
    return input @ vec


mv.vjp(
    input=lambda grad, vec: grad.outer(conj(vec)),
    vec=lambda grad, input: mv(adjoint(input), grad),
)


@mv.check
def check_mv(input: Tensor, vec: Tensor) -> None:
    if not input.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    if (input.ndim, vec.ndim) != (2, 1):
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    rows, columns = input.shape
    if columns != vec.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({rows}), mat ({rows}x{columns}), vec ({vec.shape[0]})")
    if input.dtype is not vec.dtype:
        kinds = f"{vec.dtype.title}, {input.dtype.title}, and {vec.dtype.title}"
        raise RuntimeError(f"addmv input tensors must have the same dtype, but got {kinds}")


@composite(out="own")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Multiply every element of one vector with every element of another."""
    for name, each in (("self", input), ("vec2", vec2)):
        if each.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {each.ndim}-D")
    return input.reshape(input.shape[0], 1) * vec2  # type: ignore[no-any-return]


FUNCTIONS["ger"] = outer
attach("ger", outer)


# -- stacks of matrices -----------------------------------------------------------------------------------------------


def check_stacks(first: Tensor, second: Tensor) -> None:
    """Refuse stacks of matrices that have no products."""
    if first.shape[-1] != second.shape[-2]:
        count = math.prod(broadcast_shape(tuple(first.shape[:-2]), tuple(second.shape[:-2])))
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{count}, {first.shape[-1]}] but got: "
            f"[{count}, {second.shape[-2]}]."
        )
    if not first.numel() or not second.numel():  # where there is nothing to multiply, types do not matter
        return
    if first.dtype is dtypes.bool_:
        raise NotImplementedError("\"bmm\" not implemented for 'Bool'")
    if first.dtype is not second.dtype:
        raise RuntimeError(f"expected scalar type {first.dtype.title} but found {second.dtype.title}")


def stacked(first: Array, second: Array) -> Array:
    """Multiply stacks of matrices, in the type of the second."""
    return (first @ second).astype(second.dtype, copy=False)


@op(out="own")
def bmm(input: Array, mat2: Array) -> Array:
    """Multiply two stacks of matrices, pair by pair."""
    return stacked(input, mat2)


@bmm.check
def check_bmm(input: Tensor, mat2: Tensor) -> None:
    for number, each in enumerate((input, mat2), 1):
        if each.ndim != 3:
            raise RuntimeError(f"batch{number} must be a 3D tensor")
    if input.shape[0] != mat2.shape[0]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{input.shape[0]}, {input.shape[2]}] but "
            f"got: [{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    check_stacks(input, mat2)


@op(name="matmul", function=False, method=False, node="UnsafeViewBackward0")
def broadcast_bmm(input: Array, other: Array) -> Array:
    return stacked(input, other)


@broadcast_bmm.check
def check_broadcast_bmm(input: Tensor, other: Tensor) -> None:
    broadcast_shape(tuple(input.shape[:-2]), tuple(other.shape[:-2]))
    check_stacks(input, other)


bmm.vjp(
    input=lambda grad, mat2: bmm(grad, adjoint(mat2)),
    mat2=lambda grad, input: bmm(adjoint(input), grad),
)
broadcast_bmm.vjp(
    input=lambda grad, other: broadcast_bmm(grad, adjoint(other)),
    other=lambda grad, input: broadcast_bmm(adjoint(input), grad),
)


# -- any ranks --------------------------------------------------------------------------------------------------------


@composite(out="own")
def matmul(input: Tensor, other: Tensor) -> Any:
    """Multiply vectors, matrices and stacks of matrices, which broadcast."""
    if not isinstance(other, Tensor):
        raise TypeError(f"matmul(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
    ranks = input.ndim, other.ndim
    if 0 in ranks:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {ranks[0]}D and {ranks[1]}D")
    if ranks == (1, 1):
        return dot(input, other)
    if ranks == (1, 2):
        return mm(input.unsqueeze(0), other).squeeze_(0)
    if other.ndim <= 2:
        product = mv if other.ndim == 1 else mm
        if input.ndim == 2:
            return product(input, other)
        if folds(input, other):
            return folded(input, other)
        if other.ndim == 2:
            return broadcast_bmm(input, other)
        return unsafe_view(broadcast_bmm(input, other.unsqueeze(-1)).squeeze(-1), input.shape[:-1])
    if input.ndim == other.ndim == 3 and input.shape[0] == 1 != other.shape[0]:
        input = input.squeeze(0) if input.requires_grad else input
    if input.ndim == 2 and input.requires_grad:  # so that its gradient is not made for every matrix of the stack
        return matmul(transpose(other, -2, -1), t(input)).mT.contiguous()
    if input.ndim == 1 and folds(transpose(other, -2, -1), input):
        return folded(transpose(other, -2, -1), input)
    if input.ndim == 1:
        return unsafe_view(broadcast_bmm(input.unsqueeze(0), other), (*other.shape[:-2], other.shape[-1]))
    return broadcast_bmm(input, other)


def folds(stack: Tensor, other: Tensor) -> bool:
    """Return whether a stack of matrices is multiplied as one matrix: where it lies in memory as one, if it matters."""
    if other.requires_grad or not stack.numel():
        return True
    steps = list(zip(stack.shape, stack.stride(), strict=True))[:-1]
    return all(outer[1] == size * step for outer, (size, step) in pairwise(steps))


def folded(stack: Tensor, other: Tensor) -> Tensor:
    """Multiply all matrices of a stack as the rows of one."""
    product = mv if other.ndim == 1 else mm
    rows = stack.reshape(math.prod(stack.shape[:-1]), stack.shape[-1])
    return unsafe_view(product(rows, other), (*stack.shape[:-1], *other.shape[1:]))  # type: ignore[no-any-return]


def matmul_operator(self: Tensor, other: Any) -> Any:
    """Multiply, as the operator @."""
    return matmul(self, other) if isinstance(other, Tensor) else NotImplemented


attach("__matmul__", matmul_operator)
