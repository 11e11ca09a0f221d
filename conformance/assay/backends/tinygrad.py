"""tinygrad as a candidate: lazy tensors, much of PyTorch's vocabulary, other names for the rest.

On its `PYTHON` device it needs no compiler, and interprets its kernels element by element: a case takes
milliseconds, a large one seconds. Set `DEV=CPU` (with clang installed) or another device for speed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, ClassVar, Final

import numpy as np

from assay.backends.base import Capabilities, Unsupported
from assay.backends.interpreter import Differentiable
from assay.backends.library import Differentiated
from assay.backends.table import TableBackend
from assay.cases.arrays import host_dtype
from assay.cases.case import TensorValue
from assay.cases.outcome import Array
from assay_spec import dtypes as names

os.environ.setdefault("DEV", "PYTHON")  # before the import, which reads it

from tinygrad import Device, Tensor, dtypes, nn
from tinygrad.helpers import Context

DTYPES: Final = {name: getattr(dtypes, name) for name in names.ALL if hasattr(dtypes, name)}
# The dtypes of its results that PyTorch may not have; the weak ones are those of Python numbers.
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


def tensor(data: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Make a tensor; a floating one always requires a gradient, so requires_grad needs no translation."""
    array = np.array(data)
    only(array.dtype.kind != "c", "complex numbers")
    # Always from a list: tinygrad makes a constant of a single number, without gradient or memory.
    made = Tensor(array.reshape(-1).tolist(), dtype=dtype).reshape(array.shape)
    only(not requires_grad or made.is_floating_point(), "gradients of integers to refuse")
    return made


