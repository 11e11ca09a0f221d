"""What all data sets of images share: a root, transforms, and how they show."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeAlias

from assay_reference.utils.data import Dataset

Transform: TypeAlias = Callable[[Any], Any] | None
Root: TypeAlias = str | os.PathLike[str]


class VisionDataset(Dataset[Any]):
    """Pairs of an image and a target, transformed one by one or together."""

    def __init__(
        self,
        root: Root | None = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
        transform: Transform = None,
        target_transform: Transform = None,
    ) -> None:
        self.root: Any = os.path.expanduser(root) if isinstance(root, str) else root
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.transform, self.target_transform = transform, target_transform
        if transform is not None or target_transform is not None:
            transforms = StandardTransform(transform, target_transform)
        self.transforms = transforms

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def transformed(self, image: Any, target: Any) -> tuple[Any, Any]:
        """Return a sample as the transforms leave it."""
        return StandardTransform(self.transform, self.target_transform)(image, target)

    def __repr__(self) -> str:
        body = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            body.append(f"Root location: {self.root}")
        body += self.extra_repr().splitlines()
        if self.transforms is not None:
            body.append(repr(self.transforms))
        return "\n    ".join([f"Dataset {type(self).__name__}", *body])

    def extra_repr(self) -> str:
        """Return further lines of the repr."""
        return ""


class StandardTransform:
    """A transform of images and one of targets, as one of both."""

    def __init__(self, transform: Transform = None, target_transform: Transform = None) -> None:
        self.transform, self.target_transform = transform, target_transform

    def __call__(self, input: Any, target: Any) -> tuple[Any, Any]:
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def __repr__(self) -> str:
        parts = {"Transform: ": self.transform, "Target transform: ": self.target_transform}
        shown = [
            head + repr(each).replace("\n", "\n" + " " * len(head)) for head, each in parts.items() if each is not None
        ]
        return "\n".join(["StandardTransform", *shown])
