"""The repr of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from assay_reference.core import devices, dtypes
from assay_reference.core.arrays import Array, to_host
from assay_reference.core.layouts import Packed, strided
from assay_reference.core.packed import Sparse
from assay_reference.core.tensor import Tensor, attach


@dataclass(frozen=True)
class Options:
    """How many digits, elements and columns a repr shows."""

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
    """Set how tensors are shown: by a profile, and by what is given besides."""
    global _options
    chosen = _options if profile is None else PROFILES.get(profile, _options)
    given: dict[str, Any] = {
        "precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth
    }  # fmt: skip
    _options = replace(chosen, **{name: value for name, value in given.items() if value is not None}, sci_mode=sci_mode)


def tensor_str(tensor: Tensor) -> str:
    """Write a tensor: its elements, then what differs from the default."""
    kind = type(tensor).__name__
    opening = "tensor(" if kind in ("Tensor", "Parameter") else f"{kind}("
    prefix = "Parameter containing:\n" if kind == "Parameter" else ""
    suffixes = _suffixes(tensor)
    if isinstance(tensor._array, Sparse):
        parts = [_part(name, part, len(opening)) for name, part in tensor._array.parts().items()]
        text = (",\n" + " " * len(opening)).join(parts)
        return prefix + _joined(opening, text, suffixes, break_first=tensor.is_sparse)
    array = to_host(tensor._array.to_dense() if isinstance(tensor._array, Packed) else tensor._array)
    if array.shape != (0,) and not (array.size and _options.edgeitems):  # where the elements do not show it
        suffixes.insert(0, f"size={tuple(tensor.shape)}")
    return prefix + _joined(opening, array_str(array, len(opening)), suffixes)


def _part(name: str, part: Array, indent: int) -> str:
    """Write one of the arrays of which a sparse tensor is made."""
    opening, array = f"{name}=tensor(", to_host(part)
    size = "" if array.size else f", size={tuple(array.shape)}"
    return opening + array_str(array, indent + len(opening)) + size + ")"


def _suffixes(tensor: Tensor) -> list[str]:
    """Return what cannot be seen from the elements: device, dtype, and where the gradient comes from."""
    found = []
    if tensor.device != devices.resolve(None):
        found.append(f"device='{tensor.device}'")
    is_sparse = isinstance(tensor._array, Sparse)
    if is_sparse:
        found += [f"size={tuple(tensor.shape)}", f"nnz={tensor._nnz()}"]
    default = dtypes.get_default_dtype()
    told = (default, default.to_complex(), dtypes.int64, dtypes.bool_) if tensor.numel() or is_sparse else (default,)
    if tensor.dtype not in told:
        found.append(f"dtype={tensor.dtype!r}")
    if tensor.layout is not strided:
        found.append(f"layout={tensor.layout}")
    if tensor.grad_fn is not None:
        found.append(f"grad_fn=<{type(tensor.grad_fn).__name__}>")
    elif tensor.requires_grad:
        found.append("requires_grad=True")
    return found


def _joined(opening: str, text: str, suffixes: list[str], *, break_first: bool = False) -> str:
    """Append the suffixes to the elements, each on a new line where the line is full, and the first on request."""
    lines = [opening + text]
    indent = len(opening)
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
    if summarise and array.ndim and not _options.edgeitems:
        return "[...]"
    shown = _edges(array) if summarise else array
    return _nested(array, indent, summarise, _form(shown))


def _edges(array: Array) -> Array:
    """Return the part of an array that a summary shows."""
    for axis, length in enumerate(array.shape):
        if length > 2 * _options.edgeitems:
            ends = [*range(_options.edgeitems), *range(length - _options.edgeitems, length)]
            array = np.take(array, ends, axis=axis)
    return array


@dataclass(frozen=True)
class Form:
    """How an element is written, and the width of the widest."""

    write: Callable[[Any], str]
    width: int


def _form(shown: Array) -> Form:
    """Choose one form for all elements."""
    if np.iscomplexobj(shown):
        real, imaginary = _real_form(shown.real), _real_form(shown.imag)
        return Form(
            lambda value: _complex(real.write(value.real), imaginary.write(value.imag)),
            real.width + imaginary.width + 1,
        )
    return _real_form(shown)


def _complex(real: str, imaginary: str) -> str:
    imaginary = imaginary.lstrip()
    return real + imaginary + "j" if imaginary[0] in "+-" else f"{real}+{imaginary}j"


def _real_form(shown: Array) -> Form:
    if shown.dtype.kind not in "f":
        width = max(len(str(value)) for value in shown.reshape(-1).tolist())
        return Form(lambda value: str(value.item()).rjust(width), width)
    values = shown.astype(np.float64).reshape(-1)
    form = _float_form(values)
    # Zeros and what is not finite take no part in the choice of the width, not even a zero with a sign.
    counted = shown.reshape(-1)[np.isfinite(values) & (values != 0)].tolist()
    width = max((len(form(value)) for value in counted), default=1)
    return Form(lambda value: form(value.item()).rjust(width), width)


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


def _nested(array: Array, indent: int, summarise: bool, form: Form) -> str:
    if array.ndim == 0:
        return form.write(array[()])
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


def _row(array: Array, indent: int, summarise: bool, form: Form) -> str:
    edge = _options.edgeitems
    if summarise and len(array) > 2 * edge:
        cells = [*map(form.write, array[:edge]), " ...", *map(form.write, array[-edge:])]
    else:
        cells = [form.write(each) for each in array]
    per_line = max(1, (_options.linewidth - indent) // (form.width + 2))
    lines = [", ".join(cells[start : start + per_line]) for start in range(0, len(cells), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


attach("__repr__", tensor_str)
