"""New tensors."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from assay_reference.core import devices, dtypes
from assay_reference.core.arrays import pinned
from assay_reference.core.devices import device
from assay_reference.core.dispatch import Kernel, cast, check_out, composite, fill_out
from assay_reference.core.dtypes import dtype
from assay_reference.core.grad_mode import inference
from assay_reference.core.layouts import KINDS, _mkldnn, no_kernel, sparse_coo, strided
from assay_reference.core.memory import Storage, UntypedStorage
from assay_reference.core.memory_formats import check_memory_format, preserve_format, strides_in_format
from assay_reference.core.strides import laid_out, strides_of_copy
from assay_reference.core.tensor import Tensor
from assay_reference.core.warn import warn

# What every factory takes after its own arguments.
OPTIONS: Final = {
    "out": None, "dtype": None, "layout": None, "device": None, "pin_memory": False, "requires_grad": False
}  # fmt: skip
PYTHON_TYPES: Final[dict[Any, dtype]] = {
    bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128
}  # fmt: skip

SQUARE: Final = object()  # as many columns as rows


def factory(*, size: bool = False) -> Callable[[Kernel], Callable[..., Tensor]]:
    """Make a function that creates a tensor, of a kernel that takes the array module, the dtype or None, and the rest.

    With size, the first of the rest is a size, which callers may unpack.
    """

    def decorate(kernel: Kernel) -> Callable[..., Tensor]:
        name = kernel.__name__
        own = inspect.Signature(list(inspect.signature(kernel).parameters.values())[2:])

        @functools.wraps(kernel)
        def create(*args: Any, **kwargs: Any) -> Tensor:
            options = {option: kwargs.pop(option, default) for option, default in OPTIONS.items()}
            if size and args:
                args = _size(name, args)
            try:
                bound = own.bind(*map(_number, args), **{each: _number(value) for each, value in kwargs.items()})
            except TypeError as error:
                raise TypeError(f"{name}() {error}") from None
            out, kind = options["out"], as_dtype(name, options["dtype"])
            if out is not None:
                check_out(name, out)
            wanted = bound.arguments.get("memory_format")
            check_memory_format(name, wanted)
            if wanted is not None and out is not None:
                raise RuntimeError("'memory_format' argument is incompatible with 'out' tensor argument")
            target = devices.resolve(options["device"]) if out is None else out.device
            made = kernel if options["layout"] in (None, strided) else packed_kernel(name, options["layout"])
            with target.current():
                array = made(target.xp, kind, *bound.args, **bound.kwargs)
            if out is None:
                return _new(
                    array, target, options["requires_grad"], options["pin_memory"], keeps_strides=wanted is not None
                )
            if kind is not None and kind is not out.dtype:
                raise RuntimeError(f"dtype {kind.title} does not match dtype of out parameter ({out.dtype.title})")
            fill_out(out, cast(array, out.dtype.numpy))
            return out  # type: ignore[no-any-return]

        keyword_only = [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default)
            for option, default in OPTIONS.items()
        ]
        create.__signature__ = own.replace(  # type: ignore[attr-defined]
            parameters=[*own.parameters.values(), *keyword_only]
        )
        return composite(method=False)(create)

    return decorate


def _new(array: Any, target: device, requires_grad: bool, pin_memory: bool, *, keeps_strides: bool = False) -> Tensor:
    kept = pinned(array) if pin_memory else array
    return wanting_grad(Tensor._wrap(kept, target, keeps_strides=keeps_strides), requires_grad)


def wanting_grad(made: Tensor, requires_grad: bool) -> Tensor:
    """Make a new tensor require a gradient, or leave it."""
    if requires_grad:
        if not made.dtype.is_differentiable:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        made.requires_grad = True
    return made


def packed_kernel(name: str, layout: Any) -> Kernel:
    """Return the kernel for tensors of another layout, which may be made of zeros alone."""
    if layout not in KINDS:
        raise TypeError(f"{name}(): argument 'layout' must be torch.layout, not {type(layout).__name__}")
    if name in ("ones", "full"):
        raise RuntimeError("full(...) is not implemented for sparse layout")
    if name not in ("zeros", "empty", "zeros_like", "empty_like"):
        raise no_kernel(name, f"{layout.title}CPU")

    def zeros(xp: Any, dtype: dtype | None, size: Sequence[int], **options: Any) -> Any:
        return KINDS[layout].zeros(xp, tuple(size), _default(dtype))

    return zeros


def as_dtype(name: str, kind: Any) -> dtype | None:
    """Read a dtype argument, for which Python's own number types may stand."""
    if kind is None or isinstance(kind, dtype):
        return kind
    if kind in PYTHON_TYPES:
        return PYTHON_TYPES[kind]
    raise TypeError(f"{name}(): argument 'dtype' must be torch.dtype, not {type(kind).__name__}")


