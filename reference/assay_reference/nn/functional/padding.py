"""Borders around the last dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import op
from assay_reference.core.dtypes import int64
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.windows import Borders
from assay_reference.ops.creation import tensor, zeros


@op(name="constant_pad_nd", function=False, method=False, keeps_half=True, keeps_strides=True)
def constant_pad(input: Array, borders: Borders, value: float) -> Array:
    return images_like([input], np.pad(input, borders, constant_values=value))


constant_pad.vjp(input=lambda grad, shape, borders: grad[inside(borders, shape)])


def inside(borders: Borders, shape: Sequence[int]) -> tuple[slice, ...]:
    """Return where the input lies within its borders."""
    return tuple(slice(before, before + size) for (before, _), size in zip(borders, shape, strict=True))


@op(
    function=False,
    method=False,
    keeps_half=True,
    keeps_strides=True,
    node=lambda input, sources, kind: f"{kind}{len(sources)}DBackward0",
)
def mirrored(input: Array, sources: tuple[tuple[int, ...], ...], kind: str) -> Array:
    """Put together each of the last dimensions from elements of the input, which are named by their indices."""
    result = input
    for dim, source in enumerate(sources, input.ndim - len(sources)):
        result = np.take(result, source, axis=dim)
    return images_like([input], result)


@mirrored.vjp
def mirrored_vjp(grad: Tensor, input: Tensor, sources: tuple[tuple[int, ...], ...]) -> Tensor:
    for dim, source in enumerate(sources, input.ndim - len(sources)):
        sizes = (*grad.shape[:dim], input.shape[dim], *grad.shape[dim + 1 :])
        indices = tensor(source, dtype=int64, device=grad.device)
        grad = zeros(sizes, dtype=grad.dtype, device=grad.device).index_add(dim, indices, grad)
    return grad


def reflected(index: int, size: int) -> int:
    return abs(index) if index < size else 2 * (size - 1) - index


def nearest(index: int, size: int) -> int:
    return min(max(index, 0), size - 1)


def wrapped(index: int, size: int) -> int:
    return index % size


KINDS = {"reflect": "ReflectionPad", "replicate": "ReplicationPad"}
MODES = {"reflect": reflected, "replicate": nearest, "circular": wrapped}


def check_border(mode: str, input: Tensor, dim: int, border: tuple[int, int]) -> None:
    size = input.shape[dim]
    if mode == "reflect" and max(border) >= size:
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
            f"({border[0]}, {border[1]}) at dimension {dim} of input {list(input.shape)}"
        )
    if mode == "circular" and max(border) > size:
        raise RuntimeError("Padding value causes wrapping around more than once.")


def check_padding(input: Tensor, pad: Sequence[int], mode: str) -> None:
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.ndim}"
        )
    if mode not in ("constant", *MODES):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if mode != "constant" and len(pad) // 2 not in (input.ndim - 2, input.ndim - 1):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    dims = len(pad) // 2 + 1  # of an example, its channels included
    if mode in KINDS and 0 in (input.shape if input.ndim == dims else input.shape[1:]):
        raise RuntimeError(
            f"Expected {dims}D or {dims + 1}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Put borders around the last dimensions; `pad` has two numbers a dimension, the last dimension's first."""
    check_padding(input, pad, mode)
    pairs = tuple(zip(pad[::2], pad[1::2], strict=True))[::-1]
    first = input.ndim - len(pairs)
    if mode == "constant":
        cut = input
        for dim, border in enumerate(pairs, first):  # a border of less than nothing takes away
            before, after = (max(-each, 0) for each in border)
            cut = cut.narrow(dim, before, cut.shape[dim] - before - after)
        borders = ((0, 0),) * first + tuple((max(before, 0), max(after, 0)) for before, after in pairs)
        input.dtype.checked(value or 0.0)
        return constant_pad(cut, borders, value or 0.0)  # type: ignore[no-any-return]
    sources: list[tuple[int, ...]] = []
    for dim, border in reversed(list(enumerate(pairs, first))):
        check_border(mode, input, dim, border)
        size, source = input.shape[dim], MODES[mode]
        sources.insert(0, tuple(source(index, size) for index in range(-border[0], size + border[1])))
    if mode != "circular":
        return mirrored(input, tuple(sources), KINDS[mode])  # type: ignore[no-any-return]
    for dim, indices in reversed(list(enumerate(sources, first))):
        input = input.index_select(dim, tensor(indices, device=input.device))
    return input
