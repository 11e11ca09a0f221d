"""Any module that looks like torch, as a backend: PyTorch itself, the reference, or another library."""

from __future__ import annotations

import contextlib
import importlib
import math
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import ml_dtypes
import numpy as np

from assay.backends import program, vision
from assay.backends.base import FEATURES, BackendUnusable, Capabilities, Feature, Unsupported, missing
from assay.backends.interpreter import IN_PLACE_OPERATORS, OPERATORS, Differentiable
from assay.backends.library import Differentiated, LibraryBackend
from assay.cases import spelling
from assay.cases.arrays import Host, host_dtype
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome
from assay_spec import dtypes
from assay_spec.steps import Step


class NamespaceBackend(LibraryBackend):
    """A library that serves PyTorch's own names; nothing needs translating.

    A subclass says in a line each what is particular to its library: the module, its dtypes, the messages by which it
    says that it lacks something, whether it flushes subnormal numbers; and how tensors go in and out where it has
    neither `from_numpy` and `numpy()`, nor `tensor(list)` and `tolist()`.
    """

    module: ClassVar[str] = ""
    opening: ClassVar[tuple[str, ...]] = ()  # the lines by which a program begins that imports the module
    dtypes: ClassVar[tuple[str, ...] | None] = None  # all that the module has a name for
    flushes_subnormals: ClassVar[bool] = False
    features: ClassVar[tuple[Feature, ...]] = FEATURES
    unsupported: ClassVar[tuple[tuple[type[BaseException], str], ...]] = (
        (NotImplementedError, ""),
        (Exception, r"(?i)not (yet )?(implemented|supported|registered)|unsupported|no kernel|cannot hold"),
    )

    def __init__(self, module: Any = None, *, device: str = "cpu", name: str | None = None) -> None:
        self.torch = module or imported(self.module)
        self.device = device
        held = dtypes.ALL if self.dtypes is None else self.dtypes
        self.capabilities = Capabilities(
            name=name or self.torch.__name__,
            version=str(getattr(self.torch, "__version__", None) or "unknown"),
            device=device,
            devices=(device,),
            dtypes=tuple(each for each in held if hasattr(self.torch, each)),
            features=self.features,
            speaks_torch=True,
            file=str(getattr(self.torch, "__file__", None) or ""),
            flushes_subnormals=self.flushes_subnormals,
        )
        self._dtypes = {getattr(self.torch, each): each for each in self.capabilities.dtypes}
        self._functions: dict[tuple[str, str], Callable[..., Any]] = {}
        self._home = device  # where modules go that are made

    def perform(self, case: Case) -> Outcome:
        outcome = super().perform(case)
        with contextlib.suppress(AttributeError):
            if not self.torch.is_grad_enabled():
                self.torch.set_grad_enabled(True)  # a backward pass that raised may have left it off
        return outcome

    def function(self, step: Step) -> Callable[..., Any]:
        key = (step.target, step.form)
        if key not in self._functions:
            self._functions[key] = self._resolve(step)
        return self._functions[key]

    def _resolve(self, step: Step) -> Callable[..., Any]:
        match step.form:
            case "operator" | "reflected":
                return OPERATORS[step.short]
            case "in-place operator":
                return IN_PLACE_OPERATORS[step.short]
            case "method":
                return _method(step.short)
            case "in-place":
                return _method(step.short + "_")
        if step.target.startswith("torch.Tensor.__"):
            return OPERATORS[step.short]
        if step.target.startswith("torch.Tensor."):
            return _method(step.short)
        found = self.named(step.target)
        return self._on_device(found) if isinstance(found, type) and self._home != "cpu" else found

    def _on_device(self, kind: type) -> Callable[..., Any]:
        """Return a class whose modules are made on the backend's device."""
        if not issubclass(kind, self.torch.nn.Module):
            return kind
        return lambda *args, **kwargs: kind(*args, **kwargs).to(self._home)

    def torchvision(self) -> Any:
        """Import the torchvision that goes with the library; raise Unsupported where none does."""
        raise Unsupported("op", "no torchvision")

    def offers(self, op: str) -> bool:
        if op.startswith("torchvision."):
            try:
                self.torchvision()
            except Unsupported:
                return False
        return super().offers(op)

    def named(self, name: str) -> Any:
        """Find `torch.a.b` in the namespace, importing submodules on the way."""
        package, *parts = name.split(".")
        found = self.torchvision() if package == "torchvision" else self.torch
        path = found.__name__
        for part in parts:
            path = f"{path}.{part}"
            if not hasattr(found, part):
                with contextlib.suppress(ImportError):
                    importlib.import_module(path)
            try:
                found = getattr(found, part)
            except AttributeError as error:
                raise missing(error) from None
        return found

    def attribute(self, owner: Any, name: str) -> Any:
        try:
            return getattr(owner, name)
        except AttributeError as error:
            raise missing(error) from None

    def spell(self, case: Case) -> str:
        return "\n".join([*self.opening, spelling.program(case, self.torch.__name__, self.device)])

    def source(self, op: str) -> Path | None:
        try:
            module = sys.modules.get(getattr(self.named(op), "__module__", None) or "")
        except Unsupported:
            return None  # an operator, or a function without a name of its own
        file = getattr(module, "__file__", None)
        return Path(file) if file else None

    def to_native(self, value: TensorValue) -> Any:
        tensor = self._tensor(value) if self.device == "cpu" else self._moved(value)
        if not value.requires_grad:
            return tensor
        if hasattr(tensor, "requires_grad_"):
            return tensor.requires_grad_()
        tensor.requires_grad = True
        return tensor

    def _tensor(self, value: TensorValue) -> Any:
        # NumPy sets the strides, so that a library without as_strided or reshape fails only on these two ops.
        if not hasattr(self.torch, "from_numpy"):
            listed = self.torch.tensor(value.array().tolist(), dtype=self.to_dtype(value.dtype))
            return listed if math.prod(value.shape) else listed.reshape(value.shape)
        array, part = value.holding(value.buffer.copy()).cut()
        if value.dtype == "bfloat16":
            bits = self.torch.from_numpy(array.view(np.int16)).view(self.torch.bfloat16)
            whole = bits.detach() if hasattr(bits, "detach") else bits  # nothing flows into integers
        else:
            whole = self.torch.from_numpy(array)
        return whole[part] if part else whole

    def _moved(self, value: TensorValue) -> Any:
        """Return a tensor on another device, laid out there: a copy has no gaps, no offset and no element twice."""
        memory = value if value.is_contiguous else TensorValue.of(value.buffer, value.dtype)
        there = self._tensor(memory).to(self.device)
        return there if value.is_contiguous else there.as_strided(value.shape, value.strides, value.offset)

    def to_host(self, native: Any) -> Array:
        dtype = self._dtypes.get(native.dtype) or str(native.dtype).rpartition(".")[2]
        device = native.device.type if hasattr(native, "device") else self.device
        tensor = native.detach() if getattr(native, "requires_grad", False) else native
        return Array(dtype, self._host_array(tensor if device == "cpu" else tensor.cpu(), dtype), device)

    def _host_array(self, tensor: Any, dtype: str) -> Host:
        if dtype in dtypes.COMPLEX and hasattr(tensor, "resolve_conj"):
            tensor = tensor.resolve_conj().resolve_neg()  # PyTorch conjugates by a flag that NumPy does not have
        if hasattr(tensor, "_is_zerotensor") and tensor._is_zerotensor():  # zeros for which it keeps no memory
            return np.zeros(tuple(tensor.shape), host_dtype(dtype))
        if not hasattr(tensor, "numpy"):
            return np.array(tensor.tolist(), host_dtype(dtype)).reshape(tuple(tensor.shape))
        if dtype == "bfloat16":
            bits = tensor.contiguous().view(self.torch.int16).numpy()
            return np.array(bits.view(ml_dtypes.bfloat16))
        return np.array(tensor.numpy())

    def is_native(self, value: Any) -> bool:
        return isinstance(value, self.torch.Tensor)

    def to_dtype(self, dtype: str) -> Any:
        return getattr(self.torch, dtype)

    def split(self, answer: Any) -> Sequence[Any]:
        size: Any = getattr(self.torch, "Size", ())
        if isinstance(answer, size):
            return (tuple(answer),)
        return _flat(answer) if isinstance(answer, (tuple, list)) else (answer,)

    def names(self, answer: Any) -> tuple[str, ...]:
        found = getattr(answer, "_fields", None)
        if found is not None:
            return tuple(found)
        if type(answer) is tuple or not isinstance(answer, tuple):
            return ()
        # PyTorch's own named tuples are C structures, which show their fields as attributes only.
        positions = {id(each): index for index, each in enumerate(answer)}
        fields = [name for name in vars(type(answer)) if id(getattr(answer, name, None)) in positions]
        return tuple(sorted(fields, key=lambda name: positions[id(getattr(answer, name))]))

    def differentiate(self, trace: Differentiable) -> Differentiated:
        results = trace(trace.inputs)
        outputs = [results[index] for index in trace.upstream]
        upstream = list(trace.upstream.values())
        leaves = {name: trace.leaf(name) for name in trace.inputs}
        if not trace.second:
            self.torch.autograd.backward(outputs, upstream)
            return Differentiated(results, {name: leaf.grad for name, leaf in leaves.items()})
        grad = partial(self.torch.autograd.grad, allow_unused=True)
        found = grad(outputs, list(leaves.values()), upstream, create_graph=True)
        gradients = dict(zip(leaves, found, strict=True))
        sources = {**leaves, **trace.flowing}
        ends = {name: gradients[name] for name in trace.second if _is_recorded(gradients[name])}
        if not ends:  # as where the gradient is a constant
            return Differentiated(results, gradients, dict.fromkeys(sources))
        second = grad(list(ends.values()), list(sources.values()), [trace.second[name] for name in ends])
        return Differentiated(results, gradients, dict(zip(sources, second, strict=True)))

    def overwrite(self, native: Any) -> None:
        if not native.numel():
            return
        with self.torch.no_grad():
            try:
                native.copy_(self._changed(native))
            except RuntimeError:
                # An expanded tensor can be written to one element at a time only.
                element = native[(0,) * native.ndim]
                element.copy_(self._changed(element))

    def _changed(self, native: Any) -> Any:
        return ~native if native.dtype == self.torch.bool else native + 1

    def strides(self, native: Any) -> tuple[int, ...]:
        return tuple(native.stride())

    def seeded(self, seed: int) -> None:
        self.torch.manual_seed(seed)

    def settings(self) -> dict[str, Callable[[], Any]]:
        looks = {"whether gradients are recorded": "is_grad_enabled", "the default dtype": "get_default_dtype"}
        return {what: getattr(self.torch, name) for what, name in looks.items() if hasattr(self.torch, name)}

    @contextmanager
    def wide_defaults(self) -> Iterator[None]:
        before = self.torch.get_default_dtype()
        self.torch.set_default_dtype(self.torch.float64)
        try:
            yield
        finally:
            self.torch.set_default_dtype(before)

    @contextmanager
    def surroundings(self, case: Case) -> Iterator[None]:
        before = self._functions, self._home
        self._functions, self._home = {}, "cpu"  # a scenario says itself what goes to another device
        try:
            with program.surroundings(case, self.device, self.torch):
                yield
        finally:
            self._functions, self._home = before

    def namespace(self) -> Any:
        return self.torch


