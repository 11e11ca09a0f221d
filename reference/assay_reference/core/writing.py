"""Writing results into memory that exists: casting, broadcasting, out= and in-place."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from assay_reference.core import devices, dtypes
from assay_reference.core.arrays import address, contiguous_strides
from assay_reference.core.layouts import Packed
from assay_reference.core.strides import copied, is_dense, strides_of_copy
from assay_reference.core.tensor import Tensor

# Which types out= may have: the result's own, or any to which it can be cast; or it decides in which to compute.
OutType = Literal["own", "castable", "any"]
OutTypes: TypeAlias = "OutType | Callable[..., OutType]"  # or a function of the call

EXPECTED: Final = "Expected out tensor to have dtype {own.c_name}, but got {target.c_name} instead"
OVERLAP: Final = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
    "location. Please clone() the tensor before performing the operation."
)
CAST: Final = RuntimeError("result type {own.title} can't be cast to the desired output type {target.title}")
FOUND: Final = "Found dtype {target.title} but expected {own.title}"


def check_cast(kind: dtypes.dtype, target: Tensor, refusal: Exception = CAST) -> None:
    """Refuse to store a result in a type of a lower category."""
    if not dtypes.can_cast(kind, target.dtype):
        raise type(refusal)(str(refusal).format(own=kind, target=target.dtype))


def check_apart(target: Tensor, operands: Iterable[Tensor], *, same: bool) -> None:
    """Refuse to write to memory that is read at the same time; at the same locations it may be, on request."""
    for operand in operands:
        if operand._storage is not target._storage or isinstance(operand._array, Packed):
            continue
        ours, theirs = target._array, operand._array
        if operand is target and not same:
            raise RuntimeError(OVERLAP)
        if not (ours.size and theirs.size and is_dense(ours) and is_dense(theirs)):
            continue  # whether they overlap would be hard to tell, and PyTorch does not try
        begin, other = address(ours), address(theirs)
        if same and begin == other and ours.nbytes == theirs.nbytes and ours.strides == theirs.strides:
            continue
        if begin < other + theirs.nbytes and other < begin + ours.nbytes:
            raise RuntimeError(OVERLAP)


def is_same_view(one: Tensor, other: Tensor) -> bool:
    """Return whether two tensors are the same elements of memory in the same order."""
    if one._storage is not other._storage or isinstance(one._array, Packed) or one.dtype is not other.dtype:
        return False
    ours, theirs = one._array, other._array
    return (address(ours), ours.shape, ours.strides) == (address(theirs), theirs.shape, theirs.strides)


def check_single(target: Tensor) -> None:
    """Refuse to write to a tensor that repeats elements of its memory."""
    array = target._array
    if isinstance(array, Packed) or is_dense(array):
        return
    if any(stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape, strict=True)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )


def write(target: Tensor, result: Any) -> None:
    """Overwrite a tensor's elements, which all its views see."""
    array = target._array
    if isinstance(array, Packed) is not isinstance(result, Packed):
        raise RuntimeError("copy_() between dense and sparse Tensors is not implemented!")
    if isinstance(array, Packed):
        array.become(cast(result, array.dtype))
        target._storage.version += 1
        return
    with target.device.current():
        result = result if result.dtype == array.dtype else cast(result, array.dtype)
        if any(stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape, strict=True)):
            changed = array != result  # what is repeated in memory stays changed where one of its places changes
            array[changed] = result[changed]
        else:
            array[...] = result
    target._storage.version += 1


def check_out(name: str, out: Any) -> None:
    """Refuse an out= that is not a tensor."""
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")


def check_own(own: dtypes.dtype, target: Tensor, refusal: str) -> None:
    """Refuse to store a result in any type but its own."""
    if target.dtype is not own:
        raise RuntimeError(refusal.format(own=own, target=target.dtype))


def fill_out(target: Tensor, result: Any) -> None:
    """Put a result where out= says, which is resized to hold it."""
    check_cast(dtypes.of_array(result), target)
    device = devices.of_array(result)
    if target.device != device:
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{device} and {target.device}!"
        )
    fit(target, result.shape, stacklevel=5)
    check_single(target)
    write(target, result)


def fit(target: Tensor, shape: tuple[int, ...], *, stacklevel: int) -> None:
    """Resize an out= to what it is to hold, which is deprecated unless it has no elements."""
    if target._array.shape != shape:
        if target._array.size:
            warnings.warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(target.shape)}, which does not match the required output shape {list(shape)}. This "
                "behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they "
                "have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero "
                "elements with t.resize_(0).",
                UserWarning,
                stacklevel=stacklevel,
            )
        resize(target, shape)


def resize(target: Tensor, size: Sequence[int]) -> None:
    """Change a tensor's size, its elements in order from where it starts; memory that is too short grows."""
    memory = target.untyped_storage()
    target._array = memory.section(target.dtype, target.storage_offset(), size, contiguous_strides(size, 1))


def cast(array: Any, to: Any) -> Any:
    """Convert an array as C does: floats towards zero, complex numbers to their real parts."""
    if isinstance(array, Packed):
        return array.with_values(cast(array.values, to))
    if array.dtype.kind == "c" and to.kind != "c":
        array = array != 0 if to.kind == "b" else array.real
    strides = strides_of_copy(array, to.itemsize)
    with np.errstate(all="ignore"):
        if to == np.float16 and array.dtype == np.float64:  # rounded twice, as PyTorch does
            array = array.astype(np.float32)
        return copied(array, strides, to)


def broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape to which two shapes broadcast, or raise in which dimension they differ."""
    dims = max(len(a), len(b))
    left, right = (1,) * (dims - len(a)) + a, (1,) * (dims - len(b)) + b
    for dim in range(dims - 1, -1, -1):
        if left[dim] != right[dim] and left[dim] != 1 and right[dim] != 1:
            raise RuntimeError(
                f"The size of tensor a ({left[dim]}) must match the size of tensor b ({right[dim]}) at non-singleton "
                f"dimension {dim}"
            )
    return tuple(n if m == 1 else m for m, n in zip(left, right, strict=True))
