"""torch.utils with the forms of the documented edition."""

from assay_reference.documented.utils import data

__all__ = ["data"]
