"""The graph that a call records, against real PyTorch's: the name of each step, and what it leads to."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import assay_reference

torch = pytest.importorskip("torch")

CALLS = (Path(__file__).parent / "calls" / "graphs.txt").read_text().splitlines()


def written(tensor: Any, write: Callable[[Any], Any]) -> Any:
    write(tensor)
    return tensor


def graph(node: Any) -> Any:
    """Return the name of a step with the graphs that it leads to, all the way to the leaves."""
    return None if node is None else (type(node).__name__, *(graph(each) for each, _ in node.next_functions))


def graphs(library: Any, call: str) -> Any:
    """Return the graph of each result of a call."""
    x, y = (
        library.tensor(data, dtype=library.float64, requires_grad=True)
        for data in ([[0.4, 0.2], [0.3, 0.7]], [[0.5, 0.3], [0.6, 0.1]])
    )
    names = {"torch": library, "T": library.tensor, "x": x, "y": y, "inf": float("inf"), "written": written}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = eval(call, names)
    results = result if isinstance(result, (tuple, list)) else [result]
    return [graph(each.grad_fn) for each in results if isinstance(each, library.Tensor)]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_records_the_graph_that_pytorch_records(call: str) -> None:
    assert graphs(assay_reference, call) == graphs(torch, call)
