"""ImageNet's challenge of 2012: photographs of a thousand kinds of things (Russakovsky et al., 2015)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Final

from scipy.io import loadmat

from assay_reference.serialization import load, save
from assay_reference.torchvision.datasets.folder import ImageFolder
from assay_reference.torchvision.datasets.utils import check_integrity, extract_archive, naming, verify_str_arg
from assay_reference.torchvision.datasets.vision import Root

ARCHIVE_META: Final = {
    "train": ("ILSVRC2012_img_train.tar", "1d675b47d978889d74fa0da5fadfb00e"),
    "val": ("ILSVRC2012_img_val.tar", "29b22e2961454d5413ddabcf34fc5622"),
    "devkit": ("ILSVRC2012_devkit_t12.tar.gz", "fa75699e90414af021442c21a62c3abf"),
}
META_FILE: Final = "meta.bin"


class ImageNet(ImageFolder):
    """Photographs in folders named after WordNet's synsets; archives are unpacked where folders are missing."""

    def __init__(self, root: Root, split: str = "train", **kwargs: Any) -> None:
        root = self.root = os.path.expanduser(root)
        self.split = verify_str_arg(split, "split", ("train", "val"))
        self.parse_archives()
        words, _ = load_meta_file(root)
        super().__init__(self.split_folder, **kwargs)
        self.root = root
        self.wnids, self.wnid_to_idx = self.classes, self.class_to_idx
        with naming(os.path.join(root, META_FILE)):
            self.classes: list[Any] = [words[wnid] for wnid in self.wnids]
        self.class_to_idx = {word: index for index, each in enumerate(self.classes) for word in each}

    @property
    def split_folder(self) -> str:
        """The folder of the images."""
        return os.path.join(self.root, self.split)

    def parse_archives(self) -> None:
        """Unpack what is still in archives."""
        if not check_integrity(os.path.join(self.root, META_FILE)):
            parse_devkit_archive(self.root)
        if not os.path.isdir(self.split_folder):
            (parse_train_archive if self.split == "train" else parse_val_archive)(self.root)

    def extra_repr(self) -> str:
        """Return which part it is."""
        return f"Split: {self.split}"


def load_meta_file(root: Root, file: str | None = None) -> Any:
    """Read the words for each synset, and the synset of each image of the part `val`."""
    path = os.path.join(root, file or META_FILE)
    if not check_integrity(path):
        raise RuntimeError(f"The meta file {path} is not present in the root directory or is corrupted.")
    return load(path, weights_only=True)


def parse_devkit_archive(root: Root, file: str | None = None) -> None:
    """Write the meta file from the tables that came with the challenge."""
    archive = _verified(root, "devkit", file)
    with tempfile.TemporaryDirectory() as folder, naming(archive):
        extract_archive(archive, folder)
        data = Path(folder, "ILSVRC2012_devkit_t12", "data")
        synsets = loadmat(data / "meta.mat", squeeze_me=True)["synsets"]
        labels = (data / "ILSVRC2012_validation_ground_truth.txt").read_text().split()
    # Only the synsets that have no others below them are classes.
    leaves = [each for each in synsets if each["num_children"] == 0]
    wnids = {int(each["ILSVRC2012_ID"]): str(each["WNID"]) for each in leaves}
    words = {str(each["WNID"]): tuple(str(each["words"]).split(", ")) for each in leaves}
    save((words, [wnids[int(label)] for label in labels]), os.path.join(root, META_FILE))


def parse_train_archive(root: Root, file: str | None = None, folder: str = "train") -> None:
    """Unpack the archive of archives, one a synset, to a folder each."""
    target = os.path.join(root, folder)
    extract_archive(_verified(root, "train", file), target)
    for archive in sorted(Path(target).iterdir()):
        extract_archive(archive, archive.with_suffix(""), remove_finished=True)


def parse_val_archive(root: Root, file: str | None = None, wnids: list[str] | None = None, folder: str = "val") -> None:
    """Unpack the archive of images to the folders of their synsets, which are listed in the order of their names."""
    target = os.path.join(root, folder)
    wnids = load_meta_file(root)[1] if wnids is None else wnids
    extract_archive(_verified(root, "val", file), target)
    for image, wnid in zip(sorted(Path(target).iterdir()), wnids, strict=True):
        (image.parent / wnid).mkdir(exist_ok=True)
        image.rename(image.parent / wnid / image.name)


def _verified(root: Root, part: str, file: str | None) -> str:
    """Return the path of an archive that is there and whole."""
    name, md5 = ARCHIVE_META[part]
    name = file or name
    path = os.path.join(root, name)
    if not check_integrity(path, md5):
        raise RuntimeError(
            f"The archive {name} is not present in the root directory or is corrupted. "
            f"You need to download it externally and place it in {root}."
        )
    return path
