"""Pooling by windows that sweep over an input: the largest element of each, the average, or a norm."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import composite, not_implemented, op
from assay_reference.core.grad_mode import is_grad_enabled
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor, wrap_dim
from assay_reference.nn.functional.activation import relu
from assay_reference.nn.functional.largest import Pick, chosen, largest
from assay_reference.nn.functional.windows import (
    Numbers,
    Steps,
    Sweep,
    added_up,
    integers,
    reach,
    window_counts,
    windows,
)

# -- the kernels ------------------------------------------------------------------------------------------------------


def largest_swept(input: Array, kernel: Sequence[int], sweep: Sweep) -> tuple[Array, Array]:
    """Return the largest element of each window of a sweep, and its index."""
    xp, dims, sizes = namespace(input), len(kernel), input.shape[-len(kernel) :]
    places = list(positions(sizes, kernel, sweep))
    picks = [
        [pick(xp, row, size) for row in within(each, size, hole)]
        for each, size, hole in zip(places, sizes, sweep.dilation, strict=True)
    ]
    values, indices = largest(input, picks)
    for dim, (each, size) in enumerate(zip(places, sizes, strict=True)):
        empty = ((each < 0) | (each >= size)).all(axis=0)
        if empty.any():
            least = -np.inf if input.dtype.kind == "f" else np.iinfo(input.dtype).min
            values = np.where(xp.asarray(empty).reshape(-1, *(1,) * (dims - 1 - dim)), input.dtype.type(least), values)
    return values, indices


def positions(sizes: Sequence[int], kernel: Sequence[int], sweep: Sweep) -> Iterator[Any]:
    """Yield for each dimension where the elements of windows are: a row for the first of each window, and so on."""
    along = zip(window_counts(sizes, kernel, sweep), kernel, sweep.stride, sweep.borders, sweep.dilation, strict=True)
    for count, length, step, (before, _), hole in along:
        yield hole * np.arange(length)[:, None] + step * np.arange(count) - before


def within(places: Any, size: int, hole: int) -> Any:
    """Put the nearest element of the same window that lies in the input where one lies in the border."""
    places = np.where(places < 0, places % hole, places)
    return np.where(places >= size, size - 1 - (size - 1 - places) % hole, places).clip(0, size - 1)


def pick(xp: Any, places: Any, size: int) -> Pick:
    """Return positions as a slice if they are evenly spaced, which is quicker."""
    steps = np.diff(places)
    if len(places) and (not len(steps) or (steps[0] > 0 and (steps == steps[0]).all())):
        return slice(int(places[0]), int(places[-1]) + 1, int(steps[0]) if len(steps) else 1)
    return xp.asarray(places)


def max_pool_over(dims: int) -> Any:
    """Make the op that takes the largest elements over so many dimensions."""

    @op(function=False, method=False, name=f"max_pool{dims}d", node=f"MaxPool{dims}DWithIndicesBackward0",
        refuses=not_implemented(f"max_pool{dims}d", "bool", "complex"), returns=("values", "indices"),
        keeps_strides=True)  # fmt: skip
    def max_pool(input: Array, kernel: Sequence[int], sweep: Sweep) -> Any:
        found = largest_swept(input, kernel, sweep)
        if input.ndim == 4 and dims == 3:  # PyTorch makes a batch of one volume, as it does not of one image
            return tuple(images_like([input[None]], each[None], [dims])[0] for each in found)
        return tuple(images_like([input], each, [dims]) for each in found)

    max_pool.vjp(input=lambda grad, input, indices: chosen(grad, indices, input.shape, dims))
    return max_pool


@op(function=False, method=False, name="max_pool1d",
    refuses=not_implemented("max_pool1d_impl", "bool", "integer", "complex"))  # fmt: skip
def largest_of_row(input: Array, kernel: Sequence[int], sweep: Sweep) -> Array:
    return largest_swept(input, kernel, sweep)[0]


def divisors(model: Array, kernel: Sequence[int], sweep: Sweep, padding: Steps) -> Array:
    """Count the elements of each window, of those that lie in the input or in a border that counts."""
    sizes = model.shape[-len(kernel) :]
    whole = np.ones_like(model, shape=[size + 2 * edge for size, edge in zip(sizes, padding, strict=True)])
    outside = tuple((before - edge, after - edge) for (before, after), edge in zip(sweep.borders, padding, strict=True))
    return windows(whole, kernel, replace(sweep, borders=outside)).sum(axis=tuple(range(len(kernel))))


def shared_out(total: Array, by: Any) -> Array:
    """Divide; integers toward zero."""
    if total.dtype.kind == "f":
        return total / by
    quotient = total // by
    return quotient + ((quotient * by != total) & (quotient < 0))


def avg_pool_over(dims: int) -> Any:
    """Make the op that averages over so many dimensions."""
    small = ("bool", "complex", "int32", "int16", "int8", "uint8")
    refuses = not_implemented("avg_pool2d", *small)
    if dims == 3:
        refuses = not_implemented("avg_pool3d_out_frame", *small, "float16", "bfloat16")

    @op(function=False, method=False, name=f"avg_pool{dims}d", node=f"AvgPool{dims}DBackward0",
        refuses=refuses, keeps_strides=True)  # fmt: skip
    def avg_pool(input: Array, kernel: Sequence[int], sweep: Sweep, counted: Steps, divisor: int | None) -> Array:
        lead = input.ndim - dims
        total = windows(input, kernel, sweep).sum(axis=tuple(range(lead, input.ndim)), dtype=input.dtype)
        by = divisors(input, kernel, sweep, counted) if divisor is None else input.dtype.type(divisor)
        return images_like([input] if dims == 2 else [], shared_out(total, by))

    @op(function=False, method=False, name=f"avg_pool{dims}d_backward")
    def avg_pool_input(
        output: Array, sizes: Sequence[int], kernel: Sequence[int], sweep: Sweep, counted: Steps, divisor: int | None
    ) -> Array:
        lead, counts = output.shape[: output.ndim - dims], output.shape[output.ndim - dims :]
        model = np.empty_like(output, shape=sizes)
        by = divisors(model, kernel, sweep, counted) if divisor is None else output.dtype.type(divisor)
        shares = (output / by).reshape(*lead, *(1,) * dims, *counts)
        return added_up(np.broadcast_to(shares, (*lead, *kernel, *counts)), sizes, kernel, sweep)

    avg_pool.vjp(
        input=lambda grad, input, kernel, sweep, counted, divisor: avg_pool_input(
            grad, input.shape[-dims:], kernel, sweep, counted, divisor
        )
    )
    avg_pool_input.vjp(
        output=lambda grad, kernel, sweep, counted, divisor: avg_pool(grad, kernel, sweep, counted, divisor)
    )
    return avg_pool


# -- the options ------------------------------------------------------------------------------------------------------


def shown(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


def named(prefix: str, numbers: Sequence[int]) -> str:
    """Show the numbers of an option by dimension: kT: 1 kH: 2 kW: 3."""
    return " ".join(f"{prefix}{axis}: {each}" for axis, each in zip("THW"[-len(numbers) :], numbers, strict=True))


ORDINALS: Final = {"kernel_size": 2, "stride": 3, "padding": 4, "dilation": 5}  # of the options in a call


def per_dim(name: str, option: str, value: Numbers, dims: int) -> Steps:
    """Return one number for each dimension, or raise that there are too many or too few."""
    several = integers(name, option, ORDINALS[option], value, dims)
    several = several * dims if len(several) == 1 else several
    if len(several) != dims:
        must = {"stride": "must either be omitted,", "dilation": "must be either"}.get(option, "must either be")
        if name == "avg_pool3d":
            must = must.replace("either ", "")
        count = {2: "two", 3: "three"}[dims]
        raise RuntimeError(f"{name}: {option} {must} a single int, or a tuple of {count} ints")
    return several


def longer(size: int, span: int, step: int, edge: int) -> tuple[int, int]:
    """Return the borders that a last window needs, if it begins in the input or in the border before it."""
    beyond_first = size + 2 * edge - span
    last = -(-beyond_first // step)
    if last * step >= size + edge:
        last -= 1
    return edge, max(edge, last * step + span - size - edge)


def sweep_of(
    sizes: Sequence[int], kernel: Steps, steps: Steps, padding: Steps, dilation: Steps, ceil_mode: bool
) -> Sweep:
    sweep = Sweep(steps, tuple((edge, edge) for edge in padding), dilation)
    if not ceil_mode:
        return sweep
    return replace(sweep, borders=tuple(map(longer, sizes, reach(kernel, dilation), steps, padding)))


def check_steps(kernel: Steps, steps: Steps, padding: Steps, dilation: Steps) -> None:
    """Raise what the sizes of a result cannot be computed from, dimension by dimension."""
    for length, step, edge, hole in zip(kernel, steps, padding, dilation, strict=True):
        if step == 0:
            raise RuntimeError("stride should not be zero")
        if edge < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {edge}")
        if edge > int((hole * (length - 1) + 1) / 2):
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={edge}, kernel_size={length} and "
                f"dilation={hole}"
            )


def check_rank(input: Tensor, dims: int) -> None:
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(f"non-empty {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input")


def check_windows(name: str, input: Tensor, kernel: Steps, steps: Steps, padding: Steps, dilation: Steps) -> None:
    """Raise what is wrong with windows for an input."""
    dims, sizes = len(kernel), tuple(input.shape[-len(kernel) :])
    for what, prefix, option in (
        ("kernel size", "k", kernel),
        ("stride", "d", steps),
        ("dilation", "dilation", dilation),
    ):
        if min(option) <= 0:
            raise RuntimeError(f"{what} should be greater than zero, but got {named(prefix, option)}")
    if dims == 2 and (input.ndim not in (3, 4) or 0 in input.shape[-3:]):
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(input.shape)}"
        )
    if dims == 3 and 0 in input.shape[-4:]:
        raise RuntimeError(
            f"{name}(): Expected input's non-batch dimensions to have positive length, but input has a shape of "
            f"{list(input.shape)} and non-batch dimension 0 has length zero!"
        )
    if name == "avg_pool3d" and any(size < length for size, length in zip(sizes, kernel, strict=True)):
        image = " ".join(f"{axis}: {size}" for axis, size in zip("THW", sizes, strict=True))
        raise RuntimeError(f"input image ({image}) smaller than kernel size ({named('k', kernel)})")
    if any(edge > length // 2 for edge, length in zip(padding, kernel, strict=True)):
        if dims == 2:
            (high, wide), (tall, broad) = padding, kernel
            but = f"padW = {wide}, padH = {high}, kW = {broad}, kH = {tall}"
        else:
            (deep, high, wide), (long, tall, broad) = padding, kernel
            but = f"kT: {long} kW: {broad} kH: {tall} padT: {deep} padW: {wide} padH: {high}"
        raise RuntimeError(f"pad should be smaller than or equal to half of kernel size, but got {but}")


def check_counts(input: Tensor, counts: Steps) -> None:
    channels, sizes = input.shape[-len(counts) - 1], input.shape[-len(counts) :]
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input size: ({channels}x{shown(sizes)}). Calculated output size: ({channels}x{shown(counts)}). "
            "Output size is too small"
        )


def swept(
    name: str, input: Tensor, kernel: Steps, steps: Steps, padding: Steps, dilation: Steps, ceil_mode: bool
) -> Sweep:
    """Return how windows move over an input, or raise why they cannot."""
    check_steps(kernel, steps, padding, dilation)
    check_windows(name, input, kernel, steps, padding, dilation)
    sizes = input.shape[-len(kernel) :]
    sweep = sweep_of(sizes, kernel, steps, padding, dilation, ceil_mode)
    check_counts(input, window_counts(sizes, kernel, sweep))
    return sweep


def is_left_out(stride: Any) -> bool:
    """Return whether windows move by their size."""
    return stride is None or stride in ((), [])


# -- the functions ----------------------------------------------------------------------------------------------------


def documented(function: Callable[..., Any], name: str, doc: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def max_pooling(dims: int, doc: str) -> Callable[..., Any]:
    """Make the function that takes the largest elements over so many dimensions."""
    name, max_pool = f"max_pool{dims}d", max_pool_over(dims)

    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        kernel = per_dim(name, "kernel_size", kernel_size, dims)
        steps = kernel if is_left_out(stride) else per_dim(name, "stride", stride, dims)
        edges, holes = per_dim(name, "padding", padding, dims), per_dim(name, "dilation", dilation, dims)
        check_rank(input, dims)
        sweep = swept(f"{name}_with_indices_out_cpu_template", input, kernel, steps, edges, holes, ceil_mode)
        values, indices = max_pool(input, kernel, sweep)
        return (values, indices) if return_indices else values

    return documented(pool, name, doc)


def avg_pooling(dims: int, doc: str) -> Callable[..., Any]:
    """Make the function that averages over so many dimensions."""
    name, avg_pool = f"avg_pool{dims}d", avg_pool_over(dims)

    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Any:
        kernel = per_dim(name, "kernel_size", kernel_size, dims)
        steps = kernel if is_left_out(stride) else per_dim(name, "stride", stride, dims)
        edges = per_dim(name, "padding", padding, dims)
        if dims == 3:
            check_rank(input, dims)
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        wrap_dim(-dims - 1, input.ndim)
        sweep = swept(name, input, kernel, steps, edges, (1,) * dims, ceil_mode)
        return avg_pool(input, kernel, sweep, edges if count_include_pad else (0,) * dims, divisor_override)

    return documented(pool, name, doc)


max_pool2d = max_pooling(2, "Take the largest element of each window of an image.")
max_pool3d = max_pooling(3, "Take the largest element of each window of a volume.")
avg_pool2d = avg_pooling(2, "Average each window of an image.")
avg_pool3d = avg_pooling(3, "Average each window of a volume.")

# -- over a sequence, which is an image of one row --------------------------------------------------------------------


def check_row(name: str, input: Tensor) -> None:
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 'self' (while "
            f"checking arguments for {name})"
        )


def one_number(name: str, option: str, ordinal: int, value: Any) -> int:
    several = integers(name, option, ordinal, value, 1)
    if len(several) != 1:
        raise RuntimeError(f"{name}() argument '{option}' should contain one int (got {len(several)})")
    return several[0]


def check_sequence(input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> None:
    """Raise what is wrong with windows over a sequence, in the words of a function for sequences alone."""
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{list(input.shape)}"
        )
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    options: dict[str, int] = {}
    for option, value in given.items():
        several = integers("max_pool1d", option, ORDINALS[option], value, 1)
        if len(several) != 1:
            one = {"stride": "None, an int, list of ints, or", "padding": "an int, list of ints, or"}
            raise RuntimeError(
                f"max_pool1d() {option} must be {one.get(option, 'an int, list of ints or')} tuple of ints of size 1 "
                f"but got size {len(several)}"
            )
        options[option] = several[0]
    length, step, edge, hole = options.values()
    for option in ("kernel_size", "stride"):
        if options[option] <= 0:
            raise RuntimeError(f"max_pool1d() {option} must be greater than zero, but got {options[option]}")
    if edge < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {edge}")
    if edge > length // 2:
        raise RuntimeError(
            f"max_pool1d() padding should be at most half of kernel size, but got padding={edge} and "
            f"kernel_size={length}"
        )
    if hole <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {hole}")
    sizes = input.shape[-1:]
    (count,) = window_counts(sizes, (length,), sweep_of(sizes, (length,), (step,), (edge,), (hole,), ceil_mode))
    if count < 1:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {count}")


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Take the largest element of each window of a sequence."""
    stride = kernel_size if is_left_out(stride) else stride
    if not return_indices:
        check_sequence(input, kernel_size, stride, padding, dilation, ceil_mode)
    check_row("max_pool1d", input)
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    length, step, edge, hole = (
        one_number("max_pool1d", option, ORDINALS[option], value) for option, value in given.items()
    )
    if not return_indices and not (input.requires_grad and is_grad_enabled()):
        sweep = sweep_of(input.shape[-1:], (length,), (step,), (edge,), (hole,), ceil_mode)
        return largest_of_row(input, (length,), sweep)
    row = input.unsqueeze(-2)
    found = max_pool2d(row, (1, length), (1, step), (0, edge), (1, hole), ceil_mode, return_indices)
    return tuple(each.squeeze(-2) for each in found) if return_indices else found.squeeze(-2)


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Average each window of a sequence."""
    check_row("avg_pool1d", input)
    stride = kernel_size if is_left_out(stride) else stride
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    length, step, edge = (one_number("avg_pool1d", option, ORDINALS[option], given[option]) for option in given)
    row = input.unsqueeze(-2)
    averages: Tensor = avg_pool2d(row, (1, length), (1, step), (0, edge), ceil_mode, count_include_pad).squeeze(-2)
    return averages


for _pool in (max_pool1d, max_pool2d, max_pool3d, avg_pool1d):  # those that the namespace torch has too
    composite(method=False)(_pool)

# -- norms ------------------------------------------------------------------------------------------------------------


def norms(
    averaged: Callable[..., Any], largest: Callable[..., Any], input: Tensor, norm_type: float, kernel_size: Any,
    count: Any, stride: Any, ceil_mode: bool,
) -> Tensor:  # fmt: skip
    """Return the p-norms of windows of so many elements, by way of averages or of the largest elements."""
    if norm_type == math.inf:
        extreme: Tensor = largest(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        return extreme
    if norm_type == -math.inf:
        extreme = largest(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        return -extreme
    mean = averaged(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    total: Tensor = (mean.sign() * relu(mean.abs())).mul(count)
    norm: Tensor = total.pow(1.0 / norm_type)
    return norm


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: int, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """Take the p-norm of each window of a sequence."""
    return norms(avg_pool1d, max_pool1d, input, norm_type, kernel_size, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """Take the p-norm of each window of an image."""
    height, width = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    return norms(avg_pool2d, max_pool2d, input, norm_type, kernel_size, height * width, stride, ceil_mode)
