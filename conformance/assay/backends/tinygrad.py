"""tinygrad as a candidate: lazy tensors, much of PyTorch's vocabulary, other names for the rest.

On its `PYTHON` device it needs no compiler, and interprets its kernels element by element: a case takes
milliseconds, a large one seconds. Set `DEV=CPU` (with clang installed) or another device for speed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from importlib.metadata import version
from typing import Any, ClassVar, Final

from assay.backends import program
from assay.backends.base import Capabilities, Unsupported
from assay.backends.interpreter import Differentiable, set_item
from assay.backends.library import Differentiated
from assay.backends.table import TableBackend, short_name
from assay.cases.arrays import host_dtype
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array
from assay_spec import dtypes as names
from assay_spec.steps import Step

os.environ.setdefault("DEV", "PYTHON")  # before the import, which reads it

import tinygrad
from tinygrad import Device, Tensor, dtypes, nn
from tinygrad.dtype import DType, least_upper_dtype
from tinygrad.helpers import DEFAULT_FLOAT, Context

CLASSES: Final = {"Tensor": Tensor, "dtype": DType}
DTYPES: Final = {name: getattr(dtypes, name) for name in names.ALL if hasattr(dtypes, name)}
# The dtypes of its results that PyTorch may not have; the weak ones are those of Python numbers.
ELEMENTS: Final = {
    **{dtype: name for name, dtype in DTYPES.items()},
    **{getattr(dtypes, name): name for name in ("uint16", "uint32", "uint64", "weakint", "weakfloat")},
}


def only(condition: bool, what: str) -> None:
    if not condition:
        raise Unsupported("feature", f"no {what}")


def on_device(input: Any) -> Any:
    """Return a tensor that can be read: a constant has no device, and would be computed on the CPU by a compiler."""
    return input.clone(Device.DEFAULT) if input.device is None else input


def assigned(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the in-place form: the result is assigned to the first argument, as in tinygrad's own `+=`."""

    @wraps(function)
    def call(input: Any, *args: Any, **kwargs: Any) -> Any:
        return input.assign(function(input, *args, **kwargs))

    return call


def unary(name: str) -> Callable[..., Any]:
    return lambda input: getattr(input, name)()


def binary(name: str) -> Callable[..., Any]:
    return lambda input, other: getattr(input, name)(other)


def std(input: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None) -> Any:
    return input.std(dim, keepdim, int(unbiased) if correction is None else correction)


def extremum(name: str, of_two: str) -> Callable[..., Any]:
    """Return `max` or `min`: of all elements, of two tensors, or along a dimension, with where it stands."""

    def function(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        other = dim if isinstance(dim, Tensor) else other
        if other is not None:
            return getattr(input, of_two)(other)
        found = getattr(input, name)(dim, keepdim)
        return found if dim is None else (found, getattr(input, f"arg{name}")(dim, keepdim))

    return function


def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    return input.sort(dim, descending)  # always a stable one


def squeeze(input: Any, dim: Any = None) -> Any:
    only(not isinstance(dim, (tuple, list)), "squeezing of several dimensions")
    return input.squeeze(dim)


def unbind(input: Any, dim: int = 0) -> Any:
    only(dim == 0, "iteration but over the first dimension")
    return tuple(input)


def view(input: Any, *shape: Any) -> Any:
    return input.bitcast(shape[0]) if isinstance(shape[0], DType) else input.view(*shape)


def cast(input: Any, dtype: Any) -> Any:
    only(isinstance(dtype, DType), "conversion but to a dtype")
    return input.cast(dtype)


def item(input: Any) -> Any:
    return on_device(input).item()


def equal(input: Any, other: Any) -> bool:
    return input.shape == other.shape and bool(item((input == other).all()))


def backward(input: Any, gradient: Any = None, retain_graph: Any = None, create_graph: bool = False) -> None:
    input.backward(gradient)  # the graph is always kept, and that of the gradients always made


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: Any = None, create_graph: bool = False
) -> Any:
    only(isinstance(outputs, Tensor), "gradients of several results")
    several = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    return tuple(outputs.gradient(*several, gradient=grad_outputs))


