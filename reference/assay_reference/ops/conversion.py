"""From one type, device or layout to another, and copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from assay_reference.core import devices, dtypes
from assay_reference.core.arrays import Array, namespace, to_host
from assay_reference.core.devices import device
from assay_reference.core.dispatch import Number, Sizes, cast, composite, elementwise, op
from assay_reference.core.dtypes import dtype
from assay_reference.core.layouts import SPARSE, Packed, _mkldnn, no_kernel, strided
from assay_reference.core.memory_formats import (
    check_memory_format,
    contiguous_format,
    format_of,
    is_in_format,
    memory_format,
    preserve_format,
    strides_of_copy_in,
)
from assay_reference.core.strides import copied, laid_out
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import zeros_like


def moved(array: Array, device: device) -> Array:
    """Bring an array to a device, which is the current one."""
    return to_host(array) if device.type == "cpu" else device.xp.asarray(array)


@op(node="ToCopyBackward0", function=False, method=False, keeps_half=True, keeps_strides=True)
def to_copy(input: Array, dtype: dtype, device: device, kept: Any = None, memory_format: Any = None) -> Array:
    with device.current():
        made = cast(moved(input, device), dtype.numpy)
        return made if memory_format is None else laid_out(made, strides_of_copy_in(memory_format, made, made.itemsize))


to_copy.vjp(input=lambda grad, kept: grad)


def to_kept(input: Tensor, kind: dtype) -> Tensor:
    """Convert to a type, and save what was converted: PyTorch's products save their input as it was given."""
    return to_copy(input, kind, input.device, input)  # type: ignore[no-any-return]


@op(keeps_half=True, keeps_strides=True)
def clone(input: Array, *, memory_format: Any = None) -> Array:
    """Copy a tensor; the copy's gradient flows back to the tensor."""
    check_memory_format("clone", memory_format)
    if isinstance(input, Packed):
        if memory_format is not None:
            raise RuntimeError(f"unsupported memory format option {memory_format.title}")
        return input.copy()
    return copied(input, strides_of_copy_in(memory_format, input, input.itemsize), input.dtype)


clone.vjp(input=lambda grad: grad)


@op(node="CloneBackward0", function=False, method=False, keeps_half=True)
def contiguous_copy(input: Array) -> Array:
    return input.copy(order="C")


contiguous_copy.vjp(input=lambda grad: grad)


@composite(function=False)
def contiguous(self: Tensor, *, memory_format: Any = contiguous_format) -> Tensor:
    """Return the tensor itself if its memory is in order, and otherwise a copy whose memory is."""
    check_memory_format("contiguous", memory_format, optional=False)
    if is_in_format(self._array, memory_format):
        return self
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    if memory_format is contiguous_format:
        return contiguous_copy(self)  # type: ignore[no-any-return]
    return clone(self, memory_format=memory_format)  # type: ignore[no-any-return]


@op(function=False)
def sum_to_size(input: Array, size: Sizes) -> Array:
    """Undo a broadcast: sum until the shape is this one."""
    added = input.ndim - len(size)
    stretched = [dim for dim in range(added, input.ndim) if size[dim - added] == 1 != input.shape[dim]]
    return input.sum(axis=(*range(added), *stretched), keepdims=True, dtype=input.dtype).reshape(tuple(size))


sum_to_size.vjp(input=lambda grad, shape: grad.expand(shape))


