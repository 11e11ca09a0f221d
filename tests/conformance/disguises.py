"""PyTorch in disguise: backends that answer with PyTorch's own answers, each with a trait of other libraries.

What fails on one of them is a false accusation by construction. Every class is a backend by `FILE.py:NAME`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, ClassVar, Final

import numpy as np
import torch

from assay.backends.base import Capabilities, Unsupported
from assay.backends.interpreter import Differentiable
from assay.backends.library import Differentiated
from assay.backends.namespace import NamespaceBackend
from assay.backends.table import TableBackend
from assay.cases.case import TensorValue
from assay.cases.outcome import Array
from assay_spec import dtypes, load_corpus

REAL: Final = torch


class Masked(ModuleType):
    """A module that has what PyTorch's has, less some names, and with others replaced."""

    def __init__(self, real: Any, hidden: Sequence[str] = (), **replaced: Any) -> None:
        super().__init__(real.__name__)
        self._real, self._hidden = real, hidden
        self.__version__ = "1"
        vars(self).update(replaced)

    def __getattr__(self, name: str) -> Any:
        if name in self._hidden:
            raise AttributeError(f"module 'mask' has no attribute {name!r}", name=name, obj=self)
        return getattr(self._real, name)


class LacksNames(NamespaceBackend):
    """Names are missing at every depth: of the module, of its submodules, helpers among them."""

    def __init__(self) -> None:
        functional = Masked(REAL.nn.functional, ("conv2d", "relu"))
        nn = Masked(REAL.nn, ("LSTM", "Conv2d"), functional=functional)
        gone = ("manual_seed", "Size", "set_grad_enabled", "set_printoptions", "cumsum", "get_default_dtype")
        super().__init__(Masked(REAL, gone, nn=nn), name="lacks names")


class LacksDtypes(NamespaceBackend):
    """Half the element types are no names of the module."""

    def __init__(self) -> None:
        gone = ("float64", "double", "float16", "half", "bfloat16", "complex64", "complex128", "int8", "int16")
        super().__init__(Masked(REAL, gone), name="lacks dtypes")


class RefusesADtype(NamespaceBackend):
    """A name for float64 is there, and no tensor can hold it; nobody declares that."""

    def __init__(self) -> None:
        def from_numpy(array: Any) -> Any:
            if array.dtype in (np.float64, np.complex128):
                raise RuntimeError(f"NPU tensors cannot hold {array.dtype}")
            return REAL.from_numpy(array)

        super().__init__(Masked(REAL, from_numpy=from_numpy), name="refuses a dtype")


class LacksKernels(NamespaceBackend):
    """Some functions have no kernels for some element types, and say so as device libraries do."""

    def __init__(self) -> None:
        replaced = {name: self._without_kernel(name) for name in ("add", "sort", "matmul", "sum", "exp", "where")}
        super().__init__(Masked(REAL, **replaced), name="lacks kernels")

    @staticmethod
    def _without_kernel(name: str) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            first = next((each for each in args if isinstance(each, REAL.Tensor)), None)
            if first is not None and first.dtype in (REAL.int8, REAL.float16):
                raise RuntimeError(
                    f"The kernel with key (CPU, Undefined, {first.dtype}) of `{name}` is not registered."
                )
            return getattr(REAL, name)(*args, **kwargs)

        return function


class HasOtherHelpers(NamespaceBackend):
    """Helpers have other signatures than PyTorch's."""

    def __init__(self) -> None:
        def set_printoptions(precision: int | None = None) -> None:
            REAL.set_printoptions(precision=precision)

        def set_default_tensor_type(name: str) -> None:
            raise TypeError("a name is due")

        super().__init__(
            Masked(REAL, set_printoptions=set_printoptions, set_default_tensor_type=set_default_tensor_type),
            name="other helpers",
        )


class TakesTorchsPlace(NamespaceBackend):
    """Puts itself in PyTorch's place, and patches PyTorch's own functions too."""

    def __init__(self) -> None:
        mask = Masked(REAL)
        sys.modules["torch"] = mask
        sort, add = REAL.sort, REAL.add
        REAL.sort = lambda *args, **kwargs: sort(*args, **kwargs)  # type: ignore[assignment]
        REAL.add = lambda *args, **kwargs: add(*args, **kwargs)  # type: ignore[assignment]
        super().__init__(mask, name="takes torch's place")


