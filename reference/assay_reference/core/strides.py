"""How new tensors lie in memory: a copy as what it copies, a result of an elementwise op as its operands.

Strides are counted in bytes here, as NumPy counts them. What is said of them is observable in PyTorch's results, and in
part documented (torch.preserve_format).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from assay_reference.core.arrays import contiguous_strides, namespace, strided

Strides: TypeAlias = tuple[int, ...]


def is_dense(array: Any) -> bool:
    """Return whether an array fills its memory without gaps, in whatever order of dimensions."""
    if array.flags.c_contiguous:
        return True
    expected = array.itemsize
    for stride, size in sorted(zip(array.strides, array.shape, strict=True), key=lambda each: (each[1] < 2, each[0])):
        if size < 2:
            return True
        if stride != expected:
            return False
        expected *= size
    return True


def strides_of_copy(array: Any, itemsize: int | None = None) -> Strides:
    """Return the strides of a copy, whose elements may have another size: as they are, or without the gaps."""
    itemsize = itemsize or array.itemsize
    if is_dense(array):
        return tuple(each // array.itemsize * itemsize for each in array.strides)
    return _without_gaps(array.shape, _sorted(array.ndim, _comparison(array.shape, [array.strides])), itemsize)


def strides_of_result(shape: Sequence[int], operands: Sequence[Any], itemsize: int) -> Strides:
    """Return the strides of an elementwise result, which lies in memory as the operands do, the first before others."""
    if all(each.shape == tuple(shape) for each in operands):
        if all(each.flags.c_contiguous for each in operands):
            return contiguous_strides(shape, itemsize)
        if len(shape) == 4 and all(map(is_channels_last, operands)):
            return channels_last_strides(shape, itemsize)
        steps = {tuple(stride // each.itemsize for stride in each.strides) for each in operands}
        if len(steps) == 1 and all(map(is_dense, operands)):
            return tuple(each * itemsize for each in steps.pop())
    order = _sorted(len(shape), _comparison(shape, [strides_in(each, len(shape), shape) for each in operands]))
    in_order = order == list(range(len(shape)))[::-1]
    return contiguous_strides(shape, itemsize) if in_order else _without_gaps(shape, order, itemsize)


def has_channels_innermost(array: Any, dims: Sequence[int] = (2, 3)) -> bool:
    """Return whether images have the channels innermost in memory, gaps or not; those of one channel have not."""
    if array.ndim - 2 not in dims or not array.size or not array.strides[1]:
        return False
    least = 0
    for dim in channels_innermost(array.ndim):
        stride = array.strides[dim]
        if stride < least or (dim == 0 and least == array.strides[1]):
            return False
        least = stride * array.shape[dim]
    return True


def images_like(models: Sequence[Any], result: Any, dims: Sequence[int] = (2, 3)) -> Any:
    """Return what has so many dimensions in order in memory; with the channels innermost where a model has them so."""
    innermost = any(has_channels_innermost(each, dims) for each in models)
    order = channels_last_strides if innermost else contiguous_strides
    return laid_out(result, order(result.shape, result.itemsize))


def joined(arrays: Sequence[Any], result: Any) -> Any:
    """Return what was joined of arrays, in order in memory; with the channels innermost where all have them so."""
    innermost = all(map(has_channels_innermost, arrays))
    order = channels_last_strides if innermost else contiguous_strides
    return laid_out(result, order(result.shape, result.itemsize))


def channels_last_strides(shape: Sequence[int], itemsize: int) -> Strides:
    """Return the strides of images that lie in memory without gaps, the channels innermost."""
    return _without_gaps(shape, channels_innermost(len(shape)), itemsize)


def channels_innermost(ndim: int) -> tuple[int, ...]:
    """Return the order of dimensions, innermost first, in which the channels come before all others."""
    return (1, *reversed(range(2, ndim)), 0)


def is_channels_last(array: Any) -> bool:
    """Return whether images lie in memory without gaps, the channels innermost."""
    expected = array.itemsize
    for dim in channels_innermost(array.ndim):
        if array.shape[dim] != 1 and array.strides[dim] != expected:
            return False
        expected *= array.shape[dim]
    return True


def strides_in(array: Any, ndim: int, shape: Sequence[int]) -> Strides:
    """Return an operand's strides in the broadcast shape: zero where it is repeated."""
    added = ndim - array.ndim
    own = zip(array.strides, array.shape, shape[added:], strict=True)
    strides: Strides = tuple(0 if size == 1 != wanted else stride for stride, size, wanted in own)
    return (*[0] * added, *strides)


def _without_gaps(shape: Sequence[int], order: Sequence[int], itemsize: int) -> Strides:
    strides, step = [0] * len(shape), itemsize
    for dim in order:
        strides[dim] = step
        step *= shape[dim]
    return tuple(strides)


def _comparison(shape: Sequence[int], operands: Sequence[Strides]) -> Callable[[int, int], int]:
    """Return how two dimensions are compared: 1 if the first lies outside the second, -1 inside, 0 if nothing tells."""

    def compare(first: int, second: int) -> int:
        for strides in operands:
            if not strides[first] or not strides[second]:  # repeated along one of them
                continue
            if strides[first] != strides[second]:
                return 1 if strides[first] > strides[second] else -1
            if shape[first] > shape[second]:
                return 1
        return 0

    return compare


def _sorted(ndim: int, compare: Callable[[int, int], int]) -> list[int]:
    """Sort dimensions from the innermost, by insertion, for comparison is not transitive: the last begins innermost."""
    order = list(range(ndim))[::-1]
    for place in range(1, ndim):
        moving = place
        for before in range(place - 1, -1, -1):
            verdict = compare(order[before], order[moving])
            if verdict > 0:
                order[before], order[moving] = order[moving], order[before]
                moving = before
            elif verdict < 0:
                break
    return order


def laid_out(array: Any, strides: Strides) -> Any:
    """Return the array, or a copy of it that has these strides."""
    return array if array.strides == strides else copied(array, strides, array.dtype)


def copied(array: Any, strides: Strides, kind: Any) -> Any:
    """Copy an array into memory where it has these strides, and this type."""
    if not array.size:
        return strided(array.astype(kind), array.shape, strides)
    room = strided(namespace(array).empty(array.size, kind), array.shape, strides)
    room[...] = array
    return room
