"""Many elements to one, along dimensions: sums, extremes, order statistics, running totals."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from assay_reference.core import dtypes
from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import composite, not_implemented, op
from assay_reference.core.op import Op
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.ops.creation import as_dtype, eye, ones_like, zeros
from assay_reference.ops.gathering import scatter
from assay_reference.ops.joining import cat
from assay_reference.ops.pointwise import conj, maximum, minimum, where
from assay_reference.ops.shape import wrap_dims

Dims = int | Sequence[int] | None
EVERYTHING: Final = object()  # the dimension that max and min reduce where none is given


# -- what all reductions share ----------------------------------------------------------------------------------------


def axes(dim: Dims, ndim: int) -> tuple[int, ...]:
    """Read dimensions to reduce: none given means all."""
    if dim is None:
        return tuple(range(ndim))
    wrapped = wrap_dims((dim,) if isinstance(dim, int) else dim, ndim)
    return wrapped if wrapped and ndim else tuple(range(ndim))


def spread(reduced: Tensor, shape: Sequence[int], dim: Dims, keepdim: bool) -> Tensor:
    """Return a reduced tensor, or its gradient, the shape from before the reduction."""
    if not keepdim:
        for each in sorted(axes(dim, len(shape))):
            reduced = reduced.unsqueeze(each)
    return reduced.expand(shape)  # type: ignore[no-any-return]


def picked(grad: Tensor, shape: Sequence[int], indices: Tensor, dim: int, keepdim: bool) -> Tensor:
    """Send a gradient to the elements that were picked along a dimension."""
    if not keepdim and shape:
        grad, indices = grad.unsqueeze(dim), indices.unsqueeze(dim)
    return scatter(zeros(shape, dtype=grad.dtype, device=grad.device), dim, indices, grad)


def shared(grad: Tensor, mask: Tensor, dim: Dims = None) -> Tensor:
    """Share a gradient out evenly among the elements that tie."""
    return grad / count_nonzero(mask, dim, keepdim=True).to(grad.dtype) * mask  # type: ignore[no-any-return]


def check_not_empty(name: str, array: Array, dim: Dims, unspecified: Exception) -> None:
    """Refuse to choose from nothing."""
    if dim is None or (not isinstance(dim, int) and not len(dim)):
        if not array.size:
            raise unspecified
        return
    for each in (dim,) if isinstance(dim, int) else dim:
        if array.ndim and not array.shape[each]:
            raise IndexError(f"{name}(): Expected reduction dim {each} to have non-zero size.")


def unspecified(name: str) -> Exception:
    """Say that of nothing there is no extreme, for lack of a dimension to reduce."""
    return RuntimeError(
        f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
        "'dim' argument."
    )


def accumulator(input: Tensor, dtype: Any, name: str) -> Tensor:
    """Convert to the type in which to add or multiply: the one asked for, or int64 for whole numbers."""
    kind = as_dtype(name, dtype)
    if kind is None and input.dtype.category in ("bool", "integer"):
        kind = dtypes.int64
    return input if kind is None else input.to(kind)


# -- sums and means ---------------------------------------------------------------------------------------------------


@op(name="sum", function=False, method=False)
def sum_all(input: Array) -> Array:
    return np.sum(input, dtype=input.dtype)


sum_all.vjp(input=lambda grad, shape: grad.expand(shape))


@op(name="sum", function=False, method=False, node="SumBackward1")
def sum_dims(input: Array, dim: Dims, keepdim: bool) -> Array:
    return np.sum(input, axis=axes(dim, input.ndim), keepdims=keepdim, dtype=input.dtype)


sum_dims.vjp(input=lambda grad, shape, dim, keepdim: spread(grad, shape, dim, keepdim))


@composite(out="any")
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Add up along dimensions, or everything."""
    addends = accumulator(input, dtype, "sum")
    if dim is None and not keepdim:
        return sum_all(addends)  # type: ignore[no-any-return]
    return sum_dims(addends, dim, keepdim)  # type: ignore[no-any-return]


@op(name="mean", function=False, method=False)
def mean_all(input: Array) -> Array:
    return np.sum(input) / input.size


mean_all.vjp(input=lambda grad, shape: grad.expand(shape) / math.prod(shape))


