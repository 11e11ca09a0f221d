"""torch.backends: what else there is to compute on."""

from __future__ import annotations

from assay_reference.backends import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]
