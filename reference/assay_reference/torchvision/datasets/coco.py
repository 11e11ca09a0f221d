"""COCO: images with captions, or with objects in them (Lin et al., 2014), as pycocotools reads them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from assay_reference.torchvision.datasets.utils import naming
from assay_reference.torchvision.datasets.vision import Root, Transform, VisionDataset
from assay_reference.torchvision.extras import needed


class CocoDetection(VisionDataset):
    """Images in the order of their ids, each with what its annotations say."""

    def __init__(
        self,
        root: Root,
        annFile: Root,
        transform: Transform = None,
        target_transform: Transform = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
    ) -> None:
        super().__init__(root, transforms, transform, target_transform)
        with naming(annFile):
            self.coco = needed("pycocotools.coco").COCO(annFile)
        self.ids = sorted(self.coco.imgs)

    def _load_image(self, id: Any) -> Any:
        path = os.path.join(self.root, self.coco.imgs[id]["file_name"])
        with naming(path), needed("PIL.Image").open(path) as image:
            return image.convert("RGB")

    def _load_target(self, id: Any) -> list[Any]:
        return self.coco.loadAnns(self.coco.getAnnIds(id))  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        if not isinstance(index, int):
            raise ValueError(f"Index must be of type integer, got {type(index)} instead.")
        id = self.ids[index]
        image, target = self._load_image(id), self._load_target(id)
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def __len__(self) -> int:
        return len(self.ids)


class CocoCaptions(CocoDetection):
    """Images in the order of their ids, each with its captions."""

    def _load_target(self, id: Any) -> list[str]:
        return [annotation["caption"] for annotation in super()._load_target(id)]
