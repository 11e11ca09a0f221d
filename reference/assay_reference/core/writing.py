"""Writing results into memory that exists: casting, broadcasting, out= and in-place."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from assay_reference.core import devices, dtypes
from assay_reference.core.arrays import address, contiguous_strides
from assay_reference.core.layouts import Packed
from assay_reference.core.tensor import Tensor

# Which types out= may have: the result's own, or any to which it can be cast; or it decides in which to compute.
OutType = Literal["own", "castable", "any"]
OutTypes: TypeAlias = "OutType | Callable[..., OutType]"  # or a function of the call

EXPECTED: Final = "Expected out tensor to have dtype {own.c_name}, but got {target.c_name} instead"
FOUND: Final = "Found dtype {target.title} but expected {own.title}"


def check_cast(result: Any, target: Tensor) -> None:
    """Refuse to store a result in a type of a lower category."""
    of = dtypes.of_array(result)
    if not dtypes.can_cast(of, target.dtype):
        raise RuntimeError(f"result type {of.title} can't be cast to the desired output type {target.dtype.title}")


def check_overlap(target: Tensor, operands: Iterable[Tensor]) -> None:
    """Refuse to write to memory that is read at other locations at the same time."""
    for operand in operands:
        if operand is target or operand._storage is not target._storage:
            continue
        ours, theirs = target._array, operand._array
        if not (is_dense(ours) and is_dense(theirs)):
            continue  # whether they overlap would be hard to tell, and PyTorch does not try
        begin, other = address(ours), address(theirs)
        if begin == other and ours.size == theirs.size:
            overlaps = ours.strides != theirs.strides
        else:
            overlaps = begin < other + theirs.nbytes and other < begin + ours.nbytes
        if overlaps:
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                "memory location. Please clone() the tensor before performing the operation."
            )


def is_dense(array: Any) -> bool:
    """Return whether an array fills its memory without gaps, in whatever order of dimensions."""
    expected = array.itemsize
    for stride, size in sorted(zip(array.strides, array.shape, strict=True)):
        if size > 1:
            if stride != expected:
                return False
            expected *= size
    return True


def write(target: Tensor, result: Any) -> None:
    """Overwrite a tensor's elements, which all its views see."""
    array = target._array
    if isinstance(array, Packed) is not isinstance(result, Packed):
        raise RuntimeError("copy_() between dense and sparse Tensors is not implemented!")
    if isinstance(array, Packed):
        array.become(cast(result, array.dtype))
        target._storage.version += 1
        return
    repeated = [dim for dim, stride in enumerate(array.strides) if stride == 0 and array.shape[dim] > 1]
    if array.size and any(result.strides[dim] for dim in repeated):  # a value that is repeated too may be written
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    array[...] = result if result.dtype == array.dtype else cast(result, array.dtype)
    target._storage.version += 1


def check_out(name: str, out: Any) -> None:
    """Refuse an out= that is not a tensor."""
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")


def check_own(result: Any, target: Tensor, refusal: str) -> None:
    """Refuse to store a result in any type but its own."""
    own = dtypes.of_array(result)
    if target.dtype is not own:
        raise RuntimeError(refusal.format(own=own, target=target.dtype))


def fill_out(target: Tensor, result: Any) -> None:
    """Put a result where out= says, which is resized to hold it."""
    check_cast(result, target)
    device = devices.of_array(result)
    if target.device != device:
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{device} and {target.device}!"
        )
    if target._array.shape != result.shape:
        if target._array.size:
            warnings.warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(target.shape)}, which does not match the required output shape {list(result.shape)}. This "
                "behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they "
                "have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero "
                "elements with t.resize_(0).",
                UserWarning,
                stacklevel=4,
            )
        resize(target, result.shape)
    write(target, result)


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
    with np.errstate(all="ignore"):
        if to == np.float16 and array.dtype == np.float64:  # rounded twice, as PyTorch does
            array = array.astype(np.float32, order=memory_order(array))
        return array.astype(to, order=memory_order(array))


def memory_order(array: Any) -> Literal["C", "K"]:
    """Return the order in which a copy lays out its elements: the same, unless some are repeated."""
    repeats = any(stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape, strict=True))
    return "C" if repeats else "K"


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
