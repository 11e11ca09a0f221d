"""Folders of files, one a class."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from assay_reference.torchvision.datasets.utils import naming
from assay_reference.torchvision.datasets.vision import Root, Transform, VisionDataset
from assay_reference.torchvision.extras import needed

Extensions: TypeAlias = str | tuple[str, ...] | None
Valid: TypeAlias = Callable[[str], bool] | None
IMG_EXTENSIONS: Final = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def has_file_allowed_extension(filename: str, extensions: str | tuple[str, ...]) -> bool:
    """Return whether a file's name ends with one of these, in whatever case."""
    return filename.lower().endswith(extensions)


def is_image_file(filename: str) -> bool:
    """Return whether a file's name is that of an image."""
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def pil_loader(path: Root) -> Any:
    """Read an image in colours."""
    with naming(path), open(path, "rb") as file:
        return needed("PIL.Image").open(file).convert("RGB")


def default_loader(path: Root) -> Any:
    """Read an image in colours, as Pillow does."""
    return pil_loader(path)


def find_classes(directory: Root) -> tuple[list[str], dict[str, int]]:
    """Return the folders in a folder in order, and their indices by name."""
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
    return classes, {name: index for index, name in enumerate(classes)}


def make_dataset(
    directory: Root,
    class_to_idx: dict[str, int] | None = None,
    extensions: Extensions = None,
    is_valid_file: Valid = None,
    allow_empty: bool = False,
) -> list[tuple[str, int]]:
    """Return the files in the folders of classes and below, in order, each with the index of its class."""
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        _, class_to_idx = find_classes(directory)
    if not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
    valid = is_valid_file or (lambda path: has_file_allowed_extension(path, extensions or ()))
    samples = [
        (path, class_to_idx[name])
        for name in sorted(class_to_idx)
        for path in _files(os.path.join(directory, name))
        if valid(path)
    ]
    found = {index for _, index in samples}
    empty = sorted(name for name, index in class_to_idx.items() if index not in found)
    if empty and not allow_empty:
        wanted = extensions if extensions is None or isinstance(extensions, str) else ", ".join(extensions)
        supported = f"Supported extensions are: {wanted}" if wanted is not None else ""
        raise FileNotFoundError(f"Found no valid file for the classes {', '.join(empty)}. {supported}")
    return samples


def _files(folder: str) -> list[str]:
    """List the files of a folder and of those in it, which may be links."""
    walked = sorted(os.walk(folder, followlinks=True))
    return [os.path.join(root, name) for root, _, names in walked for name in sorted(names)]


class DatasetFolder(VisionDataset):
    """The files of a tree, each with the index of the folder that it lies in."""

    def __init__(
        self,
        root: Root,
        loader: Callable[[str], Any],
        extensions: Extensions = None,
        transform: Transform = None,
        target_transform: Transform = None,
        is_valid_file: Valid = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(self.root, self.class_to_idx, extensions, is_valid_file, allow_empty)
        self.targets = [index for _, index in self.samples]

    @staticmethod
    def make_dataset(
        directory: Root,
        class_to_idx: dict[str, int],
        extensions: Extensions = None,
        is_valid_file: Valid = None,
        allow_empty: bool = False,
    ) -> list[tuple[str, int]]:
        """Return the files and the indices of their classes; subclasses may choose otherwise."""
        if class_to_idx is None:
            raise ValueError("The class_to_idx parameter cannot be None.")
        return make_dataset(directory, class_to_idx, extensions, is_valid_file, allow_empty)

    def find_classes(self, directory: Root) -> tuple[list[Any], dict[str, int]]:
        """Return the classes and their indices by name; subclasses may choose otherwise."""
        return find_classes(directory)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self.transformed(self.loader(path), target)

    def __len__(self) -> int:
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """The images of a tree, each with the index of the folder that it lies in."""

    def __init__(
        self,
        root: Root,
        transform: Transform = None,
        target_transform: Transform = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Valid = None,
        allow_empty: bool = False,
    ) -> None:
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
