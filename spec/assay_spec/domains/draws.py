"""Hypothesis's strategies, imported when the first value is drawn: reading the corpus needs none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def integers(low: int, high: int) -> Any:
    from hypothesis import strategies as st

    return st.integers(low, high)


def maybe(low: int, high: int) -> Any:
    from hypothesis import strategies as st

    return st.none() | st.integers(low, high)


def booleans() -> Any:
    from hypothesis import strategies as st

    return st.booleans()


def sampled(values: Sequence[Any]) -> Any:
    from hypothesis import strategies as st

    return st.sampled_from(values)


def permutations(count: int) -> Any:
    from hypothesis import strategies as st

    return st.permutations(range(count))
