"""Dropout."""

from __future__ import annotations

from typing import Any

from assay_reference.nn import functional as F
from assay_reference.nn.functional.dropout import check_probability
from assay_reference.nn.modules.functional import Functional


class Dropout(Functional, function=F.dropout):
    """Elements zeroed at random in training."""

    shown = ("p", "inplace")

    def _keep(self, **options: Any) -> None:
        check_probability(options["p"])
        super()._keep(**options)
