"""How tensors show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from assay_reference import dtypes
from assay_reference.arrays import Array, to_host
from assay_reference.layouts import Packed, strided
from assay_reference.sparse.packed import Sparse

if TYPE_CHECKING:
    from assay_reference.tensor import Tensor


@dataclass(frozen=True)
class Options:
    """How many digits, elements and columns tensors show."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES: Final = {
    "default": Options(),
    "short": Options(precision=2, edgeitems=2),
    "full": Options(threshold=math.inf),
}
_options = PROFILES["default"]


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors show; a profile first, then what is given by itself."""
    global _options
    chosen = _options if profile is None else PROFILES[profile]
    given: dict[str, Any] = {
        "precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth
    }  # fmt: skip
    _options = replace(chosen, **{name: value for name, value in given.items() if value is not None}, sci_mode=sci_mode)


def tensor_str(tensor: Tensor) -> str:
    """Write a tensor: its elements, then what differs from the default."""
    prefix = "Parameter containing:\ntensor(" if type(tensor).__name__ == "Parameter" else "tensor("
    suffixes = _suffixes(tensor)
    indent = len("tensor(")
    if isinstance(tensor._array, Sparse):
        parts = [_part(name, part, indent) for name, part in tensor._array.parts().items()]
        text = (",\n" + " " * indent).join(parts)
        return _joined(prefix, text, suffixes, break_first=tensor.is_sparse)
    array = tensor._array.to_dense() if isinstance(tensor._array, Packed) else tensor._array
    if not array.size and array.ndim != 1:
        suffixes.insert(0, f"size={tuple(tensor.shape)}")
    return _joined(prefix, array_str(to_host(array), indent), suffixes)


def _part(name: str, array: Array, indent: int) -> str:
    """Write one of the arrays of which a sparse tensor is made."""
    opened = f"{name}=tensor("
    size = "" if array.size else f", size={tuple(array.shape)}"
    return opened + array_str(to_host(array), indent + len(opened)) + size + ")"


def _suffixes(tensor: Tensor) -> list[str]:
    """Say what cannot be seen from the elements: device, dtype, and where the gradient comes from."""
    found = []
    if tensor.device.type != "cpu":
        found.append(f"device='{tensor.device}'")
    shown = (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool_, dtypes.complex64)
    is_sparse = isinstance(tensor._array, Sparse)
    if is_sparse:
        found += [f"size={tuple(tensor.shape)}", f"nnz={tensor._nnz()}"]
    if tensor.dtype not in shown or (not tensor.numel() and not is_sparse and tensor.dtype is not shown[0]):
        found.append(f"dtype={tensor.dtype!r}")
    if tensor.layout is not strided:
        found.append(f"layout={tensor.layout}")
    if tensor.grad_fn is not None:
        found.append(f"grad_fn=<{type(tensor.grad_fn).__name__}>")
    elif tensor.requires_grad:
        found.append("requires_grad=True")
    return found


def _joined(prefix: str, text: str, suffixes: list[str], *, break_first: bool = False) -> str:
    """Put the suffixes behind the elements, each on a new line where the line is full, and the first if so wanted."""
    lines = [prefix + text]
    indent = len("tensor(")
    last = len(lines[0]) - lines[0].rfind("\n") + 1
    for number, suffix in enumerate(suffixes):
        if (break_first and not number) or last + len(suffix) + 2 > _options.linewidth:
            lines.append(",\n" + " " * indent + suffix)
            last = indent + len(suffix)
        else:
            lines.append(", " + suffix)
            last += len(suffix) + 2
    return "".join(lines) + ")"


def array_str(array: Array, indent: int) -> str:
    """Write an array's elements in nested brackets, aligned, summarised and broken into lines."""
    if not array.size:
        return "[]"
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    summarise = array.size > _options.threshold
    shown = _edges(array) if summarise else array
    return _nested(array, indent, summarise, _formatter(shown))


def _edges(array: Array) -> Array:
    """Keep of an array what a summary shows."""
    for axis, length in enumerate(array.shape):
        if length > 2 * _options.edgeitems:
            ends = [*range(_options.edgeitems), *range(length - _options.edgeitems, length)]
            array = np.take(array, ends, axis=axis)
    return array


def _formatter(shown: Array) -> Callable[[Any], str]:
    """Choose one form for all elements, wide enough for the widest."""
    if np.iscomplexobj(shown):
        real, imaginary = _real_formatter(shown.real), _real_formatter(shown.imag)
        return lambda value: _complex(real(value.real), imaginary(value.imag))
    return _real_formatter(shown)


def _complex(real: str, imaginary: str) -> str:
    imaginary = imaginary.lstrip()
    return real + imaginary + "j" if imaginary[0] in "+-" else f"{real}+{imaginary}j"


def _real_formatter(shown: Array) -> Callable[[Any], str]:
    if shown.dtype.kind not in "f":
        width = max(len(str(value)) for value in shown.reshape(-1).tolist())
        return lambda value: str(value.item()).rjust(width)
    values = shown.astype(np.float64).reshape(-1)
    form = _float_form(values)
    # Zeros and what is not finite take no part in the choice of the width, not even a zero with a sign.
    counted = shown.reshape(-1)[np.isfinite(values) & (values != 0)].tolist()
    width = max((len(form(value)) for value in counted), default=1)
    return lambda value: str(form(value.item())).rjust(width)


def _float_form(values: Array) -> Callable[[float], str]:
    """Choose among whole, fixed and scientific notation by the finite elements that are not zero."""
    values = np.abs(values[np.isfinite(values) & (values != 0)])
    precision = _options.precision
    if not values.size:
        return lambda value: _plain(value, f"{value:.0f}.")
    whole = bool((values == np.ceil(values)).all())
    largest, smallest = values.max(), values.min()
    scientific = largest / smallest > 1000 or largest > 1e8 or (not whole and smallest < 1e-4)
    if _options.sci_mode is not None:
        scientific = _options.sci_mode
    if scientific:
        return lambda value: _plain(value, f"{value:.{precision}e}")
    if whole:
        return lambda value: _plain(value, f"{value:.0f}.")
    return lambda value: _plain(value, f"{value:.{precision}f}")


def _plain(value: float, text: str) -> str:
    return text if math.isfinite(value) else str(value)


def _nested(array: Array, indent: int, summarise: bool, form: Callable[[Any], str]) -> str:
    if array.ndim == 0:
        return form(array[()])
    if array.ndim == 1:
        return _row(array, indent, summarise, form)
    edge = _options.edgeitems
    if summarise and len(array) > 2 * edge:
        parts = [_nested(each, indent + 1, summarise, form) for each in array[:edge]]
        parts.append("...")
        parts += [_nested(each, indent + 1, summarise, form) for each in array[-edge:]]
    else:
        parts = [_nested(each, indent + 1, summarise, form) for each in array]
    between = "," + "\n" * int(array.ndim - 1) + " " * (indent + 1)
    return "[" + between.join(parts) + "]"


def _row(array: Array, indent: int, summarise: bool, form: Callable[[Any], str]) -> str:
    edge = _options.edgeitems
    if summarise and len(array) > 2 * edge:
        cells = [*map(form, array[:edge]), " ...", *map(form, array[-edge:])]
    else:
        cells = [form(each) for each in array]
    width = len(form(array[0])) + 2 if len(array) else 2
    per_line = max(1, (_options.linewidth - indent) // width)
    lines = [", ".join(cells[start : start + per_line]) for start in range(0, len(cells), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
