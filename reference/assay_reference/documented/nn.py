"""torch.nn with the forms of the documented edition."""

from __future__ import annotations

from typing import Any

from assay_reference import nn as current
from assay_reference.documented.forms import renamed

LPPool2d = renamed(current.LPPool2d, norm_Type="norm_type")


def __getattr__(name: str) -> Any:
    return getattr(current, name)
