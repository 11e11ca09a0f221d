"""torchvision with the forms of the documented edition."""

from typing import Any

from assay_reference import torchvision as current


def __getattr__(name: str) -> Any:
    return getattr(current, name)
