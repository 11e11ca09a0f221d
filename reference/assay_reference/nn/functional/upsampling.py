"""Sequences, images and volumes at other sizes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import op
from assay_reference.core.dtypes import int64
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.precision import wide
from assay_reference.ops.creation import tensor, zeros

Sizes: TypeAlias = "int | Sequence[int] | None"
Factors: TypeAlias = "float | Sequence[float] | None"


@dataclass(frozen=True)
class Taps:
    """Where the elements of a result come from along one dimension: of each, several indices and their weights."""

    indices: tuple[tuple[int, ...], ...]
    weights: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Scaling:
    """How one dimension is scaled."""

    size: int
    result: int
    factor: float | None  # where it was given, and counts instead of the quotient of the sizes
    align_corners: bool

    @property
    def step(self) -> float:
        """How far apart in the input the neighbours of the result lie."""
        if self.align_corners:
            return (self.size - 1) / (self.result - 1) if self.result > 1 else 0.0
        return 1 / self.factor if self.factor is not None else self.size / self.result

    def source(self, index: int) -> float:
        """Return where in the input an element of the result lies."""
        return self.step * index if self.align_corners else self.step * (index + 0.5) - 0.5


@op(function=False, method=False, keeps_strides=True, node=lambda input, taps, node: node)
def resampled(input: Array, taps: tuple[Taps, ...], node: str) -> Array:
    """Weigh and add up elements along each of the last dimensions, the last first."""
    xp, result = namespace(input), input
    for dim, each in reversed(list(enumerate(taps, input.ndim - len(taps)))):
        kind = np.float32 if input.dtype == np.uint8 else input.dtype
        weights = xp.asarray(each.weights, kind)[(..., *(None,) * (input.ndim - dim - 1))]
        parts = [np.take(result, index, axis=dim) for index in each.indices]
        result = sum(part * weight for part, weight in zip(parts, weights, strict=True))
        if input.dtype == np.uint8:
            result = np.clip(np.floor(result + 0.5), 0, 255).astype(np.uint8)
    return images_like([input], result)


@resampled.vjp
def resampled_vjp(grad: Tensor, shape: tuple[int, ...], taps: tuple[Taps, ...]) -> Tensor:
    grad = wide(grad)
    for dim, each in enumerate(taps, grad.ndim - len(taps)):
        sizes = (*grad.shape[:dim], shape[dim], *grad.shape[dim + 1 :])
        total = zeros(sizes, dtype=grad.dtype, device=grad.device)
        for index, weight in zip(each.indices, each.weights, strict=True):
            weights = tensor(weight, dtype=grad.dtype, device=grad.device)[(..., *(None,) * (grad.ndim - dim - 1))]
            total = total.index_add(dim, tensor(index, dtype=int64, device=grad.device), grad * weights)
        grad = total
    return grad


@op(function=False, method=False, keeps_half=True, keeps_strides=True, node=lambda input, taps, node: node)
def picked(input: Array, taps: tuple[Taps, ...], node: str) -> Array:
    """Pick elements along each of the last dimensions."""
    result = input
    for dim, each in enumerate(taps, input.ndim - len(taps)):
        result = np.take(result, each.indices[0], axis=dim)
    return images_like([input], result)


picked.vjp(input=resampled_vjp)
averaged = op(function=False, method=False, keeps_strides=True, node=resampled.node)(resampled.kernel)


@averaged.vjp
def averaged_vjp(grad: Tensor, input: Tensor, taps: tuple[Taps, ...]) -> Tensor:
    """Differentiate as other ways to weigh; the input is saved, though its shape would do."""
    return resampled_vjp(grad, tuple(input.shape), taps)  # type: ignore[no-any-return]


# -- where the elements come from -------------------------------------------------------------------------------------


def by_columns(rows: Sequence[Sequence[tuple[int, float]]]) -> Taps:
    """Make taps of the indices and weights of each element, which need not have equally many."""
    count = max(map(len, rows), default=1)
    full = [[*row, *[(row[0][0], 0.0)] * (count - len(row))] for row in rows]
    return Taps(
        tuple(tuple(row[at][0] for row in full) for at in range(count)),
        tuple(tuple(row[at][1] for row in full) for at in range(count)),
    )


def nearest(scaling: Scaling, shift: float = 0.0) -> Taps:
    """Take one element each: the one before, or with a shift of a half the nearest, as float32 finds them."""
    step = np.float32(scaling.step)
    found = [int(np.floor((np.float32(index) + np.float32(shift)) * step)) for index in range(scaling.result)]
    return by_columns([[(min(index, scaling.size - 1), 1.0)] for index in found])


def linear(scaling: Scaling) -> Taps:
    """Take two elements each, the nearer the more."""
    rows = []
    for index in range(scaling.result):
        same = scaling.result == scaling.size
        source = float(index) if same else max(scaling.source(index), 0.0)
        first = min(int(source), scaling.size - 1)
        second = first if same else min(first + 1, scaling.size - 1)  # infinities must not meet a weight of zero
        part = min(max(source - first, 0.0), 1.0)
        rows.append([(first, 1 - part), (second, part)])
    return by_columns(rows)


def cubic_weight(distance: float, slope: float) -> float:
    """Return the weight of an element at a distance: a cubic that is 1 at 0 and 0 at 1, with a slope there."""
    if distance < 1:
        return ((slope + 2) * distance - (slope + 3)) * distance * distance + 1
    if distance < 2:
        return ((distance - 5) * distance + 8) * distance * slope - 4 * slope
    return 0.0


def cubic(scaling: Scaling) -> Taps:
    """Take four elements each, weighed by a cubic."""
    rows = []
    for index in range(scaling.result):
        source = scaling.source(index)
        first = math.floor(source)
        rows.append(
            [
                (min(max(first + offset, 0), scaling.size - 1), cubic_weight(abs(source - first - offset), -0.75))
                for offset in (-1, 0, 1, 2)
            ]
        )
    return by_columns(rows)


def area(scaling: Scaling) -> Taps:
    """Average all that an element covers, in part or as a whole."""
    rows = []
    for index in range(scaling.result):
        begin = index * scaling.size // scaling.result
        end = -(-(index + 1) * scaling.size // scaling.result)
        rows.append([(each, 1 / (end - begin)) for each in range(begin, end)])
    return by_columns(rows)


def filtered(weight: Callable[[float], float], reach: float) -> Callable[[Scaling], Taps]:
    """Make taps that weigh by a filter, which is stretched where the result is smaller: no frequency is lost."""

    def taps(scaling: Scaling) -> Taps:
        stretch = max(scaling.step, 1.0)
        rows = []
        for index in range(scaling.result):
            center = scaling.step * (index + 0.5)
            begin = max(int(center - reach * stretch + 0.5), 0)
            end = min(int(center + reach * stretch + 0.5), scaling.size)
            weights = [weight(abs(each - center + 0.5) / stretch) for each in range(begin, end)]
            rows.append([(begin + at, each / sum(weights)) for at, each in enumerate(weights)])
        return by_columns(rows)

    return taps


def lanczos_weight(distance: float) -> float:
    return float(np.sinc(distance) * np.sinc(distance / 3)) if distance < 3 else 0.0


@dataclass(frozen=True)
class Mode:
    """A way to resample, and what PyTorch calls it and its kernel for some number of dimensions."""

    name: str
    kernel: str
    taps: Callable[[Scaling], Taps]
    dims: tuple[int, ...] = (1, 2, 3)
    aligns: bool = False  # whether corners may be aligned
    smooth: Callable[[Scaling], Taps] | None = None  # against aliasing


MODES: Final = {
    "nearest": Mode("UpsampleNearest", "compute_indices_weights_nearest", nearest),
    "linear": Mode("UpsampleLinear", "compute_indices_weights_linear", linear, (1,), aligns=True),
    "bilinear": Mode(
        "UpsampleBilinear",
        "upsample_bilinear2d_channels_last",
        linear,
        (2,),
        aligns=True,
        smooth=filtered(lambda distance: max(1 - distance, 0.0), 1),
    ),
    "bicubic": Mode(
        "UpsampleBicubic",
        "compute_indices_weights_cubic",
        cubic,
        (2,),
        aligns=True,
        smooth=filtered(lambda distance: cubic_weight(distance, -0.5), 2),
    ),
    "trilinear": Mode("UpsampleTrilinear", "compute_indices_weights_linear", linear, (3,), aligns=True),
    "lanczos": Mode(
        "UpsampleLanczos", "compute_index_ranges_weights", cubic, (2,), aligns=True, smooth=filtered(lanczos_weight, 3)
    ),
    "area": Mode("AdaptiveAvgPool", "adaptive_avg_pool2d", area),
    "nearest-exact": Mode(
        "UpsampleNearestExact", "compute_indices_weights_nearest", lambda scaling: nearest(scaling, 0.5)
    ),
}
PICKS: Final = ("nearest", "nearest-exact")
LINEAR: Final = {1: "linear", 2: "bilinear", 3: "trilinear"}

# -- functions --------------------------------------------------------------------------------------------------------


def one_each(word: str, given: Any, input: Tensor) -> list[Any]:
    """Return a size or a factor for each spatial dimension: the one that was given, or the several."""
    dims = max(input.ndim - 2, 0)
    if not isinstance(given, (list, tuple)):
        return [given] * dims
    if len(given) != dims:
        what, letter = ("output size of", "o") if word == "output" else ("scale_factor of shape", "s")
        raise ValueError(
            f"Input and {word} must have the same number of spatial dimensions, but got input with spatial dimensions "
            f"of {list(input.shape[2:])} and {what} {given}. Please provide input tensor in (N, C, d1, d2, ...,dK) "
            f"format and {word}{' size' if letter == 'o' else ''} in ({letter}1, {letter}2, ...,{letter}K) format."
        )
    return list(given)


def check_mode(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> Mode:
    """Return what a mode is; refuse one that there is not, or not for so many dimensions."""
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError("Lanczos mode requires antialias=True")
    if mode == "lanczos" and align_corners:
        raise ValueError("Lanczos mode does not support align_corners=True")
    dims = input.ndim - 2
    if mode in LINEAR.values() and dims in LINEAR and mode != LINEAR[dims]:
        due = next(each for each, name in LINEAR.items() if name == mode) + 2
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {due}D input")
    if mode not in MODES or dims not in MODES[mode].dims:
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the modes: "
            f"{' | '.join(MODES)} (got {mode})"
        )
    return MODES[mode]


def check_sizes(input: Tensor, sizes: Sequence[int], mode: str) -> None:
    """Refuse inputs and results without elements, except averages of any number of examples or channels."""
    given = tuple(input.shape[2:])
    if mode == "area":
        if 0 in given:
            raise RuntimeError(
                f"adaptive_avg_pool{len(given)}d(): Expected input to have non-zero size for non-batch dimensions, but "
                f"input has sizes {list(input.shape)} with dimension {2 + given.index(0)} being empty"
            )
        return
    if min(*given, *sizes) <= 0:
        shown = [", ".join(map("{}: {}".format, "DHW"[-len(given) :], each)) for each in (given, sizes)]
        both = " and" if len(given) == 1 else ""
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({shown[0]}){both} output ({shown[1]})"
        )
    if not input.shape[1]:
        raise RuntimeError(
            f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes {list(input.shape)}"
        )


def check_kind(input: Tensor, mode: str, kernel: str) -> None:
    """Refuse elements that are no floats; bytes are taken where they are picked, and in images weighed."""
    taken = input.dtype.name == "uint8" and (mode in PICKS or mode in ("bilinear", "bicubic", "lanczos"))
    if not (input.dtype.is_floating_point or taken):
        name = "upsample_nearest2d_channels_last" if mode in PICKS and input.ndim == 4 else kernel
        raise NotImplementedError(f"\"{name}\" not implemented for '{input.dtype.title}'")


def interpolate(
    input: Tensor,
    size: Sizes = None,
    scale_factor: Factors = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resample the spatial dimensions, to a size or by a factor."""
    if align_corners is not None and mode in MODES and not MODES[mode].aligns:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    spatial = input.shape[2:]
    if size is not None:
        sizes, factors = [int(each) for each in one_each("output", size, input)], [None] * len(spatial)
        if recompute_scale_factor:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    else:
        factors = one_each("scale_factor", scale_factor, input)
        sizes = [math.floor(length * factor) for length, factor in zip(spatial, factors, strict=True)]
        if recompute_scale_factor:
            factors = [None] * len(spatial)
    way = check_mode(input, mode, align_corners, antialias)
    check_sizes(input, sizes, mode)
    check_kind(input, mode, way.kernel)
    make = way.smooth if antialias and way.smooth is not None else way.taps
    taps = tuple(
        make(Scaling(*each, align_corners=bool(align_corners))) for each in zip(spatial, sizes, factors, strict=True)
    )
    node = f"{way.name}{len(spatial)}D{'Aa' if antialias else ''}Backward0"
    resample = picked if mode in PICKS else averaged if mode == "area" else resampled
    return resample(input, taps, node)  # type: ignore[no-any-return]


def warn_of(name: str) -> None:
    warnings.warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3)


def upsample(
    input: Tensor,
    size: Sizes = None,
    scale_factor: Factors = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Resample the spatial dimensions."""
    warn_of("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Sizes = None, scale_factor: Factors = None) -> Tensor:
    """Resample the spatial dimensions by the nearest elements."""
    warn_of("upsample_nearest")
    return interpolate(input, size, scale_factor)


def upsample_bilinear(input: Tensor, size: Sizes = None, scale_factor: Factors = None) -> Tensor:
    """Resample images between the corners, which stay where they are."""
    warn_of("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