def tensor(data: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Make a tensor; a floating one always requires a gradient, so requires_grad needs no translation."""
    # Never from a number alone: tinygrad makes a constant of it, without gradient or memory.
    made = Tensor(data, dtype=dtype) if isinstance(data, (tuple, list)) else Tensor([data], dtype=dtype).reshape(())
    only(not requires_grad or made.is_floating_point(), "gradients of integers to refuse")
    return made


def tensor_of_data(data: Any) -> Any:
    only(isinstance(data, (tuple, list)), "tensor but of nested lists")
    return Tensor(data)


def created(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes a tensor of a given size."""
    return lambda *size, dtype=None, requires_grad=False: make(*size, dtype=dtype)


def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    return Tensor.arange(start, end, step, dtype=dtype)


def randint(low: Any, high: Any, size: Any = None, *, dtype: Any = dtypes.int32, requires_grad: bool = False) -> Any:
    low, high, size = (0, low, high) if size is None else (low, high, size)
    return Tensor.randint(*size, low=low, high=high, dtype=dtype)


def normal(mean: Any, std: Any, size: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    return Tensor.normal(*size, mean=mean, std=std, dtype=dtype)


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0) -> Any:
    return tensor.assign(Tensor.uniform(*tensor.shape, low=a, high=b, dtype=tensor.dtype))


def xavier_uniform_(tensor: Any) -> Any:
    return tensor.assign(Tensor.glorot_uniform(*tensor.shape, dtype=tensor.dtype))


def save(obj: Any, f: Any) -> None:
    only(isinstance(obj, Mapping), "file but of a state")
    nn.state.safe_save(obj, f)


def load(f: Any) -> Any:
    only(isinstance(f, str), "reading but from a path")
    return nn.state.safe_load(f)


def softmax(input: Any, dim: int = -1, *, dtype: Any = None) -> Any:
    return input.softmax(dim, dtype)


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
    only(not isinstance(padding, str), "padding by name")
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


def holding(kind: Any, **state: Any) -> Any:
    """Return a layer of a class that holds given tensors, without random ones first."""
    made = kind.__new__(kind)
    vars(made).update(state)
    return made


def embedding(input: Any, weight: Any) -> Any:
    return holding(nn.Embedding, weight=weight)(input)


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
    layer = holding(
        nn.BatchNorm,
        running_mean=running_mean,
        running_var=running_var,
        num_batches_tracked=Tensor.zeros(dtype=dtypes.long),
        track_running_stats=running_mean is not None,
        weight=weight,
        bias=bias,
        momentum=momentum,
        eps=eps,
    )
    with Context(TRAINING=int(training)):
        return layer(input)


UNARY: Final = (
    "abs", "acos", "asin", "atan", "bitwise_not", "ceil", "cos", "cosh", "exp", "floor", "log", "neg", "reciprocal",
    "relu", "round", "rsqrt", "sigmoid", "sign", "sin", "sqrt", "tanh", "trunc",
)  # fmt: skip
BINARY: Final = ("add", "bitwise_and", "bitwise_or", "bitwise_xor", "eq", "fmod", "mul", "ne", "sub")

# Methods whose result may be assigned to the first argument.
ASSIGNABLE: Final[dict[str, Callable[..., Any]]] = {
    **{name: unary(name) for name in UNARY},
    **{name: binary(name) for name in BINARY},
    "div": lambda input, other, *, rounding_mode=None: input.div(other, rounding_mode=rounding_mode),
    "remainder": lambda input, other: input.mod(other),
    "pow": lambda input, exponent: input**exponent,  # either may be a number
    "lt": lambda input, other: input < other,
    "le": lambda input, other: input <= other,
    "gt": lambda input, other: input > other,
    "ge": lambda input, other: input >= other,
    "clamp": lambda input, min=None, max=None: input.clamp(min, max),
    "cumsum": lambda input, dim: input.cumsum(dim),
    "cumprod": lambda input, dim: input.cumprod(dim),
}
METHODS: Final[dict[str, Callable[..., Any]]] = {
    **ASSIGNABLE,
    **{f"{name}_": assigned(function) for name, function in ASSIGNABLE.items()},
    **{name: unary(name) for name in ("bool", "double", "float", "half", "int", "long", "isnan")},
    "copy_": lambda input, src: input.assign(src),
    "fill_": lambda input, value: input.assign(value),
    "zero_": lambda input: input.assign(0),
    "item": item,
    "tolist": lambda input: on_device(input).tolist(),
    "numpy": lambda input: on_device(input).numpy(),
    "cpu": lambda input: input.to(Device.DEFAULT),
    "type": cast,
    "to": cast,
    "detach": lambda input: input.detach(),
    "clone": lambda input: input.clone(),
    "backward": backward,
    "numel": lambda input: input.numel(),
    "element_size": lambda input: input.element_size(),
    "dim": lambda input: input.ndim,
    "size": lambda input, dim=None: input.size(dim),
    "all": lambda input, dim=None, keepdim=False: input.all(dim, keepdim),
    "any": lambda input, dim=None, keepdim=False: input.any(dim, keepdim),
    "argmax": lambda input, dim=None, keepdim=False: input.argmax(dim, keepdim),
    "sum": lambda input, dim=None, keepdim=False, *, dtype=None: input.sum(dim, keepdim, dtype),
    "prod": lambda input, dim=None, keepdim=False, *, dtype=None: input.prod(dim, keepdim, dtype),
    "mean": lambda input, dim=None, keepdim=False: input.mean(dim, keepdim),
    "var": lambda input, dim=None, *, correction=1, keepdim=False: input.var(dim, keepdim, correction),
    "std": std,
    "max": extremum("max", "maximum"),
    "min": extremum("min", "minimum"),
    "sort": sort,
    "topk": lambda input, k, dim=-1, largest=True, sorted=True: input.topk(k, dim, largest, sorted),
    "gather": lambda input, dim, index: input.gather(dim, index),
    "chunk": lambda input, chunks, dim=0: input.chunk(chunks, dim),
    "split": lambda tensor, split_size_or_sections, dim=0: tensor.split(split_size_or_sections, dim),
    "unbind": unbind,
    "flatten": lambda input, start_dim=0, end_dim=-1: input.flatten(start_dim, end_dim),
    "unflatten": lambda input, dim, sizes: input.unflatten(dim, sizes),
    "squeeze": squeeze,
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
    "__setitem__": set_item,
    "dot": lambda input, tensor: input.dot(tensor),
    "mv": lambda input, vec: input.matmul(vec),
    "mm": lambda input, mat2: input.matmul(mat2),
    "matmul": lambda input, other: input.matmul(other),
}
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "tensor": tensor,
    "Tensor": tensor_of_data,
    "zeros": created(Tensor.zeros),
    "ones": created(Tensor.ones),
    "empty": created(Tensor.empty),
    "full": lambda size, fill_value, *, dtype=None, requires_grad=False: Tensor.full(size, fill_value, dtype=dtype),
    "zeros_like": lambda input, *, dtype=None: input.zeros_like(dtype=dtype),
    "ones_like": lambda input, *, dtype=None: input.ones_like(dtype=dtype),
    "full_like": lambda input, fill_value, *, dtype=None: input.full_like(fill_value, dtype=dtype),
    "arange": arange,
    "linspace": lambda start, end, steps, *, dtype=None: Tensor.linspace(start, end, steps, dtype=dtype),
    "eye": lambda n, m=None, *, dtype=None: Tensor.eye(n, m, dtype=dtype),
    "manual_seed": lambda seed: Tensor.manual_seed(seed),
    "rand": created(Tensor.rand),
    "randn": created(Tensor.randn),
    "randint": randint,
    "normal": normal,
    "equal": equal,
    "is_tensor": lambda obj: isinstance(obj, Tensor),
    "allclose": lambda input, other, rtol=1e-5, atol=1e-8: bool(item(input.allclose(other, rtol, atol))),
    "promote_types": lambda type1, type2: least_upper_dtype(type1, type2),
    "get_default_dtype": lambda: dtypes.default_float,
    "set_default_dtype": lambda d: setattr(DEFAULT_FLOAT, "value", d.name),
    "save": save,
    "load": load,
    "where": lambda condition, input, other: condition.where(input, other),
    "cat": lambda tensors, dim=0: Tensor.cat(*tensors, dim=dim),
    "stack": lambda tensors, dim=0: Tensor.stack(*tensors, dim=dim),
    "autograd.grad": grad,
    "nn.Parameter": lambda data: data.is_param_(),
    "nn.init.uniform_": uniform_,
    "nn.init.xavier_uniform_": xavier_uniform_,
    "nn.functional.relu": unary("relu"),
    "nn.functional.sigmoid": unary("sigmoid"),
    "nn.functional.softmax": softmax,
    "nn.functional.linear": lambda input, weight, bias=None: input.linear(weight.transpose(), bias),
    "nn.functional.embedding": embedding,
    "nn.functional.conv2d": conv2d,
    "nn.functional.max_pool2d": max_pool2d,
    "nn.functional.batch_norm": batch_norm,
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

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Any:
        return nn.state.load_state_dict(self.made, state_dict, strict, verbose=False)

    def parameters(self) -> list[Any]:
        return [each for each in self.state_dict().values() if each.is_param]

    def named_parameters(self) -> list[tuple[str, Any]]:
        return [(name, each) for name, each in self.state_dict().items() if each.is_param]


class Sequential(Layer):
    """Layers in a list, as tinygrad has them, each called with what the one before gave."""

    def __init__(self, *layers: Layer) -> None:
        super().__init__([each.made for each in layers])
        self.layers = layers

    def __call__(self, input: Any) -> Any:
        return input.sequential(self.layers)

    def __getitem__(self, index: Any) -> Any:
        return self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)

    def train(self, mode: bool = True) -> Any:
        for each in self.layers:
            each.train(mode)
        return super().train(mode)


