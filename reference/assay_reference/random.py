"""Random tensors, and tensors filled with random numbers in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from assay_reference.arrays import Array
from assay_reference.creation import empty, empty_like
from assay_reference.dispatch import cast, check_writable, composite, write
from assay_reference.dtypes import dtype as dtype_type
from assay_reference.dtypes import int64
from assay_reference.engine import no_grad
from assay_reference.generator import Generator, default_generator
from assay_reference.tensor import Tensor

# -- seeds ------------------------------------------------------------------------------------------------------------


@composite(method=False)
def manual_seed(seed: int) -> Generator:
    """Start the default generator from a seed."""
    return default_generator.manual_seed(seed)


@composite(method=False)
def initial_seed() -> int:
    return default_generator.initial_seed()


@composite(method=False)
def seed() -> int:
    """Start the default generator from a seed that the operating system gives."""
    return default_generator.seed()


# -- in place ---------------------------------------------------------------------------------------------------------


def filled(target: Tensor, generator: Generator | None, make: Callable[[Generator, int], Array]) -> Tensor:
    """Fill a tensor with what a generator makes."""
    check_writable(target)
    numbers = make(generator or default_generator, target.numel()).reshape(target.shape)
    write(target, target.device.xp.asarray(cast(np.asarray(numbers), target.dtype.numpy)))
    return target


@composite(function=False)
def uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with uniform numbers of [from, to)."""
    _check_floating("uniform", self)
    if from_ > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={from_:g} > to={to:g}")
    kind = self.dtype.numpy
    reach = to - from_ if kind == np.float64 else float(np.float32(to) - np.float32(from_))

    def draw(source: Generator, count: int) -> Array:
        numbers = cast(_scaled(source.uniform(count, kind), reach, from_), kind)
        # What rounding brings to the end of the range begins it instead, so that the end itself is never drawn.
        return np.where(numbers == kind.type(to), kind.type(from_), numbers)

    return filled(self, generator, draw)


def _scaled(numbers: Array, scale: float, shift: float) -> Array:
    """Multiply and add as PyTorch does, in one step that rounds once; numbers of a half dtype are float32 still."""
    own = np.dtype(np.float64 if numbers.dtype == np.float64 else np.float32)
    wide = np.longdouble if own == np.float64 else np.float64
    return (numbers.astype(wide) * own.type(scale) + own.type(shift)).astype(own)


@composite(function=False)
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with normal numbers."""
    _check_floating("normal", self)
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    kind = self.dtype.numpy
    return filled(self, generator, lambda source, count: _scaled(source.normal(count, kind), std, mean))


@composite(function=False)
def bernoulli_(self: Tensor, p: float | Tensor = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with ones of a chance p, and zeros."""
    chances = p.detach().cpu()._array if isinstance(p, Tensor) else np.asarray(p)
    _check_chances(chances)

    def draw(source: Generator, count: int) -> Array:
        return source.uniform(count, np.dtype(np.float64)).reshape(self.shape) < chances

    return filled(self, generator, draw)


@composite(function=False)
def random_(self: Tensor, from_: int = 0, to: int | None = None, *, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with whole numbers of [from, to)."""
    end = to if to is not None else 2**24 if self.dtype.is_floating_point else 2**31 - 1
    return filled(self, generator, lambda source, count: source.words(count) % np.uint64(end - from_) + from_)


def _check_floating(name: str, tensor: Tensor) -> None:
    if not tensor.dtype.is_floating_point:
        raise NotImplementedError(f"\"check_{name}_bounds\" not implemented for '{tensor.dtype.title}'")


def _check_chances(chances: Array) -> None:
    if chances.size and not ((chances >= 0) & (chances <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")


# -- new tensors ------------------------------------------------------------------------------------------------------


@composite(method=False)
def rand(*size: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Uniform numbers of [0, 1)."""
    return _new(size, options, lambda target: target.uniform_(generator=generator))


@composite(method=False)
def randn(*size: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Normal numbers of mean 0 and variance 1."""
    return _new(size, options, lambda target: target.normal_(generator=generator))


@composite(method=False)
def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None, **options: Any
) -> Tensor:
    """Whole numbers of [low, high), or of [0, low)."""
    if size is None:
        low, high, size = 0, low, high
    options.setdefault("dtype", int64)
    return _new((tuple(size),), options, lambda target: target.random_(low, high, generator=generator))


@composite(method=False)
def randperm(n: int, *, generator: Generator | None = None, dtype: dtype_type = int64, **options: Any) -> Tensor:
    """The numbers 0 to n - 1 in a random order."""
    return _new((n,), {**options, "dtype": dtype}, lambda target: filled(target, generator, Generator.permutation))


@composite(method=False)
def rand_like(input: Tensor, **options: Any) -> Tensor:
    return _like(input, options, lambda target: target.uniform_())


@composite(method=False)
def randn_like(input: Tensor, **options: Any) -> Tensor:
    return _like(input, options, lambda target: target.normal_())


@composite(out=True)
def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """One with the chance that each element (or p) gives, else zero."""
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"bernoulli_tensor_cpu_p_\" not implemented for '{input.dtype.title}'")
    return empty_like(input).bernoulli_(input if p is None else p, generator=generator)  # type: ignore[no-any-return]


@composite(method=False)
def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, **options: Any
) -> Tensor:
    """Normal numbers of a mean and a standard deviation, which may be tensors."""
    if size is not None:
        return _new((tuple(size),), options, lambda target: target.normal_(mean, std, generator=generator))
    model: Tensor = mean + std * 0
    return randn(tuple(model.shape), generator=generator, dtype=model.dtype) * std + mean  # type: ignore[no-any-return]


def _new(size: Any, options: dict[str, Any], fill: Callable[[Tensor], Any]) -> Tensor:
    wanted = options.pop("requires_grad", False)
    return _filled(empty(*size, **options), wanted, fill)


def _like(model: Tensor, options: dict[str, Any], fill: Callable[[Tensor], Any]) -> Tensor:
    wanted = options.pop("requires_grad", False)
    return _filled(empty_like(model, **options), wanted, fill)


def _filled(target: Tensor, requires_grad: bool, fill: Callable[[Tensor], Any]) -> Tensor:
    with no_grad():
        fill(target)
    return target.requires_grad_() if requires_grad else target
