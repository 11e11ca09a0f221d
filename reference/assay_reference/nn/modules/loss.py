"""Losses."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from assay_reference.nn import functional as F
from assay_reference.nn.functional.loss import legacy
from assay_reference.nn.modules.functional import Functional


class _Loss(Functional):
    """What losses share: how they sum up, and weights that move with the module."""

    inputs: ClassVar[tuple[str, ...]] = ("input", "target")
    shown = ()

    def _keep(self, size_average: bool | None = None, reduce: bool | None = None, **options: Any) -> None:
        for name in ("weight", "pos_weight"):
            if name in options:
                self.register_buffer(name, options.pop(name))
        super()._keep(**{**options, "reduction": legacy(size_average, reduce, options["reduction"], stacklevel=4)})


class L1Loss(_Loss, function=F.l1_loss):
    """The distance to the target."""

    options = ("size_average", "reduce", "reduction")


class MSELoss(_Loss, function=F.mse_loss):
    """The squared distance to the target."""

    options = ("size_average", "reduce", "reduction")


class SmoothL1Loss(_Loss, function=F.smooth_l1_loss):
    """The distance to the target, squared where it is small."""


class HuberLoss(_Loss, function=F.huber_loss):
    """The squared distance to the target, and a line where it is large."""

    options = ("reduction", "delta")


class NLLLoss(_Loss, function=F.nll_loss):
    """The negative log-probability of the target, of scores that are log-probabilities."""


class NLLLoss2d(NLLLoss, function=F.nll_loss):
    """A former name of NLLLoss."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement and see "
            "https://pytorch.org/docs/main/nn.html#torch.nn.NLLLoss for more details.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)


class CrossEntropyLoss(_Loss, function=F.cross_entropy):
    """The negative log-probability that the softmax of the scores gives to the target."""


class KLDivLoss(_Loss, function=F.kl_div):
    """How far log-probabilities are from the target's probabilities."""


class BCELoss(_Loss, function=F.binary_cross_entropy):
    """The negative log-probability of the target, of two classes."""


class BCEWithLogitsLoss(_Loss, function=F.binary_cross_entropy_with_logits):
    """The negative log-probability that the sigmoid of the scores gives to the target, of two classes."""


class HingeEmbeddingLoss(_Loss, function=F.hinge_embedding_loss):
    """A distance, or by how much it is below a margin."""


class SoftMarginLoss(_Loss, function=F.soft_margin_loss):
    """A logistic loss of scores for targets of 1 and -1."""


class MultiLabelMarginLoss(_Loss, function=F.multilabel_margin_loss):
    """By how much other classes come near to the scores of the labels."""


class MultiLabelSoftMarginLoss(_Loss, function=F.multilabel_soft_margin_loss):
    """The negative log-probability of each class to be a label or not."""


class MultiMarginLoss(_Loss, function=F.multi_margin_loss):
    """By how much other classes come near to the target's score."""

    def _keep(self, size_average: bool | None = None, reduce: bool | None = None, **options: Any) -> None:
        weight = options["weight"]
        super()._keep(size_average, reduce, **options)
        if self.p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.ndim != 1:
            raise ValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.ndim}D instead")


class LossOfPairs(_Loss):
    """A loss of two inputs, and of whether they belong together."""

    inputs = ("input1", "input2", "target")


class MarginRankingLoss(LossOfPairs, function=F.margin_ranking_loss):
    """By how much a score is not above another by a margin."""


class CosineEmbeddingLoss(LossOfPairs, function=F.cosine_embedding_loss):
    """How far two vectors are from one direction, or by how much they are near to it."""


class TripletMarginLoss(_Loss, function=F.triplet_margin_loss):
    """By how much an example is not nearer to one of its kind than to another."""

    inputs = ("anchor", "positive", "negative")

    def _keep(self, size_average: bool | None = None, reduce: bool | None = None, **options: Any) -> None:
        super()._keep(size_average, reduce, **options)
        if self.margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {self.margin} instead")


class PoissonNLLLoss(_Loss, function=F.poisson_nll_loss):
    """The negative log-probability of counts."""


class GaussianNLLLoss(_Loss, function=F.gaussian_nll_loss):
    """The negative log-probability of normal distributions."""

    inputs = ("input", "target", "var")
    options = ("full", "eps", "reduction")
