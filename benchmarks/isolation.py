"""What it costs that a candidate runs in a process of its own: the same items asked in this process and in another.

    python benchmarks/isolation.py [--filter QUERY] [--rounds N] [BACKEND…]

The two are measured in turn, on one core and on two, without the time to start; the ratio counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from contextlib import closing

from tabulate import tabulate

from assay.backends.base import Backend
from assay.backends.discover import open_backend, open_candidate
from assay.judge.bench import Bench
from assay.running.engine import measure
from assay.running.items import Item, plan
from assay.settings import Settings
from assay_reports import query
from assay_spec import load_corpus

FILTER = "op:torch.clamp op:torch.sum op:torch.matmul op:torch.sort op:torch.nn.Linear op:torch.nn.ReLU dtype:float32"


def seconds(items: list[Item], candidate: Backend, oracle: Backend) -> tuple[int, float]:
    """Measure all items; return how many cases that were, and how long it took."""
    bench, cases, started = Bench(candidate, oracle), 0, time.perf_counter()
    for item in items:
        cases += measure(item, bench, effort="standard", seed=0)[0].cases
    return cases, time.perf_counter() - started


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("backends", nargs="*", metavar="BACKEND", default=["torch", "numpy"])
    parser.add_argument("--filter", default=FILTER)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    items = plan(load_corpus(), query=query.parse(options.filter))
    oracle, rows = open_backend("torch"), []
    for name in options.backends:
        for cores in (1, 2):
            os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0) | {0, 1})[:cores]))
            ratios, rates = [], []
            with closing(open_candidate(Settings(name))) as apart, closing(open_backend(name)) as within:
                for candidate in (apart, within):
                    seconds(items[:3], candidate, oracle)  # what is done once
                for _ in range(options.rounds):
                    cases, there = seconds(items, apart, oracle)
                    _, here = seconds(items, within, oracle)
                    ratios.append(there / here)
                    rates.append(cases / there)
            rows.append((name, cores, f"{cases:,}", f"{statistics.median(rates):,.0f}",
                         f"×{statistics.median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}"))  # fmt: skip
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
    print(tabulate(rows, headers=["backend", "cores", "cases", "cases a second", "over in-process", "of the rounds"]))


if __name__ == "__main__":
    main()
