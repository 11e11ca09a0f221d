"""NumPy as a candidate: an independent library, with other names, that has a part of PyTorch.

Its own promotion, its own results and its own errors are left as they are: where they differ from PyTorch's,
the suite is to say so. What NumPy does not have is unsupported, not implemented here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import numpy as np

from assay.backends.base import Capabilities, Unsupported
from assay.backends.interpreter import set_item
from assay.backends.table import TableBackend
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome
from assay_spec import dtypes


def unary(ufunc: np.ufunc) -> Callable[..., Any]:
    def function(input: Any, *, out: Any = None) -> Any:
        return ufunc(input, out=out)

    return function


def binary(ufunc: np.ufunc) -> Callable[..., Any]:
    def function(input: Any, other: Any, *, out: Any = None) -> Any:
        return ufunc(input, other, out=out)

    return function


def sizes(given: tuple[Any, ...]) -> Any:
    """Read `*size`: several numbers, or one tuple of them."""
    return given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


def only(condition: bool, what: str) -> None:
    if not condition:
        raise Unsupported("feature", f"no {what}")


def arange(start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None) -> Any:
    return np.arange(start, dtype=dtype) if end is None else np.arange(start, end, step, dtype=dtype)


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None) -> Any:
    return np.logspace(start, end, steps, base=base, dtype=dtype)


def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    only(rounding_mode != "trunc", "rounding mode 'trunc'")
    return (np.floor_divide if rounding_mode == "floor" else np.divide)(input, other, out=out)


def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None) -> Any:
    return np.sum(input, axis=dim, keepdims=keepdim, dtype=dtype, out=out)


def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None) -> Any:
    return np.mean(input, axis=dim, keepdims=keepdim, dtype=dtype, out=out)


def std(
    input: Any,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Any = None,
) -> Any:
    ddof = int(unbiased) if correction is None else correction
    return np.std(input, axis=dim, ddof=ddof, keepdims=keepdim, out=out)


def maximum(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None) -> Any:
    other = dim if isinstance(dim, np.ndarray) else other
    if other is not None:
        return np.maximum(input, other, out=out)
    if dim is None:
        return np.max(input, out=out)
    only(out is None, "out= of a maximum with its index")
    return np.max(input, axis=dim, keepdims=keepdim), np.argmax(input, axis=dim, keepdims=keepdim)


def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Any:
    order = None if p == "fro" else p
    if dim is None:
        # PyTorch takes the vector norm of all elements where NumPy would take a matrix norm.
        return np.linalg.norm(input.reshape(-1), order)
    return np.linalg.norm(input, order, axis=dim, keepdims=keepdim)


def cumsum(input: Any, dim: int, *, dtype: Any = None, out: Any = None) -> Any:
    only(out is None or np.ndim(input) > 0, "out= for 0 dimensions: NumPy ends the process")
    return np.cumsum(input, axis=dim, dtype=dtype, out=out)


def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    only(not descending, "descending order")
    kind: Any = "stable" if stable else None
    return np.sort(input, axis=dim, kind=kind), np.argsort(input, axis=dim, kind=kind)


def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    index = np.argpartition(input, k - 1, axis=dim).take([k - 1], axis=dim)
    value = np.take_along_axis(input, index, axis=dim)
    return (value, index) if keepdim else (value.squeeze(dim), index.squeeze(dim))


def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    wanted = split_size_or_sections
    if isinstance(wanted, int):
        return np.split(tensor, range(wanted, tensor.shape[dim], wanted), axis=dim)
    return np.split(tensor, np.cumsum(wanted)[:-1], axis=dim)


def view(input: Any, *shape: Any, dtype: Any = None) -> Any:
    dtype = shape[0] if shape and isinstance(shape[0], np.dtype) else dtype
    if dtype is not None:
        return input.view(dtype)
    return np.reshape(input, sizes(shape), copy=False)


def astype(input: Any, dtype: Any) -> Any:
    only(isinstance(dtype, np.dtype), "conversion but to a dtype")
    return input.astype(dtype)


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "tensor": lambda data, *, dtype=None: np.array(data, dtype=dtype),
    "zeros": lambda *size, dtype=None: np.zeros(sizes(size), dtype=dtype or float),
    "ones": lambda *size, dtype=None: np.ones(sizes(size), dtype=dtype),
    "empty": lambda *size, dtype=None: np.empty(sizes(size), dtype=dtype or float),
    "arange": arange,
    "linspace": lambda start, end, steps, *, dtype=None: np.linspace(start, end, steps, dtype=dtype),
    "logspace": logspace,
    "eye": lambda n, m=None, *, dtype=None: np.eye(n, m, dtype=dtype or float),
    "from_numpy": lambda ndarray: np.asarray(ndarray),
    "manual_seed": lambda seed: np.random.seed(seed),
    "rand": lambda *size: np.random.random_sample(sizes(size)),
    "randn": lambda *size: np.random.standard_normal(sizes(size)),
    "bernoulli": lambda input: np.random.binomial(1, input),
    "add": binary(np.add),
    "sub": binary(np.subtract),
    "mul": binary(np.multiply),
    "div": div,
    "abs": unary(np.abs),
    "exp": unary(np.exp),
    "clamp": lambda input, min=None, max=None, *, out=None: np.clip(input, min, max, out=out),
    "round": lambda input, *, decimals=0, out=None: np.round(input, decimals, out=out),
    "remainder": binary(np.remainder),
    "fmod": binary(np.fmod),
    "sign": unary(np.sign),
    "pow": lambda input, exponent, *, out=None: np.power(input, exponent, out=out),
    "where": lambda condition, *branches: np.where(condition, *branches),
    "sum": sum,
    "mean": mean,
    "std": std,
    "max": maximum,
    "median": lambda input: np.median(input),
    "cumsum": cumsum,
    "norm": norm,
    "eq": binary(np.equal),
    "equal": lambda input, other: np.array_equal(input, other),
    "sort": sort,
    "kthvalue": kthvalue,
    "cat": lambda tensors, dim=0, *, out=None: np.concatenate(tensors, axis=dim, out=out),
    "stack": lambda tensors, dim=0, *, out=None: np.stack(tensors, axis=dim, out=out),
    "split": split,
    "squeeze": lambda input, dim=None: np.squeeze(input, axis=dim),
    "unsqueeze": lambda input, dim: np.expand_dims(input, dim),
    "transpose": lambda input, dim0, dim1: np.swapaxes(input, dim0, dim1),
    "t": lambda input: np.transpose(input),
    "view": view,
    "reshape": lambda input, *shape: np.reshape(input, sizes(shape)),
    "expand": lambda input, *size: np.broadcast_to(input, sizes(size)),
    "repeat": lambda input, *repeats: np.tile(input, sizes(repeats)),
    "permute": lambda input, *dims: np.transpose(input, sizes(dims)),
    "contiguous": lambda input: np.asarray(input, order="C"),
    "is_contiguous": lambda input: bool(input.flags.c_contiguous),
    "__getitem__": lambda input, index: input[index],
    "__setitem__": set_item,
    "type": astype,
    "to": astype,
    "mm": lambda input, mat2, *, out=None: np.matmul(input, mat2, out=out),
    "matmul": binary(np.matmul),
    "inverse": lambda input: np.linalg.inv(input),
}


class NumpyBackend(TableBackend):
    """Arrays and scalars of NumPy are the tensors; there are no gradients, modules or optimizers."""

    table: ClassVar[Mapping[str, Callable[..., Any]]] = TABLE
    methods: ClassVar[frozenset[str]] = frozenset(
        ("sum", "mean", "std", "max", "cumsum", "round", "squeeze", "transpose", "reshape")
    )
    unsupported: ClassVar = (
        (NotImplementedError, ""),
        (TypeError, "not supported for the input types"),
        (TypeError, "is unsupported in linalg"),
        (TypeError, "did not contain a loop with signature matching types"),
        (TypeError, "unexpected keyword argument"),
    )

    def __init__(self) -> None:
        self.capabilities = Capabilities(
            name="numpy",
            version=np.__version__,
            dtypes=tuple(each for each in dtypes.ALL if each != "bfloat16"),
            features=("views", "out", "in-place", "random"),
        )

    def perform(self, case: Case) -> Outcome:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return super().perform(case)

    def to_native(self, value: TensorValue) -> Any:
        self.to_dtype(value.dtype)
        steps = tuple(step * value.buffer.itemsize for step in value.strides)
        start = value.buffer.copy()[value.offset :]
        return np.lib.stride_tricks.as_strided(start, value.shape, steps)

    def to_host(self, native: Any) -> Array:
        found = np.asarray(native)
        return Array(found.dtype.name, found.copy())

    def is_native(self, value: Any) -> bool:
        return isinstance(value, (np.ndarray, np.generic))

    def to_dtype(self, dtype: str) -> Any:
        if dtype not in self.capabilities.dtypes:
            raise Unsupported("dtype", f"no {dtype}")
        return np.dtype(dtype)

    def overwrite(self, native: Any) -> None:
        if isinstance(native, np.generic):
            return  # a scalar cannot be written to, and so shares nothing
        only(native.flags.writeable, "writing into this view")
        native[...] = ~native if native.dtype == bool else native + 1

    def seeded(self, seed: int) -> None:
        np.random.seed(seed)
