"""The words that expressions may use: shape rules, dtype rules and plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Final

from assay_spec import dtypes
from assay_spec.plans import Slice, TensorPlan

Shape = tuple[int, ...]


class NoBroadcast(ValueError):
    """Two shapes that do not broadcast with each other."""


class NoDtype(ValueError):
    """Operands whose result PyTorch gives in a dtype that the corpus does not have: complex32."""


def broadcast(*operands: Any) -> Shape:
    """Return the common shape of tensors, shapes and numbers (whose shape is empty)."""
    result: Shape = ()
    for operand in operands:
        result = tuple(_common(a, b) for a, b in zip_longest(result[::-1], shape_of(operand)[::-1], fillvalue=1))[::-1]
    return result


def _common(first: int, second: int) -> int:
    if first == second or second == 1:
        return first
    if first == 1:
        return second
    raise NoBroadcast(f"sizes {first} and {second} do not broadcast")


def broadcasts(*operands: Any) -> bool:
    """Return whether the operands' shapes broadcast with each other."""
    try:
        broadcast(*operands)
    except NoBroadcast:
        return False
    return True


def shape_of(operand: Any) -> Shape:
    if isinstance(operand, TensorPlan):
        return operand.shape
    return tuple(operand) if isinstance(operand, (tuple, list)) else ()


def at(dim: int, rank: int) -> int:
    """Count a dimension from the front; a 0-d tensor has the dimension 0."""
    return dim % max(rank, 1)


def size(tensor: TensorPlan, dim: int) -> int:
    """Return the size along a dimension; a 0-d tensor counts as one element."""
    return tensor.shape[at(dim, tensor.ndim)] if tensor.shape else 1


def replace(shape: Shape, dim: int, length: int) -> Shape:
    """Return the shape with another size along one dimension; a 0-d shape stays 0-d."""
    if not shape:
        return shape
    dim = at(dim, len(shape))
    return (*shape[:dim], length, *shape[dim + 1 :])


def insert(shape: Shape, dim: int, length: int = 1) -> Shape:
    """Return the shape with a new dimension."""
    dim = dim % (len(shape) + 1)
    return (*shape[:dim], length, *shape[dim:])


def remove(shape: Shape, dim: int) -> Shape:
    """Return the shape without one dimension; a 0-d shape stays 0-d."""
    if not shape:
        return shape
    dim = at(dim, len(shape))
    return (*shape[:dim], *shape[dim + 1 :])


