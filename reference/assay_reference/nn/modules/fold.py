"""Windows of images as columns, and back."""

from __future__ import annotations

from assay_reference.nn import functional as F
from assay_reference.nn.modules.functional import Functional


class Unfold(Functional, function=F.unfold):
    """What lies under a kernel, at each place where it may be, as a column."""


class Fold(Functional, function=F.fold):
    """Images added up from columns, each of which is what lies under a kernel at one place."""
