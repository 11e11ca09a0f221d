"""Layers and their gradients on the strict stand-in for CuPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import assay_reference as torch
from assay_reference import nn
from assay_reference.core.arrays import cuda_namespace

SAMPLES = torch.tensor([[[0.5, 0.25], [0.0, 0.75]]] * 2)
LAYERS: dict[str, tuple[Callable[[], Any], list[tuple[int, ...]]]] = {
    "Linear": (lambda: nn.Linear(3, 2), [(5, 3)]),
    "Conv1d": (lambda: nn.Conv1d(2, 4, 2, padding="same", padding_mode="circular"), [(2, 2, 5)]),
    "Conv2d": (lambda: nn.Conv2d(2, 4, 3, padding=1, groups=2), [(2, 2, 5, 4)]),
    "Conv3d": (lambda: nn.Conv3d(1, 2, 2, stride=2), [(1, 1, 4, 3, 2)]),
    "MaxPool2d": (lambda: nn.MaxPool2d(2, stride=1, padding=1), [(2, 2, 5, 4)]),
    "AvgPool2d": (lambda: nn.AvgPool2d(2, stride=1, padding=1), [(2, 2, 5, 4)]),
    "LPPool2d": (lambda: nn.LPPool2d(2, 2, stride=1), [(2, 2, 5, 4)]),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d((2, None, 3)), [(2, 2, 5, 3, 4)]),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d(3), [(2, 2, 5, 4)]),
    "FractionalMaxPool2d": (lambda: nn.FractionalMaxPool2d(2, 3, _random_samples=SAMPLES), [(2, 2, 5, 4)]),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), [(5, 3)]),
    "LSTM": (lambda: nn.LSTM(3, 4, 2, bidirectional=True), [(5, 2, 3)]),
    "LSTM with a projection": (lambda: nn.LSTM(3, 4, proj_size=2), [(5, 2, 3)]),
    "GRU": (lambda: nn.GRU(3, 4), [(5, 2, 3)]),
    "RNN": (lambda: nn.RNN(3, 4), [(5, 2, 3)]),
    "Softmax": (lambda: nn.Softmax(1), [(5, 3)]),
    "CrossEntropyLoss": (lambda: nn.CrossEntropyLoss(weight=torch.ones(3), label_smoothing=0.1), [(5, 3), (5, 3)]),
    "MSELoss": (lambda: nn.MSELoss(), [(5, 3), (5, 3)]),
}


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ASSAY_REFERENCE_CUDA", "stand-in")
    cuda_namespace.cache_clear()
    yield
    cuda_namespace.cache_clear()


def derivatives(name: str, device: str) -> list[Any]:
    """Run a layer on a device; return its result, its gradients, and the gradients of theirs."""
    make, shapes = LAYERS[name]
    torch.manual_seed(0)
    layer = make().double()
    data = [torch.rand(*shape, dtype=torch.float64) for shape in shapes]
    layer = layer.to(device)
    inputs = [each.to(device).requires_grad_() for each in data]
    leaves = [*inputs, *layer.parameters()]
    result = layer(*inputs)
    result = result[0] if isinstance(result, tuple) else result
    first = torch.autograd.grad((result * result).sum(), leaves, create_graph=True)
    second = torch.autograd.grad(sum((each * each).sum() for each in first), leaves)
    assert {each.device.type for each in (result, *first, *second)} == {device}
    return [each.detach().cpu().tolist() for each in (result, *first, *second)]


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_makes_no_hidden_trip_to_the_cpu(name: str) -> None:
    assert derivatives(name, "cuda") == derivatives(name, "cpu")


def test_a_table_is_looked_up_and_shortened_on_the_device() -> None:
    results = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        table = nn.Embedding(3, 2, padding_idx=1, scale_grad_by_freq=True, max_norm=0.5).to(device)
        table(torch.tensor([0, 1, 2, 2], device=device)).sum().backward()
        results.append([each.detach().cpu().tolist() for each in (table.weight, table.weight.grad)])

    assert results[0] == results[1]
