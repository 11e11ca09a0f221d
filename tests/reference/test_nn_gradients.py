"""Gradients of torch.nn against finite differences, in every operand, and the gradients of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import assay_reference as torch
from assay_reference.nn import functional as F
from assay_reference.nn.functional.recurrent import Weights, recurrent_layer

TARGET = [2, 0, 1]


def sequence(mode: str) -> Callable[..., Any]:
    def run(input: Any, ih: Any, hh: Any, b_ih: Any, b_hh: Any, *state: Any) -> Any:
        output, last = recurrent_layer(mode, input, state, Weights(ih, hh, b_ih, b_hh))
        return torch.cat([output.flatten(), last[-1].flatten()])

    return run


CASES: dict[str, tuple[Callable[..., Any], list[tuple[int, ...]]]] = {
    "linear": (F.linear, [(3, 4), (2, 4), (2,)]),
    "conv1d": (lambda *x: F.conv1d(*x, stride=2, padding=1), [(2, 2, 5), (3, 2, 2), (3,)]),
    "conv2d": (lambda *x: F.conv2d(*x, dilation=(1, 2), groups=2), [(2, 2, 3, 4), (4, 1, 2, 2), (4,)]),
    "conv3d": (F.conv3d, [(1, 1, 2, 3, 2), (2, 1, 2, 2, 1), (2,)]),
    "same": (lambda *x: F.conv1d(*x, padding="same"), [(1, 2, 4), (1, 2, 2)]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2, stride=1, padding=1) ** 2, [(1, 3, 4)]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2, padding=1, count_include_pad=False) ** 2, [(1, 3, 4)]),
    "pad": (lambda x: F.pad(F.pad(x, (1, 0)), (1, 2), "reflect") ** 2, [(2, 3)]),
    "batch_norm": (lambda x, *wb: F.batch_norm(x, None, None, *wb, training=True), [(4, 2), (2,), (2,)]),
    "softmax": (lambda x: F.softmax(x, 1), [(2, 3)]),
    "log_softmax": (lambda x: F.log_softmax(x, 0), [(2, 3)]),
    "cross_entropy": (lambda x: F.cross_entropy(x, torch.tensor(TARGET), label_smoothing=0.25), [(3, 4)]),
    "mse_loss": (F.mse_loss, [(2, 3), (2, 3)]),
    "smooth_l1_loss": (lambda *x: F.smooth_l1_loss(*x, beta=0.5), [(2, 3), (2, 3)]),
    "huber_loss": (lambda *x: F.huber_loss(*x, delta=0.5), [(2, 3), (2, 3)]),
    "binary_cross_entropy": (lambda *x: F.binary_cross_entropy(*(each.sigmoid() for each in x)), [(2, 3), (2, 3)]),
    "binary_cross_entropy_with_logits": (
        lambda *x: F.binary_cross_entropy_with_logits(*x, pos_weight=torch.tensor([0.5, 1.0, 2.0]).double()),
        [(2, 3), (2, 3)],
    ),
    "soft_margin_loss": (lambda x: F.soft_margin_loss(x, torch.tensor([[1, -1, 1]])), [(2, 3)]),
    "cosine_similarity": (F.cosine_similarity, [(2, 3), (2, 3)]),
    "embedding": (lambda x: F.embedding(torch.tensor([0, 2, 2]), x, padding_idx=0) ** 2, [(3, 2)]),
    "LSTM": (sequence("LSTM"), [(3, 2, 2), (12, 2), (12, 3), (12,), (12,), (2, 3), (2, 3)]),
    "GRU": (sequence("GRU"), [(3, 2, 2), (9, 2), (9, 3), (9,), (9,), (2, 3)]),
    "RNN": (sequence("RNN_TANH"), [(3, 2, 2), (3, 2), (3, 3), (3,), (3,), (2, 3)]),
}


def weighted(function: Callable[..., Any], operands: list[Any]) -> Any:
    """Return a sum of the results of a function, in which each element has another weight."""
    result = function(*operands).flatten()
    return (result * torch.arange(1.0, len(result) + 1, dtype=torch.float64)).sum()


def first(function: Callable[..., Any], operands: list[Any]) -> Any:
    """Return a sum of the gradients, in which each element has another weight."""
    grads = torch.autograd.grad(weighted(function, operands), operands, create_graph=True)
    return sum((each * torch.arange(1.0, each.numel() + 1).reshape(each.shape)).sum() for each in grads)


@pytest.mark.parametrize("of", [weighted, first])
@pytest.mark.parametrize("name", [name for name in CASES if name != "embedding"])
def test_a_derivative_is_the_slope_along_any_direction(name: str, of: Callable[..., Any]) -> None:
    function, shapes = CASES[name]
    source = np.random.default_rng(1)
    points = [source.standard_normal(shape) for shape in shapes]
    directions = [source.standard_normal(shape) for shape in shapes]

    def at(distance: float) -> list[Any]:
        moved = zip(points, directions, strict=True)
        return [torch.tensor(point + distance * way, requires_grad=True) for point, way in moved]

    leaves = at(0.0)
    grads = torch.autograd.grad(of(function, leaves), leaves, allow_unused=True)
    slope = sum((each.numpy() * way).sum() for each, way in zip(grads, directions, strict=True) if each is not None)
    ahead, behind = (of(function, at(distance)).item() for distance in (1e-6, -1e-6))

    assert slope == pytest.approx((ahead - behind) / 2e-6, rel=1e-5, abs=1e-6)


def test_the_gradient_of_a_table_is_the_slope_except_in_the_padding_row() -> None:
    table = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    function, _ = CASES["embedding"]
    function(table).sum().backward()

    assert table.grad.tolist() == [[0.0, 0.0], [0.0, 0.0], [20.0, 24.0]]
