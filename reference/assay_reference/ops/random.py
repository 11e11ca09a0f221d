"""Random tensors, and tensors filled with random numbers in place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.box_muller import fused, parts
from assay_reference.core.dispatch import Number, broadcast_shape, cast, composite, fill_out, op, write
from assay_reference.core.dtypes import dtype as dtype_type
from assay_reference.core.dtypes import finfo, iinfo, int64
from assay_reference.core.generator import Generator, default_generator
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import empty, empty_like, zeros_like

_WIDE_SPAN: Final = 2**28  # the number of integers from which on each is made of 64 bits

# -- in place ---------------------------------------------------------------------------------------------------------


def drawn(target: Tensor, generator: Generator | None, make: Callable[[Generator, int], Array]) -> Array:
    """Draw a number for each element of a tensor, in the order in which the elements lie in memory."""
    numbers = np.asarray(make(generator or default_generator, target.numel()))
    order = np.argsort(target.stride(), kind="stable")[::-1] if not target.is_contiguous() else range(target.ndim)
    return numbers.reshape([target.shape[dim] for dim in order]).transpose(np.argsort(order))


@op(function=False, method=False, keeps_half=True, node=lambda input, numbers, node: node)
def filled(input: Array, numbers: Array, node: str) -> Array:
    return numbers


filled.vjp(input=lambda grad: zeros_like(grad))


def fill(target: Tensor, numbers: Array, node: str) -> Tensor:
    """Fill a tensor with numbers; the step is recorded under a name."""
    made = Tensor._wrap(cast(numbers, target.dtype.numpy)).to(target.device)
    return filled.perform_in_place([target, made, node])


@composite(function=False)
def uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with uniform numbers of [from, to); so are both parts of complex ones."""
    if not self.dtype.is_complex:
        _check_floating("uniform", self)
    of_parts = self.dtype.to_real()
    for name, bound in (("from", from_), ("to", to)):
        if not abs(bound) <= finfo(of_parts).max:
            raise RuntimeError(f"{name} is out of bounds for {of_parts.c_name}")
    if from_ > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={from_:g} > to={to:g}")
    width, kind = (2 if self.dtype.is_complex else 1), of_parts.numpy
    reach = to - from_ if kind == np.float64 else float(np.float32(to) - np.float32(from_))

    def draw(source: Generator, count: int) -> Array:
        numbers = np.empty(width * count, kind)
        for part in parts(len(numbers)):
            made = cast(_scaled(source.uniform(part.stop - part.start, kind), reach, from_), kind)
            # What rounding brings to the end of the range begins it instead, so that the end itself is never drawn.
            numbers[part] = np.where(made == kind.type(to), kind.type(from_), made)
        return numbers.view(self.dtype.numpy)

    return fill(self, drawn(self, generator, draw), "UniformBackward0")


def _scaled(numbers: Array, scale: float, shift: float) -> Array:
    """Multiply and add as PyTorch does, in one step that rounds once; numbers of a half dtype are float32 still."""
    if (scale, shift) == (1, 0):
        return numbers
    return fused(numbers if numbers.dtype == np.float64 else numbers.astype(np.float32), scale, shift)


@composite(function=False)
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with normal numbers; the parts of complex ones share the variance."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    if self.dtype.is_complex:
        parts = empty((*self.shape, 2), dtype=self.dtype.to_real())
        parts.normal_(mean, std / math.sqrt(2), generator=generator)
        return fill(self, parts._array[..., 0] + 1j * parts._array[..., 1], "NormalBackward0")
    if not self.dtype.is_floating_point:
        raise NotImplementedError(f"\"normal_kernel_cpu\" not implemented for '{self.dtype.title}'")
    kind, dense = self.dtype.numpy, self.is_contiguous()
    numbers = drawn(self, generator, lambda source, count: _scaled(source.normal(count, kind, dense), std, mean))
    return fill(self, numbers, "NormalBackward0")