@op(name="mean", function=False, method=False, node="MeanBackward1")
def mean_dims(input: Array, dim: Dims, keepdim: bool) -> Array:
    over = axes(dim, input.ndim)
    return np.sum(input, axis=over, keepdims=keepdim) / math.prod(input.shape[each] for each in over)


@mean_dims.vjp
def mean_dims_vjp(grad: Tensor, shape: Any, dim: Dims, keepdim: bool) -> Any:
    count = math.prod(shape[each] for each in axes(dim, len(shape)))
    return spread(grad, shape, dim, keepdim) / count


@composite(out="castable")
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the average along dimensions, or of everything."""
    kind = as_dtype("mean", dtype) or input.dtype
    if kind.category in ("bool", "integer"):
        which = "Input" if dtype is None else "Optional"
        raise RuntimeError(
            "mean(): could not infer output dtype. "
            f"{which} dtype must be either a floating point or complex dtype. Got: {kind.title}"
        )
    if dim is None and not keepdim:
        return mean_all(input.to(kind))  # type: ignore[no-any-return]
    return mean_dims(input.to(kind), dim, keepdim)  # type: ignore[no-any-return]


def variance(input: Array, dim: Dims, correction: float, keepdim: bool) -> Array:
    """Average the squared distance from the mean, in double precision."""
    wide = np.complex128 if input.dtype.kind == "c" else np.float64
    over = axes(dim, input.ndim)
    count = math.prod(input.shape[each] for each in over)
    distance = np.subtract(input, np.sum(input, axis=over, keepdims=True, dtype=wide) / count, dtype=wide)
    squares = np.square(np.abs(distance) if input.dtype.kind == "c" else distance)
    return np.sum(squares, axis=over, keepdims=keepdim) / np.float64(max(count - correction, 0))


def real_type(array: Array) -> Any:
    """Return the type of the real part of an array's elements."""
    return dtypes.of_array(array).to_real().numpy


@op(name="var", function=False, method=False)
def var_op(input: Array, dim: Dims, correction: float, keepdim: bool) -> Array:
    return variance(input, dim, correction, keepdim).astype(real_type(input))


@op(name="std", function=False, method=False)
def std_op(input: Array, dim: Dims, correction: float, keepdim: bool) -> Array:
    return np.sqrt(variance(input, dim, correction, keepdim)).astype(real_type(input))


