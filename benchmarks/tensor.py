"""How fast the reference's tensor functions are: the cost of a small call, and of large arrays.

    python benchmarks/tensor.py [--runs N]

Small calls (8 elements) have PyTorch and bare NumPy as peers: forward, recorded and with a backward pass. Large ones
(4 million elements, one of each family) with the NumPy expression that a person would write. Each figure is a
median of runs that alternate with the peers in the same process, on one thread each.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np
from tabulate import tabulate
from timing import Act, medians

CALLS: Final = 200  # of a small function in one timing
LARGE: Final = (2000, 2000)


def repeated(act: Act) -> Act:
    """Return an action of many calls of one function."""

    def act_often() -> None:
        for _ in range(CALLS):
            act()

    return act_often


def small(module: str) -> dict[str, Act]:
    """Make the small calls on a library that looks like PyTorch."""
    torch: Any = importlib.import_module(module)
    if module == "torch":
        torch.set_num_threads(1)
    x, y = torch.arange(1.0, 9.0), torch.full((8,), 0.5)
    a, b = x.clone().requires_grad_(), y.clone().requires_grad_()
    one = torch.ones(8)
    forward: dict[str, Callable[[Any, Any], Any]] = {
        "x + y": lambda x, y: x + y,
        "x * 2": lambda x, y: x * 2,
        "exp(x)": lambda x, y: torch.exp(x),
        "x.sum()": lambda x, y: x.sum(),
        "x[2:5]": lambda x, y: x[2:5],
        "x.view(2, 4)": lambda x, y: x.view(2, 4),
        "cat([x, y])": lambda x, y: torch.cat([x, y]),
        "dot(x, y)": lambda x, y: torch.dot(x, y),
    }
    calls: dict[str, Act] = {name: partial(act, x, y) for name, act in forward.items()}
    calls["x + y, recorded"] = lambda: a + b
    calls["exp(x), recorded"] = lambda: torch.exp(a)
    calls["(x + y).backward(one)"] = lambda: (a + b).backward(one)
    calls["(x * y).backward(one)"] = lambda: (a * b).backward(one)
    calls["exp(x).sum().backward()"] = lambda: torch.exp(a).sum().backward()
    return {name: repeated(act) for name, act in calls.items()}


def small_numpy() -> dict[str, Act]:
    """Make the same calls in bare NumPy, which records nothing."""
    x, y = np.arange(1, 9, dtype=np.float32), np.full(8, 0.5, np.float32)
    calls: dict[str, Act] = {
        "x + y": lambda: x + y,
        "x * 2": lambda: x * 2,
        "exp(x)": lambda: np.exp(x),
        "x.sum()": lambda: x.sum(),
        "x[2:5]": lambda: x[2:5],
        "x.view(2, 4)": lambda: x.reshape(2, 4),
        "cat([x, y])": lambda: np.concatenate([x, y]),
        "dot(x, y)": lambda: np.dot(x, y),
    }
    return {name: repeated(act) for name, act in calls.items()}


def large() -> dict[str, tuple[Act, Act]]:
    """Pair a call of the reference with the NumPy expression for it, a family each."""
    import assay_reference as torch

    source = np.random.default_rng(0)
    first, second = (source.standard_normal(LARGE).astype(np.float32) for _ in range(2))
    counts = source.integers(0, LARGE[0], LARGE[0])
    x, y, at, mask = torch.from_numpy(first), torch.from_numpy(second), torch.from_numpy(counts), first > 0
    chosen = torch.from_numpy(mask)
    near, left = first[:500, :500].copy(), second[:500, :500].copy()
    a, b = torch.from_numpy(near), torch.from_numpy(left)
    return {
        "creation: zeros": (lambda: torch.zeros(LARGE), lambda: np.zeros(LARGE, np.float32)),
        "creation: arange": (lambda: torch.arange(4_000_000), lambda: np.arange(4_000_000)),
        "pointwise: x + y": (lambda: x + y, lambda: first + second),
        "pointwise: exp": (lambda: torch.exp(x), lambda: np.exp(first)),
        "pointwise: sin": (lambda: torch.sin(x), lambda: np.sin(first)),
        "pointwise: clamp": (lambda: x.clamp(-1, 1), lambda: np.clip(first, -1, 1)),
        "pointwise: where": (lambda: torch.where(chosen, x, y), lambda: np.where(mask, first, second)),
        "comparison: x < y": (lambda: x < y, lambda: first < second),
        "comparison: sort": (lambda: x.sort(dim=1), lambda: (np.sort(first, 1), np.argsort(first, 1, kind="stable"))),
        "reduction: sum": (lambda: x.sum(), lambda: first.sum()),
        "reduction: mean along rows": (lambda: x.mean(1), lambda: first.mean(1)),
        "reduction: var": (lambda: x.var(), lambda: first.var(ddof=1)),
        "reduction: max along rows": (lambda: x.max(1), lambda: (first.max(1), first.argmax(1))),
        "reduction: cumsum": (lambda: x.cumsum(0), lambda: first.cumsum(0)),
        "shape: cat": (lambda: torch.cat([x, y]), lambda: np.concatenate([first, second])),
        "shape: t().contiguous()": (lambda: x.t().contiguous(), lambda: np.ascontiguousarray(first.T)),
        "indexing: rows": (lambda: x[at], lambda: first[counts]),
        "indexing: mask": (lambda: x[chosen], lambda: first[mask]),
        "linalg: 500×500 mm": (lambda: a @ b, lambda: near @ left),
        "linalg: 500×500 inverse": (lambda: a.inverse(), lambda: np.linalg.inv(near)),
        "random: rand": (lambda: torch.rand(LARGE), lambda: np.random.random(LARGE).astype(np.float32)),
    }


def overheads(runs: int) -> list[dict[str, str]]:
    """Measure the small calls: microseconds a call, and times the peers'."""
    tables = {module: small(module) for module in ("assay_reference", "torch") if find_spec(module)}
    tables["numpy"] = small_numpy()
    rows = []
    for name in tables["assay_reference"]:
        took = medians({module: table[name] for module, table in tables.items() if name in table}, runs)
        each = {module: 1000 * total / CALLS for module, total in took.items()}
        ours = each["assay_reference"]
        row = {"8 elements": name, "reference": f"{ours:.2f} µs"}
        for peer, title in (("torch", "PyTorch"), ("numpy", "NumPy")):
            row[title] = f"{each[peer]:.2f} µs, ×{ours / each[peer]:.1f}" if peer in each else "–"
        rows.append(row)
    return rows


def throughputs(runs: int) -> list[dict[str, str]]:
    """Measure the large calls: milliseconds, and times NumPy's."""
    rows = []
    for name, (ours, theirs) in large().items():
        took = medians({"reference": ours, "NumPy": theirs}, runs)
        ratio = took["reference"] / took["NumPy"]
        rows.append(
            {
                "4 million elements": name,
                "reference": f"{took['reference']:.2f} ms",
                "NumPy": f"{took['NumPy']:.2f} ms",
                "×": f"{ratio:.2f}",
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    print(f"{platform.platform()}, Python {platform.python_version()}, NumPy {np.__version__}, one thread\n")
    print(tabulate(overheads(runs), headers="keys", tablefmt="github"), "\n")
    print(tabulate(throughputs(runs), headers="keys", tablefmt="github"))


if __name__ == "__main__":
    main()
