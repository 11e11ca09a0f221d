"""torch.optim with the forms of the documented edition."""

from __future__ import annotations

from typing import Any

from assay_reference import optim as current
from assay_reference.documented.forms import renamed


class Optimizer(current.Optimizer):
    """The base class, whose defaults have a former name too."""

    __init__ = renamed(current.Optimizer.__init__, default="defaults")


def __getattr__(name: str) -> Any:
    return getattr(current, name)
