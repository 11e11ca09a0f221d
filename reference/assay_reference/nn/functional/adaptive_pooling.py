"""Pooling by so many windows as are wanted: the average of each, or its largest element."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import composite, not_implemented, op
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.largest import chosen, largest
from assay_reference.nn.functional.pooling import check_row, documented, one_number
from assay_reference.nn.functional.windows import Steps, integers

FLOATING_ONLY = ("bool", "integer", "complex")

# -- the kernels ------------------------------------------------------------------------------------------------------


def extents(size: int, count: int) -> tuple[Any, Any]:
    """Return where each of so many windows begins, and how long it is."""
    numbers = np.arange(count)
    begins = numbers * size // max(count, 1)
    return begins, -(-(numbers + 1) * size // max(count, 1)) - begins


def numbers_in(model: Array, counts: Sequence[int], sizes: Sequence[int]) -> Array:
    """Return how many elements each window has, in an array of the model's type."""
    lengths = [extents(size, count)[1] for size, count in zip(sizes, counts, strict=True)]
    product: Any = math.prod(np.ix_(*lengths))
    return namespace(model).asarray(product.astype(model.dtype))


def window_sums(input: Array, counts: Steps) -> Array:
    """Add up the elements of each window, dimension by dimension."""
    for dim, count in enumerate(counts, input.ndim - len(counts)):
        size, (begins, lengths) = input.shape[dim], extents(input.shape[dim], count)
        offsets = np.arange(max(lengths, default=1))[:, None]
        places = np.where(offsets < lengths, begins + offsets, size)  # past the end is a zero
        bordered = np.pad(input, [(0, int(each == dim)) for each in range(input.ndim)])
        input = np.take(bordered, namespace(input).asarray(places), axis=dim).sum(axis=dim, dtype=input.dtype)
    return input


def average_over(dims: int) -> Any:
    """Make the op that averages over so many dimensions."""
    name = f"adaptive_avg_pool{dims}d"
    refuses = not_implemented(name if dims == 2 else f"{name}_cpu", *FLOATING_ONLY)

    @op(function=False, method=False, name=name, refuses=refuses, node=f"AdaptiveAvgPool{dims}DBackward0",
        keeps_strides=True)  # fmt: skip
    def average(input: Array, counts: Steps) -> Array:
        averages = window_sums(input, counts) / numbers_in(input, counts, input.shape[-dims:])
        return images_like([input] if dims == 2 else [], averages.astype(input.dtype, copy=False))

    @op(function=False, method=False, name=f"{name}_backward", keeps_strides=True)
    def average_input(output: Array, sizes: Steps) -> Array:
        shares = output / numbers_in(output, output.shape[-dims:], sizes)
        return window_sums(shares, sizes)  # an element is in those windows that, among the results, are its window

    average.vjp(input=lambda grad, input: average_input(grad, input.shape[-dims:]))
    average_input.vjp(output=lambda grad, shape: average(grad, shape[-dims:]))
    return average


def largest_over(dims: int) -> Any:
    """Make the op that takes the largest elements over so many dimensions."""
    name = f"adaptive_max_pool{dims}d"
    refuses = not_implemented(name if dims == 2 else f"{name}_cpu", *FLOATING_ONLY)

    @op(function=False, method=False, name=name, refuses=refuses, node=f"AdaptiveMaxPool{dims}DBackward0",
        returns=("values", "indices"), keeps_strides=True)  # fmt: skip
    def largest_of(input: Array, counts: Steps) -> Any:
        picks = []
        for size, count in zip(input.shape[-dims:], counts, strict=True):
            begins, lengths = extents(size, count)
            offsets = np.arange(max(lengths, default=1))[:, None]
            places = begins + np.minimum(offsets, lengths - 1)  # a shorter window has its last element again
            picks.append(list(namespace(input).asarray(places)))
        return tuple(images_like([input] if dims == 2 else [], each) for each in largest(input, picks))

    largest_of.vjp(input=lambda grad, input, indices: chosen(grad, indices, input.shape, dims))
    return largest_of


# -- the functions ----------------------------------------------------------------------------------------------------


