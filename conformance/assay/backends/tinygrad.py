"""tinygrad as a candidate: lazy tensors, much of PyTorch's vocabulary, other names for the rest.

On its `PYTHON` device it needs no compiler, and interprets its kernels element by element: a case takes
milliseconds, a large one seconds. Set `DEV=CPU` (with clang installed) or another device for speed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, ClassVar, Final

import numpy as np

from assay.backends.base import Capabilities, Unsupported
from assay.backends.table import TableBackend, short_name
from assay.cases.arrays import host_dtype
from assay.cases.case import Array, Call, ModuleSetup, Optimization, Outcome, TensorValue
from assay_spec import dtypes as names

os.environ.setdefault("DEV", "PYTHON")  # before the import, which reads it

from tinygrad import Device, Tensor, dtypes, nn
from tinygrad.helpers import Context

DTYPES: Final = {name: getattr(dtypes, name) for name in names.ALL if hasattr(dtypes, name)}
# Those in which it may answer beside PyTorch's; the weak ones are those of Python's numbers.
ELEMENTS: Final = {
    **{dtype: name for name, dtype in DTYPES.items()},
    **{getattr(dtypes, name): name for name in ("uint16", "uint32", "uint64", "weakint", "weakfloat")},
}


def only(condition: bool, what: str) -> None:
    if not condition:
        raise Unsupported("feature", f"no {what}")


def std(input: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None) -> Any:
    return input.std(dim, keepdim, int(unbiased) if correction is None else correction)


def maximum(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    other = dim if isinstance(dim, Tensor) else other
    if other is not None:
        return input.maximum(other)
    return input.max() if dim is None else (input.max(dim, keepdim), input.argmax(dim, keepdim))


def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    only(not stable, "stable sort")
    return input.sort(dim, descending)


def view(input: Any, *shape: Any) -> Any:
    only(not isinstance(shape[0], type(dtypes.int)), "view as another dtype")
    return input.view(*shape)


def cast(input: Any, dtype: Any) -> Any:
    only(isinstance(dtype, type(dtypes.int)), "conversion but to a dtype")
    return input.cast(dtype)


def softmax(input: Any, dim: int = -1) -> Any:
    return input.softmax(dim)


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
    return input.conv2d(weight, bias, groups, stride, dilation, padding)


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    return input.max_pool2d(kernel_size, stride, dilation, padding, ceil_mode, return_indices)


def dropout(input: Any, p: float = 0.5, training: bool = True) -> Any:
    with Context(TRAINING=int(training)):
        return input.dropout(p)


def cross_entropy(input: Any, target: Any, *, reduction: Any = "mean", label_smoothing: float = 0.0) -> Any:
    return input.cross_entropy(target, reduction, label_smoothing)


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "tensor": lambda data, *, dtype=None: Tensor(np.array(data).tolist(), dtype=dtype),
    "zeros": lambda *size, dtype=None: Tensor.zeros(*size, dtype=dtype),
    "ones": lambda *size, dtype=None: Tensor.ones(*size, dtype=dtype),
    "empty": lambda *size, dtype=None: Tensor.empty(*size, dtype=dtype),
    "arange": lambda start=0, end=None, step=1, *, dtype=None: Tensor.arange(start, end, step, dtype=dtype),
    "linspace": lambda start, end, steps, *, dtype=None: Tensor.linspace(start, end, steps, dtype=dtype),
    "eye": lambda n, m=None, *, dtype=None: Tensor.eye(n, m, dtype=dtype),
    "manual_seed": lambda seed: Tensor.manual_seed(seed),
    "rand": lambda *size, dtype=None: Tensor.rand(*size, dtype=dtype),
    "randn": lambda *size, dtype=None: Tensor.randn(*size, dtype=dtype),
    "add": lambda input, other: input.add(other),
    "sub": lambda input, other: input.sub(other),
    "mul": lambda input, other: input.mul(other),
    "div": lambda input, other, *, rounding_mode=None: input.div(other, rounding_mode=rounding_mode),
    "remainder": lambda input, other: input.mod(other),
    "fmod": lambda input, other: input.fmod(other),
    "pow": lambda input, exponent: input**exponent,  # either may be a number
    "abs": lambda input: input.abs(),
    "exp": lambda input: input.exp(),
    "sigmoid": lambda input: input.sigmoid(),
    "sign": lambda input: input.sign(),
    "round": lambda input: input.round(),
    "clamp": lambda input, min=None, max=None: input.clamp(min, max),
    "where": lambda condition, input, other: condition.where(input, other),
    "sum": lambda input, dim=None, keepdim=False, *, dtype=None: input.sum(dim, keepdim, dtype),
    "mean": lambda input, dim=None, keepdim=False: input.mean(dim, keepdim),
    "std": std,
    "max": maximum,
    "cumsum": lambda input, dim: input.cumsum(dim),
    "eq": lambda input, other: input.eq(other),
    "sort": sort,
    "topk": lambda input, k, dim=-1, largest=True, sorted=True: input.topk(k, dim, largest, sorted),
    "cat": lambda tensors, dim=0: Tensor.cat(*tensors, dim=dim),
    "stack": lambda tensors, dim=0: Tensor.stack(*tensors, dim=dim),
    "chunk": lambda input, chunks, dim=0: input.chunk(chunks, dim),
    "split": lambda tensor, split_size_or_sections, dim=0: tensor.split(split_size_or_sections, dim),
    "squeeze": lambda input, dim=None: input.squeeze(dim),
    "unsqueeze": lambda input, dim: input.unsqueeze(dim),
    "transpose": lambda input, dim0, dim1: input.transpose(dim0, dim1),
    "t": lambda input: input.T,
    "view": view,
    "reshape": lambda input, *shape: input.reshape(*shape),
    "expand": lambda input, *size: input.expand(*size),
    "repeat": lambda input, *repeats: input.repeat(*repeats),
    "permute": lambda input, *dims: input.permute(*dims),
    "contiguous": lambda input: input.contiguous(),
    "__getitem__": lambda input, index: input[index],
    "type": cast,
    "to": cast,
    "mm": lambda input, mat2: input.matmul(mat2),
    "matmul": lambda input, other: input.matmul(other),
    "nn.functional.relu": lambda input: input.relu(),
    "nn.functional.sigmoid": lambda input: input.sigmoid(),
    "nn.functional.softmax": softmax,
    "nn.functional.linear": lambda input, weight, bias=None: input.linear(weight.transpose(), bias),
    "nn.functional.conv2d": conv2d,
    "nn.functional.max_pool2d": max_pool2d,
    "nn.functional.dropout": dropout,
    "nn.functional.cross_entropy": cross_entropy,
}


def batch_norm(
    num_features: int,
    eps: float = 1e-5,
    momentum: float | None = 0.1,
    affine: bool = True,
    track_running_stats: bool = True,
) -> Any:
    only(momentum is not None, "cumulative averages")
    return nn.BatchNorm(num_features, eps, affine, track_running_stats, momentum)


class Conv2d(nn.Conv2d):  # type: ignore[misc]
    def __call__(self, input: Any) -> Any:
        return conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


# Its layers without parameters are plain functions.
MODULES: Final[dict[str, Callable[..., Callable[..., Any]]]] = {
    "nn.Linear": nn.Linear,
    "nn.Conv2d": Conv2d,
    "nn.BatchNorm1d": batch_norm,
    "nn.BatchNorm2d": batch_norm,
    "nn.Embedding": lambda num_embeddings, embedding_dim: nn.Embedding(num_embeddings, embedding_dim),
    "nn.LSTMCell": nn.LSTMCell,
    "nn.ReLU": lambda: lambda input: input.relu(),
    "nn.Softmax": lambda dim: lambda input: softmax(input, dim),
    "nn.Dropout": lambda p=0.5: lambda input: input.dropout(p),
    "nn.MaxPool2d": lambda *args, **kwargs: lambda input: max_pool2d(input, *args, **kwargs),
    "nn.CrossEntropyLoss": lambda **kwargs: lambda input, target: cross_entropy(input, target, **kwargs),
}


def sgd(params: Any, lr: float = 1e-3, momentum: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False) -> Any:
    return nn.optim.SGD(params, lr, momentum, weight_decay, nesterov)


def adam(params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> Any:
    return nn.optim.Adam(params, lr, *betas, eps)


OPTIMIZERS: Final[dict[str, Callable[..., Any]]] = {"optim.SGD": sgd, "optim.Adam": adam}


class TinygradBackend(TableBackend):
    """Tensors are functional: views, out= and layouts are not told apart, gradients and modules are there."""

    table: ClassVar[Mapping[str, Callable[..., Any]]] = TABLE
    methods: ClassVar[frozenset[str]] = frozenset(name for name in TABLE if hasattr(Tensor, name))
    operators: ClassVar[frozenset[str]] = TableBackend.operators - {"abs"}
    lacks: ClassVar = (
        (NotImplementedError, ""),
        (TypeError, "unexpected keyword argument"),
        (ValueError, "only 'same' is supported"),
    )

    def __init__(self) -> None:
        self.capabilities = Capabilities(
            name="tinygrad",
            version=version("tinygrad"),
            dtypes=tuple(DTYPES),
            features=("in-place", "autograd", "random", "modules", "optimizers"),
        )
        self._held: dict[str, Any] = {}  # the state of the module that was constructed last
        self._watched = False  # whether that state is to be told as it was constructed
        self._unread: list[Any] = []  # the graphs of the last results: reading a value cuts its tensor's off

    def to_native(self, value: TensorValue) -> Any:
        dtype = self.to_dtype(value.dtype)
        array = value.array().copy()
        if value.dtype == "bfloat16":  # from bytes: a bitcast has no memory of its own to write into
            return Tensor(array.tobytes(), dtype=dtype).reshape(array.shape).realize()
        # It makes constants of 0-d arrays, which have no gradient and no memory either.
        return Tensor(array.reshape(-1)).reshape(array.shape).realize()

    def to_host(self, native: Any) -> Array:
        dtype = ELEMENTS.get(native.dtype, str(native.dtype))
        # A constant lies on no device, and would be computed on the CPU, which takes a compiler.
        array = (native.clone(Device.DEFAULT) if native.device is None else native).numpy()
        return Array(dtype, array.astype(host_dtype(dtype)) if dtype == "bfloat16" else array.copy())

    def is_native(self, value: Any) -> bool:
        return isinstance(value, Tensor)

    def to_dtype(self, dtype: str) -> Any:
        if dtype not in DTYPES:
            raise Unsupported("dtype", f"no {dtype}")
        return DTYPES[dtype]

    def split(self, answer: Any) -> Sequence[Any]:
        results = super().split(answer)
        self._unread = [each.uop if self.is_native(each) else None for each in results]
        return results

    def gradients(
        self, call: Call, results: Sequence[Any], inputs: Mapping[str, Any], upstream: Mapping[int, Any]
    ) -> Mapping[str, Any]:
        terms = [(Tensor(self._unread[place]) * gradient).sum() for place, gradient in upstream.items()]
        sum(terms[1:], terms[0]).backward()
        return {name: native.grad for name, native in inputs.items()}

    def differentiated(self, name: str, arguments: Mapping[str, Any]) -> Any:
        return self._held[name] if name in self._held else super().differentiated(name, arguments)

    def seeded(self, seed: int) -> None:
        Tensor.manual_seed(seed)

    def module(self, op: str, setup: ModuleSetup) -> Callable[..., Any]:
        short = short_name(op)
        if short not in MODULES:
            raise Unsupported("op", f"no {short}")
        try:
            made = MODULES[short](**{name: self.native(value) for name, value in setup.arguments.items()})
        except TypeError as error:
            raise Unsupported("feature", str(error)) from error
        self._held = nn.state.get_state_dict(made)
        # Only where it is asked for: random parameters are most of what a module costs.
        self._as_constructed = {name: self.to_host(each) for name, each in self._held.items() if self._watched}
        for name, value in setup.state.items():
            self._held[name].replace(self.to_native(value))

        def forward(*args: Any, **kwargs: Any) -> Any:
            with Context(TRAINING=int(setup.training)):
                return made(*args, **kwargs)

        return forward

    def _call(self, call: Call) -> Outcome:
        self._held, self._watched = {}, "state" in call.observe
        outcome = super()._call(call)
        if call.module is None or outcome.lacking or outcome.raised:
            return outcome
        buffers = {name: each for name, each in self._held.items() if not each.is_param}
        return Outcome(
            results=outcome.results,
            structure=outcome.structure,
            gradients=outcome.gradients,
            changed=outcome.changed,
            state={**self._as_constructed, **{f"{k}.after": self.to_host(v) for k, v in buffers.items()}},
            values={f"{name}.parameter": None for name in self._held if name not in buffers},
        )

    def optimize(self, case: Optimization) -> Outcome:
        short = short_name(case.op)
        if short not in OPTIMIZERS:
            raise Unsupported("op", f"no {short}")
        only(case.reload_after is None, "state of optimizers to save")
        only(not case.closure, "closures")
        groups = [([self.to_native(value) for value in values], options) for options, values in case.groups]
        try:
            optimizer = nn.optim.OptimizerGroup(
                *(OPTIMIZERS[short](params, **{**case.options, **options}) for params, options in groups)
            )
        except TypeError as error:
            raise Unsupported("feature", str(error)) from error
        parameters = [native for params, _ in groups for native in params]
        trail: list[Array] = []
        for gradients in case.gradients:
            for native, gradient in zip(parameters, gradients, strict=True):
                native.grad = None if gradient is None else self.to_native(gradient)
            with Context(TRAINING=1):
                optimizer.step()
            trail += map(self.to_host, parameters)
        return Outcome(results=tuple(trail), structure="tuple")
