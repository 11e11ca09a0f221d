"""How fast the reference is: layers forward and backward, and training steps of whole models.

    python benchmarks/reference.py [--runs N]

Each figure is the median of several runs, alternating with the peers in the same process: PyTorch (its own threads),
and for the forward pass of convolution and pooling the ONNX reference evaluator. Peers that are not installed are left
out.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from tabulate import tabulate
from timing import Act, medians

STATUS: Final = Path("/proc/self/status")  # where Linux shows a process's memory
PEERS: Final = {"PyTorch": "torch", "ONNX evaluator": "onnx"}


def resident(what: str) -> float:
    """Return the memory of this process now (VmRSS), or at its peak (VmHWM), in MiB."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text(encoding="utf-8").splitlines())
    return int(lines[what].split()[0]) / 1024


def peak_here(module: str, name: str) -> float:
    """Run a pass twice; return the peak memory, in MiB, that the second adds."""
    act = TABLES[module]()[name]
    act()
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # reset the peak
    before = resident("VmRSS")
    act()
    return resident("VmHWM") - before


def peak(module: str, name: str) -> float | None:
    """Measure the memory of a pass in a process of its own; None if the system does not report it."""
    if not STATUS.exists():
        return None
    words = [sys.executable, __file__, "--peak", module, name]
    freed_at_once = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}  # so that no memory is kept for the next pass
    return float(subprocess.run(words, check=True, capture_output=True, text=True, env=freed_at_once).stdout)


def workloads(module: str) -> dict[str, Act]:
    """Make the forward and backward passes, on one library."""
    torch: Any = importlib.import_module(module)
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
    return {**passes, **both, **training(torch, vision(module))}


def vision(module: str) -> Any:
    """Return the torchvision that goes with a library; None if it is not installed."""
    if module != "torch":
        return importlib.import_module(f"{module}.torchvision")
    if not find_spec("torchvision"):
        return None
    torch = importlib.import_module(module)
    operators = torch.library.Library("torchvision", "DEF")  # a build without torchvision's own operators lacks these
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return importlib.import_module("torchvision")


def training(torch: Any, torchvision: Any) -> dict[str, Act]:
    """Make training steps of a small CNN, of an LSTM and of ResNet-18: forward, backward and the optimizer's step."""
    nn = torch.nn

    class Reader(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 10)

        def forward(self, steps: Any) -> Any:
            return self.head(self.lstm(steps)[0][:, -1])

    def layer(inputs: int, outputs: int) -> list[Any]:
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]

    cnn = nn.Sequential(*layer(1, 16), *layer(16, 32), nn.Flatten(), nn.Linear(32 * 7 * 7, 10))
    steps = {
        "training step, CNN on 64×1×28×28": training_step(torch, cnn, torch.rand(64, 1, 28, 28)),
        "training step, LSTM(64, 128) on 32×50×64": training_step(torch, Reader(), torch.rand(32, 50, 64)),
    }
    if torchvision is not None:
        resnet = torchvision.models.resnet18(num_classes=10)
        steps["training step, ResNet-18 on 16×3×32×32"] = training_step(torch, resnet, torch.rand(16, 3, 32, 32))
    return steps


def training_step(torch: Any, model: Any, batch: Any) -> Act:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    target = torch.arange(len(batch)) % 10

    def act() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(batch), target).backward()
        optimizer.step()

    return act


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


TABLES: Final[dict[str, Callable[[], dict[str, Act]]]] = {
    "assay_reference": lambda: workloads("assay_reference"),
    "torch": lambda: workloads("torch"),
    "onnx": onnx_workloads,
}


def row(name: str, tables: dict[str, dict[str, Act]], runs: int) -> dict[str, str]:
    """Measure a pass, and show it beside its peers."""
    acts = {module: table[name] for module, table in tables.items() if name in table}
    took = medians(acts, runs if "onnx" not in acts else min(runs, 3))
    peaks = {module: peak(module, name) for module in acts}
    ours, most = took["assay_reference"], peaks["assay_reference"]
    cells = {"pass": name, "reference": f"{ours:.1f} ms", "peak": "?" if most is None else f"{most:.0f} MiB"}
    for peer, module in PEERS.items():
        if module not in acts:
            cells[peer] = "absent" if module not in tables else "–"
            continue
        cells[peer] = f"{took[module]:.1f} ms, ×{ours / took[module]:.2g}"
        theirs = peaks[module]
        cells[f"{peer}, peak"] = "?" if theirs is None else f"{theirs:.0f} MiB"
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--peak", nargs=2, metavar=("MODULE", "PASS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.peak:
        print(peak_here(*chosen.peak))
        return
    tables = {module: make() for module, make in TABLES.items() if find_spec(module)}
    rows = [row(name, tables, chosen.runs) for name in tables["assay_reference"]]
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}")
    print(tabulate(rows, headers="keys", tablefmt="github", missingval="–"))


if __name__ == "__main__":
    main()
