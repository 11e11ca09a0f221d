"""torchvision.datasets with the forms of the documented edition."""

from __future__ import annotations

from typing import Any

from assay_reference.documented.forms import renamed
from assay_reference.torchvision import datasets as current
from assay_reference.torchvision.datasets.vision import Root, Transform

LSUN = renamed(current.LSUN, db_path="root")


class STL10(current.STL10):
    """The images, whose third argument was the transform."""

    def __init__(
        self,
        root: Root,
        split: str = "train",
        transform: Transform = None,
        target_transform: Transform = None,
        download: bool = False,
        *,
        folds: int | None = None,
    ) -> None:
        super().__init__(root, split, folds, transform, target_transform, download)


def __getattr__(name: str) -> Any:
    return getattr(current, name)
