"""LSUN: images of scenes (Yu et al., 2015), a database of LMDB for each kind of scene."""

from __future__ import annotations

import io
import os
from bisect import bisect
from collections.abc import Iterable
from itertools import accumulate
from typing import Any, Final

from assay_reference.torchvision.datasets.utils import naming
from assay_reference.torchvision.datasets.vision import Root, Transform, VisionDataset
from assay_reference.torchvision.extras import needed

CATEGORIES: Final = (
    *("bedroom", "bridge", "church_outdoor", "classroom", "conference_room"),
    *("dining_room", "kitchen", "living_room", "restaurant", "tower"),
)
PARTS: Final = ("train", "val", "test")


class LSUNClass(VisionDataset):
    """The images of one database, in the order of their keys.

    torchvision keeps the keys in a pickle in the working directory; they are read from the database here.
    """

    def __init__(self, root: Root, transform: Transform = None, target_transform: Transform = None) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.env = needed("lmdb").open(
            os.fspath(root), max_readers=1, readonly=True, lock=False, readahead=False, meminit=False
        )
        with self.env.begin() as transaction:
            self.keys = list(transaction.cursor().iternext(keys=True, values=False))
        self.length = len(self.keys)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        with self.env.begin() as transaction:
            content = transaction.get(self.keys[index])
        with naming(self.root):
            image = needed("PIL.Image").open(io.BytesIO(content)).convert("RGB")
        return self.transformed(image, None)

    def __len__(self) -> int:
        return self.length


class LSUN(VisionDataset):
    """The images of several databases one after the other, each with the index of its own."""

    def __init__(
        self,
        root: Root,
        classes: str | Iterable[str] = "train",
        transform: Transform = None,
        target_transform: Transform = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.classes = _databases(classes)
        self.dbs = [LSUNClass(os.path.join(self.root, f"{name}_lmdb"), transform) for name in self.classes]
        self.indices = list(accumulate(map(len, self.dbs)))
        self.length = sum(map(len, self.dbs))

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        target = bisect(self.indices, index)
        image, _ = self.dbs[target][index - (self.indices[target - 1] if target else 0)]
        return image, target if self.target_transform is None else self.target_transform(target)

    def __len__(self) -> int:
        return self.length

    def extra_repr(self) -> str:
        """Return the names of the databases."""
        return f"Classes: {self.classes}"


def _databases(classes: Any) -> list[str]:
    """Return the names of databases: those given, all of a part, or the one of the test images."""
    if classes == "test":
        return [classes]
    if classes in ("train", "val"):
        return [f"{category}_{classes}" for category in CATEGORIES]
    if not isinstance(classes, Iterable):
        raise ValueError(f"Expected type str or Iterable for argument classes, but got type {type(classes)}.")
    return [_checked(each) for each in classes]


def _checked(name: Any) -> str:
    """Return the name of a database, which consists of a category and a part."""
    if not isinstance(name, str):
        raise ValueError(f"Expected type str, but got type {type(name)}.")
    category, _, part = name.rpartition("_")
    for value, kind, known in ((category, "LSUN class", CATEGORIES), (part, "postfix", PARTS)):
        if value not in known:
            valid = "', '".join(known)
            raise ValueError(f"Unknown value '{value}' for {kind}. Valid values are {{'{valid}'}}.")
    return name
