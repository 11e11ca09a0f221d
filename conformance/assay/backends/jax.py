"""JAX as a candidate: immutable arrays, functions that compile for each shape, gradients by transformation.

`jax_enable_x64` is set, so that float64 and int64 are what they are called; JAX's default dtypes are then 64 bits wide.
Its promotion, its indices out of range and its gradients are left as they are. Only the convention for complex
gradients is translated: `jax.vjp` gives the conjugate of PyTorch's, and takes one too.

Most of a run goes into compiling. Set `JAX_COMPILATION_CACHE_DIR` to keep what is compiled: the answers are the same
bits, and the next run is five times as fast.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from assay.backends.base import Capabilities, Unsupported
from assay.backends.interpreter import Differentiable
from assay.backends.library import Differentiated
from assay.backends.table import TableBackend
from assay.cases.case import TensorValue
from assay.cases.outcome import Array

# Before the import, which reads them.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")  # else nothing is worth keeping

import jax
from jax import lax
from jax import numpy as jnp

jax.config.update("jax_enable_x64", True)


def only(condition: bool, what: str) -> None:
    if not condition:
        raise Unsupported("feature", f"no {what}")


def unary(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda input: function(input)


def binary(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda input, other: function(input, other)


def sizes(given: tuple[Any, ...]) -> Any:
    """Read `*size`: several numbers, or one tuple of them."""
    return given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


def pair(value: Any) -> tuple[Any, ...]:
    """Read a number for both dimensions of an image, or one for each."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def arange(start: Any, end: Any = None, step: Any = None, *, dtype: Any = None) -> Any:
    return jnp.arange(start, end, step, dtype)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    only(rounding_mode in (None, "floor"), f"rounding mode {rounding_mode!r}")
    return (jnp.floor_divide if rounding_mode == "floor" else jnp.divide)(input, other)