@composite(function=False)
def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Convert to a type, a device, a memory format; return the tensor itself if it is so already."""
    given = destination(args, kwargs)
    target, kind = given.device or self.device, given.dtype or self.dtype
    wanted = None if given.memory_format is preserve_format else given.memory_format
    in_format = wanted is None or wanted is format_of(self._array)
    if not given.copy and target == self.device and kind is self.dtype and in_format:
        return self
    return to_copy(self, kind, target, memory_format=wanted)  # type: ignore[no-any-return]


class Destination(NamedTuple):
    """Where to convert to; None is where it is."""

    device: device | None
    dtype: dtype | None
    copy: bool
    memory_format: memory_format | None


def destination(args: tuple[Any, ...], kwargs: Mapping[str, Any], other: str = "other") -> Destination:
    """Read the arguments of to(): (dtype), (device, dtype) or (other), then non_blocking and copy."""
    rest, named = list(args), dict(kwargs)
    target: Any = None
    kind: dtype | None = None
    if other in named or (rest and isinstance(rest[0], Tensor)):
        model = named.pop(other, None)
        model = rest.pop(0) if model is None else model
        if "dtype" in named:
            raise _no_such_form(args, named)
        target, kind = model.device, model.dtype
    elif rest and isinstance(rest[0], dtype):
        kind = rest.pop(0)
    elif rest and (rest[0] is None or isinstance(rest[0], (str, int, device))) and not isinstance(rest[0], bool):
        target = rest.pop(0)
        if rest and (rest[0] is None or isinstance(rest[0], dtype)):
            kind = rest.pop(0)
    elif rest or (named and not named.keys() & {"dtype", "device", "copy", "memory_format", "non_blocking"}):
        raise _no_such_form(args, {})
    if len(rest) > 2 or not all(isinstance(each, bool) for each in rest):
        raise _no_such_form(args, kwargs)
    named_target = named.pop("device", None)
    target = target if named_target is None else named_target
    kind = named.pop("dtype", None) or kind
    copy = bool(named.pop("copy", rest[1] if len(rest) > 1 else False))
    named.pop("non_blocking", None)
    wanted = named.pop("memory_format", None)
    if not isinstance(wanted, (memory_format, type(None))):
        raise TypeError(
            f"to() received an invalid combination of arguments - got (memory_format={type(wanted).__name__}, )"
        )
    if named:
        raise TypeError(f"to() got an unexpected keyword argument '{next(iter(named))}'")
    return Destination(None if target is None else devices.resolve(target), kind, copy, wanted)


def _no_such_form(args: tuple[Any, ...], named: Mapping[str, Any]) -> TypeError:
    given = [type(each).__name__ for each in args]
    given += [f"{name}={type(value).__name__}" for name, value in named.items()]
    return TypeError(f"to() received an invalid combination of arguments - got ({', '.join(given)})")


def _converter(name: str, kind: dtype) -> None:
    @composite(function=False, name=name)
    def convert(self: Tensor, *, memory_format: Any = None) -> Tensor:
        check_memory_format(name, memory_format)
        return to(self, kind, memory_format=memory_format)

    convert.__name__, convert.__doc__ = name, f"Convert to {kind!r}."


for _name, _kind in {
    "bool": dtypes.bool_, "byte": dtypes.uint8, "char": dtypes.int8, "short": dtypes.int16, "int": dtypes.int32,
    "long": dtypes.int64, "half": dtypes.float16, "bfloat16": dtypes.bfloat16, "float": dtypes.float32,
    "double": dtypes.float64, "cfloat": dtypes.complex64, "cdouble": dtypes.complex128,
}.items():  # fmt: skip
    _converter(_name, _kind)


@composite(function=False)
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """Convert to another tensor's type and device."""
    return to(self, other)


@composite(function=False)
def cpu(self: Tensor, *, memory_format: Any = None) -> Tensor:
    """Bring a tensor to the CPU."""
    check_memory_format("cpu", memory_format)
    return to(self, "cpu", memory_format=memory_format)


@composite(function=False)
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, *, memory_format: Any = None) -> Tensor:
    """Bring a tensor to a CUDA device."""
    check_memory_format("cuda", memory_format)
    return to(self, "cuda" if device is None else device, memory_format=memory_format)


@elementwise(
    promotes="first",
    name="copy",
    function=False,
    method=False,
    in_place=False,
    out=None,
    node="CopyBackwards",
    spares_same=True,
)
def copy(input: Array, src: Array | Number, non_blocking: bool = False) -> Array:
    return np.broadcast_to(src, np.broadcast_shapes(input.shape, src.shape)).copy()


copy.vjp(input=lambda grad: zeros_like(grad), src=lambda grad: grad)


@composite(function=False)
def copy_(*args: Any, **kwargs: Any) -> Tensor:
    """Overwrite the elements with those of another tensor, on whichever device it is."""
    target, source, *rest = copy.bind(args, kwargs, method=True)
    if isinstance(source, Tensor) and source.device != target.device:
        source = source.to(target.device)
    return copy.perform_in_place([target, source, *rest])


@elementwise(
    promotes="first",
    function=False,
    method=False,
    out=None,
    repeats=lambda input, value: not isinstance(value, Tensor),
    reads_first=True,
    node=lambda input, value: f"FillBackward{3 if isinstance(value, Tensor) else 2}",
)
def fill(input: Array, value: Array | Number) -> Array:
    if value.ndim:
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
    return np.broadcast_to(namespace(input).asarray(value), input.shape)


fill.vjp(input=lambda grad: zeros_like(grad), value=lambda grad: grad.sum())


@elementwise(promotes="first", name="zero", function=False, method=False, out=None, repeats=True)
def zero(input: Array) -> Array:
    return np.broadcast_to(namespace(input).asarray(input.dtype.type(0)), input.shape)


zero.vjp(input=lambda grad: zeros_like(grad))


# -- from other layouts -----------------------------------------------------------------------------------------------


def no_kernel_for(name: str, tensor: Tensor) -> NotImplementedError:
    """Return the error of an op that does not take tensors of this one's layout."""
    packed = tensor._array
    return no_kernel(name, packed.backend if isinstance(packed, Packed) else tensor.device.type.upper())


@op(name="to_dense", function=False, method=False, layouts=(*SPARSE, _mkldnn))
def unpack(input: Array, masked_grad: bool) -> Array:
    return input.to_dense()


@composite(function=False)
def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """Return a strided tensor with the same elements."""
    if self.layout is strided:
        return self.to(dtype or self.dtype)  # type: ignore[no-any-return]
    if dtype is not None and self.layout in SPARSE:
        raise RuntimeError(
            f"dtype argument is not supported by {'sparse' if self.is_sparse else self.layout.name}_to_dense"
        )
    return unpack(self, masked_grad is not False or self.is_mkldnn).to(dtype or self.dtype)  # type: ignore[no-any-return]