def created(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes a tensor of a given size."""
    return lambda *size, dtype=None, requires_grad=False: make(*size, dtype=dtype)


def item(input: Any) -> Any:
    return (input.clone(Device.DEFAULT) if input.device is None else input).item()


def backward(input: Any, gradient: Any = None) -> None:
    input.backward(gradient)


def equal(input: Any, other: Any) -> bool:
    return input.shape == other.shape and bool(item((input == other).all()))


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "tensor": tensor,
    "zeros": created(Tensor.zeros),
    "ones": created(Tensor.ones),
    "empty": created(Tensor.empty),
    "full": lambda size, fill_value, *, dtype=None, requires_grad=False: Tensor.full(size, fill_value, dtype=dtype),
    "zeros_like": lambda input, *, dtype=None: input.zeros_like(dtype=dtype),
    "ones_like": lambda input, *, dtype=None: input.ones_like(dtype=dtype),
    "arange": lambda start, end=None, step=1, *, dtype=None, requires_grad=False: Tensor.arange(
        start, end, step, dtype=dtype
    ),
    "linspace": lambda start, end, steps, *, dtype=None: Tensor.linspace(start, end, steps, dtype=dtype),
    "eye": lambda n, m=None, *, dtype=None: Tensor.eye(n, m, dtype=dtype),
    "equal": equal,
    "item": item,
    "tolist": lambda input: input.tolist(),
    "detach": lambda input: input.detach(),
    "clone": lambda input: input.clone(),
    "backward": backward,
    "numel": lambda input: input.numel(),
    "dim": lambda input: input.ndim,
    "size": lambda input, dim=None: input.shape if dim is None else input.shape[dim],
    "flatten": lambda input, start_dim=0, end_dim=-1: input.flatten(start_dim, end_dim),
    "autograd.grad": lambda outputs, inputs, grad_outputs=None: tuple(
        outputs.gradient(*(inputs if isinstance(inputs, (tuple, list)) else (inputs,)), gradient=grad_outputs)
    ),
    "argmax": lambda input, dim=None, keepdim=False: input.argmax(dim, keepdim),
    "prod": lambda input, dim=None, keepdim=False: input.prod(dim, keepdim),
    "var": lambda input, dim=None, *, correction=1, keepdim=False: input.var(dim, keepdim, correction),
    "sqrt": lambda input: input.sqrt(),
    "log": lambda input: input.log(),
    "sin": lambda input: input.sin(),
    "cos": lambda input: input.cos(),
    "tanh": lambda input: input.tanh(),
    "neg": lambda input: input.neg(),
    "manual_seed": lambda seed: Tensor.manual_seed(seed),
    "rand": created(Tensor.rand),
    "randn": created(Tensor.randn),
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


class Layer:
    """A layer of tinygrad, or a function for a layer without parameters, with the methods of PyTorch's modules."""

    def __init__(self, made: Any, dtype: Any = None) -> None:
        self.made, self.training = made, True
        for each in self.state_dict().values() if dtype is not None else ():
            each.replace(each.cast(dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with Context(TRAINING=int(self.training)):
            return self.made(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.made, name)

    def train(self, mode: bool = True) -> Any:
        self.training = mode
        return self

    def eval(self) -> Any:
        return self.train(False)

    def state_dict(self) -> dict[str, Any]:
        return dict(nn.state.get_state_dict(self.made))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        held = self.state_dict()
        for name, value in state.items():
            held[name].replace(value)

    def parameters(self) -> list[Any]:
        return [each for each in self.state_dict().values() if each.is_param]

    def named_parameters(self) -> list[tuple[str, Any]]:
        return [(name, each) for name, each in self.state_dict().items() if each.is_param]


def batch_norm(
    num_features: int,
    eps: float = 1e-5,
    momentum: float | None = 0.1,
    affine: bool = True,
    track_running_stats: bool = True,
    dtype: Any = None,
) -> Layer:
    only(momentum is not None, "cumulative averages")
    return Layer(nn.BatchNorm(num_features, eps, affine, track_running_stats, momentum), dtype)


class Convolution(nn.Conv2d):  # type: ignore[misc]
    def __call__(self, input: Any) -> Any:
        return conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def conv2d_layer(
    in_channels: int,
    out_channels: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    bias: bool = True,
    dtype: Any = None,
) -> Layer:
    return Layer(Convolution(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias), dtype)


LAYERS: Final[dict[str, Callable[..., Layer]]] = {
    "nn.Linear": lambda in_features, out_features, bias=True, dtype=None: Layer(
        nn.Linear(in_features, out_features, bias), dtype
    ),
    "nn.Conv2d": conv2d_layer,
    "nn.BatchNorm1d": batch_norm,
    "nn.BatchNorm2d": batch_norm,
    "nn.Embedding": lambda num_embeddings, embedding_dim, dtype=None: Layer(
        nn.Embedding(num_embeddings, embedding_dim), dtype
    ),
    "nn.LSTMCell": lambda input_size, hidden_size, bias=True, dtype=None: Layer(
        nn.LSTMCell(input_size, hidden_size, bias), dtype
    ),
    "nn.ReLU": lambda: Layer(lambda input: input.relu()),
    "nn.Softmax": lambda dim: Layer(lambda input: softmax(input, dim)),
    "nn.Dropout": lambda p=0.5: Layer(lambda input: input.dropout(p)),
    "nn.MaxPool2d": lambda *args, **kwargs: Layer(lambda input: max_pool2d(input, *args, **kwargs)),
    "nn.CrossEntropyLoss": lambda **kwargs: Layer(lambda input, target: cross_entropy(input, target, **kwargs)),
}


class Optimizer:
    """An optimizer of tinygrad for each parameter, with the methods of PyTorch's.

    One for all of a group would take a step with parameters that have no gradient, too.
    """

    def __init__(self, make: Callable[..., Any], params: Any, **options: Any) -> None:
        only(len(params) > 0, "optimizers without parameters")
        groups = params if isinstance(params[0], dict) else [{"params": params}]
        self.optimizers = [
            make(**{**options, **group, "params": [parameter]}) for group in groups for parameter in group["params"]
        ]

    def zero_grad(self, set_to_none: bool = True) -> None:
        only(set_to_none, "gradients of zeros")
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        # Before the parameters change: a lazy computation would read the changed values.
        loss = None if closure is None else closure().realize()
        with Context(TRAINING=1):
            for optimizer in self.optimizers:
                if optimizer.params[0].grad is not None:
                    optimizer.step()
        return loss


def sgd(params: Any, lr: Any = 1e-3, momentum: Any = 0, weight_decay: Any = 0, nesterov: bool = False) -> Optimizer:
    return Optimizer(nn.optim.SGD, params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)


def adam(params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> Optimizer:
    return Optimizer(nn.optim.Adam, params, lr=lr, b1=betas[0], b2=betas[1], eps=eps)


OPTIMIZERS: Final[dict[str, Callable[..., Optimizer]]] = {"optim.SGD": sgd, "optim.Adam": adam}


class TinygradBackend(TableBackend):
    """Tensors are functional: no views, out= or layouts, but gradients and modules."""

    table: ClassVar[Mapping[str, Callable[..., Any]]] = {**TABLE, **LAYERS, **OPTIMIZERS}
    methods: ClassVar[frozenset[str]] = frozenset(name for name in TABLE if hasattr(Tensor, name)) | {"t", "type"}
    operators: ClassVar[frozenset[str]] = TableBackend.operators - {"abs"}
    unsupported: ClassVar = (
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

    def to_native(self, value: TensorValue) -> Any:
        dtype = self.to_dtype(value.dtype)
        array = value.array().copy()
        if value.dtype == "bfloat16":  # from bytes: a bitcast has no memory of its own to write into
            return Tensor(array.tobytes(), dtype=dtype).reshape(array.shape).realize()
        # tinygrad makes constants of 0-d arrays too.
        return Tensor(array.reshape(-1)).reshape(array.shape).realize()

    def to_host(self, native: Any) -> Array:
        dtype = ELEMENTS.get(native.dtype, str(native.dtype))
        # A constant has no device and would be computed on the CPU, which needs a compiler.
        array = (native.clone(Device.DEFAULT) if native.device is None else native).numpy()
        return Array(dtype, array.astype(host_dtype(dtype)) if dtype == "bfloat16" else array.copy())

    def is_native(self, value: Any) -> bool:
        return isinstance(value, Tensor)

    def to_dtype(self, dtype: str) -> Any:
        if dtype not in DTYPES:
            raise Unsupported("dtype", f"no {dtype}")
        return DTYPES[dtype]

    def differentiate(self, trace: Differentiable) -> Differentiated:
        results = trace(trace.inputs)
        terms = [(results[index] * gradient).sum() for index, gradient in trace.upstream.items()]
        leaves = {name: trace.leaf(name) for name in trace.inputs}
        gradients = dict(zip(leaves, sum(terms[1:], terms[0]).gradient(*leaves.values()), strict=True))
        if not trace.second:
            return Differentiated(results, gradients)
        ends = [(gradients[name] * end).sum() for name, end in trace.second.items()]
        second = sum(ends[1:], ends[0]).gradient(*leaves.values())
        return Differentiated(results, gradients, dict(zip(leaves, second, strict=True)))

    def builtin(self, name: str) -> Callable[..., Any]:
        found = super().builtin(name)
        if name not in ("bool", "int", "float", "complex"):
            return found
        return lambda value: found(item(value) if self.is_native(value) else value)

    def seeded(self, seed: int) -> None:
        Tensor.manual_seed(seed)