def extremum(
    value: Callable[..., Any], position: Callable[..., Any], of_pairs: Callable[..., Any]
) -> Callable[..., Any]:
    def function(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        other = dim if isinstance(dim, jax.Array) else other
        if other is not None:
            return of_pairs(input, other)
        if dim is None:
            return value(input)
        return value(input, axis=dim, keepdims=keepdim), position(input, axis=dim, keepdims=keepdim)

    return function


def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Any:
    only(p != "nuc", "nuclear norm of a vector")
    return jnp.linalg.vector_norm(input, axis=dim, keepdims=keepdim, ord=2 if p == "fro" else p)


def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Sort by JAX's default, a stable sort, where PyTorch leaves the order of equals open."""
    options: Any = {"axis": dim, "stable": stable, "descending": descending}
    return jnp.sort(input, **options), jnp.argsort(input, **options)


def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    only(largest, "smallest elements")
    return lax.top_k(input, k, axis=dim)


def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    only(k > 0, "element before the first")  # to JAX, position -1 is the last
    index = jnp.take(jnp.argpartition(input, k - 1, axis=dim), jnp.array([k - 1]), axis=dim)
    value = jnp.take_along_axis(input, index, axis=dim)
    return (value, index) if keepdim else (jnp.squeeze(value, dim), jnp.squeeze(index, dim))


def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    wanted = split_size_or_sections
    if isinstance(wanted, int):
        only(wanted > 0, "pieces of size 0")
        return jnp.split(tensor, list(range(wanted, tensor.shape[dim], wanted)), axis=dim)
    return jnp.split(tensor, np.cumsum(wanted)[:-1], axis=dim)


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    return lax.collapse(input, start_dim, None if end_dim == -1 else end_dim + 1)


def view(input: Any, *shape: Any) -> Any:
    if shape and isinstance(shape[0], np.dtype):
        return input.view(shape[0])
    return jnp.reshape(input, sizes(shape))


def expand(input: Any, *size: Any) -> Any:
    only(-1 not in sizes(size), "size -1")
    return jnp.broadcast_to(input, sizes(size))


def astype(input: Any, dtype: Any) -> Any:
    only(isinstance(dtype, np.dtype), "conversion but to a dtype")
    return input.astype(dtype)


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    product = jnp.matmul(input, weight.T)
    return product if bias is None else product + bias


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    only(input.ndim != weight.ndim - 1, "images without a batch")
    around = padding.upper() if isinstance(padding, str) else [(each, each) for each in pair(padding)]
    images = lax.conv_general_dilated(
        input, weight, pair(stride), around, rhs_dilation=pair(dilation), feature_group_count=groups
    )
    return images if bias is None else images + bias[:, None, None]


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    only(not training, "running statistics to write into")
    by_channel = (slice(None), *(None for _ in input.shape[2:]))
    normal = jax.nn.standardize(input, mean=running_mean[by_channel], variance=running_var[by_channel], epsilon=eps)
    scaled = normal if weight is None else normal * weight[by_channel]
    return scaled if bias is None else scaled + bias[by_channel]


def reduced(losses: Any, reduction: str) -> Any:
    only(reduction in REDUCTIONS, f"reduction {reduction!r}")
    return REDUCTIONS[reduction](losses)


def mse_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    return reduced(jnp.square(input - target), reduction)


def cross_entropy(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    only(jnp.issubdtype(target.dtype, jnp.integer), "probabilities for each class")
    likelihoods = jnp.take_along_axis(jax.nn.log_softmax(input), target[..., None], axis=-1)
    return reduced(-jnp.squeeze(likelihoods, axis=-1), reduction)


REDUCTIONS: Final[dict[str, Callable[..., Any]]] = {"mean": jnp.mean, "sum": jnp.sum, "none": jnp.asarray}

TABLE: Final[dict[str, Callable[..., Any]]] = {
    "tensor": lambda data, *, dtype=None: jnp.array(data, dtype),
    "from_numpy": lambda ndarray: jnp.asarray(ndarray),
    "zeros": lambda *size, dtype=None: jnp.zeros(sizes(size), dtype),
    "ones": lambda *size, dtype=None: jnp.ones(sizes(size), dtype),
    "empty": lambda *size, dtype=None: jnp.empty(sizes(size), dtype),
    "arange": arange,
    "linspace": lambda start, end, steps, *, dtype=None: jnp.linspace(start, end, steps, dtype=dtype),
    "logspace": lambda start, end, steps, base=10.0, *, dtype=None: jnp.logspace(
        start, end, steps, base=base, dtype=dtype
    ),
    "eye": lambda n, m=None, *, dtype=None: jnp.eye(n, m, dtype=dtype),
    "abs": unary(jnp.abs),
    "acos": unary(jnp.acos),
    "asin": unary(jnp.asin),
    "atan": unary(jnp.atan),
    "ceil": unary(jnp.ceil),
    "cos": unary(jnp.cos),
    "cosh": unary(jnp.cosh),
    "exp": unary(jnp.exp),
    "floor": unary(jnp.floor),
    "frac": lambda input: jnp.modf(input)[0],
    "log": unary(jnp.log),
    "neg": unary(jnp.negative),
    "reciprocal": unary(jnp.reciprocal),
    "round": lambda input, *, decimals=0: jnp.round(input, decimals),
    "rsqrt": unary(lax.rsqrt),
    "sigmoid": unary(jax.nn.sigmoid),
    "sign": unary(jnp.sign),
    "sin": unary(jnp.sin),
    "sqrt": unary(jnp.sqrt),
    "trunc": unary(jnp.trunc),
    "add": binary(jnp.add),
    "sub": binary(jnp.subtract),
    "mul": binary(jnp.multiply),
    "div": div,
    "remainder": binary(jnp.remainder),
    "fmod": binary(jnp.fmod),
    "pow": lambda input, exponent: jnp.power(input, exponent),
    "clamp": lambda input, min=None, max=None: jnp.clip(input, min, max),
    "where": lambda condition, *branches: jnp.where(condition, *branches),
    "eq": binary(jnp.equal),
    "ne": binary(jnp.not_equal),
    "lt": binary(jnp.less),
    "le": binary(jnp.less_equal),
    "gt": binary(jnp.greater),
    "ge": binary(jnp.greater_equal),
    "equal": lambda input, other: bool(jnp.array_equal(input, other)),
    "max": extremum(jnp.max, jnp.argmax, jnp.maximum),
    "min": extremum(jnp.min, jnp.argmin, jnp.minimum),
    "argmax": lambda input, dim=None, keepdim=False: jnp.argmax(input, dim, keepdims=keepdim),
    "sum": lambda input, dim=None, keepdim=False, *, dtype=None: jnp.sum(input, dim, dtype, keepdims=keepdim),
    "prod": lambda input, dim=None, keepdim=False, *, dtype=None: jnp.prod(input, dim, dtype, keepdims=keepdim),
    "mean": lambda input, dim=None, keepdim=False, *, dtype=None: jnp.mean(input, dim, dtype, keepdims=keepdim),
    "std": lambda input, dim=None, *, correction=1, keepdim=False: jnp.std(
        input, dim, keepdims=keepdim, correction=correction
    ),
    "var": lambda input, dim=None, *, correction=1, keepdim=False: jnp.var(
        input, dim, keepdims=keepdim, correction=correction
    ),
    "median": lambda input: jnp.median(input),
    "cumsum": lambda input, dim, *, dtype=None: jnp.cumsum(input, dim, dtype),
    "cumprod": lambda input, dim, *, dtype=None: jnp.cumprod(input, dim, dtype),
    "norm": norm,
    "dist": lambda input, other, p=2: jnp.linalg.vector_norm(input - other, ord=p),
    "sort": sort,
    "topk": topk,
    "kthvalue": kthvalue,
    "cat": lambda tensors, dim=0: jnp.concatenate(tensors, dim),
    "stack": lambda tensors, dim=0: jnp.stack(tensors, dim),
    "split": split,
    "unbind": lambda input, dim=0: jnp.unstack(input, axis=dim),
    "__getitem__": lambda input, index: input[index],
    "squeeze": lambda input, dim=None: jnp.squeeze(input, dim),
    "unsqueeze": lambda input, dim: jnp.expand_dims(input, dim),
    "transpose": lambda input, dim0, dim1: jnp.swapaxes(input, dim0, dim1),
    "t": lambda input: jnp.transpose(input),
    "permute": lambda input, *dims: jnp.transpose(input, sizes(dims)),
    "reshape": lambda input, *shape: jnp.reshape(input, sizes(shape)),
    "view": view,
    "flatten": flatten,
    "expand": expand,
    "repeat": lambda input, *repeats: jnp.tile(input, sizes(repeats)),
    "numel": lambda input: input.size,
    "item": lambda input: input.item(),
    "type": astype,
    "to": astype,
    "cross": lambda input, other, dim: jnp.cross(input, other, axis=dim),
    "dot": lambda input, tensor: jnp.dot(input, tensor),
    "inverse": unary(jnp.linalg.inv),
    "matmul": binary(jnp.matmul),
    "mm": lambda input, mat2: jnp.matmul(input, mat2),
    "mv": lambda input, vec: jnp.matmul(input, vec),
    "nn.functional.relu": unary(jax.nn.relu),
    "nn.functional.softmax": lambda input, dim: jax.nn.softmax(input, dim),
    "nn.functional.linear": linear,
    "nn.functional.conv2d": conv2d,
    "nn.functional.batch_norm": batch_norm,
    "nn.functional.embedding": lambda input, weight: jnp.take(weight, input, axis=0),
    "nn.functional.mse_loss": mse_loss,
    "nn.functional.cross_entropy": cross_entropy,
}


class JaxBackend(TableBackend):
    """Arrays are immutable: no views, out= or in-place forms, no modules; but gradients of any order."""

    table: ClassVar[Mapping[str, Callable[..., Any]]] = TABLE
    methods: ClassVar[frozenset[str]] = frozenset(name for name in TABLE if hasattr(jax.Array, name))
    unsupported: ClassVar = (
        (NotImplementedError, ""),
        (TypeError, "unexpected keyword argument"),
        (TypeError, "JAX arrays are immutable"),
        (TypeError, "does not accept dtype"),
        (TypeError, "Using a non-tuple sequence for multidimensional indexing is not allowed"),
    )

    def __init__(self) -> None:
        self.capabilities = Capabilities(
            name="jax", version=jax.__version__, features=("autograd",), flushes_subnormals=True
        )

    def to_native(self, value: TensorValue) -> Any:
        return jnp.array(value.array())

    def to_host(self, native: Any) -> Array:
        found = np.asarray(native)
        return Array(found.dtype.name, found.copy())

    def is_native(self, value: Any) -> bool:
        return isinstance(value, jax.Array)

    def to_dtype(self, dtype: str) -> Any:
        return jnp.dtype(dtype)

    def differentiate(self, trace: Differentiable) -> Differentiated:
        inputs = tuple(trace.inputs.values())

        def forward(*given: Any) -> tuple[Sequence[Any], Sequence[Any]]:
            results = trace(dict(zip(trace.inputs, given, strict=True)))
            return [results[index] for index in trace.upstream], results

        def backward(given: Sequence[Any], upstream: Iterable[Any]) -> tuple[dict[str, Any], Sequence[Any]]:
            ends, pull, results = jax.vjp(forward, *given, has_aux=True)
            return dict(zip(trace.inputs, pulled(pull, ends, upstream), strict=True)), results

        gradients, results = backward(inputs, trace.upstream.values())
        if not trace.second:
            return Differentiated(results, gradients)

        def chosen(*given: Any) -> Sequence[Any]:
            flowing = dict(zip(trace.flowing, given[len(inputs) :], strict=True))
            upstream = [flowing.get(str(index), each) for index, each in trace.upstream.items()]
            found, _ = backward(given[: len(inputs)], upstream)
            return [found[name] for name in trace.second]

        ends, pull = jax.vjp(chosen, *inputs, *trace.flowing.values())
        second = pulled(pull, ends, trace.second.values())
        return Differentiated(results, gradients, dict(zip((*trace.inputs, *trace.flowing), second, strict=True)))


def pulled(pull: Callable[..., Any], ends: Sequence[Any], upstream: Iterable[Any]) -> list[Any]:
    """Return the gradients of the inputs for those of the results, in the dtypes that JAX gave the results."""
    cotangents = [conjugate(each).astype(end.dtype) for each, end in zip(upstream, ends, strict=True)]
    return [conjugate(each) for each in pull(cotangents)]


def conjugate(value: Any) -> Any:
    return jnp.conj(value) if jnp.iscomplexobj(value) else value