class HasAHandful(NamespaceBackend):
    """Has a handful of functions, and tensors."""

    functions: ClassVar = ("add", "mul", "sum", "matmul", "exp")

    def __init__(self) -> None:
        names = (*self.functions, "from_numpy", "Tensor", "tensor", *dtypes.ALL)
        few = ModuleType("handful")
        vars(few).update({name: getattr(REAL, name) for name in names}, __version__="1")
        super().__init__(few, name="has a handful")


class Flushes(NamespaceBackend):
    """Flushes subnormal numbers, and says so."""

    flushes_subnormals: ClassVar = True

    def __init__(self) -> None:
        REAL.set_flush_denormal(True)
        super().__init__(REAL, name="flushes")


class Prints(NamespaceBackend):
    """Prints and warns at every call."""

    def function(self, step: Any) -> Any:
        print("calling", step.target)
        warnings.warn("this is experimental", UserWarning, stacklevel=1)
        sys.stderr.write("\x1b[31mred\x1b[0m\n")
        return super().function(step)

    def __init__(self) -> None:
        super().__init__(REAL, name="prints")


def table() -> dict[str, Callable[..., Any]]:
    """Return PyTorch's functions and classes under the names of a table, each a function of the adapter's own."""
    found: dict[str, Callable[..., Any]] = {}
    for op in load_corpus().ops:
        short = op.removeprefix("torch.").removeprefix("Tensor.")
        owner: Any = REAL.Tensor if op.startswith("torch.Tensor.") else REAL
        try:
            for part in short.split("."):
                owner = getattr(owner, part)
        except AttributeError:
            continue
        if isinstance(owner, type):
            found[short] = owner
        elif callable(owner):
            found[short] = lambda *args, _function=owner, **kwargs: _function(*args, **kwargs)
    return found


class HasOtherNames(TableBackend):
    """A library that is used through a table."""

    table: ClassVar = table()
    # As methods the last few take apart what the functions take as one argument.
    methods: ClassVar = frozenset(name for name in table if hasattr(REAL.Tensor, name)) - {"flip", "permute", "reshape"}
    capabilities = Capabilities(
        name="other names",
        version="1",
        dtypes=("float32", "float64", "int32", "int64", "bool"),
        features=("views", "out", "in-place", "autograd", "random", "modules", "optimizers"),
    )

    def __init__(self) -> None:
        self.plain = NamespaceBackend(REAL)

    def to_native(self, value: TensorValue) -> Any:
        return self.plain.to_native(value)

    def to_host(self, native: Any) -> Array:
        return self.plain.to_host(native)

    def is_native(self, value: Any) -> bool:
        return isinstance(value, REAL.Tensor)

    def to_dtype(self, dtype: str) -> Any:
        if dtype not in self.capabilities.dtypes:
            raise AssertionError(f"asked for {dtype}, which is not declared")
        return getattr(REAL, dtype)

    def differentiate(self, trace: Differentiable) -> Differentiated:
        return self.plain.differentiate(trace)

    def overwrite(self, native: Any) -> None:
        self.plain.overwrite(native)

    def seeded(self, seed: int) -> None:
        REAL.manual_seed(seed)

    def split(self, answer: Any) -> Sequence[Any]:
        return self.plain.split(answer)

    def names(self, answer: Any) -> tuple[str, ...]:
        return self.plain.names(answer)


class DifferentiatesByVjp(HasOtherNames):
    """Takes gradients by transforming the trace, and has no tape; so no modules, which hold what would be on it."""

    table: ClassVar = {name: each for name, each in HasOtherNames.table.items() if not isinstance(each, type)}
    capabilities = Capabilities(
        name="vjp", version="1", dtypes=("float32", "float64", "int64", "bool"), features=("autograd",)
    )

    def differentiate(self, trace: Differentiable) -> Differentiated:
        if trace.second:
            raise Unsupported("feature", "no second derivatives")
        names = list(trace.inputs)

        def function(*inputs: Any) -> tuple[Any, ...]:
            results = trace(dict(zip(names, inputs, strict=True)))
            return tuple(results[index] for index in trace.upstream)

        points = [each.detach() for each in trace.inputs.values()]
        _, gradients = REAL.autograd.functional.vjp(function, tuple(points), tuple(trace.upstream.values()))
        return Differentiated(trace(trace.inputs), dict(zip(names, gradients, strict=True)))


class Delayed:
    """A tensor that is computed when it is read."""

    def __init__(self, compute: Callable[[], Any]) -> None:
        self.compute = compute

    def read(self) -> Any:
        if not hasattr(self, "value"):
            self.value = self.compute()
        return self.value


