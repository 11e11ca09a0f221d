"""The statistical tests: random samples pass them, and each finds the deviation it is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from assay.cases.arrays import Host
from assay.judge.statistics import _Z, FALSE_POSITIVE_RATE, correlated, is_certain, out_of_range, unlikely

SOURCE = np.random.Generator(np.random.Philox(key=0))
UNIFORM = SOURCE.uniform(2.0, 5.0, (100, 40))
NORMAL = SOURCE.normal(1.0, 2.0, (100, 40))
WITHIN = np.resize(NORMAL[(NORMAL >= 0) & (NORMAL <= 4)], (50, 40))
EVENTS = (SOURCE.uniform(size=(100, 40)) < 0.3).astype(np.float64)
WEIGHTS = np.array([1.0, 0.0, 3.0])
INDICES = SOURCE.choice(3, (100, 40), p=WEIGHTS / 4)
FIRSTS = np.stack([2 * (SOURCE.uniform(size=4000) < 0.75), np.zeros(4000)], axis=-1)
FIRSTS[:, 1] = 2 - FIRSTS[:, 0]
INTEGERS = SOURCE.integers(3, 13, (100, 40))
CHANNELS = np.repeat(EVENTS[..., None], 3, axis=2)  # of three elements each
SCALE = ((1.7580993408473766**2 * 0.7 + 1) * 0.3) ** -0.5  # keeps the variance where 0.7 are dropped


def test_a_normal_number_is_beyond_the_threshold_at_less_than_the_stated_rate() -> None:
    assert FALSE_POSITIVE_RATE / 2 < 2 * stats.norm.sf(_Z) < FALSE_POSITIVE_RATE == 1e-9


@pytest.mark.parametrize(
    ("samples", "distribution"),
    [
        (UNIFORM, ("uniform", 2.0, 5.0)),
        (NORMAL, ("normal", 1.0, 2.0)),
        (WITHIN, ("normal", 1.0, 2.0, 0.0, 4.0)),
        (EVENTS, ("bernoulli", 0.3)),
        (INTEGERS, ("integers", 3, 13)),
        (INDICES, ("categorical", WEIGHTS, True)),
        (FIRSTS, ("categorical", WEIGHTS, False)),
        (EVENTS / 0.3 * 7.0, ("dropout", 7.0, 0.7)),
        (CHANNELS / 0.3 * 7.0, ("dropout", 7.0, 0.7, 1)),
        (SCALE * (np.where(EVENTS, 7.0, -1.7580993408473766) + 1.7580993408473766 * 0.7), ("alpha_dropout", 7.0, 0.7)),
        (np.full((2, 3), 4.0), ("constant", 4.0)),
        (np.full((2, 3), 4.0), ("normal", 4.0, 0.0)),
    ],
)
def test_what_follows_a_distribution_passes(samples: Host, distribution: tuple[Any, ...]) -> None:
    assert out_of_range(samples, distribution) is None
    assert unlikely(samples, distribution) is None
    assert correlated(samples, distribution) is None


@pytest.mark.parametrize(
    ("indices", "replacement", "message"),
    [
        ([0, 3], True, "3 is no index of a weight"),
        ([0, 1], True, "1 is no index of a weight"),
        ([2, 2], False, "2 is beside an index that comes twice"),
    ],
)
def test_an_index_that_cannot_be_drawn_is_named(indices: list[int], replacement: bool, message: str) -> None:
    assert out_of_range(np.array([indices]), ("categorical", WEIGHTS, replacement)) == message


def test_indices_by_other_weights_are_unlikely() -> None:
    other = np.array([3.0, 0.0, 1.0])

    assert "chi-square" in str(unlikely(INDICES, ("categorical", other, True)))
    assert "chi-square" in str(unlikely(FIRSTS, ("categorical", other, False)))
    assert is_certain(("categorical", np.array([0.0, 2.0]), True))


@pytest.mark.parametrize(
    ("sample", "distribution", "message"),
    [
        (5.0, ("uniform", 2.0, 5.0), "5.0 is out of range [2, 5)"),
        (0.5, ("bernoulli", 0.5), "0.5 is neither 0 nor 1"),
        (13.0, ("integers", 3, 13), "13.0 is no integer of [3, 13)"),
        (4.5, ("integers", 3, 13), "4.5 is no integer of [3, 13)"),
        (1.0, ("constant", 4.0), "1.0 is not 4.0"),
        (7.0, ("dropout", 7.0, 0.5), "7.0 is neither 0 nor the scaled input"),
        (7.0, ("alpha_dropout", 7.0, 0.5), "7.0 is neither -0.7792 nor the scaled input"),
        (np.inf, ("normal", 0.0, 1.0), "inf is not finite"),
        (2.5, ("normal", 0.0, 1.0, -1.0, 2.0), "2.5 is out of range [-1, 2]"),
        (np.nan, ("normal", 0.0, 1.0, -1.0, 2.0), "nan is out of range [-1, 2]"),
    ],
)
def test_a_value_that_a_distribution_has_not_is_named(
    sample: float, distribution: tuple[Any, ...], message: str
) -> None:
    assert out_of_range(np.array([sample]), distribution) == message


def test_a_channel_that_is_dropped_in_part_is_found() -> None:
    samples = np.array([[[2.0, 2.0], [0.0, 2.0]]])

    assert out_of_range(samples, ("dropout", 1.0, 0.5)) is None
    assert out_of_range(samples, ("dropout", 1.0, 0.5, 1)) == (
        "2.0 is dropped, or kept, without the rest of its channel"
    )


def test_the_rate_of_channels_is_not_that_of_their_elements() -> None:
    few = np.repeat(EVENTS[:10, :8, None], 1000, axis=2) * 2.0

    assert (unlikely(few, ("dropout", 1.0, 0.5)) or "").startswith("the rate is ")
    assert unlikely(few, ("dropout", 1.0, 0.5, 1)) is None


def test_the_end_of_a_range_may_be_reached_where_the_dtype_rounds_to_it() -> None:
    end = np.nextafter(1.0, 0.0)

    assert out_of_range(np.array([1.0], np.float32), ("uniform", 0.0, end)) is None


@pytest.mark.parametrize(
    ("samples", "distribution", "message"),
    [
        (UNIFORM, ("uniform", 2.0, 6.0), "Kolmogorov-Smirnov p = "),
        (NORMAL, ("normal", 0.0, 2.0), "Kolmogorov-Smirnov p = "),
        (WITHIN, ("normal", 2.0, 2.0, 0.0, 4.0), "Kolmogorov-Smirnov p = "),
        (EVENTS, ("bernoulli", 0.5), "the rate is -2"),
        (EVENTS * 7.0, ("dropout", 7.0, 0.5), "the rate is -2"),
        (EVENTS, ("bernoulli", 0.0), "an event of probability 0 or 1 went the other way"),
        (np.where(INTEGERS == 12, 3, INTEGERS), ("integers", 3, 13), "chi-square p = "),
        (UNIFORM, ("normal", 3.0, 0.0), "it varies although its scale is 0"),
    ],
)
def test_samples_of_another_distribution_are_found(samples: Host, distribution: tuple[Any, ...], message: str) -> None:
    assert (unlikely(samples, distribution) or "").startswith(message)


def test_a_scale_that_is_a_little_wrong_shows_in_the_moments() -> None:
    assert (unlikely((NORMAL - 1.0) * 1.15 + 1.0, ("normal", 1.0, 2.0)) or "").startswith("the variance is ")


def test_calls_that_repeat_their_numbers_correlate() -> None:
    repeated = np.repeat(NORMAL[:50], 2, axis=0)

    assert (correlated(repeated, ("normal", 1.0, 2.0)) or "").startswith("successive calls correlate, ")


def test_elements_of_unequal_means_do_not_correlate_by_that() -> None:
    means = np.arange(40.0) * 100

    assert correlated(NORMAL + means, ("normal", 1.0 + means, 2.0)) is None


@pytest.mark.parametrize(
    ("distribution", "certain"),
    [
        (("constant", 4.0), True),
        (("dropout", 7.0, 1), True),
        (("dropout", 7.0, 0.5), False),
        (("alpha_dropout", 7.0, 0), True),
        (("bernoulli", np.array([0.0, 1.0])), True),
        (("bernoulli", np.array([0.0, 0.5])), False),
        (("uniform", 1.0, 1.0), True),
        (("uniform", 1.0, 2.0), False),
        (("normal", 1.0, 0.0), True),
        (("normal", 1.0, 1.0), False),
        (("integers", 3, 4), True),
        (("integers", 3, 5), False),
    ],
)
def test_a_distribution_of_one_value_is_certain(distribution: tuple[Any, ...], certain: bool) -> None:
    assert is_certain(distribution) is certain
