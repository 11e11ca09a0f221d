"""Random choices: each is a function of a source of random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Choice = Callable[[Random], Any]
Draw = Callable[[Choice], Any]  # makes a choice


def integers(low: int, high: int) -> Choice:
    return lambda source: source.randint(low, high)


def maybe(low: int, high: int) -> Choice:
    return lambda source: source.randint(low, high) if source.getrandbits(1) else None


def booleans() -> Choice:
    return lambda source: bool(source.getrandbits(1))


def sampled(values: Sequence[Any]) -> Choice:
    return lambda source: source.choice(values)


def permutations(count: int) -> Choice:
    return lambda source: source.sample(range(count), count)
