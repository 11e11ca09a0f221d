"""STL-10: colour images of 96 × 96 pixels, most of them without a label (Coates, Lee and Ng, 2011)."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.torchvision.datasets.archived import ArchivedDataset
from assay_reference.torchvision.datasets.utils import naming, verify_str_arg
from assay_reference.torchvision.datasets.vision import Root, Transform
from assay_reference.torchvision.extras import needed

UNLABELED = -1


class STL10(ArchivedDataset):
    """Images of ten kinds of things and of which kind each is, or -1 where nobody says."""

    base_folder = "stl10_binary"
    url = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
    filename = "stl10_binary.tar.gz"
    tgz_md5 = "91f7769df0f17e558f3565bffb0c7dfb"
    class_names_file = "class_names.txt"
    folds_list_file = "fold_indices.txt"
    train_list: ClassVar[list[list[str]]] = [
        ["train_X.bin", "918c2871b30a85fa023e0c44e0bee87f"],
        ["train_y.bin", "5a34089d4802c674881badbb80307741"],
        ["unlabeled_X.bin", "5242ba1fed5e4be9e1e742405eb56ca4"],
    ]
    test_list: ClassVar[list[list[str]]] = [
        ["test_X.bin", "7f263ba9f9e0b06b93213547f721ac82"],
        ["test_y.bin", "36f9794fa4beb8a2c72628de14fa638e"],
    ]
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(
        self,
        root: Root,
        split: str = "train",
        folds: int | None = None,
        transform: Transform = None,
        target_transform: Transform = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", self.splits)
        self.folds = _checked_fold(folds)
        self.obtain(download)
        parts = [self._part(name) for name in split.split("+")]
        self.data, self.labels = (
            np.concatenate(each) if len(each) > 1 else each[0] for each in zip(*parts, strict=True)
        )
        names = self.path(self.class_names_file)
        if os.path.isfile(names):
            with open(names) as file:
                self.classes = file.read().splitlines()

    def _part(self, name: str) -> tuple[Array, Array]:
        """Read the images and labels of the part of a name."""
        files = [self.path(each) for each, _ in (self.test_list if name == "test" else self.train_list)]
        files = files[2:] if name == "unlabeled" else files
        with naming(files[0]):  # images stand in columns
            images = np.fromfile(files[0], np.uint8).reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2)
        if name == "unlabeled":
            return images, np.full(len(images), UNLABELED)
        labels = np.fromfile(files[1], np.uint8) - 1
        chosen = self._fold() if name == "train" and self.folds is not None else slice(None)
        return images[chosen], labels[chosen]

    def _fold(self) -> list[int]:
        """Read which images are in the fold that is wanted, which has a line of its own."""
        path = self.path(self.folds_list_file)
        with naming(path), open(path) as file:
            return [int(index) for index in file.read().splitlines()[self.folds or 0].split()]

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        image = needed("PIL.Image").fromarray(np.ascontiguousarray(self.data[index].transpose(1, 2, 0)))
        return self.transformed(image, int(self.labels[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """Return which part it is."""
        return f"Split: {self.split}"


def _checked_fold(folds: Any) -> int | None:
    """Return one of the ten folds, or None."""
    if folds is None or (isinstance(folds, int) and folds in range(10)):
        return folds
    if isinstance(folds, int):
        raise ValueError(f"Value for argument folds should be in the range [0, 10), but got {folds}.")
    raise ValueError(f"Expected type None or int for argument folds, but got type {type(folds)}.")
