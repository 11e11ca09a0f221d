"""How quick the reference is: convolution, pooling, LSTM and matrix product, forward and backward.

    python benchmarks/reference.py [--runs N]

Each figure is the median of several runs, alternating with the peers in the same process: PyTorch (its own threads),
and for the forward pass of convolution and pooling the ONNX reference evaluator. Peers that are not installed are left
out.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from tabulate import tabulate

import assay_reference

Act = Callable[[], object]


def medians(acts: dict[str, Act], runs: int) -> dict[str, float]:
    """Time actions in turn; give the median milliseconds of each."""
    times: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(runs):
        for name, act in acts.items():
            started = time.perf_counter()
            act()
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(each) for name, each in times.items()}


def peak(act: Act) -> float:
    """Give the most memory, in MiB, that an action holds beyond what was there."""
    tracemalloc.start()
    act()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 2**20


def workloads(torch: Any) -> dict[str, Act]:
    """Make the forward and backward passes, on one library."""
    torch.manual_seed(0)
    image = torch.rand(8, 16, 64, 64, requires_grad=True)
    steps = torch.rand(50, 16, 64, requires_grad=True)
    left, right = torch.rand(512, 512, requires_grad=True), torch.rand(512, 512, requires_grad=True)
    convolution, pool, lstm = torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.MaxPool2d(2), torch.nn.LSTM(64, 128)
    passes = {
        "Conv2d(16, 32, 3) on 8×16×64×64": lambda: convolution(image),
        "MaxPool2d(2) on 8×16×64×64": lambda: pool(image),
        "LSTM(64, 128) on 50×16×64": lambda: lstm(steps)[0],
        "matmul 512×512": lambda: left @ right,
    }
    both = {f"{name}, and backward": lambda act=act: act().sum().backward() for name, act in passes.items()}
    return {**passes, **both}


def onnx_workloads() -> dict[str, Act]:
    """Make the forward passes that the ONNX reference evaluator has."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    def evaluator(op: str, inputs: dict[str, Any], **attributes: Any) -> Act:
        node = helper.make_node(op, list(inputs), ["y"], **attributes)
        float32 = TensorProto.FLOAT
        described = [helper.make_tensor_value_info(name, float32, each.shape) for name, each in inputs.items()]
        result = helper.make_tensor_value_info("y", float32, None)
        session = ReferenceEvaluator(helper.make_model(helper.make_graph([node], "one", described, [result])))
        return lambda: session.run(None, inputs)

    source = np.random.default_rng(0)
    image = source.random((8, 16, 64, 64), dtype=np.float32)
    weight = source.random((32, 16, 3, 3), dtype=np.float32)
    return {
        "Conv2d(16, 32, 3) on 8×16×64×64": evaluator("Conv", {"x": image, "w": weight}, pads=[1, 1, 1, 1]),
        "MaxPool2d(2) on 8×16×64×64": evaluator("MaxPool", {"x": image}, kernel_shape=[2, 2], strides=[2, 2]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    ours = workloads(assay_reference)
    peers: dict[str, dict[str, Act]] = {}
    if find_spec("torch"):
        import torch

        peers["PyTorch"] = workloads(torch)
    if find_spec("onnx"):
        peers["ONNX evaluator"] = onnx_workloads()
    rows = []
    for name, act in ours.items():
        acts = {"reference": act, **{peer: table[name] for peer, table in peers.items() if name in table}}
        took = medians(acts, runs if "ONNX evaluator" not in acts else 3)
        row = {"pass": name, "reference": f"{took['reference']:.1f} ms", "peak": f"{peak(act):.0f} MiB"}
        for peer in peers:
            row[peer] = f"{took[peer]:.1f} ms, ×{took['reference'] / took[peer]:.2g}" if peer in took else "–"
        rows.append(row)
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}")
    print(tabulate(rows, headers="keys", tablefmt="github"))


if __name__ == "__main__":
    main()
