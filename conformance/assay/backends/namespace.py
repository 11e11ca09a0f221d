"""Any module that looks like torch, as a backend: PyTorch itself, the reference, or somebody's library."""

from __future__ import annotations

import copy
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import ml_dtypes
import numpy as np

from assay.backends import program
from assay.backends.base import FEATURES, BackendUnusable, Capabilities, Unsupported
from assay.backends.library import IN_PLACE_OPERATORS, OPERATORS, LibraryBackend
from assay.cases.arrays import Host
from assay.cases.case import Array, Call, ModuleSetup, Optimization, Outcome, Program, Schedule, TensorValue
from assay_spec import dtypes


class NamespaceBackend(LibraryBackend):
    """A library that serves PyTorch's own names; nothing needs translating."""

    lacks: ClassVar = (
        (NotImplementedError, ""),
        (RuntimeError, "not implemented for"),
        (RuntimeError, "not supported on"),
    )

    def __init__(self, module: Any, *, device: str = "cpu", name: str | None = None) -> None:
        self.torch = module
        self.device = device
        self.capabilities = Capabilities(
            name=name or module.__name__,
            version=str(getattr(module, "__version__", "unknown")),
            device=device,
            devices=(device,),
            dtypes=tuple(each for each in dtypes.ALL if hasattr(module, each)),
            features=FEATURES,
            speaks_torch=True,
        )
        self._dtypes = {getattr(module, each): each for each in self.capabilities.dtypes}
        self._functions: dict[tuple[str, str], Callable[..., Any]] = {}

    @classmethod
    def named(cls, module: str, *, device: str = "cpu") -> NamespaceBackend:
        """Import a module and serve it."""
        try:
            return cls(importlib.import_module(module), device=device)
        except ImportError as error:
            raise BackendUnusable(f"cannot import {module!r}: {error}; install it or check PYTHONPATH") from error

    def function(self, call: Call) -> Callable[..., Any]:
        if call.module is not None:
            return self._module(call.op, call.module)
        key = (call.op, call.form)
        if key not in self._functions:
            self._functions[key] = self._resolve(*key)
        return self._functions[key]

    def _resolve(self, op: str, form: str) -> Callable[..., Any]:
        short = op.rsplit(".", 1)[-1]
        match form:
            case "operator" | "reflected":
                return OPERATORS[short]
            case "in-place operator":
                return IN_PLACE_OPERATORS[short]
            case "method":
                return self._method(short)
            case "in-place":
                return self._method(short + "_")
        if op.startswith("torch.Tensor."):
            return OPERATORS.get(short) or self._method(short)
        found: Callable[..., Any] = self.attribute(op)
        return found

    def attribute(self, name: str) -> Any:
        """Find `torch.a.b` in the namespace, importing submodules on the way."""
        found = self.torch
        path = self.torch.__name__
        for part in name.split(".")[1:]:
            path = f"{path}.{part}"
            if not hasattr(found, part):
                try:
                    importlib.import_module(path)
                except ImportError:
                    raise Unsupported("op", f"{path} does not exist") from None
            found = getattr(found, part, None)
            if found is None:
                raise Unsupported("op", f"{path} does not exist")
        return found

    def source(self, op: str) -> Path | None:
        try:
            module = sys.modules.get(getattr(self.attribute(op), "__module__", None) or "")
        except Unsupported:
            return None  # an operator, or what has no name of its own
        file = getattr(module, "__file__", None)
        return Path(file) if file else None

    def _method(self, name: str) -> Callable[..., Any]:
        if not hasattr(self.torch.Tensor, name):
            raise Unsupported("op", f"Tensor.{name} does not exist")

        def call(input: Any, *args: Any, **kwargs: Any) -> Any:
            return getattr(input, name)(*args, **kwargs)

        return call

    def _module(self, op: str, setup: ModuleSetup) -> Callable[..., Any]:
        module = self.attribute(op)(**{key: self.native(value) for key, value in setup.arguments.items()})
        module.to(self.device)
        module.train(setup.training)
        self._as_constructed = {name: self.to_host(each.detach()) for name, each in self._module_state(module)}
        if setup.state:
            dtype = next((each.dtype for each in setup.state.values() if each.dtype not in dtypes.INTEGRAL), None)
            if dtype is not None:
                module.to(getattr(self.torch, dtype))
            module.load_state_dict({name: self.to_native(value) for name, value in setup.state.items()})
        self._constructed = module
        called: Callable[..., Any] = module
        return called

    @staticmethod
    def _module_state(module: Any) -> Iterator[tuple[str, Any]]:
        yield from module.named_parameters()
        yield from module.named_buffers()

    def _call(self, call: Call) -> Outcome:
        outcome = super()._call(call)
        if call.module is None or outcome.lacking or outcome.raised:
            return outcome
        return self._with_state(outcome)

    def _with_state(self, outcome: Outcome) -> Outcome:
        """Add what the module held when it was made, and (`.after`) what its forward call left in it."""
        after = {f"{name}.after": self.to_host(each.detach()) for name, each in self._constructed.named_buffers()}
        parameters = {f"{name}.parameter": None for name, _ in self._constructed.named_parameters()}
        return Outcome(
            results=outcome.results,
            structure=outcome.structure,
            names=outcome.names,
            gradients=outcome.gradients,
            changed=outcome.changed,
            shares=outcome.shares,
            state={**self._as_constructed, **after},
            values=parameters,
        )

    def differentiated(self, name: str, arguments: Mapping[str, Any]) -> Any:
        owner = name.partition(".")[0]
        if owner not in arguments:
            return dict(self._constructed.named_parameters())[name]
        return super().differentiated(name, arguments)

    def to_native(self, value: TensorValue) -> Any:
        # NumPy lays the tensor out, so that a library without as_strided or reshape loses no more than these.
        array = value.holding(value.buffer.copy()).array()
        if value.dtype == "bfloat16":
            tensor = self.torch.from_numpy(array.view(np.int16)).view(self.torch.bfloat16)
        else:
            tensor = self.torch.from_numpy(array)
        if self.device != "cpu":
            tensor = tensor.to(self.device)
        return tensor.requires_grad_() if value.requires_grad else tensor

    def to_host(self, native: Any) -> Array:
        dtype = self._dtypes.get(native.dtype, str(native.dtype))
        device = native.device.type if hasattr(native, "device") else self.device
        tensor = native.detach().cpu()
        return Array(dtype, self._host_array(tensor, dtype), device)

    def _host_array(self, tensor: Any, dtype: str) -> Host:
        if dtype == "bfloat16":
            bits = tensor.contiguous().view(self.torch.int16).numpy()
            return np.array(bits.view(ml_dtypes.bfloat16))
        if dtype in dtypes.COMPLEX and hasattr(tensor, "resolve_conj"):
            tensor = tensor.resolve_conj().resolve_neg()  # PyTorch conjugates by a flag that NumPy has not
        return np.array(tensor.numpy())

    def is_native(self, value: Any) -> bool:
        return isinstance(value, self.torch.Tensor)

    def to_dtype(self, dtype: str) -> Any:
        return getattr(self.torch, dtype)

    def split(self, answer: Any) -> Sequence[Any]:
        if isinstance(answer, self.torch.Size):
            return (tuple(answer),)
        return _flat(answer) if isinstance(answer, (tuple, list)) else (answer,)

    def names(self, answer: Any) -> tuple[str, ...]:
        found = getattr(answer, "_fields", None)
        if found is not None:
            return tuple(found)
        if type(answer) is tuple or not isinstance(answer, tuple):
            return ()
        # PyTorch's own named tuples are C structures, which show their fields as attributes only.
        places = {id(each): place for place, each in enumerate(answer)}
        fields = [name for name in vars(type(answer)) if id(getattr(answer, name, None)) in places]
        return tuple(sorted(fields, key=lambda name: places[id(getattr(answer, name))]))

    def gradients(
        self, call: Call, results: Sequence[Any], inputs: Mapping[str, Any], upstream: Mapping[int, Any]
    ) -> Mapping[str, Any]:
        outputs = [results[place] for place in upstream]
        self.torch.autograd.backward(outputs, list(upstream.values()))
        return {name: tensor.grad for name, tensor in inputs.items()}

    def overwrite(self, native: Any) -> None:
        if not native.numel():
            return
        with self.torch.no_grad():
            try:
                native.copy_(self._changed(native))
            except RuntimeError:
                # An expanded tensor may be written to one element at a time only.
                element = native[(0,) * native.ndim]
                element.copy_(self._changed(element))

    def _changed(self, native: Any) -> Any:
        return ~native if native.dtype == self.torch.bool else native + 1

    def seeded(self, seed: int) -> None:
        self.torch.manual_seed(seed)

    @contextmanager
    def wide_defaults(self) -> Iterator[None]:
        before = self.torch.get_default_dtype()
        self.torch.set_default_dtype(self.torch.float64)
        try:
            yield
        finally:
            self.torch.set_default_dtype(before)

    def optimize(self, case: Optimization) -> Outcome:
        groups = [{"params": [self.to_native(value) for value in values], **options} for options, values in case.groups]
        parameters = [tensor for group in groups for tensor in group["params"]]
        for tensor in parameters:
            tensor.requires_grad_()
        optimizer = self.attribute(case.op)(groups, **case.options)
        trail: list[Any] = []
        for step, gradients in enumerate(case.gradients):
            self._step(optimizer, parameters, gradients, closure=case.closure)
            trail.extend(self.to_host(tensor) for tensor in parameters)
            if step == case.reload_after:
                optimizer = self._reloaded(case.op, optimizer, groups, case.options)
        return Outcome(results=tuple(trail), structure="tuple")

    def _step(
        self,
        optimizer: Any,
        parameters: Sequence[Any],
        gradients: Sequence[TensorValue | None],
        *,
        closure: bool,
    ) -> None:
        optimizer.zero_grad()

        def evaluate() -> Any:
            for tensor, gradient in zip(parameters, gradients, strict=True):
                tensor.grad = None if gradient is None else self.to_native(gradient)
            return self.torch.zeros(())

        if closure:
            optimizer.step(evaluate)
        else:
            evaluate()
            optimizer.step()

    def _reloaded(
        self, op: str, optimizer: Any, groups: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Any:
        """Make a second optimizer that goes on from the first one's state."""
        fresh = self.attribute(op)([{**group} for group in groups], **options)
        fresh.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        return fresh

    def schedule(self, case: Schedule) -> Outcome:
        parameter = self.torch.zeros(1).requires_grad_()
        optimizer = self.attribute("torch.optim.SGD")([parameter], lr=case.lr)
        scheduler = self.attribute(case.op)(optimizer, **case.options)
        rates = [optimizer.param_groups[0]["lr"]]
        for step in range(case.steps):
            optimizer.step()
            scheduler.step()
            rates.append(optimizer.param_groups[0]["lr"])
            if step == case.reload_after:
                state = copy.deepcopy(scheduler.state_dict())
                scheduler = self.attribute(case.op)(optimizer, **case.options)
                scheduler.load_state_dict(state)
                optimizer.param_groups[0]["lr"] = rates[-1]
        return Outcome(results=tuple(map(float, rates)), structure="tuple")

    def serving(self, case: Program) -> AbstractContextManager[Any]:
        """Lend what a program calls torch."""
        return nullcontext(self.torch)

    def run_program(self, case: Program) -> Outcome:
        return program.run(self, case)


def _flat(answer: Sequence[Any]) -> tuple[Any, ...]:
    """Lay nested tuples (an LSTM's output and its two states) out in one row."""
    return tuple(each for item in answer for each in (_flat(item) if isinstance(item, (tuple, list)) else (item,)))
