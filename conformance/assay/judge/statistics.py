"""Statistical tests of random numbers, each with a false positive rate of 1e-9."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from assay.cases.arrays import Host

FALSE_POSITIVE_RATE: Final = 1e-9
_Z: Final = 6.2  # standard deviations: a normal number is farther from its mean less often than that


def out_of_range(samples: Host, distribution: tuple[Any, ...]) -> str | None:
    """Return a message about a sample that the distribution cannot produce; None if there is none."""
    kind, *parameters = distribution
    match kind:
        case "uniform":
            low, high = (np.asarray(each).astype(samples.dtype) for each in parameters)
            exact = high == parameters[1]  # else the dtype may round the last numbers to the end
            wrong = (samples < low) | (samples > high) | ((samples == high) & (high > low) & exact)
            what = f"out of range [{parameters[0]:g}, {parameters[1]:g})"
        case "bernoulli":
            wrong, what = (samples != 0) & (samples != 1), "neither 0 nor 1"
        case "integers":
            low, high = parameters
            wrong, what = (
                (samples < low) | (samples >= high) | (samples % 1 != 0),
                f"no integer of [{low}, {high})",
            )
        case "categorical":
            weights, replacement = parameters
            columns = samples.astype(np.int64)
            inside = (columns >= 0) & (columns < weights.shape[-1])
            chances = np.broadcast_to(weights, (*samples.shape[:-1], weights.shape[-1]))
            wrong = ~inside | (np.take_along_axis(chances, np.where(inside, columns, 0), -1) == 0)
            what = "no index of a weight"
            if not wrong.any() and not replacement:
                order = np.sort(columns, axis=-1)
                wrong[..., 1:], what = order[..., 1:] == order[..., :-1], "beside an index that comes twice"
        case "constant":
            wrong, what = samples != parameters[0], f"not {parameters[0]}"
        case "normal" if len(parameters) == 4:
            low, high = (np.asarray(each).astype(samples.dtype) for each in parameters[2:])
            wrong, what = (
                ~((samples >= low) & (samples <= high)),
                f"out of range [{parameters[2]:g}, {parameters[3]:g}]",
            )
        case "dropout" | "alpha_dropout":
            dropped, kept = _dropout(distribution)
            near = [np.isclose(samples, each, rtol=_rounding(samples), atol=0) for each in (dropped, kept)]
            wrong, what = ~(near[0] | near[1]), f"neither {dropped:.4g} nor the scaled input"
            if not wrong.any():
                channels = _channels(near[1], distribution)
                wrong = (channels != channels[..., :1]).reshape(samples.shape)
                what = "dropped, or kept, without the rest of its channel"
        case _:
            wrong, what = ~np.isfinite(samples), "not finite"
    return f"{samples[wrong].flat[0]!s} is {what}" if wrong.any() else None


def unlikely(samples: Host, distribution: tuple[Any, ...]) -> str | None:
    """Return a message that says why samples do not fit a distribution; None if they do."""
    from scipy import stats

    kind, *parameters = distribution
    if kind == "constant":
        return None
    wide = samples.astype(np.float64)
    match kind:
        case "normal" if len(parameters) == 4:
            return unlikely(_within(*parameters).cdf(wide), ("uniform", 0.0, 1.0))
        case "uniform" | "normal":
            first, second = (np.broadcast_to(each, wide.shape) for each in parameters)
            scale = second - first if kind == "uniform" else second
            if not np.all(scale > 0):
                return None if np.array_equal(wide, first) else "it varies although its scale is 0"
            unit = ((wide - first) / scale).ravel()
            pvalue = float(stats.kstest(unit, "uniform" if kind == "uniform" else "norm").pvalue)
            if pvalue < FALSE_POSITIVE_RATE:
                return f"Kolmogorov-Smirnov p = {pvalue:.2g}"
            return _moments(unit, *((0.5, 1 / 12, 1 / 180) if kind == "uniform" else (0.0, 1.0, 2.0)))
        case "bernoulli":
            return _rate(wide, np.broadcast_to(parameters[0], wide.shape))
        case "dropout" | "alpha_dropout":
            dropped, kept = _dropout(distribution)
            shown = np.broadcast_to(kept != dropped, wide.shape)  # an input of 0 does not show whether it was dropped
            events = _channels(~_is_dropped(wide, distribution), distribution)[..., 0]
            events = events[_channels(shown, distribution)[..., 0]].astype(np.float64)
            return _rate(events, np.full(events.size, 1.0 - parameters[1]))
        case "integers":
            low, high = parameters
            counts = np.bincount((wide - low).astype(np.int64).ravel(), minlength=high - low)
            pvalue = float(stats.chisquare(counts).pvalue)
            return f"chi-square p = {pvalue:.2g}" if pvalue < FALSE_POSITIVE_RATE else None
        case "categorical":
            return _shares(wide, *parameters)
    return None


def _within(mean: float, deviation: float, low: float, high: float) -> Any:
    """Return the normal distribution of the numbers that lie in an interval."""
    from scipy import stats

    return stats.truncnorm((low - mean) / deviation, (high - mean) / deviation, mean, deviation)


def _shares(indices: Host, weights: Host, replacement: bool) -> str | None:
    """Test how often each index comes, as the first one where none comes twice."""
    from scipy import stats

    drawn = indices if replacement else indices[..., :1]
    due = weights / weights.sum(axis=-1, keepdims=True) * drawn.shape[0] * drawn.shape[-1]
    counts = np.stack([(drawn == index).sum(axis=(0, -1)) for index in range(weights.shape[-1])], axis=-1)
    possible = due > 0
    freedom = int(possible.sum()) - due[..., 0].size
    if not freedom:
        return None
    pvalue = float(stats.chi2.sf((((counts - due) ** 2)[possible] / due[possible]).sum(), freedom))
    return f"chi-square p = {pvalue:.2g}" if pvalue < FALSE_POSITIVE_RATE else None


def _moments(unit: Host, mean: float, variance: float, of_square: float) -> str | None:
    """Test mean and variance, which show a wrong scale sooner; `of_square` is the variance of a squared deviation."""
    if unit.size < 64:
        return None
    deviations = unit - mean
    for what, sample, expected, its_variance in (
        ("mean", deviations, 0.0, variance),
        ("variance", deviations**2, variance, of_square),
    ):
        z = (float(sample.mean()) - expected) / (its_variance / unit.size) ** 0.5
        if abs(z) > _Z:
            return f"the {what} is {z:.1f} standard deviations off"
    return None


def _rate(events: Host, probabilities: Host) -> str | None:
    """Test how many of some independent events occurred."""
    variance = float(np.sum(probabilities * (1 - probabilities)))
    if variance == 0:
        return None if np.array_equal(events, probabilities) else "an event of probability 0 or 1 went the other way"
    z = float(np.sum(events - probabilities)) / variance**0.5
    return f"the rate is {z:.1f} standard deviations off" if abs(z) > _Z else None


_SATURATION: Final = 1.7580993408473766  # what SELU levels off at, below zero


def _dropout(distribution: tuple[Any, ...]) -> tuple[float, Any]:
    """Return what dropped elements become, and what the others do."""
    kind, values, rate, *_ = distribution
    if rate == 1:
        return 0.0, np.zeros_like(values)
    if kind == "dropout":
        return 0.0, np.asarray(values / (1 - rate))
    scale = ((_SATURATION**2 * rate + 1) * (1 - rate)) ** -0.5
    shift = _SATURATION * scale * rate
    return shift - _SATURATION * scale, np.asarray(values * scale + shift)


def _is_dropped(samples: Host, distribution: tuple[Any, ...]) -> Host:
    return np.isclose(samples, _dropout(distribution)[0], rtol=2e-2, atol=0)


def _rounding(samples: Host) -> float:
    return 2e-2 if samples.itemsize == 2 else 1e-5


def _channels(samples: Host, distribution: tuple[Any, ...]) -> Host:
    """Return samples with what is dropped together in the last dimension: all past so many dimensions of each call."""
    dims = distribution[3] if len(distribution) > 3 else samples.ndim - 1
    return samples.reshape(*samples.shape[: 1 + dims], -1)


def is_certain(distribution: tuple[Any, ...]) -> bool:
    """Return whether a distribution has only one possible value."""
    kind, *parameters = distribution
    match kind:
        case "dropout" | "alpha_dropout":
            return parameters[1] in (0, 1)
        case "bernoulli":
            return bool(np.all((np.asarray(parameters[0]) == 0) | (np.asarray(parameters[0]) == 1)))
        case "uniform":
            return bool(np.all(parameters[0] == parameters[1]))
        case "normal":
            return bool(np.all(np.asarray(parameters[1]) == 0))
        case "integers":
            return bool(parameters[1] - parameters[0] <= 1)
        case "categorical":
            return bool(np.all((parameters[0] > 0).sum(axis=-1) <= 1))
    return bool(kind == "constant")


def correlated(samples: Host, distribution: tuple[Any, ...]) -> str | None:
    """Return a message about the correlation of successive calls; None if chance explains it.

    The first dimension is that of the calls.
    """
    residuals = _residuals(samples.astype(np.float64), distribution)
    first, second = residuals[:-1].ravel(), residuals[1:].ravel()
    if first.size < 64 or first.std() == 0 or second.std() == 0:
        return None
    z = float(np.corrcoef(first, second)[0, 1]) * first.size**0.5
    return f"successive calls correlate, {z:.1f} standard deviations from none" if abs(z) > _Z else None


def _residuals(samples: Host, distribution: tuple[Any, ...]) -> Host:
    """Return samples less the mean that their distribution has at each element."""
    kind, *parameters = distribution
    match kind:
        case "bernoulli":
            return np.asarray(samples - parameters[0])
        case "dropout" | "alpha_dropout":
            events = _channels(~_is_dropped(samples, distribution), distribution)[..., 0]
            return np.asarray(events - (1.0 - parameters[1]))
        case "uniform":
            return np.asarray(samples - (np.asarray(parameters[0]) + parameters[1]) / 2)
        case "normal":
            mean = _within(*parameters).mean() if len(parameters) == 4 else parameters[0]
            return np.asarray(samples - mean)
        case "categorical":
            weights, replacement = parameters
            drawn = (
                samples if replacement else samples[..., :1]
            )  # where no index comes twice, later ones have other means
            mean = (weights * np.arange(weights.shape[-1])).sum(axis=-1, keepdims=True) / weights.sum(-1, keepdims=True)
            return np.asarray(drawn - mean)
    return np.asarray(samples - samples.mean())
