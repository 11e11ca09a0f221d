"""The values that an argument may take: one object, which walks them, draws one, yields invalid ones, describes itself.

Specs write these domains as calls: `CONSTRUCTORS` has them by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from assay_spec.domains.base import Axis, Domain, Either, Focus, Shape
from assay_spec.domains.made import Objects, ParameterGroups, Together
from assay_spec.domains.numbers import Choice, Dtype, Integers, Numbers
from assay_spec.domains.shapes import Dims, DimTuples, Indices, Sizes
from assay_spec.domains.tensors import Tensors
from assay_spec.domains.wrapped import Given, Many, Maybe, Pairs
from assay_spec.dtypes import DtypeSet, is_floating
from assay_spec.expression import Free, FreeMany
from assay_spec.plans import TensorPlan

__all__ = [
    "CONSTRUCTORS", "Axis", "Domain", "Dtype", "Either", "Focus", "Given", "Many", "Maybe", "Tensors", "Together",
    "tensor", "varying",
]  # fmt: skip


def tensor(
    dtypes: DtypeSet | str,
    *,
    shape: Sequence[Any] | None = None,
    like: TensorPlan | Shape | None = None,
    inner: bool = False,
    rank: int | None = None,
    min_rank: int = 0,
    max_rank: int = 5,
    min_size: int = 0,
    min_numel: int = 0,
    within: tuple[float, float] = (-math.inf, math.inf),
    distinct: bool = False,
    apart: int = 0,
    nonzero: bool = False,
    invertible: bool = False,
    dense: bool = False,
    overlap: bool = True,
) -> Tensors:
    """Tensors; `shape` may hold free sizes (capitals) and one leading `*N`, `like` broadcasts with a tensor."""
    if rank is not None:
        min_rank = max_rank = rank
    if shape is not None:
        fixed = sum(not isinstance(each, FreeMany) for each in shape)
        min_rank, max_rank = max(min_rank, fixed), fixed if fixed == len(shape) else max(max_rank, fixed)
    return Tensors(
        DtypeSet([dtypes]) if isinstance(dtypes, str) else dtypes,
        shape,
        like.shape if isinstance(like, TensorPlan) else like,
        inner,
        min_rank,
        max_rank,
        min_size,
        min_numel,
        *within,
        distinct,
        apart,
        nonzero,
        invertible,
        dense,
        overlap,
    )


def number(
    low: float = -math.inf,
    high: float = math.inf,
    *,
    of: str | None = None,
    integral: bool = True,
    fractional: bool = True,
) -> Numbers:
    """Python numbers; `of=` a dtype keeps to the numbers of its class."""
    if of is not None and not is_floating(of):
        fractional = False
    return Numbers(low, high, integral=integral, fractional=fractional)


def dtype(of: DtypeSet | str) -> Choice:
    """An element type."""
    return Choice(tuple(Dtype(name) for name in ([of] if isinstance(of, str) else of)))


def varying(shape: Shape, dim: int) -> tuple[Any, ...]:
    """Return a shape whose size along one dimension is free."""
    return tuple(Free("") if at == dim % len(shape) else length for at, length in enumerate(shape))


CONSTRUCTORS: Final[dict[str, Callable[..., Any]]] = {
    "tensor": tensor,
    "number": number,
    "integer": Integers,
    "boolean": lambda: Choice((False, True)),
    "one_of": lambda *values: Choice(values),
    "dtype": dtype,
    "dim": lambda of: Dims(len(of) if isinstance(of, tuple) else of.ndim),
    "dims": lambda of: DimTuples(of.ndim),
    "order": lambda of: DimTuples(of.ndim, whole=True),
    "pairs": Pairs,
    "maybe": Maybe,
    "given": Given,
    "many": Many,
    "together": lambda *parts: Together(parts),
    "shapes": lambda: Sizes("any"),
    "view_shapes": lambda of: Sizes("view", of.shape),
    "expand_shapes": lambda of: Sizes("expand", of.shape),
    "index": lambda of, once=False: Indices(of.shape, once),
    "varying": varying,
    "parameter_groups": ParameterGroups,
    "made": lambda target, **arguments: Objects(target, arguments),
}
