"""The largest and the smallest: of everything, along dimensions, and where they are."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import Kernel, composite, not_implemented, op
from assay_reference.core.op import Op
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.ops.creation import zeros
from assay_reference.ops.gathering import scatter
from assay_reference.ops.pointwise import maximum, minimum
from assay_reference.ops.reduction import EVERYTHING, Dims, axes, count_nonzero, expand_reduced

# -- what is chosen among elements ------------------------------------------------------------------------------------


def check_not_empty(name: str, array: Array, dim: Dims, no_dim: Exception | None = None) -> None:
    """Refuse to choose from no elements: along a dimension, or of everything, for which there may be another error."""
    if dim is None or (not isinstance(dim, int) and not len(dim)):
        if not array.size:
            raise no_dim or RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        return
    for each in (dim,) if isinstance(dim, int) else dim:
        if array.ndim and not array.shape[each]:
            raise IndexError(f"{name}(): Expected reduction dim {each} to have non-zero size.")


def chosen_dim(name: str, input: Array, dim: int) -> int:
    """Return the dimension along which to choose, counted from the front."""
    dim = wrap_dim(dim, input.ndim)
    check_not_empty(name, input, dim)
    return dim


def take_chosen(input: Array, indices: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """Return the elements at one index along a dimension, and the indices."""
    indices = np.expand_dims(indices, dim).astype(np.int64)
    values = np.take_along_axis(np.atleast_1d(input), indices, axis=dim)
    if not input.ndim:
        return values.reshape(()), indices.reshape(())
    return (values, indices) if keepdim else (np.squeeze(values, dim), np.squeeze(indices, dim))


def share_among_ties(grad: Tensor, ties: Tensor, dim: Dims = None) -> Tensor:
    """Share a gradient evenly among the elements that tie."""
    return grad / count_nonzero(ties, dim, keepdim=True).to(grad.dtype) * ties  # type: ignore[no-any-return]


def one_of_all(name: str, **options: Any) -> Callable[[Kernel], Op]:
    """Make an op that returns one of all elements; those that equal it share the gradient."""

    def decorate(kernel: Kernel) -> Op:
        made = op(name=name, function=False, method=False, **options)(kernel)
        made.vjp(input=lambda grad, out, input: share_among_ties(grad, input != input if out != out else input == out))
        return made

    return decorate


def chosen_along(**options: Any) -> Callable[[Kernel], Op]:
    """Make an op that returns elements chosen along a dimension, and their indices."""

    def decorate(kernel: Kernel) -> Op:
        made = op(out="own", returns=("values", "indices"), **options)(kernel)
        if "keepdim" in made.names:
            made.vjp(
                input=lambda grad, indices, shape, dim, keepdim: back_to_chosen(grad, indices, shape, dim, keepdim)
            )
        else:
            made.vjp(input=lambda grad, indices, shape, dim: back_to_chosen(grad, indices, shape, dim, True))
        return made

    return decorate


def back_to_chosen(grad: Tensor, indices: Tensor, shape: Sequence[int], dim: int, keepdim: bool) -> Tensor:
    """Send the gradient to the elements that were chosen along a dimension."""
    if not keepdim and shape:
        grad, indices = grad.unsqueeze(dim), indices.unsqueeze(dim)
    return scatter(zeros(shape, dtype=grad.dtype, device=grad.device), dim, indices, grad)


# -- max and min ------------------------------------------------------------------------------------------------------


def extreme(name: str, reduce: Kernel, choose: Kernel, pairwise: Op, word: str) -> None:
    """Make max, or min: of everything, along a dimension with the index, and of two tensors."""
    refuses = {"complex": RuntimeError(f"{name}(): does not support complex input")}
    refuses_all, node = not_implemented(f"{name}_all", "complex"), f"{name.title()}Backward1"

    @one_of_all(name, node=node, out="castable", refuses=refuses_all)
    def of_all(input: Array) -> Array:
        check_not_empty(name, input, None)
        return reduce(input)

    @chosen_along(name=name, function=False, method=False, refuses=refuses)
    def along(input: Array, dim: int, keepdim: bool) -> Any:
        over = chosen_dim(name, input, dim)
        return take_chosen(input, choose(np.atleast_1d(input), axis=over), over, keepdim)

    def form(
        input: Tensor, dim: Any = EVERYTHING, keepdim: bool = False, *, other: Tensor | None = None, out: Any = None
    ) -> Any:
        if isinstance(dim, Tensor):
            dim, other = EVERYTHING, dim
        if other is not None:
            return pairwise(input, other, out=out)
        if dim is EVERYTHING and not keepdim:
            return of_all(input, out=out)
        if not isinstance(dim, int) or isinstance(dim, bool):
            raise TypeError(
                f"{name}() received an invalid combination of arguments - got (Tensor, {type(dim).__name__}), but "
                "expected one of:\n * (Tensor input, *, Tensor out = None)\n"
                " * (Tensor input, Tensor other, *, Tensor out = None)\n"
                " * (Tensor input, int dim, bool keepdim = False, *, tuple of Tensors out = None)\n"
            )
        return along(input, dim, keepdim, out=out)

    form.__doc__ = f"Return the {word} of everything, along a dimension with its index, or of each pair of elements."
    composite(name=name)(form)


extreme("max", np.max, np.argmax, maximum, "largest")
extreme("min", np.min, np.argmin, minimum, "smallest")


def extreme_values(kernel_name: str) -> Callable[[Kernel], Op]:
    """Make an op that returns the extreme along dimensions; elements that equal it share the gradient."""

    def decorate(kernel: Kernel) -> Op:
        name = kernel.__name__

        @op(out="own", refuses=not_implemented(kernel_name, "complex"))
        @functools.wraps(kernel)
        def along(input: Array, dim: int | Sequence[int], keepdim: bool) -> Array:
            over = axes(dim, input.ndim)
            check_not_empty(name, input, dim)
            return kernel(input, over, keepdim)

        along.vjp(input=lambda grad, out, input, dim, keepdim: back_to_extremes(grad, out, input, dim, keepdim))
        return along

    return decorate


def back_to_extremes(grad: Tensor, out: Tensor, input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """Send the gradient to the elements that equal the extreme."""
    wide_grad, extremes = (expand_reduced(each, input.shape, dim, keepdim) for each in (grad, out))
    return share_among_ties(wide_grad, input == extremes, dim)


@extreme_values("max_values_cpu")
def amax(input: Array, dim: int | Sequence[int] = (), keepdim: bool = False) -> Array:
    """Return the largest element along dimensions."""
    return np.max(input, axis=dim, keepdims=keepdim)


@extreme_values("min_values_cpu")
def amin(input: Array, dim: int | Sequence[int] = (), keepdim: bool = False) -> Array:
    """Return the smallest element along dimensions."""
    return np.min(input, axis=dim, keepdims=keepdim)


@op(returns=("min", "max"))
def aminmax(input: Array, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the smallest and the largest element, of everything or along a dimension."""
    over = axes(dim, input.ndim)
    check_not_empty("aminmax", input, dim)
    return np.min(input, axis=over, keepdims=keepdim), np.max(input, axis=over, keepdims=keepdim)


