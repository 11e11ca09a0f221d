"""torchvision.transforms with the forms of the documented edition."""

from __future__ import annotations

from typing import Any

from assay_reference.torchvision import transforms as current


def __getattr__(name: str) -> Any:
    return getattr(current, name)


class RandomSizedCrop(current.RandomResizedCrop):
    """What RandomResizedCrop was called."""

    def __init__(self, size: Any, interpolation: int = 2) -> None:
        super().__init__(size, interpolation=interpolation)