def batch_norm_layer(
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
    "nn.BatchNorm1d": batch_norm_layer,
    "nn.BatchNorm2d": batch_norm_layer,
    "nn.BatchNorm3d": batch_norm_layer,
    "nn.GroupNorm": lambda num_groups, num_channels, eps=1e-5, affine=True, dtype=None: Layer(
        nn.GroupNorm(num_groups, num_channels, eps, affine), dtype
    ),
    "nn.LayerNorm": lambda normalized_shape, eps=1e-5, elementwise_affine=True, dtype=None: Layer(
        nn.LayerNorm(normalized_shape, eps, elementwise_affine), dtype
    ),
    "nn.Embedding": lambda num_embeddings, embedding_dim, dtype=None: Layer(
        nn.Embedding(num_embeddings, embedding_dim), dtype
    ),
    "nn.LSTMCell": lambda input_size, hidden_size, bias=True, dtype=None: Layer(
        nn.LSTMCell(input_size, hidden_size, bias), dtype
    ),
    "nn.ReLU": lambda: Layer(lambda input: input.relu()),
    "nn.Softmax": lambda dim=-1: Layer(lambda input: softmax(input, dim)),
    "nn.Dropout": lambda p=0.5: Layer(lambda input: input.dropout(p)),
    "nn.MaxPool2d": lambda *args, **kwargs: Layer(lambda input: max_pool2d(input, *args, **kwargs)),
    "nn.CrossEntropyLoss": lambda **kwargs: Layer(lambda input, target: cross_entropy(input, target, **kwargs)),
    "nn.Sequential": Sequential,
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

    def state_dict(self) -> dict[str, Any]:
        return dict(nn.state.get_state_dict(self.optimizers))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        nn.state.load_state_dict(self.optimizers, state_dict, verbose=False)


def sgd(params: Any, lr: Any = 1e-3, momentum: Any = 0, weight_decay: Any = 0, nesterov: bool = False) -> Optimizer:
    return Optimizer(nn.optim.SGD, params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)


def adam(params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> Optimizer:
    return Optimizer(nn.optim.Adam, params, lr=lr, b1=betas[0], b2=betas[1], eps=eps)


OPTIMIZERS: Final[dict[str, Callable[..., Optimizer]]] = {"optim.SGD": sgd, "optim.Adam": adam}


class TinygradBackend(TableBackend):
    """Tensors are lazy, in memory that views share; no out= and no layouts, but gradients and modules."""

    table: ClassVar[Mapping[str, Callable[..., Any]]] = {**FUNCTIONS, **METHODS, **LAYERS, **OPTIMIZERS}
    methods: ClassVar[frozenset[str]] = frozenset(METHODS)
    operators: ClassVar[frozenset[str]] = TableBackend.operators - {"abs", "positive"}
    unsupported: ClassVar = (
        (NotImplementedError, ""),
        (TypeError, "unexpected keyword argument"),
        (ValueError, "only 'same' is supported"),
        (IndexError, "is not supported"),
        (RuntimeError, "with type <class 'complex'>"),
        (TypeError, "must be int"),
        (KeyError, "'state'"),  # the state of its optimizers has names of its own
        (FileNotFoundError, "'clang'"),  # to save a file it computes on the CPU
    )

    def __init__(self) -> None:
        self.capabilities = Capabilities(
            name="tinygrad",
            version=version("tinygrad"),
            dtypes=tuple(DTYPES),
            features=("views", "in-place", "autograd", "random", "modules", "optimizers"),
        )

    def function(self, step: Step) -> Callable[..., Any]:
        found = super().function(step)

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = found(*args, **kwargs)
            if self.is_native(answer):
                _ = answer.shape  # tinygrad is lazy about errors too
            return answer

        return call

    def to_native(self, value: TensorValue) -> Any:
        dtype = self.to_dtype(value.dtype)
        array = value.array().copy()
        if value.dtype == "bfloat16":  # from bytes: a bitcast has no memory of its own to write into
            return Tensor(array.tobytes(), dtype=dtype).reshape(array.shape).realize()
        # tinygrad makes constants of 0-d arrays too.
        return Tensor(array.reshape(-1)).reshape(array.shape).realize()

    def to_host(self, native: Any) -> Array:
        dtype = ELEMENTS.get(native.dtype, str(native.dtype))
        array = on_device(native).numpy()
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
        sources = {**leaves, **trace.flowing}
        second = sum(ends[1:], ends[0]).gradient(*sources.values())
        return Differentiated(results, gradients, dict(zip(sources, second, strict=True)))

    def overwrite(self, native: Any) -> None:
        if native.device is not None and native.numel():  # a constant has no memory to write to
            element = native[(0,) * native.ndim]  # copies that share their memory could not all be written to
            element.assign(~element if native.dtype == dtypes.bool else element + 1).realize()

    @contextmanager
    def surroundings(self, case: Case) -> Iterator[None]:
        with Context(DEFAULT_FLOAT=DEFAULT_FLOAT.value), program.surroundings(case, "cpu", tinygrad):
            yield

    def named(self, name: str) -> Any:
        short = short_name(name)
        if short in CLASSES:
            return CLASSES[short]
        found = getattr(dtypes, short, None)  # `torch.long` is `dtypes.long`
        return found if isinstance(found, DType) else super().named(name)

    def builtin(self, name: str) -> Callable[..., Any]:
        found = super().builtin(name)
        if name not in ("bool", "int", "float", "complex"):
            return found
        return lambda value: found(item(value) if self.is_native(value) else value)

    def seeded(self, seed: int) -> None:
        Tensor.manual_seed(seed)