def _number(value: Any) -> Any:
    """Return the number in a 0-d tensor, and anything else as it is."""
    return value.item() if isinstance(value, Tensor) and not value.ndim else value


def _size(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Collect a size that may be unpacked into the arguments."""
    if isinstance(args[0], (tuple, list)):
        return (_not_negative(name, integer_sizes(name, args[0])), *args[1:])
    return (_not_negative(name, integer_sizes(name, args, unpacked=True)),)


def _not_negative(name: str, sizes: tuple[int, ...]) -> tuple[int, ...]:
    if any(each < 0 for each in sizes):
        raise RuntimeError(f"{name}: Dimension size must be non-negative.")
    return sizes


def integer_sizes(
    name: str, sizes: Sequence[Any], *, option: str = "size", ordinal: int = 1, unpacked: bool = False
) -> tuple[int, ...]:
    """Read sizes, which are integers in a sequence or unpacked into the arguments."""
    for position, each in enumerate(sizes):
        if hasattr(each, "__index__") and (position or not isinstance(each, bool)):
            continue
        kind, subject = type(each).__name__, f"{name}(): argument '{option}'"
        if position:
            why = f'error "type must be tuple of ints,but got {kind}"'
            raise TypeError(f"{subject} failed to unpack the object at pos {position + 1} with {why}")
        if not unpacked:
            raise TypeError(
                f"{subject} (position {ordinal}) must be tuple of ints, but found element of type {kind} at pos 0"
            )
        if len(sizes) > 1:
            raise TypeError(f"{name}() takes 1 positional argument but {len(sizes)} were given")
        raise TypeError(f"{subject} (position {ordinal}) must be tuple of ints, not {kind}")
    return tuple(int(each) for each in sizes)


def _default(kind: dtype | None) -> Any:
    return (kind or dtypes.get_default_dtype()).numpy


@factory(size=True)
def zeros(xp: Any, dtype: dtype | None, size: Sequence[int]) -> Any:
    """Make a tensor of zeros."""
    return xp.zeros(size, _default(dtype))


@factory(size=True)
def ones(xp: Any, dtype: dtype | None, size: Sequence[int]) -> Any:
    """Make a tensor of ones."""
    return xp.ones(size, _default(dtype))


@factory(size=True)
def empty(xp: Any, dtype: dtype | None, size: Sequence[int], *, memory_format: Any = None) -> Any:
    """Make a tensor whose elements may be anything."""
    made = xp.empty(size, _default(dtype))
    if memory_format is None:
        return made
    if memory_format is preserve_format:
        raise RuntimeError("unsupported memory format Preserve")
    return laid_out(made, strides_in_format(memory_format, size, made.itemsize))


@factory()
def full(xp: Any, dtype: dtype | None, size: Sequence[int], fill_value: complex) -> Any:
    """Make a tensor with one value everywhere."""
    kind = dtype or dtypes.of_number(fill_value)
    return xp.full(_not_negative("full", integer_sizes("full", size)), kind.checked(fill_value), kind.numpy)


@composite(method=False)
def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """Make a tensor of numbers in nested lists, or a copy of an array or of a tensor."""
    target = devices.resolve(device)
    kind = as_dtype("tensor", dtype)
    if isinstance(data, Tensor):
        target = data.device if device is None else target
        return _new(data.detach().to(device=target, dtype=kind, copy=True)._array, target, requires_grad, pin_memory)
    if isinstance(data, Storage):  # whose memory is shared
        kind = kind or dtypes.get_default_dtype()
        return Tensor._over(data, kind, kind.title)
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.array(data)
        kind = kind or dtypes.of_array(array)
        return _new(_on(target, cast(array, kind.numpy)), target, requires_grad, pin_memory)
    return _new(_on(target, _of_nested(data, kind)), target, requires_grad, pin_memory)


def _on(target: device, array: Any) -> Any:
    if target.xp is np:
        return array
    with target.current():
        return target.xp.asarray(array)


def _of_nested(data: Any, kind: dtype | None) -> Any:
    shape = _nested_shape(data)
    leaves = list(_leaves(data, shape, 0))
    if kind is None:
        kind = (
            functools.reduce(dtypes.promote_types, map(_leaf_dtype, leaves)) if leaves else dtypes.get_default_dtype()
        )
    array = np.empty(len(leaves), kind.numpy)
    for position, leaf in enumerate(leaves):
        array[position] = _leaf_value(leaf, kind)
    return array.reshape(shape)


def _nested_shape(data: Any) -> tuple[int, ...]:
    shape = []
    while _is_sequence(data):
        shape.append(len(data))
        if not len(data):
            break
        data = data[0]
    if isinstance(data, str):
        raise ValueError("too many dimensions 'str'") if shape else TypeError("new(): invalid data type 'str'")
    return tuple(shape)


def _is_sequence(data: Any) -> bool:
    if isinstance(data, np.ndarray):
        return bool(data.ndim)
    return isinstance(data, Sequence) and not isinstance(data, (str, bytes))


def _leaves(data: Any, shape: tuple[int, ...], dim: int) -> Any:
    if dim == len(shape):
        yield data
        return
    if not _is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[dim]:
        raise ValueError(f"expected sequence of length {shape[dim]} at dim {dim} (got {len(data)})")
    for each in data:
        yield from _leaves(each, shape, dim + 1)


def _leaf_dtype(leaf: Any) -> dtype:
    if isinstance(leaf, Tensor):
        return leaf.dtype
    if isinstance(leaf, (np.generic, np.ndarray)):
        return dtypes.of_array(leaf)
    if isinstance(leaf, (bool, int, float, complex)):
        return dtypes.of_number(leaf)
    if isinstance(leaf, str):
        raise TypeError("new(): invalid data type 'str'")
    if _is_sequence(leaf):
        raise TypeError(f"'{type(leaf).__name__}' object cannot be interpreted as an integer")
    raise RuntimeError(f"Could not infer dtype of {type(leaf).__name__}")


def _leaf_value(leaf: Any, kind: dtype) -> Any:
    if isinstance(leaf, Tensor) and leaf.numel() != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    value = leaf.item() if isinstance(leaf, (Tensor, np.generic, np.ndarray)) else leaf
    _check_number(value, kind)
    if kind.category == "integer":
        if isinstance(value, float) and not math.isfinite(value):
            raise RuntimeError(f"value cannot be converted to type {kind.name} without overflow")
        if not -(2**63) <= int(value) < 2**63:
            raise ValueError("Overflow when unpacking long long")
        limits = np.iinfo(kind.numpy)
        if not (limits.min or -limits.max) <= int(value) <= limits.max:  # unsigned ones wrap around below zero
            raise RuntimeError(f"value cannot be converted to type {kind.name} without overflow")
        return kind.scalar(int(value))
    with np.errstate(over="ignore"):
        return kind.numpy.type(kind.compute.type(value))


def _check_number(value: Any, kind: dtype) -> None:
    if isinstance(value, (int, float, complex) if kind.is_complex else (int, float)):
        return
    name = type(value).__name__
    if kind.is_floating_point or kind.is_complex:
        raise TypeError(f"must be real number, not {name}")
    raise TypeError(f"'{name}' object cannot be interpreted as an integer")


@composite(method=False)
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Make a tensor that shares the memory of an array, or return the tensor that was given, where that will do."""
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=as_dtype("as_tensor", dtype))  # type: ignore[no-any-return]
    if isinstance(data, np.ndarray):
        return from_numpy(data).to(device=device, dtype=as_dtype("as_tensor", dtype))  # type: ignore[no-any-return]
    return tensor(data, dtype=dtype, device=device)