@composite(function=False)
def bernoulli_(self: Tensor, p: float | Tensor = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill a tensor with ones, of probability p, and zeros."""
    probabilities = p.detach().cpu()._array if isinstance(p, Tensor) else np.asarray(p, np.float64)
    _check_probabilities(probabilities)

    numbers = drawn(self, generator, lambda source, count: source.uniform(count, probabilities.dtype))
    return fill(self, numbers < probabilities, f"BernoulliBackward{1 if isinstance(p, Tensor) else 2}")


@composite(function=False)
def random_(
    self: Tensor, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None
) -> Tensor:
    """Fill a tensor with integers of [from, to), of [0, to), or of as many as its type represents."""
    node = f"RandomBackward{sum(each is None for each in (from_, to))}"
    low, high = (0, from_) if to is None else (from_ or 0, to)
    if high is None:
        low, high, wide = 0, _reach(self.dtype), self.itemsize == 8
    else:
        low, high = _integer_bounds(self.dtype, low, high)
        wide = high - low >= _WIDE_SPAN
    numbers = drawn(self, generator, lambda source, count: source.integers(count, low, high, wide=wide))
    return fill(self, numbers, node)


def _reach(kind: dtype_type) -> int:
    """Return one more than the largest integer up to which a type has all."""
    if kind.category == "bool":
        return 2
    if kind.category == "integer":
        return int(iinfo(kind).max) + 1
    if kind.is_complex:
        raise NotImplementedError(f"\"random_kernel_cpu\" not implemented for '{kind.title}'")
    return int(2 / finfo(kind).eps) + 1


def _integer_bounds(kind: dtype_type, low: int, high: int) -> tuple[int, int]:
    """Return the bounds of integers, narrowed to what a type represents; refuse those out of its range."""
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if kind.is_complex:
        raise RuntimeError("check_random_bounds handles only integral, floating-point and boolean types")
    limits = finfo(kind) if kind.is_floating_point else None if kind.category == "bool" else iinfo(kind)
    least, most = (0, 1) if limits is None else (limits.min, limits.max)
    for word, bound in (("from", low), ("to - 1", high - 1)):
        if not least <= bound <= most:
            raise RuntimeError(f"{word} is out of bounds for {kind.c_name}")
    if not kind.is_floating_point:
        return low, high
    first, last = (int(kind.numpy.type(each)) for each in (low + 1, high - 1))
    return (
        first + _spacing(kind, low + 1) if first < low else low,
        last - _spacing(kind, high - 1) if last >= high else high,
    )


def _spacing(kind: dtype_type, number: int) -> int:
    """Return the distance between the integers that a type has about a large one."""
    return int(2 ** (abs(number).bit_length() - 1) * finfo(kind).eps)


def _check_floating(name: str, tensor: Tensor) -> None:
    if not tensor.dtype.is_floating_point:
        raise NotImplementedError(f"\"check_{name}_bounds\" not implemented for '{tensor.dtype.title}'")


def _check_probabilities(probabilities: Array) -> None:
    if probabilities.size and not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")


# -- new tensors ------------------------------------------------------------------------------------------------------


@composite(method=False)
def rand(*size: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Return uniform numbers of [0, 1)."""
    return _new(size, options, lambda target: target.uniform_(generator=generator))


@composite(method=False)
def randn(*size: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Return normal numbers of mean 0 and variance 1."""
    return _new(size, options, lambda target: target.normal_(generator=generator))


@composite(method=False)
def randint(
    low: Any = None, high: Any = None, size: Any = None, *, generator: Generator | None = None, **options: Any
) -> Tensor:
    """Return integers of [low, high), or of [0, low)."""
    if size is None:
        low, high, size = None, low, high
    if high is None:
        low, high = None, low
    for position, (name, bound) in enumerate((("low", low), ("high", high))):
        if isinstance(bound, (bool, float)):
            place = position + (low is not None)
            raise TypeError(f"randint(): argument '{name}' (position {place}) must be int, not {type(bound).__name__}")
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"randint(): argument 'size' (position 2) must be tuple of ints, not {type(size).__name__}")
    if options.get("dtype") is None and options.get("out") is None:
        options["dtype"] = int64
    return _new((size,), options, lambda target: target.random_(low or 0, high, generator=generator))


@composite(method=False)
def randperm(n: int, *, generator: Generator | None = None, dtype: dtype_type = int64, **options: Any) -> Tensor:
    """Return the numbers 0 to n - 1 in a random order."""
    return _new((n,), {**options, "dtype": dtype}, lambda target: _permuted(target, generator))


def _permuted(target: Tensor, generator: Generator | None) -> None:
    order = cast(drawn(target, generator, Generator.permutation), target.dtype.numpy)
    write(target, Tensor._wrap(order).to(target.device)._array)


@composite(method=False)
def rand_like(input: Tensor, **options: Any) -> Tensor:
    return _like(input, options, lambda target: target.uniform_())


@composite(method=False)
def randn_like(input: Tensor, **options: Any) -> Tensor:
    return _like(input, options, lambda target: target.normal_())


@composite(out="castable")
def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """Return one with the probability that each element (or p) is, and else zero."""
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"bernoulli_tensor_cpu_p_\" not implemented for '{input.dtype.title}'")
    made = empty(input.shape, dtype=input.dtype, device=input.device)
    return _tossed(input, made.bernoulli_(input if p is None else p, generator=generator))  # type: ignore[no-any-return]


@op(name="bernoulli", function=False, method=False, keeps_half=True)
def _tossed(input: Array, made: Array) -> Array:
    return made.copy()


_tossed.vjp(input=lambda grad: zeros_like(grad))


@composite()
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None, out: Any = None
) -> Tensor:
    """Return indices of weights, of each row of them, drawn with a probability in proportion to their weight."""
    _check_weights(input, num_samples, replacement, out)
    with no_grad():
        if not input.numel() and not (input.ndim == 2 and input.shape[1]):
            raise RuntimeError(_NO_CHOICE if num_samples == 1 else _NO_WEIGHT)
        draw = _with_replacement if replacement and num_samples > 1 else _largest_ratios
        made = draw(input.detach(), num_samples, generator)
    if out is None:
        return made
    fill_out(out, made._array)
    return out  # type: ignore[no-any-return]


_NO_WEIGHT: Final = "invalid multinomial distribution (sum of probabilities <= 0)"
_NO_CHOICE: Final = "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."


def _check_weights(input: Tensor, num_samples: int, replacement: bool, out: Tensor | None) -> None:
    if not 1 <= input.ndim <= 2:
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.dtype.title}")
    if out is not None and out.dtype != int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype.title}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > input.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")


def _largest_ratios(weights: Tensor, count: int, generator: Generator | None) -> Tensor:
    """Return the indices of the largest weights, each divided by an exponential number of its own."""
    if not bool(((weights >= 0) & (weights < math.inf)).all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if bool((weights.sum(-1) == 0).any()):
        raise RuntimeError(_NO_WEIGHT)
    numbers = empty_like(weights)
    fill(numbers, drawn(numbers, generator, Generator.exponential), "")
    ratios = weights / numbers
    found: Tensor = ratios.argmax(-1, keepdim=True) if count == 1 else ratios.topk(count).indices
    return found


def _with_replacement(weights: Tensor, count: int, generator: Generator | None) -> Tensor:
    """Return where uniform numbers stand among the running totals of the weights, which end at one."""
    given = weights.cpu()._array
    given = given if given.dtype == np.float64 else given.astype(np.float32)
    if not (given >= 0).all():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
    if not np.isfinite(given).all():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry = infinity or NaN)")
    totals = np.cumsum(given, axis=-1)
    if not (totals[..., -1] > 0).all():
        raise RuntimeError(_NO_WEIGHT)
    totals /= totals[..., -1:].copy()
    places = (generator or default_generator).uniform(math.prod(given.shape[:-1]) * count, np.dtype(np.float64))
    places = places.reshape(*given.shape[:-1], count)
    rows = zip(np.atleast_2d(totals), np.atleast_2d(places), strict=True)
    found = np.array([np.searchsorted(row, place) for row, place in rows], np.int64).reshape(places.shape)
    return Tensor._wrap(weights.device.xp.asarray(found), weights.device)


@composite(method=False)
def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, out: Any = None, **options: Any
) -> Tensor:
    """Return normal numbers of a mean and a standard deviation, of which either may be a tensor."""
    if size is not None:
        return _new((size,), {**options, "out": out}, lambda target: target.normal_(mean, std, generator=generator))
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        raise TypeError("normal() needs a size, or a tensor for the mean or for the standard deviation")
    if isinstance(std, Tensor):
        _check_deviations(std)
    made = _normal(mean, std, generator)
    if out is not None:
        fill_out(out, made._array)
        return out  # type: ignore[no-any-return]
    return _as_drawn(mean, std, made)  # type: ignore[no-any-return]


@no_grad()
def _normal(mean: Any, std: Any, generator: Generator | None) -> Tensor:
    """Draw normal numbers and scale them step by step, each rounded to the type of the result."""
    model = mean if isinstance(mean, Tensor) else std
    shape = broadcast_shape(*(tuple(each.shape) if isinstance(each, Tensor) else () for each in (mean, std)))
    made = empty(shape, dtype=model.dtype, device=model.device)
    if isinstance(std, Tensor):
        made.normal_(generator=generator).mul_(std)
    else:
        made.normal_(0, std, generator=generator)
    return made.add_(mean)  # type: ignore[no-any-return]


def _check_deviations(std: Tensor) -> None:
    if std.dtype.is_complex:
        raise RuntimeError("normal expects standard deviation to be non-complex")
    if not bool((std >= 0).all()):
        raise RuntimeError("normal expects all elements of std >= 0.0")


def _node_of_normal(mean: Any, std: Any, made: Tensor) -> str:
    return f"NormalBackward{isinstance(mean, Tensor) + 2 * isinstance(std, Tensor)}"


@op(name="normal", function=False, method=False, keeps_half=True, node=_node_of_normal)
def _as_drawn(mean: Array | Number, std: Array | Number, made: Array) -> Array:
    return made.copy()


# The numbers are drawn as if nothing led from mean and deviation to them.
_as_drawn.vjp(mean=lambda grad: zeros_like(grad), std=lambda grad: zeros_like(grad))


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