def reduced(shape: Shape, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Shape:
    """Return the shape after a reduction: over one dimension, several, or (None or none named) all."""
    dims = [dim] if isinstance(dim, int) else list(dim or range(len(shape)))
    gone = {at(each, len(shape)) for each in dims}
    if keepdim:
        return tuple(1 if dim in gone else length for dim, length in enumerate(shape))
    return tuple(length for dim, length in enumerate(shape) if dim not in gone)


def swapped(shape: Shape, first: int, second: int) -> Shape:
    """Return the shape with two dimensions exchanged."""
    sizes = list(shape)
    if sizes:
        sizes[first], sizes[second] = sizes[second], sizes[first]
    return tuple(sizes)


def inferred(shape: Sequence[int], numel: int) -> Shape:
    """Return the shape with its -1, if any, replaced by what the number of elements leaves."""
    rest = math.prod(length for length in shape if length != -1)
    return tuple(length if length != -1 else numel // max(rest, 1) for length in shape)


def pair(value: int | Sequence[int], count: int = 2) -> Shape:
    """Return two numbers, or as many as are wanted: the one again and again, or the several themselves."""
    return (value,) * count if isinstance(value, int) else tuple(value)


def cut(total: int, length: int) -> tuple[int, ...]:
    """Cut a total into pieces of a length; the last piece is what is left, and nothing gives one empty piece."""
    if not total:
        return (0,)
    return tuple(min(length, total - start) for start in range(0, total, length))


def squeezed(shape: Shape, dim: int | Sequence[int] | None = None) -> Shape:
    """Return the shape without its dimensions of size one: without all of them, or those named."""
    dims = range(len(shape)) if dim is None else [dim] if isinstance(dim, int) else dim
    gone = {at(each, len(shape)) for each in dims}
    return tuple(length for dim, length in enumerate(shape) if length != 1 or dim not in gone)


def expanded(shape: Shape, sizes: Sequence[int]) -> Shape:
    """Return the sizes with each -1 replaced by what the shape has there, counted from the back."""
    start = len(sizes) - len(shape)
    return tuple(shape[dim - start] if length == -1 else length for dim, length in enumerate(sizes))


def repeated(shape: Shape, repeats: Sequence[int]) -> Shape:
    """Return the shape of a tensor repeated along each dimension, new ones in front."""
    whole = (1,) * (len(repeats) - len(shape)) + tuple(shape)
    return tuple(length * count for length, count in zip(whole, repeats, strict=True))


def basic(index: Any) -> bool:
    """Return whether an index has only positions, slices, None and Ellipsis, so that it gives a view."""
    return all(
        each is None
        or each is Ellipsis
        or type(each) is int
        or isinstance(each, Slice)
        or (isinstance(each, TensorPlan) and not each.shape)  # a 0-d tensor counts as a position
        for each in _parts(index)
    )


def _parts(index: Any) -> tuple[Any, ...]:
    """Return the parts of an index, which stand in a tuple unless there is one alone."""
    return index if isinstance(index, tuple) else (index,)


def _selects(part: Any) -> bool:
    """Return whether a part of an index is a mask."""
    return isinstance(part, TensorPlan) and part.dtype == "bool"


def indexed(shape: Shape, index: Any) -> Shape:
    """Return the shape of what an index picks: positions first, then what lists and tensors pick, which broadcast."""
    index = _parts(index)
    taken = sum(
        each.ndim if _selects(each) else each is not None and each is not Ellipsis and not isinstance(each, bool)
        for each in index
    )
    rest = [Slice()] * (len(shape) - taken)
    middle = next((at for at, each in enumerate(index) if each is Ellipsis), len(index))
    sizes = list(reversed(shape))
    picked: list[int | Shape] = []  # lengths, and the shapes of lists and tensors
    for each in (*index[:middle], *rest, *index[middle + 1 :]):
        if each is None:
            picked.append(1)
        elif isinstance(each, bool):
            picked.append((int(each),))
        elif isinstance(each, Slice):
            picked.append(len(range(*slice(each.start, each.stop, each.step).indices(sizes.pop()))))
        elif _selects(each):
            _ = [sizes.pop() for _ in each.shape]
            picked.append((_count(each.fill.given),))
        else:
            sizes.pop()
            if not basic((each,)):
                picked.append(each.shape if isinstance(each, TensorPlan) else (len(each),))
    lengths = [each for each in picked if isinstance(each, int)]
    advanced = [at for at, each in enumerate(picked) if not isinstance(each, int)]
    if not advanced:
        return tuple(lengths)
    together = advanced[-1] - advanced[0] == len(advanced) - 1
    start = advanced[0] if together else 0
    return (*lengths[:start], *broadcast(*(picked[at] for at in advanced)), *lengths[start:])


def _count(mask: Any) -> int:
    """Return how many elements of a mask are true."""
    return sum(map(_count, mask)) if isinstance(mask, (list, tuple)) else int(mask)


def window(
    length: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, ceil_mode: bool = False
) -> int:
    """Return how many positions a sliding window has along one dimension."""
    last = length + 2 * padding - dilation * (kernel - 1) - 1  # where the last window may start
    count = (-(-last // stride) if ceil_mode else last // stride) + 1
    if ceil_mode and (count - 1) * stride >= length + padding:
        count -= 1
    return count


def window_counts(
    lengths: Shape,
    kernel: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> Shape:
    """Return how many positions a sliding window has along each dimension; without a stride it moves by its size."""
    options = (kernel, kernel if stride is None else stride, padding, dilation)
    along = zip(lengths, *(pair(each, len(lengths)) for each in options), strict=True)
    return tuple(window(length, size, step, edge, hole, ceil_mode) for length, size, step, edge, hole in along)


def covered(
    counts: Shape,
    kernel: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
) -> Shape:
    """Return the sizes over which a sliding window has so many positions; the least, where several have."""
    options = (kernel, kernel if stride is None else stride, padding)
    along = zip(counts, *(pair(each, len(counts)) for each in options), strict=True)
    return tuple((count - 1) * step + length - 2 * edge for count, length, step, edge in along)


def result_type(*operands: Any) -> str:
    """Return the dtype that operands compute in: tensors before 0-d tensors before Python numbers, by class."""
    levels: dict[int, str] = {}
    for operand in operands:
        if operand is None:
            continue
        level, dtype = _standing(operand)
        levels[level] = dtypes.promote(levels[level], dtype) if level in levels else dtype
    result: str | None = None
    for level in sorted(levels):
        result = levels[level] if result is None else _weakly(result, levels[level])
    assert result is not None, "result_type needs an operand"
    return result


def _standing(operand: Any) -> tuple[int, str]:
    if isinstance(operand, TensorPlan):
        return (0 if operand.shape else 1), operand.dtype
    if isinstance(operand, bool):
        return 2, "bool"
    if isinstance(operand, int):
        return 2, "int64"
    return 2, "complex64" if isinstance(operand, complex) else dtypes.DEFAULT_FLOAT


def _weakly(strong: str, weak: str) -> str:
    """Mix in a weaker operand: its dtype counts only where its class is higher."""
    if dtypes.can_cast(weak, strong):
        return strong
    if dtypes.is_complex(weak) and dtypes.is_floating(strong):
        if strong == "float16":
            raise NoDtype("float16 and a weaker complex operand are complex32 together")
        return "complex128" if strong == "float64" else "complex64"
    return weak


def floated(dtype: str) -> str:
    """Return a dtype itself where it has fractions, else the default floating dtype."""
    return dtype if dtypes.has_fractions(dtype) else dtypes.DEFAULT_FLOAT


def summed(dtype: str) -> str:
    """Return the dtype of a sum: integers and booleans count in int64."""
    return dtype if dtypes.has_fractions(dtype) else "int64"


def is_contiguous(tensor: TensorPlan) -> bool:
    """Return whether a tensor's elements lie in order, as PyTorch sees it: strides of single elements don't matter."""
    if not tensor.numel:
        return True
    step = 1
    for length, stride in zip(reversed(tensor.shape), reversed(tensor.strides), strict=True):
        if length != 1 and stride != step:
            return False
        step *= length
    return True


VOCABULARY: Final[dict[str, Any]] = {
    **dtypes.CLASSES,
    **{name: dtypes.DtypeName(name) for name in dtypes.ALL},
    "default_float": dtypes.DEFAULT_FLOAT,
    "inf": math.inf,
    "nan": math.nan,
    "pi": math.pi,
    **{
        function.__name__: function
        for function in (
            broadcast,
            broadcasts,
            at,
            size,
            replace,
            insert,
            remove,
            reduced,
            swapped,
            inferred,
            pair,
            cut,
            squeezed,
            expanded,
            repeated,
            indexed,
            basic,
            window,
            window_counts,
            covered,
            result_type,
            floated,
            summed,
            is_contiguous,
            dtypes.promote,
            dtypes.can_cast,
            dtypes.is_floating,
            dtypes.is_integral,
            dtypes.is_complex,
            dtypes.real_part,
            math.prod,
            math.sqrt,
            math.ceil,
            math.floor,
            len,
            min,
            max,
            abs,
            sum,
            range,
            zip,
            isinstance,
        )
    },
    "tuple": tuple,
    "int": int,
    "float": float,
}


def _distribution(name: str) -> Any:
    def make(*parameters: Any) -> tuple[Any, ...]:
        return (name, *parameters)

    make.__name__ = name
    return make


# What a random result or an initial parameter follows: a name with its parameters, tested by the judge.
DISTRIBUTIONS: Final[dict[str, Any]] = {
    name: _distribution(name)
    for name in (
        "uniform",
        "normal",
        "bernoulli",
        "constant",
        "integers",
        "categorical",
        "permutation",
        "dropout",
        "alpha_dropout",
    )
}
