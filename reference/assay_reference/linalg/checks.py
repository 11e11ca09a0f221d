"""What torch.linalg refuses, and how it names the matrix."""

from __future__ import annotations

from assay_reference.core.arrays import Array
from assay_reference.core.tensor import Tensor


class _LinAlgError(RuntimeError):
    """A matrix that is singular, or otherwise has no answer."""


LinAlgError = _LinAlgError


def check_numbers(name: str, tensor: Tensor, *, low_precision: bool = False) -> None:
    """Refuse integers and, where nothing computes with them, half types."""
    if tensor.dtype.category in ("bool", "integer"):
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {tensor.dtype.title}")
    if tensor.dtype.is_half and not low_precision:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {tensor.dtype.title}")


def check_matrix(name: str, tensor: Tensor, word: str = "A") -> None:
    """Refuse what is not a matrix of floating point or complex numbers, or a stack of such."""
    if tensor.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {word} must have at least 2 dimensions.")
    check_numbers(name, tensor)


def check_square(name: str, tensor: Tensor, *, low_precision: bool = False) -> None:
    """Refuse what is not a square matrix of floating point or complex numbers, or a stack of such."""
    if tensor.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    rows, columns = tensor.shape[-2:]
    if rows != columns:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {rows} by {columns} matrices")
    check_numbers(name, tensor, low_precision=low_precision)


def batch_element(array: Array, number: int) -> str:
    """Return the words for a matrix of a stack."""
    return f"(Batch element {number}): " if array.ndim > 2 else ""
