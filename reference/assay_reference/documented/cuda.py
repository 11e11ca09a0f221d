"""torch.cuda with the forms of the documented edition."""

from __future__ import annotations

from typing import Any

from assay_reference import cuda as current
from assay_reference.documented.forms import renamed

device = renamed(current.device, idx="device")


def __getattr__(name: str) -> Any:
    return getattr(current, name)
