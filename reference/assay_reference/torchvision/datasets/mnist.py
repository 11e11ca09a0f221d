"""MNIST, and FashionMNIST of the same format: images of digits, and of clothes, in idx files."""

from __future__ import annotations

import os
import struct
import warnings
from typing import Any, ClassVar, Final
from urllib.error import URLError

import numpy as np

from assay_reference.core.tensor import Tensor
from assay_reference.ops.creation import from_numpy
from assay_reference.serialization import load
from assay_reference.torchvision.datasets.utils import (
    check_integrity,
    damaged,
    download_and_extract_archive,
    naming,
    refuse_damaged,
)
from assay_reference.torchvision.datasets.vision import Root, Transform, VisionDataset
from assay_reference.torchvision.extras import needed

DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ELEMENTS: Final = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}  # by the third byte of the file


def _renamed(name: str, current: str) -> Any:
    """Return a property that is a former name of an attribute."""

    def read(self: Any) -> Any:
        warnings.warn(f"{name} has been renamed {current}", stacklevel=2)
        return getattr(self, current)

    return property(read)


class MNIST(VisionDataset):
    """Handwritten digits of 28 × 28 pixels (LeCun, Cortes and Burges), and which digit each is."""

    mirrors: ClassVar[list[str]] = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ]
    resources: ClassVar[list[tuple[str, str]]] = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    training_file = "training.pt"
    test_file = "test.pt"
    classes: ClassVar[list[str]] = [f"{digit} - {word}" for digit, word in enumerate(DIGITS)]
    train_labels = _renamed("train_labels", "targets")
    test_labels = _renamed("test_labels", "targets")
    train_data = _renamed("train_data", "data")
    test_data = _renamed("test_data", "data")

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
        former = [os.path.join(self.processed_folder, name) for name in (self.training_file, self.test_file)]
        if all(map(check_integrity, former)):
            self.data, self.targets = load(former[0 if train else 1], weights_only=True)
            return
        if download:
            self.download()
        refuse_damaged("Dataset not found", self._missing())
        split = "train" if train else "t10k"
        self.data = read_image_file(os.path.join(self.raw_folder, f"{split}-images-idx3-ubyte"))
        self.targets = read_label_file(os.path.join(self.raw_folder, f"{split}-labels-idx1-ubyte"))

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        image = needed("PIL.Image").fromarray(self.data[index].numpy())
        return self.transformed(image, int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    @property
    def raw_folder(self) -> str:
        """The folder of the files as they are published, unpacked."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def processed_folder(self) -> str:
        """The folder of the tensors that torchvision once made of them."""
        return os.path.join(self.root, type(self).__name__, "processed")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The targets by the names of their classes."""
        return {name: index for index, name in enumerate(self.classes)}

    def _missing(self) -> list[str]:
        return damaged(self.raw_folder, [(name.removesuffix(".gz"), None) for name, _ in self.resources])

    def download(self) -> None:
        """Download and unpack the files, unless they are all there."""
        if self._missing():
            for name, md5 in self.resources:
                self._download(name, md5)

    def _download(self, name: str, md5: str) -> None:
        """Download and unpack one file from the first mirror that has it."""
        tried = f"Error downloading {name}:\n"
        for mirror in self.mirrors:
            try:
                return download_and_extract_archive(f"{mirror}{name}", self.raw_folder, filename=name, md5=md5)
            except (RuntimeError, URLError) as error:
                tried += f"Tried {mirror}, got:\n{error}\n"
        raise RuntimeError(tried)

    def extra_repr(self) -> str:
        """Return which part it is."""
        return f"Split: {'Train' if self.train is True else 'Test'}"


class FashionMNIST(MNIST):
    """Clothes of 28 × 28 pixels (Xiao, Rasul and Vollgraf, 2017), and of which of ten kinds each is."""

    mirrors: ClassVar[list[str]] = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources: ClassVar[list[tuple[str, str]]] = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes: ClassVar[list[str]] = [
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
    ]


def read_image_file(path: str) -> Tensor:
    """Read an idx file of images, of a byte a pixel."""
    return _read_bytes(path, ndim=3)


def read_label_file(path: str) -> Tensor:
    """Read an idx file of labels, of a byte each."""
    return _read_bytes(path, ndim=1).long()  # type: ignore[no-any-return]


def _read_bytes(path: str, ndim: int) -> Tensor:
    with naming(path):
        x = _read_idx(path)
        if str(x.dtype) != "torch.uint8":
            raise TypeError(f"x should be of dtype torch.uint8 instead of {x.dtype}")
        if x.ndim != ndim:
            raise ValueError(f"x should have {ndim} dimension instead of {x.ndim}")
    return x


def _read_idx(path: str) -> Tensor:
    """Read two zeros, the type, the number of dimensions, the sizes, and the elements, all big-endian."""
    with open(path, "rb") as file:
        content = file.read()
    if len(content) < 4:
        raise ValueError("the file has no header")
    kind, ndim = content[2:4]
    if any(content[:2]) or kind not in ELEMENTS or not 1 <= ndim <= 3:
        raise AssertionError(f"the file begins with {content[:4].hex(' ')}, and not as an idx file does")
    start = 4 + 4 * ndim
    if len(content) <= start:
        raise ValueError("the file ends before its elements")
    elements = np.frombuffer(content, ELEMENTS[kind], offset=start)
    x: Tensor = from_numpy(elements.astype(elements.dtype.newbyteorder("=")))
    return x.view(struct.unpack_from(f">{ndim}i", content, 4))  # type: ignore[no-any-return]
