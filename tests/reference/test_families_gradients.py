"""Gradients of shapes, indexing, joining, reductions, order and linear algebra against finite differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import assay_reference as torch

LINES = (Path(__file__).parent / "calls" / "gradients.txt").read_text().splitlines()
STEP = 1e-6


def weighted_sum(call: str, x: Any) -> Any:
    y = eval(call, {"torch": torch, "T": torch.tensor, "x": x, "inf": float("inf"), "nan": float("nan")})
    weights = (torch.arange(y.numel()) + 1).to(y.dtype).reshape(y.shape)
    return (weights * y).sum()


@pytest.mark.parametrize("line", LINES)
def test_a_gradient_is_the_slope(line: str) -> None:
    data, call = line.split(" :: ")
    point = np.array(eval(data, {"inf": np.inf}), np.float64)
    x = torch.tensor(point, requires_grad=True)
    (gradient,) = torch.autograd.grad(weighted_sum(call, x), x)

    slopes = np.zeros_like(point)
    for index in np.ndindex(point.shape):
        step = np.zeros_like(point)
        step[index] = STEP
        up, down = (weighted_sum(call, torch.tensor(point + side * step)).item() for side in (1, -1))
        slopes[index] = (up - down) / (2 * STEP)

    np.testing.assert_allclose(gradient.numpy(), slopes, rtol=1e-5, atol=1e-5)