def _now(value: Any) -> Any:
    if isinstance(value, Delayed):
        return value.read()
    if isinstance(value, (list, tuple)):
        return type(value)(map(_now, value))
    return value


def delayed(function: Callable[..., Any]) -> Callable[..., Delayed]:
    """Return a function that computes nothing yet."""
    return lambda *args, **kwargs: Delayed(
        lambda: function(*map(_now, args), **{name: _now(each) for name, each in kwargs.items()})
    )


class IsLazy(TableBackend):
    """Computes, and raises, when a result is read."""

    capabilities = Capabilities(name="lazy", version="1", dtypes=("float32", "int64", "bool"), features=())
    one_result: ClassVar = (
        "add sub mul div exp log sum mean prod matmul mm mv dot clamp where neg abs sqrt tanh sigmoid floor ceil eq lt"
        " gt cumsum reshape transpose permute flatten squeeze unsqueeze cat stack norm std var"
    )
    table: ClassVar = {name: delayed(getattr(REAL, name)) for name in one_result.split()}

    def to_native(self, value: TensorValue) -> Any:
        made = NamespaceBackend(REAL).to_native(value)
        return Delayed(lambda: made)

    def to_host(self, native: Any) -> Array:
        return NamespaceBackend(REAL).to_host(native.read())

    def is_native(self, value: Any) -> bool:
        return isinstance(value, Delayed)

    def to_dtype(self, dtype: str) -> Any:
        return getattr(REAL, dtype)


class Listed:
    """A tensor without NumPy: it is made of lists, and gives lists."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    @property
    def dtype(self) -> Any:
        return self.tensor.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)

    def tolist(self) -> Any:
        return self.tensor.tolist()

    def reshape(self, shape: Any) -> Listed:
        return Listed(self.tensor.reshape(shape))


class KnowsNoNumPy(NamespaceBackend):
    """Takes tensors in by `tensor(list)` and gives them out by `tolist()`."""

    dtypes: ClassVar = ("float32", "float64", "int64", "bool")
    functions: ClassVar = ("add", "mul", "sub", "exp", "sum", "mean", "matmul", "sort", "eq", "abs", "max")

    def __init__(self) -> None:
        few = ModuleType("lists")
        vars(few).update({name: getattr(REAL, name) for name in self.dtypes}, Tensor=Listed, __version__="1")
        vars(few)["tensor"] = lambda data, dtype=None: Listed(REAL.tensor(data, dtype=dtype))
        for name in self.functions:
            vars(few)[name] = self._on_lists(getattr(REAL, name))
        super().__init__(few, name="knows no NumPy")

    @staticmethod
    def _on_lists(function: Callable[..., Any]) -> Callable[..., Any]:
        def inside(value: Any) -> Any:
            return value.tensor if isinstance(value, Listed) else value

        def outside(value: Any) -> Any:
            if isinstance(value, REAL.Tensor):
                return Listed(value)
            if isinstance(value, tuple):
                kind: Any = type(value)
                parts = [outside(each) for each in value]
                return kind(parts) if hasattr(kind, "n_fields") else tuple(parts)
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            if "out" in kwargs:
                raise NotImplementedError("no out=")
            return outside(function(*map(inside, args), **{name: inside(each) for name, each in kwargs.items()}))

        return call


KINDS: Final = (
    LacksNames, LacksDtypes, RefusesADtype, LacksKernels, HasOtherHelpers, TakesTorchsPlace, HasAHandful, Flushes,
    Prints, HasOtherNames, DifferentiatesByVjp, IsLazy, KnowsNoNumPy,
)  # fmt: skip
DISGUISES: Final[dict[str, str]] = {
    **{kind.__name__: f"{__file__}:{kind.__name__}" for kind in KINDS},
    "SpeaksTheWire": f"exec:'{sys.executable}' -m assay.backends.worker torch",
}
# What a disguise is asked about where it is not everything: what it really has otherwise than PyTorch is left out.
ASKED: Final[dict[str, str]] = {
    "HasOtherHelpers": "-op:torch.set_printoptions -op:torch.set_default_tensor_type",
    "HasAHandful": " ".join(f"op:torch.{name}" for name in HasAHandful.functions),
    "KnowsNoNumPy": " ".join(
        (
            *(f"op:torch.{name}" for name in KnowsNoNumPy.functions),
            *("facet:shape", "facet:dtype", "facet:values", "facet:special", "facet:layout", "facet:errors"),
        )
    ),
}
# Those that have so few functions that a small part of the corpus may hold none of them.
FEW: Final = {kind.__name__ for kind in (HasAHandful, KnowsNoNumPy)}