def var_vjp(grad: Tensor, input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Any:
    """Differentiate the variance."""
    count = math.prod(input.shape[each] for each in axes(dim, input.ndim))
    grad = spread(grad, input.shape, dim, keepdim)
    if count <= correction:  # PyTorch does not tell the two sides of the mean apart here
        return grad * (math.nan if count == 1 else math.inf)
    return grad * (2 / (count - correction)) * (input - mean(input, dim, keepdim=True))


def std_vjp(grad: Tensor, out: Tensor, input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Any:
    """Differentiate the standard deviation, by way of the variance; where it is 0, the gradient is 0."""
    return var_vjp((grad / (2 * out)).masked_fill(out == 0, 0), input, dim, correction, keepdim)


var_op.vjp(input=var_vjp)
std_op.vjp(input=std_vjp)


def deviation(name: str, made: Any, doc: str) -> None:
    """Offer a measure of deviation, with the several ways to call it."""

    @composite(out="castable", name=name)
    def measure(
        input: Tensor,
        dim: Any = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Tensor:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if input.dtype.category in ("bool", "integer"):
            raise RuntimeError("std and var only support floating point and complex dtypes")
        less = (1 if unbiased is None else int(unbiased)) if correction is None else correction
        if math.prod(input.shape[each] for each in axes(dim, input.ndim)) <= less:
            warnings.warn(
                f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
                "(input numel divided by output numel).",
                UserWarning,
                stacklevel=3,
            )
        return made(input, dim, less, keepdim)  # type: ignore[no-any-return]

    measure.__name__, measure.__doc__ = name, doc


deviation("var", var_op, "Give the variance along dimensions, or of everything.")
deviation("std", std_op, "Give the standard deviation along dimensions, or of everything.")


# -- products ---------------------------------------------------------------------------------------------------------


@op(name="prod", function=False, method=False)
def prod_all(input: Array) -> Array:
    return np.prod(input, dtype=input.dtype)


@op(name="prod", function=False, method=False, node="ProdBackward1")
def prod_dim(input: Array, dim: int, keepdim: bool) -> Array:
    return np.prod(input, axis=axes(dim, input.ndim), keepdims=keepdim, dtype=input.dtype)


def before(input: Tensor, dim: int) -> Tensor:
    """Multiply, for each element, those before it along a dimension."""
    first, others = input.narrow(dim, 0, 1), input.narrow(dim, 0, input.shape[dim] - 1)
    return cumprod_op(cat([ones_like(first), others], dim), dim)  # type: ignore[no-any-return]


def prod_dim_vjp(grad: Tensor, out: Tensor, input: Tensor, dim: int, keepdim: bool) -> Any:
    """Multiply by the product of the others, which is the whole divided by the element unless that is zero."""
    grad = spread(grad, input.shape, dim, keepdim)
    if not input.ndim:
        return grad
    if not (input == 0).any():
        return grad * conj(spread(out, input.shape, dim, keepdim) / input)
    return grad * conj(before(input, dim) * before(input.flip(dim), dim).flip(dim))


def prod_all_vjp(grad: Tensor, out: Tensor, input: Tensor) -> Any:
    """Multiply by the product of the others, all elements standing in a row."""
    row = input.reshape(-1) if input.ndim else input
    return prod_dim_vjp(grad, out, row, 0, False).reshape(input.shape)


prod_all.vjp(input=prod_all_vjp)
prod_dim.vjp(input=prod_dim_vjp)


@composite(out="any")
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Multiply along a dimension, or everything."""
    if not isinstance(dim, (int, type(None))):
        raise TypeError(
            f"prod() received an invalid combination of arguments - got ({type(dim).__name__}), but expected one of:\n"
            " * (*, torch.dtype dtype = None)\n * (int dim, bool keepdim = False, *, torch.dtype dtype = None)\n"
        )
    factors = accumulator(input, dtype, "prod")
    return prod_all(factors) if dim is None else prod_dim(factors, dim, keepdim)  # type: ignore[no-any-return]


# -- extremes ---------------------------------------------------------------------------------------------------------


def is_nan(array: Array) -> Any:
    """Tell where an array is NaN; whole numbers never are."""
    return array != array


def extreme(name: str, reduce: Any, choose: Any, elementwise: Any, word: str) -> None:
    """Make max, or min, in its three forms: of everything, along a dimension with the place, and of two tensors."""
    all_refusal, refusal = not_implemented(f"{name}_all"), RuntimeError(f"{name}(): does not support complex input")

    node = f"{name.title()}Backward1"

    @op(name=name, function=False, method=False, node=node, out="castable", refuses={"complex": all_refusal})
    def of_all(input: Array) -> Array:
        check_not_empty(name, input, None, unspecified(name))
        return reduce(input)

    @op(name=name, function=False, method=False, out="own", returns=("values", "indices"), refuses={"complex": refusal})
    def along(input: Array, dim: int, keepdim: bool) -> Any:
        over = wrap_dim(dim, input.ndim)
        check_not_empty(name, input, over, unspecified(name))
        return pick(input, choose(np.atleast_1d(input), axis=over), over, keepdim)

    along.vjp(input=lambda grad, out, shape, dim, keepdim: picked(grad, shape, out[1], dim, keepdim))
    of_all.vjp(input=lambda grad, out, input: shared(grad, input != input if out != out else input == out))

    def form(
        input: Tensor, dim: Any = EVERYTHING, keepdim: bool = False, *, other: Tensor | None = None, out: Any = None
    ) -> Any:
        if isinstance(dim, Tensor):
            dim, other = EVERYTHING, dim
        if other is not None:
            return elementwise(input, other, out=out)
        if dim is EVERYTHING:
            return of_all(input, out=out)
        if not isinstance(dim, int):
            raise TypeError(
                f"{name}() received an invalid combination of arguments - got (Tensor, {type(dim).__name__}), but "
                "expected one of:\n * (Tensor input, *, Tensor out = None)\n"
                " * (Tensor input, Tensor other, *, Tensor out = None)\n"
                " * (Tensor input, int dim, bool keepdim = False, *, tuple of Tensors out = None)\n"
            )
        return along(input, dim, keepdim, out=out)

    form.__name__ = form.__qualname__ = name
    form.__doc__ = f"Give the {word} of everything, along a dimension with its place, or of each pair of elements."
    composite()(form)


def pick(input: Array, places: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """Return the elements at one place along a dimension, and the places."""
    places = np.expand_dims(places, dim).astype(np.int64)
    values = np.take_along_axis(np.atleast_1d(input), places, axis=dim)
    if not input.ndim:
        return values.reshape(()), places.reshape(())
    return (values, places) if keepdim else (np.squeeze(values, dim), np.squeeze(places, dim))


extreme("max", np.max, np.argmax, maximum, "largest")
extreme("min", np.min, np.argmin, minimum, "smallest")


def extreme_of_several(name: str, reduce: Any, kernel: str, doc: str) -> None:
    """Make amax, or amin."""

    @op(name=name, out="own", refuses={"complex": not_implemented(kernel)})
    def along(input: Array, dim: int | Sequence[int] = (), keepdim: bool = False) -> Array:
        over = axes(dim, input.ndim)
        check_not_empty(name, input, dim, unspecified(name))
        return reduce(input, axis=over, keepdims=keepdim)

    along.vjp(
        input=lambda grad, out, input, dim, keepdim: shared(
            spread(grad, input.shape, dim, keepdim), input == spread(out, input.shape, dim, keepdim), dim
        )
    )
    along.__doc__ = doc


extreme_of_several("amax", np.max, "max_values_cpu", "Give the largest element along dimensions.")
extreme_of_several("amin", np.min, "min_values_cpu", "Give the smallest element along dimensions.")


@op(method=True, out=None, returns=("min", "max"))
def aminmax(input: Array, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the smallest and the largest element, of everything or along a dimension."""
    over = axes(dim, input.ndim)
    check_not_empty("aminmax", input, dim, unspecified("aminmax"))
    return np.min(input, axis=over, keepdims=keepdim), np.max(input, axis=over, keepdims=keepdim)


@aminmax.vjp
def aminmax_vjp(grad: Any, out: Any, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    low, high = (
        shared(spread(each, input.shape, dim, keepdim), input == spread(value, input.shape, dim, keepdim), dim)
        for each, value in zip(grad, out, strict=True)
    )
    return low + high


def place_of_extreme(name: str, choose: Any, doc: str) -> None:
    """Make argmax, or argmin."""
    refuses = {
        "bool": RuntimeError(f"{name}(): does not support bool input"),
        "complex": RuntimeError(f"{name}(): does not support complex input"),
    }

    @op(name=name, out="own", refuses=refuses)
    def place(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
        missing = f"{name}(): Expected reduction dim to be specified for input.numel() == 0."
        over = dim if dim is None else wrap_dim(dim, input.ndim)
        check_not_empty(name, input, over, IndexError(missing))
        if not input.ndim:
            return np.zeros_like(input, np.int64)  # NumPy has no argmax of 0-d arrays along a dimension
        return choose(input, axis=over, keepdims=keepdim).astype(np.int64)

    place.__doc__ = doc


place_of_extreme("argmax", np.argmax, "Give the place of the largest element, counted in a row or along a dimension.")
place_of_extreme("argmin", np.argmin, "Give the place of the smallest element, counted in a row or along a dimension.")


# -- truth ------------------------------------------------------------------------------------------------------------


def quantifier(name: str, reduce: Any, doc: str) -> None:
    """Make all, or any; what they tell of bytes is a byte."""

    @op(name=name, out="own")
    def quantified(input: Array, dim: Dims = None, keepdim: bool = False) -> Array:
        over = () if isinstance(dim, (tuple, list)) and not dim else axes(dim, input.ndim)
        return reduce(input != 0, axis=over, keepdims=keepdim).astype(np.uint8 if input.dtype == np.uint8 else bool)

    quantified.__doc__ = doc


quantifier("all", np.all, "Tell whether no element is zero.")
quantifier("any", np.any, "Tell whether some element is not zero.")


@op()
def count_nonzero(input: Array, dim: Dims = None, *, keepdim: bool = False) -> Array:
    """Count the elements that are not zero."""
    return np.sum(input != 0, axis=axes(dim, input.ndim), keepdims=keepdim, dtype=np.int64)


# -- order statistics -------------------------------------------------------------------------------------------------


def by_rank(input: Array, ranks: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """Return the elements of a rank along a dimension, NaN ranking last, and their places."""
    order = np.argsort(input, axis=dim, kind="stable")
    places = np.take_along_axis(order, np.expand_dims(ranks, dim), axis=dim)
    return pick(input, np.squeeze(places, dim), dim, keepdim)


def lower_median(input: Array, dim: int, keepdim: bool, *, ignore_nan: bool) -> tuple[Array, Array]:
    """Return the lower of the middle elements; NaN counts as the middle, or does not count."""
    row = np.atleast_1d(input)
    count = np.sum(~is_nan(row), axis=dim)
    ranks = np.maximum(count - 1, 0) // 2
    if not ignore_nan:  # the first NaN ranks just after the others
        ranks = np.where(count < row.shape[dim], count, ranks)
    values, places = by_rank(row, ranks, dim, keepdim)
    return (values, places) if input.ndim else (values.reshape(()), places.reshape(()))


def median_of(name: str, *, ignore_nan: bool, doc: str) -> None:
    """Make median, or nanmedian: of everything, or along a dimension with its place."""
    of_all_refuses, along_refuses = (
        {"bool": not_implemented(kernel), "complex": not_implemented(kernel)} for kernel in ("median_cpu", "median_out")
    )

    @op(name=name, function=False, method=False, refuses=of_all_refuses)
    def of_all(input: Array) -> Array:
        if not input.size:
            kind = input.dtype
            return namespace(input).full((), np.nan if kind.kind == "f" else np.iinfo(kind).min, kind)
        return lower_median(input.reshape(-1), 0, False, ignore_nan=ignore_nan)[0]

    of_all.vjp(input=lambda grad, out, input: shared(grad, input != input if out != out else input == out))

    @op(name=name, function=False, method=False, out="own", returns=("values", "indices"), refuses=along_refuses,
        node=f"{name.title()}Backward1")  # fmt: skip
    def along(input: Array, dim: int, keepdim: bool) -> Any:
        over = wrap_dim(dim, input.ndim)
        check_not_empty(name, input, over, unspecified(name))
        return lower_median(input, over, keepdim, ignore_nan=ignore_nan)

    along.vjp(input=lambda grad, out, shape, dim, keepdim: picked(grad, shape, out[1], dim, keepdim))

    def form(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
        return of_all(input) if dim is None else along(input, dim, keepdim, out=out)

    form.__name__ = form.__qualname__ = name
    form.__doc__ = doc
    composite()(form)


median_of("median", ignore_nan=False, doc="Give the middle element, or the lower of two; NaN if there is one.")
median_of("nanmedian", ignore_nan=True, doc="Give the middle element, or the lower of two, of those that are not NaN.")


@op(out="own", returns=("values", "indices"), refuses={"complex": not_implemented("mode_cpu")})
def mode(input: Array, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the most frequent element along a dimension, the smallest if several are, and its last place."""
    dim = wrap_dim(dim, input.ndim)
    check_not_empty("mode", input, dim, unspecified("mode"))
    row = np.moveaxis(np.atleast_1d(input), dim, -1)
    order = np.argsort(row, axis=-1, kind="stable")
    ordered = np.take_along_axis(row, order, axis=-1)
    begins = np.ones_like(ordered, bool)
    begins[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    runs = np.cumsum(begins.reshape(-1)) - 1  # equal neighbours have one number
    lengths = np.bincount(runs)[runs].reshape(row.shape) if row.size else begins
    first = np.argmax(lengths, axis=-1, keepdims=True) if row.size else order[..., :1]
    last = first + np.take_along_axis(lengths, first, axis=-1) - 1
    return pick(input, np.take_along_axis(order, last, axis=-1)[..., 0], dim, keepdim)


mode.vjp(input=lambda grad, out, shape, dim, keepdim: picked(grad, shape, out[1], dim, keepdim))


# -- running totals ---------------------------------------------------------------------------------------------------


def running(input: Array, dim: int, total: Callable[..., Any]) -> Array:
    """Run a total along a dimension, in double precision."""
    dim = wrap_dim(dim, input.ndim)
    wide = {"f": np.float64, "c": np.complex128}.get(input.dtype.kind, input.dtype)
    return total(np.atleast_1d(input), axis=dim, dtype=wide).reshape(input.shape).astype(input.dtype)


def in_place_running(made: Op) -> None:
    """Offer a running total in place, which is added or multiplied up in the tensor's own type."""

    @composite(function=False, name=f"{made.name}_")
    def in_place(self: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
        kind = as_dtype(made.name, dtype) or self.dtype
        if kind is not self.dtype:
            raise RuntimeError(
                f"Bad in-place call: input tensor dtype {self.dtype.c_name} and output tensor dtype {kind.c_name} "
                "should match"
            )
        if kind.category == "bool":
            raise NotImplementedError(f"\"{made.name}_out_cpu\" not implemented for 'Bool'")
        return made.perform_in_place([self, dim])


@op(name="cumsum", function=False, method=False)
def cumsum_op(input: Array, dim: int) -> Array:
    return running(input, dim, np.cumsum)


cumsum_op.vjp(input=lambda grad, dim: cumsum_op(grad.flip(dim), dim).flip(dim))
in_place_running(cumsum_op)


@composite(out="any")
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Add up along a dimension, and give every subtotal."""
    return cumsum_op(accumulator(input, dtype, "cumsum"), dim)  # type: ignore[no-any-return]


@op(name="cumprod", function=False, method=False)
def cumprod_op(input: Array, dim: int) -> Array:
    return running(input, dim, np.cumprod)


def cumprod_vjp(grad: Tensor, out: Tensor, input: Tensor, dim: int) -> Any:
    """Multiply each later gradient by the product of the others up to there."""
    if not input.ndim or input.shape[dim] == 1:
        return grad
    if not (input == 0).any():
        return cumsum((grad * conj(out)).flip(dim), dim).flip(dim) / conj(input)
    others = cumprod_op(leave_one_out(input.movedim(dim, -1)), -1).triu()
    return (conj(others) * grad.movedim(dim, -1).unsqueeze(-2)).sum(-1).movedim(-1, dim)


cumprod_op.vjp(input=cumprod_vjp)
in_place_running(cumprod_op)


def leave_one_out(input: Tensor) -> Tensor:
    """Repeat the last dimension as the rows of a square, with ones on its diagonal."""
    diagonal = eye(input.shape[-1], dtype=dtypes.bool_, device=input.device)
    return where(diagonal, ones_like(input).unsqueeze(-2), input.unsqueeze(-2))  # type: ignore[no-any-return]


@composite(out="any")
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Multiply along a dimension, and give every product on the way."""
    return cumprod_op(accumulator(input, dtype, "cumprod"), dim)  # type: ignore[no-any-return]


# -- sums of exponentials ---------------------------------------------------------------------------------------------


@op(name="logsumexp", function=False, method=False)
def logsumexp_op(input: Array, dim: Dims, keepdim: bool) -> Array:
    over = axes(dim, input.ndim)
    if not input.size:
        return np.log(np.sum(input, axis=over, keepdims=keepdim))
    top = np.max(input.real, axis=over, keepdims=True)
    top = np.where(np.isinf(top), top.dtype.type(0), top)
    logged = np.log(np.sum(np.exp(input - top), axis=over, keepdims=True)) + top
    return logged if keepdim else np.squeeze(logged, over)


logsumexp_op.vjp(
    input=lambda grad, out, input, dim, keepdim: (
        spread(grad, input.shape, dim, keepdim) * conj((input - spread(out, input.shape, dim, keepdim)).exp())
    )
)


@composite(out="castable")
def logsumexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """Return the logarithm of the sum of the exponentials, without overflow on the way."""
    kind = dtypes.get_default_dtype() if input.dtype.category in ("bool", "integer") else input.dtype
    return logsumexp_op(input.to(kind), dim, keepdim)  # type: ignore[no-any-return]
