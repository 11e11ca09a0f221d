"""Dropout."""

from __future__ import annotations

from typing import Any

from assay_reference.nn import functional as F
from assay_reference.nn.functional.dropout import check_probability
from assay_reference.nn.modules.functional import Functional


class Dropping(Functional):
    """What kinds of dropout share."""

    shown = ("p", "inplace")

    def _keep(self, **options: Any) -> None:
        check_probability(options["p"])
        super()._keep(**options)


class Dropout(Dropping, function=F.dropout):
    """Elements zeroed at random in training."""


class Dropout1d(Dropping, function=F.dropout1d):
    """Channels of sequences zeroed at random in training."""


class Dropout2d(Dropping, function=F.dropout2d):
    """Channels of images zeroed at random in training."""


class Dropout3d(Dropping, function=F.dropout3d):
    """Channels of volumes zeroed at random in training."""


class AlphaDropout(Dropping, function=F.alpha_dropout):
    """Elements set to where SELU saturates at random in training."""


class FeatureAlphaDropout(Dropping, function=F.feature_alpha_dropout):
    """Channels set to where SELU saturates at random in training."""
