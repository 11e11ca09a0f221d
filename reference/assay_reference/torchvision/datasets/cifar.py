"""CIFAR-10 and CIFAR-100: colour images of 32 × 32 pixels in pickles (Krizhevsky, 2009)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from assay_reference.torchvision.datasets.archived import ArchivedDataset
from assay_reference.torchvision.datasets.pickles import read_pickle
from assay_reference.torchvision.datasets.utils import damaged, naming, refuse_damaged
from assay_reference.torchvision.datasets.vision import Root, Transform
from assay_reference.torchvision.extras import needed


class CIFAR10(ArchivedDataset):
    """Images of ten kinds of things, and of which kind each is."""

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list: ClassVar[list[list[str]]] = [
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list: ClassVar[list[list[str]]] = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta: ClassVar[dict[str, str]] = {
        "filename": "batches.meta",
        "key": "label_names",
        "md5": "5ff9c542aee3614f3951f8cda6e48888",
    }

    def __init__(
        self,
        root: Root,
        train: bool = True,
        transform: Transform = None,
        target_transform: Transform = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        self.obtain(download)
        parts = [self._part(name) for name, _ in (self.train_list if train else self.test_list)]
        # The files have the three colours one after the other; images have them together.
        self.data = np.concatenate([images for images, _ in parts]).transpose(0, 2, 3, 1)
        self.targets = [label for _, labels in parts for label in labels]
        self.classes = self._names()
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}

    def _part(self, name: str) -> tuple[Any, list[int]]:
        """Read the images and the labels of a file."""
        entry = read_pickle(self.path(name))
        with naming(self.path(name)):
            images = np.asarray(entry["data"]).reshape(-1, 3, 32, 32)
            return images, list(entry["labels" if "labels" in entry else "fine_labels"])

    def _names(self) -> list[str]:
        """Read the names of the classes."""
        refuse_damaged(
            "Dataset metadata file not found or corrupted",
            damaged(self.path(""), [(self.meta["filename"], self.meta["md5"])]),
        )
        path = self.path(self.meta["filename"])
        with naming(path):
            return list(read_pickle(path)[self.meta["key"]])

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        return self.transformed(needed("PIL.Image").fromarray(self.data[index]), self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """Return which part it is."""
        return f"Split: {'Train' if self.train is True else 'Test'}"


class CIFAR100(CIFAR10):
    """Images of a hundred kinds of things, and of which kind each is."""

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list: ClassVar[list[list[str]]] = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list: ClassVar[list[list[str]]] = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta: ClassVar[dict[str, str]] = {
        "filename": "meta",
        "key": "fine_label_names",
        "md5": "7973b15100ade9c7d40fb424638fde48",
    }