def sizes_wanted(input: Tensor, output_size: Any) -> Any:
    """Return the sizes of a result; the input's own in place of None."""
    if isinstance(output_size, int):
        return output_size
    if input.ndim <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    own = input.shape[input.ndim - len(output_size) :]
    return [size if wanted is None else wanted for wanted, size in zip(output_size, own, strict=True)]


def check_elements(name: str, input: Tensor, dims: Sequence[int]) -> None:
    empty = next((dim for dim in dims if not input.shape[dim]), None)
    if empty is not None:
        raise RuntimeError(
            f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
            f"{list(input.shape)} with dimension {empty} being empty"
        )


def check_rank(name: str, input: Tensor, dims: int, colon: str = "") -> None:
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got{colon} {list(input.shape)}")


def mean(input: Tensor, dims: int) -> Tensor:
    """Average over all of the last dimensions: one window."""
    found: Tensor = input.mean(list(range(-dims, 0)), keepdim=True)
    return found


def adaptive_averaging(dims: int, doc: str) -> Callable[..., Tensor]:
    """Make the function that averages over so many dimensions."""
    name, average = f"adaptive_avg_pool{dims}d", average_over(dims)

    def pool(input: Tensor, output_size: Any) -> Tensor:
        counts = integers(name, "output_size", 2, sizes_wanted(input, output_size), dims)
        if len(counts) != dims:
            raise RuntimeError(f"{name}: output_size must be {dims}")
        if min(counts) < 0:
            shown = "{" + ", ".join(map(str, counts[:2])) + "".join(f",{each}" for each in counts[2:]) + "}"
            raise RuntimeError(
                f"{name}: elements of output_size must be greater than or equal to 0 but received {shown}"
            )
        if set(counts) == {1}:
            return mean(input, dims)
        if dims == 3:
            check_elements(name, input, range(1, input.ndim))
        check_rank(name, input, dims)
        check_elements(name, input, range(input.ndim - dims, input.ndim))
        averages: Tensor = average(input, counts)
        return averages

    return documented(pool, name, doc)


def adaptive_largest(dims: int, doc: str) -> Callable[..., Any]:
    """Make the function that takes the largest elements over so many dimensions."""
    name, largest_of = f"adaptive_max_pool{dims}d", largest_over(dims)

    def pool(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        counts = integers(name, "output_size", 2, sizes_wanted(input, output_size), dims)
        check_rank(name, input, dims, ":")
        check_elements(name, input, range(1, input.ndim))
        if len(counts) != dims:
            raise RuntimeError(f"{name}(): internal error: output_size.size() must be {dims}")
        negative = next((each for each in counts if each < 0), None)
        if negative is not None:
            shape = [*input.shape[:-dims], *counts]
            raise RuntimeError(f"Trying to create tensor with negative dimension {negative}: {shape}")
        values, indices = largest_of(input, counts)
        return (values, indices) if return_indices else values

    return documented(pool, name, doc)


adaptive_avg_pool2d = adaptive_averaging(2, "Average so many windows of an image as are wanted.")
adaptive_avg_pool3d = adaptive_averaging(3, "Average so many windows of a volume as are wanted.")
adaptive_max_pool2d = adaptive_largest(2, "Take the largest elements of so many windows of an image as are wanted.")
adaptive_max_pool3d = adaptive_largest(3, "Take the largest elements of so many windows of a volume as are wanted.")


@composite(method=False)
def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Average so many windows of a sequence as are wanted."""
    check_row("adaptive_avg_pool1d", input)
    count = one_number("adaptive_avg_pool1d", "output_size", 2, output_size)
    averages: Tensor = adaptive_avg_pool2d(input.unsqueeze(-2), (1, count)).squeeze(-2)
    return averages


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Take the largest elements of so many windows of a sequence as are wanted."""
    check_row("adaptive_max_pool1d", input)
    count = one_number("adaptive_max_pool1d", "output_size", 2, output_size)
    check_elements("adaptive_max_pool1d", input, range(1, input.ndim))
    values, indices = adaptive_max_pool2d(input.unsqueeze(-2), (1, count), True)
    values, indices = values.squeeze(-2), indices.squeeze(-2)
    return (values, indices) if return_indices else values
