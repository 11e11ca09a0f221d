"""Data sets that are published as one archive, whose files have known MD5s."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from assay_reference.torchvision.datasets.utils import damaged, download_and_extract_archive, refuse_damaged
from assay_reference.torchvision.datasets.vision import VisionDataset


class ArchivedDataset(VisionDataset):
    """A data set in the files of an archive; subclasses list them, and their MD5s."""

    base_folder: str
    url: str
    filename: str
    tgz_md5: str
    train_list: ClassVar[list[list[str]]]
    test_list: ClassVar[list[list[str]]]

    def path(self, name: Any) -> str:
        """Return where a file of the archive lies."""
        return os.path.join(self.root, self.base_folder, name)

    def damaged(self) -> list[str]:
        """Return which files are missing, or are not what was published."""
        return damaged(self.path(""), [*self.train_list, *self.test_list])

    def obtain(self, download: bool) -> None:
        """Download the files if that is wanted, and refuse what is missing or damaged."""
        if download:
            self.download()
        refuse_damaged("Dataset not found or corrupted", self.damaged())

    def download(self) -> None:
        """Download and unpack the archive, unless its files are there."""
        if self.damaged():
            download_and_extract_archive(self.url, self.root, filename=self.filename, md5=self.tgz_md5)
