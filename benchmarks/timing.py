"""How the benchmarks measure time: peers in turn, in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

Act = Callable[[], object]


def medians(acts: dict[str, Act], runs: int) -> dict[str, float]:
    """Time actions in turn; return the median milliseconds of each."""
    times: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(runs):
        for name, act in acts.items():
            started = time.perf_counter()
            act()
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(each) for name, each in times.items()}
