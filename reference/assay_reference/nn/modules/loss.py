"""Losses."""

from __future__ import annotations

from typing import Any

from assay_reference.nn import functional as F
from assay_reference.nn.functional.loss import legacy
from assay_reference.nn.modules.functional import Functional


class Loss(Functional):
    """What losses share: how they sum up, and weights that move with the module."""

    inputs = ("input", "target")
    shown = ()

    def _keep(self, size_average: bool | None = None, reduce: bool | None = None, **options: Any) -> None:
        if "weight" in options:
            self.register_buffer("weight", options.pop("weight"))
        super()._keep(**{**options, "reduction": legacy(size_average, reduce, options["reduction"], stacklevel=4)})


class MSELoss(Loss, function=F.mse_loss):
    """The squared distance to the target."""

    options = ("size_average", "reduce", "reduction")


class NLLLoss(Loss, function=F.nll_loss):
    """The negative log-probability of the target, of scores that are log-probabilities."""


class CrossEntropyLoss(Loss, function=F.cross_entropy):
    """The negative log-probability that the softmax of the scores gives to the target."""