@composite(method=False)
def from_numpy(ndarray: Any) -> Tensor:
    """Make a tensor that shares the memory of an array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of_array(ndarray)
    if any(stride < 0 for stride in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  with "
            "array.copy().) "
        )
    array = ndarray.view(np.ndarray)
    return Tensor._wrap(array, storage=UntypedStorage._over(array, inference.get(), fixed=True))


@factory()
def arange(xp: Any, dtype: dtype | None, start: Any = None, end: Any = None, step: Any = 1) -> Any:
    """Count from start to end, which is not reached, by step."""
    if end is None:
        start, end = 0, start
    if start is None:
        start = 0
    if end is None:
        raise TypeError("arange() received an invalid combination of arguments - got ()")
    numbers = (start, end, step)
    if any(isinstance(each, complex) for each in numbers):
        raise RuntimeError("value cannot be converted to type double without overflow")
    if dtype is None:
        dtype = dtypes.get_default_dtype() if any(isinstance(each, float) for each in numbers) else dtypes.int64
    if dtype.category == "bool":
        raise NotImplementedError("\"arange_cpu\" not implemented for 'Bool'")
    check_bounds(start, end, step)
    if dtype.category != "integer":
        return (start + xp.arange(math.ceil((end - start) / step)) * step).astype(dtype.numpy)
    length = math.ceil((end - start) / step)  # of the numbers as they were given, but for int64
    start, end, step = map(int, numbers)
    if dtype is dtypes.int64:
        if not step:
            raise ValueError("step must be nonzero")
        return xp.arange(start, end, step)
    return (start + xp.arange(length) * step).astype(dtype.numpy)


@factory()
def range(xp: Any, dtype: dtype | None, start: Any, end: Any, step: Any = 1) -> Any:
    """Count from start to end, which may be reached, by step."""
    warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
    )
    kind = dtype or dtypes.get_default_dtype()
    if kind.category in ("bool", "complex"):
        raise NotImplementedError(f"\"range_cpu\" not implemented for '{kind.title}'")
    check_bounds(start, end, step)
    if kind.category == "integer":
        start, end, step = int(start), int(end), int(step)
        if not step:  # where PyTorch divides by zero, and ends
            raise RuntimeError("step must be nonzero")
    return (start + xp.arange(int((end - start) / step) + 1) * step).astype(kind.numpy)


def check_bounds(start: Any, end: Any, step: Any) -> None:
    """Refuse steps that lead nowhere."""
    if not abs(step) > 0:  # NaN neither
        raise RuntimeError("step must be nonzero")
    if not math.isfinite(start) or not math.isfinite(end):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


@factory()
def linspace(xp: Any, dtype: dtype | None, start: Any, end: Any, steps: int) -> Any:
    """Return so many numbers, evenly from start to end, both included."""
    kind = dtype or dtypes.promote_types(dtypes.get_default_dtype(), _span_dtype(start, end))
    return _evenly(xp, kind, "linspace", start, end, steps).astype(kind.numpy)


@factory()
def logspace(xp: Any, dtype: dtype | None, start: Any, end: Any, steps: int, base: float = 10.0) -> Any:
    """Raise a base to powers that lie evenly from start to end, both included."""
    kind = dtype or dtypes.promote_types(dtypes.get_default_dtype(), _span_dtype(start, end))
    powers = _evenly(xp, kind, "logspace", start, end, steps)
    with np.errstate(all="ignore"):
        return np.power(np.asarray(base, powers.dtype)[()], powers).astype(kind.numpy)


def _span_dtype(start: Any, end: Any) -> dtype:
    return dtypes.promote_types(dtypes.of_number(start), dtypes.of_number(end))


def _evenly(xp: Any, kind: dtype, name: str, start: Any, end: Any, steps: int) -> Any:
    """Step from the start up to the middle, and from the end down to it, in float64 or complex128."""
    for which, value in (("start", start), ("end", end)):
        if isinstance(value, Tensor):
            raise RuntimeError(
                f"{name} only supports 0-dimensional start and end tensors, but got {which} with "
                f"{value.ndim} dimension(s)."
            )
    if isinstance(steps, bool) or not hasattr(steps, "__index__"):
        raise TypeError(f"{name}(): argument 'steps' must be int, not {type(steps).__name__}")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if _span_dtype(start, end).is_complex and not kind.is_complex:
        raise RuntimeError(
            f"torch.{name}(): inferred dtype c10::complex<float> can't be safely cast to passed dtype {kind.title}"
        )
    if kind.category == "integer":
        start, end = int(start), int(end)
    step_numbers = xp.arange(steps)
    step = (end - start) / max(steps - 1, 1)
    return np.where(
        step_numbers < max(steps, 2) // 2, start + step * step_numbers, end - step * (steps - 1 - step_numbers)
    )


@factory()
def eye(xp: Any, dtype: dtype | None, n: int, m: Any = SQUARE) -> Any:
    """Make the identity matrix, with so many rows and columns."""
    columns = n if m is SQUARE else m
    for position, (name, size) in enumerate((("n", n), ("m", columns)), start=1):
        if isinstance(size, bool) or not hasattr(size, "__index__"):
            raise TypeError(f"eye(): argument '{name}' (position {position}) must be int, not {type(size).__name__}")
        if size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    return xp.eye(n, columns, dtype=_default(dtype))


@factory()
def scalar_tensor(xp: Any, dtype: dtype | None, s: complex) -> Any:
    """Make a tensor of one number."""
    kind = dtype or dtypes.get_default_dtype()
    return xp.full((), kind.checked(s), kind.numpy)


def like(kernel: Kernel) -> Callable[..., Tensor]:
    """Make a function that creates a tensor of the same shape, type and device as another, unless told otherwise."""
    name = kernel.__name__

    @functools.wraps(kernel)
    def create(
        input: Tensor,
        *args: Any,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
        memory_format: Any = None,
        **kwargs: Any,
    ) -> Tensor:
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        target = input.device if device is None else devices.resolve(device)
        kind = as_dtype(name, dtype) or input.dtype
        wanted = layout or input.layout
        check_memory_format(name, memory_format)
        if memory_format is not None and wanted in (sparse_coo, _mkldnn):
            raise RuntimeError("memory format option is only supported by strided tensors")
        if wanted is not strided:
            with target.current():
                made = packed_kernel(name, wanted)(target.xp, kind, input.shape)
            return _new(made, target, requires_grad, pin_memory)
        source = input if input.layout is strided else input.to_dense()
        array = source._array if target == input.device else source.to(target)._array
        with target.current():
            made = kernel(array, kind, *args, **kwargs)
            if memory_format not in (None, preserve_format):
                made = laid_out(made, strides_in_format(memory_format, made.shape, made.itemsize))
        return wanting_grad(
            Tensor._wrap(pinned(made) if pin_memory else made, target, keeps_strides=True), requires_grad
        )

    return composite(method=False)(create)


def like_memory_of(array: Any, made: Any) -> Any:
    """Lay new elements out in memory as a copy of another array would be."""
    return laid_out(made, strides_of_copy(array, made.itemsize))


@like
def zeros_like(array: Any, kind: dtype) -> Any:
    """Make a tensor of zeros in the shape of another."""
    return like_memory_of(array, np.zeros_like(array, kind.numpy))


@like
def ones_like(array: Any, kind: dtype) -> Any:
    """Make a tensor of ones in the shape of another."""
    return like_memory_of(array, np.ones_like(array, kind.numpy))


@like
def empty_like(array: Any, kind: dtype) -> Any:
    """Make a tensor in the shape of another, whose elements may be anything."""
    return like_memory_of(array, np.empty_like(array, kind.numpy))


@like
def full_like(array: Any, kind: dtype, fill_value: complex) -> Any:
    """Make a tensor with one value everywhere in the shape of another."""
    return like_memory_of(array, np.full_like(array, kind.checked(_number(fill_value)), kind.numpy))


def new(create: Callable[..., Tensor]) -> None:
    """Offer a factory as the method new_…, which takes its type and device from the tensor."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return create(*args, **{"dtype": self.dtype, "device": self.device, **kwargs})

    method.__name__, method.__doc__ = f"new_{create.__name__}", create.__doc__
    composite(function=False)(method)


for _create in (zeros, ones, empty, full, tensor):
    new(_create)
