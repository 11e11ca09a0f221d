"""The false alarms of the suite: on honest backends, which differ only where PyTorch's own builds do.

    python benchmarks/false_alarms.py [--runs N] [--first-seed S] [--effort deep] [--filter QUERY] [--jobs N] [NAME…]

Each honest backend runs the suite several times with seeds of its own, judged by PyTorch; every item that does not
pass is a false alarm. What rounding cannot touch (integers, shapes, dtypes, strides, errors) is left out.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from assay.backends.namespace import NamespaceBackend
from assay.backends.reference import ReferenceBackend
from assay.cases.case import Case
from assay.cases.outcome import Outcome
from assay_reports.results import read_results
from assay_spec import load_corpus


def one_after_the_other(array: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, **rest: Any) -> Any:
    """Add up as a plain loop does: each term to the sum so far, rounded every time."""
    host = np.asarray(array, dtype=dtype)
    if rest or host.dtype.kind not in "fc":
        return np.add.reduce(host, axis=axis, dtype=dtype, keepdims=keepdims, **rest)
    axes = tuple(range(host.ndim)) if axis is None else tuple(np.atleast_1d(axis) % max(host.ndim, 1))
    kept = [each for each in range(host.ndim) if each not in axes]
    outer = [host.shape[each] for each in kept]
    row = host.transpose([*kept, *axes]).reshape(*outer, math.prod(host.shape[each] for each in axes))
    total = np.add.accumulate(row, axis=-1)[..., -1] if row.shape[-1] else np.zeros(row.shape[:-1], row.dtype)
    return np.expand_dims(total, axes) if keepdims else total


def product(left: Any, right: Any, *, fused: bool) -> Any:
    """Multiply matrices one term after the other; a fused step rounds once, an unfused one twice."""
    own = np.result_type(left, right)
    if own.kind not in "fc":
        return np.matmul(left, right)
    a, b = np.atleast_2d(left), right[:, None] if right.ndim == 1 else right
    wide = np.result_type(own, np.float64)
    shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
    total = np.zeros(shape, own)
    for index in range(a.shape[-1]):
        column, row = a[..., :, index, None], b[..., index, None, :]
        if fused:
            total = (column.astype(wide) * row.astype(wide) + total).astype(own)
        else:
            total = total + (column * row).astype(own)
    total = total[..., 0] if right.ndim == 1 else total
    return total[..., 0, :] if left.ndim == 1 and right.ndim > 1 else total[..., 0] if left.ndim == 1 else total


class InOrder(ReferenceBackend):
    """The reference, adding up and multiplying matrices in another order: its CUDA path on a stand-in that does so."""

    fused = False

    def __init__(self) -> None:
        os.environ["ASSAY_REFERENCE_CUDA"] = "stand-in"
        super().__init__(device="cuda")
        from assay_reference.core import strict_cupy

        self._stand_in = strict_cupy
        plain = strict_cupy._on_device

        def in_order(function: Any, *args: Any, **kwargs: Any) -> Any:
            return plain(self._other(function), *args, **kwargs)

        strict_cupy._on_device = in_order
        for name in ("__matmul__", "__rmatmul__", "__imatmul__"):
            setattr(strict_cupy.ndarray, name, self._matmul(name))

    def _other(self, function: Any) -> Any:
        owner = getattr(function, "__self__", None)
        if getattr(function, "__name__", "") == "sum" and isinstance(owner, np.ndarray):
            return named("sum", lambda *args, **kwargs: one_after_the_other(owner, *args, **kwargs))
        if function is np.sum:
            return named("sum", one_after_the_other)
        if function is np.matmul:
            return named("matmul", lambda *args, **kwargs: self._product(*args, **kwargs))
        return function

    def _product(self, left: Any, right: Any, out: Any = None) -> Any:
        result = product(left, right, fused=self.fused)
        if out is None:
            return result
        out[...] = result
        return out

    def _matmul(self, name: str) -> Any:
        def operator(array: Any, other: Any) -> Any:
            pair = (other, array) if name == "__rmatmul__" else (array, other)
            return self._stand_in._on_device(np.matmul, *pair)

        return operator


class Unfused(InOrder):
    """Products rounded before they are added."""


class Fused(InOrder):
    """Products added before they are rounded."""

    fused = True


def named(name: str, function: Any) -> Any:
    function.__name__ = name
    return function


class Torch(NamespaceBackend):
    """PyTorch on a number of threads."""

    threads = 1

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(self.threads)
        super().__init__(torch, name=type(self).__name__)


class OneThread(Torch):
    """PyTorch on one thread."""


class TwoThreads(Torch):
    """PyTorch on two threads."""

    threads = 2


class Flushing(Torch):
    """PyTorch with subnormals flushed, in the ops whose budgets allow it."""

    def perform(self, case: Case) -> Outcome:
        with self._flushing(may_flush(case.op)):
            return super().perform(case)

    @contextmanager
    def _flushing(self, on: bool) -> Iterator[None]:
        self.torch.set_flush_denormal(on)
        try:
            yield
        finally:
            self.torch.set_flush_denormal(False)


def may_flush(op: str) -> bool:
    """Return whether every result of an op is a composition."""
    known = load_corpus().ops.get(op)  # the suite's own ops are not in the corpus
    budgets = [each.kind for overload in known.overloads for each in overload.judge.values()] if known else []
    return bool(budgets) and set(budgets) <= {"accumulation", "conditioned"}


ROUNDED = (
    "-dtype:int* -dtype:uint8 -dtype:bool "
    "-facet:shape -facet:dtype -facet:signature -facet:defaults -facet:errors -facet:aliasing "
    "-facet:strides -facet:saved"
)
HONEST = (Unfused, Fused, OneThread, TwoThreads, Flushing)


def run(name: str, seed: int, options: argparse.Namespace, folder: Path) -> tuple[int, int, list[str]]:
    """Run the suite once; return how many items and cases it judged, and the messages of those that do not pass."""
    words = ["run", "-b", f"{Path(__file__).resolve()}:{name}", "--oracle", "torch", "--effort", options.effort,
             "--seed", str(seed), "--no-report", "--quiet", "-o", str(folder), "-j", options.jobs]  # fmt: skip
    if options.filter:
        words += ["--filter", options.filter]
    subprocess.run([sys.executable, "-m", "assay.cli", *words], check=False, capture_output=True)
    (file,) = folder.glob("*.jsonl")
    found = read_results(file)
    said = [
        f"{each.id} {each.code} {each.message}"
        for each in found.results
        if each.outcome not in ("pass", "self", "unsupported")
    ]
    return len(found.results), sum(each.cases for each in found.results), said


def main() -> None:
    """Measure, and print a table and every false alarm."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(each.__name__ for each in HONEST))
    parser.add_argument("--runs", type=int, default=4, help="for each backend  [4]")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--effort", default="deep")
    parser.add_argument("--filter", default=ROUNDED)
    parser.add_argument("--jobs", default="auto")
    options = parser.parse_args()
    rows, seeds = [], count(options.first_seed)
    for name in options.names or [each.__name__ for each in HONEST]:
        items = cases = 0
        alarms: list[str] = []
        started = time.perf_counter()
        for seed in islice(seeds, options.runs):
            with tempfile.TemporaryDirectory() as folder:
                judged, asked, said = run(name, seed, options, Path(folder))
            items, cases = items + judged, cases + asked
            alarms += [f"seed {seed}: {each}" for each in said]
            print(f"{name}, seed {seed}: {asked:,} cases, {len(said)} false alarms", *said[:20], sep="\n  ", flush=True)
        rows.append(
            (name, options.runs, f"{items:,}", f"{cases:,}", len(alarms), f"{time.perf_counter() - started:.0f} s")
        )
    print(tabulate(rows, headers=["backend", "runs", "items", "cases", "false alarms", "time"]))


if __name__ == "__main__":
    main()
