"""Generators of random numbers: the 32-bit Mersenne Twister, as PyTorch runs it on the CPU."""

from __future__ import annotations

import math
import os
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.box_muller import BLOCK, box_muller, parts

DEFAULT_SEED: Final = 67280421310721


class Generator:
    """A source of random numbers, started from a seed."""

    def __init__(self, device: Any = "cpu") -> None:
        self.manual_seed(DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start from a seed; its lower 32 bits count."""
        self._seed = int(seed) % 2**64
        self._bits = np.random.MT19937()
        self._bits._legacy_seeding(self._seed % 2**32)
        self._spare: float | None = None  # the second number of a pair of normal ones
        return self

    def initial_seed(self) -> int:
        return self._seed

    def seed(self) -> int:
        """Start from a seed of the operating system's, and return it."""
        self.manual_seed(int.from_bytes(os.urandom(8)))
        return self._seed

    def get_state(self) -> tuple[Any, float | None, int]:
        return self._bits.state, self._spare, self._seed

    def set_state(self, state: tuple[Any, float | None, int]) -> Generator:
        self._bits.state, self._spare, self._seed = state
        return self

    def words(self, count: int) -> Array:
        """Return so many numbers of 32 bits."""
        return self._bits.random_raw(count)

    def long_words(self, count: int) -> Array:
        """Return so many numbers of 64 bits, each from two words, the high one first."""
        pairs = self.words(2 * count).reshape(count, 2)
        return pairs[:, 0] << np.uint64(32) | pairs[:, 1]

    def integers(self, count: int, low: int, high: int, *, wide: bool) -> Array:
        """Return integers of [low, high), each from 32 bits or, where these are not wide enough, from 64."""
        words = self.long_words(count) if wide else self.words(count)
        return (words % np.uint64(high - low) + np.uint64(low % 2**64)).astype(np.int64)

    def uniform(self, count: int, dtype: np.dtype[Any]) -> Array:
        """Return numbers of [0, 1) with the 53 bits of float64's fractions, or the 24 of float32's."""
        if dtype == np.float64:
            return (self.long_words(count) & np.uint64(2**53 - 1)) * 2.0**-53
        numbers = np.empty(count, np.float32)
        for part in parts(count):
            numbers[part] = (self.words(part.stop - part.start) & np.uint64(2**24 - 1)) * 2.0**-24
        return numbers

    def exponential(self, count: int) -> Array:
        """Return exponential numbers of mean one, in float64."""
        return -np.log1p(-self.uniform(count, np.dtype(np.float64)))

    def normal(self, count: int, dtype: np.dtype[Any], dense: bool = True) -> Array:
        """Return normal numbers by Box and Muller's transform, in blocks where they will lie side by side in order."""
        if count < BLOCK or not dense:
            return np.array([self._one_normal() for _ in range(count)])
        whole = count - count % BLOCK
        # The half dtypes draw for whole blocks only, the others for all.
        drawn = count if dtype in (np.float32, np.float64) else whole
        numbers = np.resize(box_muller(self.uniform(drawn, dtype)[:whole]), count)
        if whole < count:
            # What is left over is made anew, with some of what is there already.
            numbers[-BLOCK:] = box_muller(self.uniform(BLOCK, dtype))
        return numbers

    def _one_normal(self) -> float:
        if self._spare is not None:
            number, self._spare = self._spare, None
            return number
        angle, height = self.uniform(2, np.dtype(np.float64))
        radius = math.sqrt(-2 * math.log1p(-height))
        self._spare = radius * math.sin(2 * math.pi * angle)
        return radius * math.cos(2 * math.pi * angle)

    def permutation(self, count: int) -> Array:
        """Return 0, 1, 2, … shuffled from the front."""
        order = np.arange(count)
        for index, word in enumerate(self.words(max(count - 1, 0)).tolist()):
            other = index + word % (count - index)
            order[index], order[other] = order[other], order[index]
        return order


default_generator: Final = Generator()
