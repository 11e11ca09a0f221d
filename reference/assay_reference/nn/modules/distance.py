"""Distances and similarities of vectors."""

from __future__ import annotations

from typing import Any

from assay_reference.nn import functional as F
from assay_reference.nn.modules.functional import Functional


class PairwiseDistance(Functional, function=F.pairwise_distance):
    """The p-norms of the differences of vectors."""

    inputs = ("x1", "x2")
    shown = ()

    def _keep(self, **options: Any) -> None:
        super()._keep(norm=options.pop("p"), **options)

    def forward(self, x1: Any, x2: Any) -> Any:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Functional, function=F.cosine_similarity):
    """The cosines of the angles between vectors."""

    inputs = ("x1", "x2")
    shown = ()
