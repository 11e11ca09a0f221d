"""torch.nn.parallel: one module on several CUDA devices, each with a share of the batch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from assay_reference import cuda
from assay_reference.core.devices import device
from assay_reference.core.grad_mode import is_grad_enabled
from assay_reference.core.tensor import Tensor
from assay_reference.cuda import comm
from assay_reference.cuda.devices import any_index
from assay_reference.nn.modules.module import Module
from assay_reference.ops.complex_numbers import view_as_complex

__all__ = ["DataParallel", "data_parallel", "gather", "parallel_apply", "replicate", "scatter"]

SCALARS = (
    "Was asked to gather along dimension 0, but all input tensors were scalars; will instead unsqueeze and return a "
    "vector."
)


class DataParallel(Module):
    """A module whose calls are shared out to replicas, one a device; without CUDA it just calls the module."""

    def __init__(
        self, module: Module, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []
        if not cuda.is_available():
            return
        chosen = range(cuda.device_count()) if device_ids is None else device_ids
        self.dim = dim
        self.device_ids = [number_of(each) for each in chosen]
        self.output_device = number_of(chosen[0] if output_device is None else output_device)
        self.src_device_obj = device("cuda", self.device_ids[0])
        if len(self.device_ids) == 1:
            module.to(self.src_device_obj)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        if not self.device_ids:
            return self.module(*inputs, **kwargs)
        check_source(self.module, self.src_device_obj)
        shares, named = self.scatter(inputs, kwargs, self.device_ids)
        if len(self.device_ids) == 1:
            return self.module(*shares[0], **named[0])
        replicas = self.replicate(self.module, self.device_ids[: len(shares)])
        return self.gather(self.parallel_apply(replicas, shares, named), self.output_device)

    def scatter(self, inputs: tuple[Any, ...], kwargs: dict[str, Any], device_ids: Sequence[Any]) -> Any:
        """Share out the arguments of a call."""
        return scatter_call(inputs, kwargs, device_ids, self.dim)

    def replicate(self, module: Module, device_ids: Sequence[Any]) -> list[Module]:
        """Copy a module to devices."""
        return replicate(module, device_ids, not is_grad_enabled())

    def parallel_apply(self, replicas: Sequence[Module], inputs: Sequence[Any], kwargs: Sequence[Any]) -> list[Any]:
        """Call each replica with its share."""
        return parallel_apply(replicas, inputs, kwargs, self.device_ids[: len(replicas)])

    def gather(self, outputs: Sequence[Any], output_device: Any) -> Any:
        """Bring the results together."""
        return gather(outputs, output_device, self.dim)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """Call a module once on several devices."""
    if not cuda.is_available():
        raise RuntimeError("device type could not be determined")
    given = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    chosen = [number_of(each) for each in (range(cuda.device_count()) if device_ids is None else device_ids)]
    check_source(module, device("cuda", chosen[0]))
    shares, named = scatter_call(given, module_kwargs or {}, chosen, dim)
    if len(chosen) == 1:
        return module(*shares[0], **named[0])
    chosen = chosen[: len(shares)]
    outputs = parallel_apply(replicate(module, chosen), shares, named, chosen)
    return gather(outputs, chosen[0] if output_device is None else output_device, dim)


def check_source(module: Module, source: device) -> None:
    """Refuse a module that is not all on the first of the devices."""
    for each in chain(module.parameters(), module.buffers()):
        if each.device != source:
            raise RuntimeError(
                f"module must have its parameters and buffers on device {source} (device_ids[0]) but found one of them "
                f"on device: {each.device}"
            )


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> Any:
    """Share out the tensors in a value to devices, in equal parts along a dimension; give each all of the rest."""
    if isinstance(inputs, Tensor):
        parts = comm.scatter(inputs, [number_of(each) for each in target_gpus], None, dim)
        return tuple(map(view_as_complex, parts)) if inputs.is_complex() else parts
    if isinstance(inputs, (tuple, list)) and inputs:
        shares = zip(*(scatter(each, target_gpus, dim) for each in inputs), strict=False)
        return [rebuilt(inputs, share) for share in shares]
    if isinstance(inputs, dict) and inputs:
        shares = zip(*(scatter(each, target_gpus, dim) for each in inputs.values()), strict=False)
        return [type(inputs)(zip(inputs, share, strict=True)) for share in shares]
    return [inputs for _ in target_gpus]


def scatter_call(args: tuple[Any, ...], kwargs: dict[str, Any], devices: Sequence[Any], dim: int) -> tuple[Any, Any]:
    """Share out the arguments of a call; a call without any is made once."""
    shares = list(scatter(args, devices, dim)) if args else []
    named = list(scatter(kwargs, devices, dim)) if kwargs else []
    count = max(len(shares), len(named), 1)
    return (*shares, *((),) * (count - len(shares))), (*named, *({} for _ in range(count - len(named))))


def replicate(network: Module, devices: Sequence[Any], detach: bool = False) -> list[Module]:
    """Copy a module to devices; gradients flow back to its own parameters, unless detached."""
    return [replica(network, number_of(each), first=not turn, detach=detach) for turn, each in enumerate(devices)]


def replica(network: Module, number: int, first: bool, detach: bool) -> Module:
    """Copy a module to a device; the first copy shares the memory of the original."""
    place = device("cuda", number)
    copies: dict[Any, Any] = {module: module._replicate_for_data_parallel() for module in network.modules()}

    def copied(tensor: Tensor, recorded: bool) -> Tensor:
        if tensor not in known:
            source = tensor if recorded else tensor.detach()
            known[tensor] = source.view_as(source) if first else source.to(place, copy=True)
        return known[tensor]

    known: dict[Tensor, Tensor] = {}
    for module, copy in copies.items():
        for name, child in module._modules.items():
            copy._modules[name] = copies.get(child)
        for name, parameter in module._parameters.items():
            if parameter is None:
                copy._parameters[name] = None
            else:  # an attribute, for it is no leaf
                copy.__dict__[name] = copied(parameter, not detach)
        for name, buffer in module._buffers.items():
            kept = buffer is None or copied(buffer, buffer.requires_grad and not detach)
            copy._buffers[name] = None if buffer is None else kept
    return copies[network]  # type: ignore[no-any-return]


def parallel_apply(
    modules: Sequence[Module], inputs: Sequence[Any], kwargs_tup: Sequence[Any] | None = None, devices: Any = None
) -> list[Any]:
    """Call modules, each with its arguments and on its device."""
    named = [{}] * len(modules) if kwargs_tup is None else kwargs_tup
    places = [next(tensors_in(each), None) for each in inputs] if devices is None else devices
    for what, several in (("inputs", inputs), ("kwargs_tup", named), ("devices", places)):
        if len(several) != len(modules):
            raise AssertionError(
                f"The number of modules {len(modules)} is not equal to the number of {what} {len(several)}"
            )
    results = []
    for module, given, more, place in zip(modules, inputs, named, places, strict=True):
        with cuda.device_of(place) if isinstance(place, Tensor) else cuda.device(number_of(place)):
            results.append(module(*(given if isinstance(given, (list, tuple)) else (given,)), **more))
    return results


def gather(outputs: Sequence[Any], target_device: Any, dim: int = 0) -> Any:
    """Bring results of one kind together on a device, their tensors joined along a dimension."""
    first = outputs[0]
    if isinstance(first, Tensor):
        if not all(each.is_cuda for each in outputs):
            raise AssertionError("Gather function not implemented for CPU tensors")
        if dim == 0 and all(not each.ndim for each in outputs):
            warnings.warn(SCALARS, stacklevel=2)
            outputs = [each.view(1) for each in outputs]
        joined = comm.gather(outputs, dim, target_device)
        return view_as_complex(joined) if first.is_complex() else joined
    if first is None:
        return None

    def together(parts: Sequence[Any]) -> Any:
        return gather(parts, target_device, dim)

    if isinstance(first, dict):
        if any(len(each) != len(first) for each in outputs):
            raise ValueError("All dicts must have the same number of keys")
        return type(first)((key, together([each[key] for each in outputs])) for key in first)
    return rebuilt(first, map(together, zip(*outputs, strict=True)))


def rebuilt(model: Any, parts: Any) -> Any:
    """Return a tuple, named or not, or a list of the same kind with other parts."""
    return model._make(parts) if hasattr(model, "_make") else type(model)(parts)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested sequences and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from tensors_in(each)


def number_of(place: Any) -> int:
    """Return the number of a CUDA device; None is the current one."""
    return any_index(place, optional=True)  # type: ignore[no-any-return]
