"""Modules and their bases lie where programs look for them: `isinstance(layer, nn.modules.batchnorm._BatchNorm)`."""

from __future__ import annotations

import pytest

import assay_reference as reference
from assay_reference import nn


@pytest.mark.parametrize(
    ("layer", "base"),
    [
        (nn.BatchNorm2d(3), "batchnorm._BatchNorm"),
        (nn.BatchNorm2d(3), "batchnorm._NormBase"),
        (nn.InstanceNorm1d(3), "instancenorm._InstanceNorm"),
        (nn.LayerNorm(3), "normalization.LayerNorm"),
        (nn.Conv2d(1, 1, 1), "conv._ConvNd"),
        (nn.ConvTranspose1d(1, 1, 1), "conv._ConvTransposeNd"),
        (nn.LSTM(1, 1), "rnn.RNNBase"),
        (nn.GRUCell(1, 1), "rnn.RNNCellBase"),
        (nn.MSELoss(), "loss._Loss"),
        (nn.Fold((2, 2), 1), "fold.Fold"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_a_layer_is_of_the_class_that_programs_ask_for(layer: nn.Module, base: str) -> None:
    module, _, name = base.partition(".")

    assert isinstance(layer, getattr(getattr(reference.nn.modules, module), name))


def test_pytorch_has_them_there() -> None:
    torch = pytest.importorskip("torch")

    for module, name in (("batchnorm", "_BatchNorm"), ("conv", "_ConvNd"), ("rnn", "RNNBase"), ("loss", "_Loss")):
        assert hasattr(getattr(torch.nn.modules, module), name)
