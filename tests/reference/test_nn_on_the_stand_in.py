"""Layers and their gradients on the strict stand-in for CuPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import assay_reference as torch
from assay_reference import nn

pytestmark = pytest.mark.usefixtures("stand_in")

SAMPLES = torch.tensor([[[0.5, 0.25], [0.0, 0.75]]] * 2)
LAYERS: dict[str, tuple[Callable[[], Any], list[tuple[int, ...]]]] = {
    "Linear": (lambda: nn.Linear(3, 2), [(5, 3)]),
    "Conv1d": (lambda: nn.Conv1d(2, 4, 2, padding="same", padding_mode="circular"), [(2, 2, 5)]),
    "Conv2d": (lambda: nn.Conv2d(2, 4, 3, padding=1, groups=2), [(2, 2, 5, 4)]),
    "Conv3d": (lambda: nn.Conv3d(1, 2, 2, stride=2), [(1, 1, 4, 3, 2)]),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(2, 3, 2, stride=2, padding=1, output_padding=1), [(2, 2, 5)]),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 2, 2, groups=2), [(1, 2, 4, 3, 2)]),
    "MaxPool2d": (lambda: nn.MaxPool2d(2, stride=1, padding=1), [(2, 2, 5, 4)]),
    "AvgPool2d": (lambda: nn.AvgPool2d(2, stride=1, padding=1), [(2, 2, 5, 4)]),
    "LPPool2d": (lambda: nn.LPPool2d(2, 2, stride=1), [(2, 2, 5, 4)]),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d((2, None, 3)), [(2, 2, 5, 3, 4)]),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d(3), [(2, 2, 5, 4)]),
    "FractionalMaxPool2d": (lambda: nn.FractionalMaxPool2d(2, 3, _random_samples=SAMPLES), [(2, 2, 5, 4)]),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), [(5, 3)]),
    "LayerNorm": (lambda: nn.LayerNorm((3, 2)), [(5, 3, 2)]),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), [(5, 4, 2)]),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(3, affine=True, track_running_stats=True), [(5, 3, 4)]),
    "RMSNorm": (lambda: nn.RMSNorm(3), [(5, 3)]),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(2), [(5, 3, 2)]),
    "LSTM": (lambda: nn.LSTM(3, 4, 2, bidirectional=True), [(5, 2, 3)]),
    "LSTM with a projection": (lambda: nn.LSTM(3, 4, proj_size=2), [(5, 2, 3)]),
    "GRU": (lambda: nn.GRU(3, 4), [(5, 2, 3)]),
    "RNN": (lambda: nn.RNN(3, 4), [(5, 2, 3)]),
    "Softmax": (lambda: nn.Softmax(1), [(5, 3)]),
    "CrossEntropyLoss": (lambda: nn.CrossEntropyLoss(weight=torch.ones(3), label_smoothing=0.1), [(5, 3), (5, 3)]),
    "MSELoss": (lambda: nn.MSELoss(), [(5, 3), (5, 3)]),
    "L1Loss": (lambda: nn.L1Loss(), [(5, 3), (5, 3)]),
    "SmoothL1Loss": (lambda: nn.SmoothL1Loss(beta=0.5), [(5, 3), (5, 3)]),
    "HuberLoss": (lambda: nn.HuberLoss(delta=0.5), [(5, 3), (5, 3)]),
    "KLDivLoss": (lambda: nn.KLDivLoss(reduction="batchmean"), [(5, 3), (5, 3)]),
    "BCELoss": (lambda: nn.BCELoss(torch.ones(3)), [(5, 3), (5, 3)]),
    "BCEWithLogitsLoss": (lambda: nn.BCEWithLogitsLoss(pos_weight=torch.ones(3)), [(5, 3), (5, 3)]),
    "MarginRankingLoss": (lambda: nn.MarginRankingLoss(0.5), [(5, 3), (5, 3), (5, 3)]),
    "MultiLabelSoftMarginLoss": (lambda: nn.MultiLabelSoftMarginLoss(torch.ones(3)), [(5, 3), (5, 3)]),
    "PairwiseDistance": (lambda: nn.PairwiseDistance(), [(5, 3), (5, 3)]),
    "CosineSimilarity": (lambda: nn.CosineSimilarity(), [(5, 3), (5, 3)]),
}


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
    assert {each.device for each in (result, *first, *second)} == {torch.zeros(0, device=device).device}
    return [each.detach().cpu().tolist() for each in (result, *first, *second)]


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])  # the current one, and another
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_makes_no_hidden_trip_to_the_cpu(name: str, device: str) -> None:
    assert derivatives(name, device) == derivatives(name, "cpu")


LABELLED = {
    "NLLLoss": (nn.NLLLoss(), [1, 0]),
    "MultiMarginLoss": (nn.MultiMarginLoss(2, weight=torch.ones(3, dtype=torch.float64)), [1, 0]),
    "MultiLabelMarginLoss": (nn.MultiLabelMarginLoss(), [[2, -1, 0], [0, 1, -1]]),
    "HingeEmbeddingLoss": (nn.HingeEmbeddingLoss(), [[1, -1, 1], [-1, 1, -1]]),
    "SoftMarginLoss": (nn.SoftMarginLoss(), [[1, -1, 1], [-1, 1, -1]]),
}


@pytest.mark.parametrize("name", LABELLED)
def test_a_loss_of_labels_makes_no_hidden_trip_to_the_cpu(name: str) -> None:
    loss, labels = LABELLED[name]
    results = []
    for device in ("cpu", "cuda"):
        scores = torch.tensor([[0.5, -1.0, 2.0], [1.5, 1.0, 0.0]], dtype=torch.float64, device=device).requires_grad_()
        value = loss.to(device)(scores, torch.tensor(labels, device=device))
        value.backward()
        assert {value.device.type, scores.grad.device.type} == {device}
        results.append([value.item(), scores.grad.cpu().tolist()])

    assert results[0] == results[1]


def test_a_table_is_looked_up_and_shortened_on_the_device() -> None:
    results = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        table = nn.Embedding(3, 2, padding_idx=1, scale_grad_by_freq=True, max_norm=0.5).to(device)
        table(torch.tensor([0, 1, 2, 2], device=device)).sum().backward()
        results.append([each.detach().cpu().tolist() for each in (table.weight, table.weight.grad)])

    assert results[0] == results[1]


def test_replicas_share_out_a_batch_and_add_up_their_gradients() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)).cuda()
    alone = [each.clone() for each in torch.autograd.grad(net(torch.ones(3, 2).cuda()).sum(), [*net.parameters()])]
    parallel = nn.DataParallel(net, device_ids=[0, 0])
    parallel(torch.ones(3, 2).cuda()).sum().backward()

    assert all(torch.allclose(each.grad, grad) for each, grad in zip(net.parameters(), alone, strict=True))


def test_scalars_are_gathered_to_a_vector_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="will instead unsqueeze and return a vector"):
        gathered = nn.parallel.gather([torch.tensor(1.0, device=f"cuda:{index}") for index in (0, 1)], 0)

    assert (gathered.get_device(), gathered.tolist()) == (0, [1.0, 1.0])


def test_without_gradients_replicas_are_apart_from_the_module() -> None:
    net = nn.Linear(1, 1).cuda()
    first, second = nn.parallel.replicate(net, [0, 0], detach=True)

    assert not first.weight.requires_grad
    assert first.weight.data_ptr() == net.weight.data_ptr() != second.weight.data_ptr()
    with pytest.warns(UserWarning, match="has no effect"):
        first.zero_grad()


def test_arguments_that_are_fewer_than_the_devices_make_fewer_calls() -> None:
    seen: list[Any] = []
    net = nn.Identity().cuda()
    net.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    nn.DataParallel(net, device_ids=[0, 0, 0])(torch.ones(2, 1))

    assert seen == [(1, 1), (1, 1)]
