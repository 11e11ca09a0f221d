"""Statistical tests of random numbers; each raises a false alarm once in a thousand million runs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from assay.cases.arrays import Host

FALSE_ALARM: Final = 1e-9
_Z: Final = 6.2  # the two-sided normal quantile of that rate


def out_of_range(samples: Host, distribution: tuple[Any, ...]) -> str | None:
    """Say what lies outside the values that a distribution has."""
    kind, *parameters = distribution
    match kind:
        case "uniform":
            low, high = (np.asarray(each).astype(samples.dtype) for each in parameters)
            exact = high == parameters[1]  # a number just below the end may be rounded to it where the dtype lacks it
            wrong = (samples < low) | (samples > high) | ((samples == high) & (high > low) & exact)
            what = f"outside [{parameters[0]:g}, {parameters[1]:g})"
        case "bernoulli":
            wrong, what = (samples != 0) & (samples != 1), "neither 0 nor 1"
        case "integers":
            low, high = parameters
            wrong, what = (
                (samples < low) | (samples >= high) | (samples % 1 != 0),
                f"no integer of [{low}, {high})",
            )
        case "constant":
            wrong, what = samples != parameters[0], f"not {parameters[0]}"
        case "dropout":
            values, rate = parameters
            kept = np.isclose(
                samples, values / (1 - rate) if rate < 1 else 0, rtol=2e-2 if samples.itemsize == 2 else 1e-5
            )
            wrong, what = (samples != 0) & ~kept, "neither 0 nor the scaled input"
        case _:
            wrong, what = ~np.isfinite(samples), "not finite"
    return f"{samples[wrong].flat[0]!s} is {what}" if wrong.any() else None


def unlikely(samples: Host, distribution: tuple[Any, ...], repeat: int) -> str | None:
    """Say why samples do not look like a distribution's; `repeat` calls stand along the first dimension."""
    from scipy import stats

    kind, *parameters = distribution
    if kind == "constant":
        return None
    wide = samples.astype(np.float64)
    match kind:
        case "uniform" | "normal":
            first, second = (np.broadcast_to(each, wide.shape) for each in parameters)
            scale = second - first if kind == "uniform" else second
            if not np.all(scale > 0):
                return None if np.array_equal(wide, first) else "it varies although its spread is 0"
            unit = ((wide - first) / scale).ravel()
            pvalue = float(stats.kstest(unit, "uniform" if kind == "uniform" else "norm").pvalue)
            if pvalue < FALSE_ALARM:
                return f"Kolmogorov-Smirnov p = {pvalue:.2g}"
            return _moments(unit, *((0.5, 1 / 12, 1 / 180) if kind == "uniform" else (0.0, 1.0, 2.0)))
        case "bernoulli":
            return _rate(wide, np.broadcast_to(parameters[0], wide.shape))
        case "dropout":
            values, rate = parameters
            lives = np.broadcast_to(values, wide.shape) != 0
            return _rate((wide != 0)[lives].astype(np.float64), np.full(int(lives.sum()), 1.0 - rate))
        case "integers":
            low, high = parameters
            counts = np.bincount((wide - low).astype(np.int64).ravel(), minlength=high - low)
            pvalue = float(stats.chisquare(counts).pvalue)
            return f"chi-square p = {pvalue:.2g}" if pvalue < FALSE_ALARM else None
    return None


def _moments(unit: Host, mean: float, variance: float, spread: float) -> str | None:
    """Test mean and mean square, which tell a wrong scale sooner; `spread` is the variance of a squared deviation."""
    if unit.size < 64:
        return None
    deviations = unit - mean
    for what, sample, due, its_variance in (
        ("mean", deviations, 0.0, variance),
        ("variance", deviations**2, variance, spread),
    ):
        z = (float(sample.mean()) - due) / (its_variance / unit.size) ** 0.5
        if abs(z) > _Z:
            return f"the {what} is {z:.1f} standard deviations off"
    return None


def _rate(hits: Host, chances: Host) -> str | None:
    """Test how often independent events of known chances came about, as a whole and one by one."""
    variance = float(np.sum(chances * (1 - chances)))
    surplus = float(np.sum(hits - chances))
    if variance == 0:
        return (
            None if surplus == 0 and np.array_equal(hits, chances) else "an event of chance 0 or 1 went the other way"
        )
    z = surplus / variance**0.5
    return f"the rate is {z:.1f} standard deviations off" if abs(z) > _Z else None


def is_certain(distribution: tuple[Any, ...]) -> bool:
    """Return whether a distribution leaves nothing to chance."""
    kind, *parameters = distribution
    match kind:
        case "dropout":
            return parameters[1] in (0, 1)
        case "bernoulli":
            return bool(np.all((np.asarray(parameters[0]) == 0) | (np.asarray(parameters[0]) == 1)))
        case "uniform":
            return bool(np.all(parameters[0] == parameters[1]))
        case "normal":
            return bool(np.all(np.asarray(parameters[1]) == 0))
        case "integers":
            return bool(parameters[1] - parameters[0] <= 1)
    return bool(kind == "constant")


def correlated(samples: Host, distribution: tuple[Any, ...]) -> str | None:
    """Say whether each call's numbers hang together with the next call's."""
    surprise = _surprise(samples.astype(np.float64), distribution)
    first, second = surprise[:-1].ravel(), surprise[1:].ravel()
    if first.size < 64 or first.std() == 0 or second.std() == 0:
        return None
    z = float(np.corrcoef(first, second)[0, 1]) * first.size**0.5
    return f"successive calls correlate, {z:.1f} standard deviations from none" if abs(z) > _Z else None


def _surprise(samples: Host, distribution: tuple[Any, ...]) -> Host:
    """Take from samples what their distribution lets expect of each element."""
    kind, *parameters = distribution
    match kind:
        case "bernoulli":
            return np.asarray(samples - parameters[0])
        case "dropout":
            return np.asarray((samples != 0) - (1.0 - parameters[1]))
        case "uniform":
            return np.asarray(samples - (np.asarray(parameters[0]) + parameters[1]) / 2)
        case "normal":
            return np.asarray(samples - parameters[0])
    return np.asarray(samples - samples.mean())