@aminmax.vjp
def aminmax_vjp(grad: Any, out: Any, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    low, high = (back_to_extremes(*pair, input, dim, keepdim) for pair in zip(grad, out, strict=True))
    return low + high


# -- where they are ---------------------------------------------------------------------------------------------------


def index_of_extreme(kernel: Kernel) -> Op:
    """Make argmax, or argmin."""
    name = kernel.__name__
    refuses = {kind: RuntimeError(f"{name}(): does not support {kind} input") for kind in ("bool", "complex")}

    @op(out="own", refuses=refuses)
    @functools.wraps(kernel)
    def index(input: Array, dim: int | None, keepdim: bool) -> Array:
        over = dim if dim is None else wrap_dim(dim, input.ndim)
        no_dim = IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        check_not_empty(name, input, over, no_dim)
        if not input.ndim:
            return np.zeros_like(input, np.int64)  # NumPy has no argmax of 0-d arrays along a dimension
        return kernel(input, over, keepdim).astype(np.int64)

    return index


@index_of_extreme
def argmax(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Return the index of the largest element, counted in a row or along a dimension."""
    return np.argmax(input, axis=dim, keepdims=keepdim)


@index_of_extreme
def argmin(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Return the index of the smallest element, counted in a row or along a dimension."""
    return np.argmin(input, axis=dim, keepdims=keepdim)