class TorchBackend(NamespaceBackend):
    """PyTorch itself, on any device: results lie in memory as the facet `strides` asks."""

    module: ClassVar[str] = "torch"
    features: ClassVar[tuple[Feature, ...]] = (*FEATURES, "strides")

    def torchvision(self) -> Any:
        return vision.installed()


def imported(module: str) -> Any:
    """Import a library, seeing the working directory as `python -m` does."""
    if str(Path.cwd()) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(module)
    except Exception as error:  # whatever stops a library from being imported
        why = error if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise BackendUnusable(f"cannot import {module!r}: {why}; install it or check PYTHONPATH") from error


def _is_recorded(gradient: Any) -> bool:
    """Return whether a gradient can itself be differentiated."""
    return gradient is not None and bool(gradient.requires_grad)


def _method(name: str) -> Callable[..., Any]:
    """Return a function that calls a method of its first argument, or the argument itself."""

    def call(owner: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            method = getattr(owner, name)
        except AttributeError as error:
            raise missing(error) from None
        return method(*args, **kwargs)

    return operator.call if name == "__call__" else call


def _flat(answer: Sequence[Any]) -> tuple[Any, ...]:
    """Flatten nested tuples (an LSTM's output and its two states), without what is None in them."""
    parts = (_flat(item) if isinstance(item, (tuple, list)) else (item,) for item in answer if item is not None)
    return tuple(each for part in parts for each in part)
