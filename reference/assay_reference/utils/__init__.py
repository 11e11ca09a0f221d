"""torch.utils."""

from assay_reference.utils import data

__all__ = ["data"]
