"""MS COCO (Lin et al. 2014)."""

from __future__ import annotations

import collections
import json
import os
from typing import Any

from .utils import read_image
from .vision import Root, Transform, VisionDataset


class _Annotations:
    """What a data set asks of ``pycocotools.coco.COCO``, from the annotation file alone.

    Attributes:
        dataset: the file's contents. imgs, anns, cats: its images, annotations and categories by their numbers.
    """

    def __init__(self, file: Root) -> None:
        with open(file) as f:
            self.dataset = json.load(f)
        if not isinstance(self.dataset, dict):
            raise ValueError(f"annotation file format {type(self.dataset)} not supported")
        self.imgs = {entry["id"]: entry for entry in self.dataset.get("images", [])}
        self.anns = {entry["id"]: entry for entry in self.dataset.get("annotations", [])}
        self.cats = {entry["id"]: entry for entry in self.dataset.get("categories", [])}
        self.imgToAnns: dict[int, list[Any]] = collections.defaultdict(list)
        for entry in self.dataset.get("annotations", []):
            self.imgToAnns[entry["image_id"]].append(entry)

    def loadImgs(self, ids: Any) -> list[Any]:
        """The entries of images."""
        return [self.imgs[i] for i in (ids if isinstance(ids, (list, tuple)) else [ids])]

    def getAnnIds(self, imgIds: Any) -> list[Any]:
        """The numbers of the annotations of images."""
        ids = imgIds if isinstance(imgIds, (list, tuple)) else [imgIds]
        return [entry["id"] for i in ids for entry in self.imgToAnns[i]]

    def loadAnns(self, ids: list[Any]) -> list[Any]:
        """The entries of annotations."""
        return [self.anns[i] for i in ids]


class CocoDetection(VisionDataset):
    """Images of ``root`` with the annotations of ``annFile``; an item is (image, list of annotations).

    ``coco`` is a ``pycocotools`` object where that is installed, else a plain reader of the file.
    """

    def __init__(
        self, root: Root, annFile: Root, transform: Transform = None, target_transform: Transform = None,
        transforms: Transform = None,
    ) -> None:  # fmt: skip
        super().__init__(root, transforms, transform, target_transform)
        try:
            from pycocotools.coco import COCO
        except ModuleNotFoundError:
            COCO = _Annotations
        self.coco = COCO(annFile)
        self.ids = sorted(self.coco.imgs.keys())

    def _load_image(self, id: int) -> Any:
        return read_image(os.path.join(self.root, self.coco.loadImgs(id)[0]["file_name"]))

    def _load_target(self, id: int) -> list[Any]:
        return self.coco.loadAnns(self.coco.getAnnIds(id))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not isinstance(index, int):
            raise ValueError(f"Index must be of type integer, got {type(index)} instead.")
        id = self.ids[index]
        image, target = self._load_image(id), self._load_target(id)
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def __len__(self) -> int:
        return len(self.ids)


class CocoCaptions(CocoDetection):
    """Images with their captions; an item is (image, list of sentences)."""

    def _load_target(self, id: int) -> list[str]:
        return [annotation["caption"] for annotation in super()._load_target(id)]
