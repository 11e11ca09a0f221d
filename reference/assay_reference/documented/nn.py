"""torch.nn with the forms of the documented edition."""

from __future__ import annotations

from typing import Any

from assay_reference import nn as current


class KLDivLoss(current.KLDivLoss):
    """How far log-probabilities are from the target's probabilities; a weight may be given, if it is none."""

    def __init__(self, weight: None = None, *args: Any, **options: Any) -> None:
        if weight is not None:
            raise TypeError("KLDivLoss has no weight")
        super().__init__(*args, **options)


def __getattr__(name: str) -> Any:
    return getattr(current, name)
