"""From plans to tensors: elements from a fixed pool by seed, laid out in memory as the plan says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

import numpy as np

from assay.cases.arrays import Host, finfo, host_dtype, limits
from assay.cases.case import TensorValue
from assay_spec import dtypes
from assay_spec.plans import Fill, Made, TensorPlan

_SUBNORMALS: Final = ContextVar("SUBNORMALS", default=True)  # whether special values may be subnormal numbers
_POOL_SIZE: Final = 1 << 16
# The largest exponent of 2 among numbers of all sizes: products of three of them are finite, but those of complex64,
# which reach 1e25, where formulas that square lose what has an answer.
_REACH: Final[dict[str, int]] = {
    "float16": 4, "bfloat16": 40, "float32": 40, "float64": 300, "complex64": 83, "complex128": 300,
}  # fmt: skip
_JUNK: Final = 113  # the value of memory between or before the elements of a stepped or offset tensor


def materialise(value: Any, salt: int = 0, *, requires_grad: bool = False) -> Any:
    """Replace every plan in a value by a tensor; `salt` makes the arguments of one call differ."""
    if isinstance(value, TensorPlan):
        return tensor(value, salt, requires_grad=requires_grad)
    if isinstance(value, (tuple, list)):
        return type(value)(
            materialise(each, salt + 7 * (index + 1), requires_grad=requires_grad) for index, each in enumerate(value)
        )
    if isinstance(value, Made):
        return Made(value.target, materialise(value.arguments, salt, requires_grad=requires_grad))
    if isinstance(value, Mapping):
        return {key: materialise(each, salt, requires_grad=requires_grad) for key, each in value.items()}
    return value


def tensor(plan: TensorPlan, salt: int = 0, *, requires_grad: bool = False) -> TensorValue:
    """Make one tensor."""
    requires_grad = requires_grad and dtypes.has_fractions(plan.dtype)
    return _laid_out(elements(plan.dtype, plan.shape, plan.fill, salt), plan, requires_grad)


def elements(dtype: str, shape: tuple[int, ...], fill: Fill, salt: int = 0) -> Host:
    """Choose the elements of a tensor."""
    target = host_dtype(dtype)
    count = math.prod(shape)
    if fill.kind == "given":
        return np.broadcast_to(np.array(fill.given, dtype=target), shape).copy()
    start = (fill.seed * 7919 + salt * 104_729 + 17) % (_POOL_SIZE - 4096)
    if fill.kind in ("special", "extremes"):
        chosen = _special(dtype, count, fill, start)
    elif fill.distinct:
        chosen = _distinct(count, fill, start)
    elif fill.apart and count:
        chosen = _apart(shape, fill, start)
    elif dtypes.is_complex(dtype) and fill.kind == "wide":
        chosen = _magnitudes(count, start, _REACH[dtype]) * np.exp(2j * np.pi * _taken(_pool()[1], start + 77, count))
    elif dtypes.is_complex(dtype):
        chosen = _real(count, fill, start) + 1j * _real(count, fill, start + 2048)
    elif dtypes.is_floating(dtype):
        chosen = _real(count, fill, start, dtype)
    else:
        chosen = _integral(dtype, count, fill, start)
    found = np.asarray(chosen).astype(target).reshape(shape)
    if fill.nonzero:
        return np.where(found == 0, np.ones_like(found), found)
    if fill.invertible and count:
        return np.asarray(found + np.eye(shape[-1]) * (2 * np.abs(found).sum(axis=-1).max() + 1)).astype(target)
    return found


@contextmanager
def without_subnormals(wanted: bool) -> Iterator[None]:
    """Draw no subnormal numbers meanwhile, if that is wanted."""
    token = _SUBNORMALS.set(not wanted)
    try:
        yield
    finally:
        _SUBNORMALS.reset(token)


@cache
def _pool() -> tuple[Host, Host]:
    """Return normal and uniform numbers, the same on every machine."""
    source = np.random.Generator(np.random.Philox(key=20_170_113))
    return source.standard_normal(_POOL_SIZE), source.random(_POOL_SIZE)


def _taken(pool: Host, start: int, count: int) -> Host:
    if start + count <= len(pool):
        return pool[start : start + count]
    return np.resize(np.roll(pool, -start), count)


def _real(count: int, fill: Fill, start: int, dtype: str = "float32") -> Host:
    normal, uniform = _pool()
    if math.isfinite(fill.low) and math.isfinite(fill.high):
        scaled = fill.low + (fill.high - fill.low) * _taken(uniform, start, count)
        if fill.kind == "ties":
            steps = np.linspace(fill.low, fill.high, 3 if count > 3 else 2)  # fewer than elements
            return np.asarray(steps[(_taken(uniform, start, count) * len(steps)).astype(np.int64)])
        return np.asarray(scaled)
    values = _taken(normal, start, count)
    match fill.kind:
        case "ties":
            values = np.round(values * 2) / 2
        case "large":
            values = values * (30.0 if dtype == "float16" else 1000.0)
        case "small":
            values = values * 2.0**-10
        case "negative":
            values = -np.abs(values * 2)
        case "wide":
            values = np.sign(values) * _magnitudes(count, start, _REACH[dtype])
        case _:
            values = values * 2
    if math.isfinite(fill.low):
        values = fill.low + np.abs(values)
    elif math.isfinite(fill.high):
        values = fill.high - np.abs(values)
    return np.asarray(values)


def _magnitudes(count: int, start: int, reach: int) -> Host:
    """Return positive numbers of all sizes from 2**-reach to 2**reach."""
    return np.asarray(2.0 ** (reach * (2 * _taken(_pool()[1], start, count) - 1)))


def _integral(dtype: str, count: int, fill: Fill, start: int) -> Host:
    _, uniform = _pool()
    least, most = limits(dtype)
    if fill.kind == "wide" and math.inf in (fill.high, -fill.low):
        return _integers_of_all_sizes(dtype, count, fill, start)
    if fill.kind == "negative" and least < 0:
        return np.asarray(np.floor(-1 - 9 * _taken(uniform, start, count)))
    reach = {"ties": 2, "large": 100, "small": 1}.get(fill.kind, 9)
    low = max(fill.low, least, -reach) if fill.low == -math.inf else max(fill.low, least)
    high = min(fill.high, most, max(reach, low + reach)) if fill.high == math.inf else min(fill.high, most)
    return np.asarray(np.floor(low + _taken(uniform, start, count) * (high - low + 1)).clip(low, high))


def _integers_of_all_sizes(dtype: str, count: int, fill: Fill, start: int) -> Host:
    """Return integers of any number of bits, up to the ends of the type."""
    normal, uniform = _pool()
    least, most = limits(dtype)
    above = float(most) + 1  # of int64, exact in float64, as `most` is not
    sizes = np.floor(np.minimum(above ** _taken(uniform, start, count), np.nextafter(above, 0)))
    signed = np.where(_taken(normal, start, count) < 0, -sizes, sizes)
    return np.asarray(signed.clip(max(fill.low, least), min(fill.high, np.nextafter(above, 0))))


def _distinct(count: int, fill: Fill, start: int) -> Host:
    """Return distinct elements in a random order."""
    _, uniform = _pool()
    order = np.argsort(_taken(uniform, start, count), kind="stable")
    if math.isfinite(fill.low) and math.isfinite(fill.high):
        return np.asarray(fill.low + (order + 0.5) * (fill.high - fill.low) / max(count, 1))
    return np.asarray(order - count // 2)


def _apart(shape: tuple[int, ...], fill: Fill, start: int) -> Host:
    """Return integers within limits, distinct along the last dimensions as long as the limits have room for that."""
    plane = math.prod(shape[-fill.apart :])
    uniform = _taken(_pool()[1], start, math.prod(shape)).reshape(-1, plane)
    steps = (np.argsort(uniform, axis=1, kind="stable") + 0.5) / plane
    return np.asarray(np.floor(fill.low + steps * (fill.high - fill.low + 1)))


@cache
def lattice(dtype: str) -> Host:
    """Return the special values of a dtype."""
    least, most = limits(dtype)
    if dtype == "bool":
        return np.array([False, True])
    if dtypes.is_integral(dtype):
        values = [0, 1, 2, most, most - 1, least, least + 1] + ([] if least == 0 else [-1, -2])
        return np.array(values, dtype=host_dtype(dtype))
    if dtypes.is_complex(dtype):
        parts = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan]
        return np.array([complex(real, imaginary) for real in parts for imaginary in parts], dtype=host_dtype(dtype))
    info = finfo(dtype)
    tiny, subnormal, eps = float(info.tiny), float(info.smallest_subnormal), float(info.eps)
    edges = [
        math.inf,
        0.0,
        most,
        subnormal,
        1.0,
        0.5,
        1.5,
        2.5,
        3.0,
        1 + eps,
        1 - eps / 2,
        tiny,
        tiny - subnormal,
        most / 2,
        20.0,
    ]
    with np.errstate(over="ignore"):
        return np.array([math.nan, *(sign * edge for edge in edges for sign in (1, -1))]).astype(host_dtype(dtype))


def _special(dtype: str, count: int, fill: Fill, start: int) -> Host:
    values = lattice(dtype)
    if not _SUBNORMALS.get():
        values = values[~_subnormal(values)]
    if not dtypes.is_complex(dtype):
        numbers = values.astype(np.float64)
        inside = (numbers >= fill.low) & (numbers <= fill.high)
        values = values[inside | (np.isnan(numbers) & (fill.low == -math.inf) & (fill.high == math.inf))]
    if fill.kind == "extremes":
        values = _extremes(values)
    if count == 1:
        return values[[fill.seed % len(values)]]
    _, uniform = _pool()
    return np.asarray(values[(_taken(uniform, start, count) * len(values)).astype(np.int64)])


def _extremes(values: Host) -> Host:
    """Return the two that lie furthest from zero, of both signs if there are."""
    if values.dtype.kind in "bc":
        return values
    numbers = values[~np.isnan(values.astype(np.float64))]
    return np.array([numbers.max(), numbers.min()])


def _subnormal(values: Host) -> Host:
    """Mark the numbers between zero and the smallest normal one."""
    if values.dtype.kind in "biuc":
        return np.zeros(values.shape, dtype=bool)
    sizes = np.abs(values.astype(np.float64))
    return np.asarray((sizes > 0) & (sizes < float(finfo(str(values.dtype)).tiny)))


def _laid_out(array: Host, plan: TensorPlan, requires_grad: bool) -> TensorValue:
    """Lay the elements out in memory by the plan's layout."""
    if plan.layout == "expanded" and array.ndim:
        array = array[:1]
    reach = (
        sum((length - 1) * step for length, step in zip(plan.shape, plan.strides, strict=True)) if plan.numel else -1
    )
    buffer = np.full(plan.offset + reach + 1, _JUNK).astype(array.dtype)
    value = TensorValue(plan.dtype, plan.shape, buffer, plan.strides, plan.offset, requires_grad)
    if plan.numel:
        value.array()[...] = array
    return value
