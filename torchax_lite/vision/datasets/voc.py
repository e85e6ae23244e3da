"""Pascal VOC (Everingham et al. 2010)."""

from __future__ import annotations

import collections
import os
from typing import Any
from xml.etree import ElementTree

from .utils import download_and_extract_archive, not_found, read_image, verify_str_arg
from .vision import Root, Transform, VisionDataset

_BASE = "https://thor.robots.ox.ac.uk/pascal/VOC/"


def _year(path: str, md5: str, folder: str, name: str | None = None) -> dict[str, str]:
    return {"url": _BASE + path, "filename": name or os.path.basename(path), "md5": md5, "base_dir": folder}


DATASET_YEAR_DICT = {
    "2012": _year("voc2012/VOCtrainval_11-May-2012.tar", "6cd6e144f989b92b3379bac3b3de84fd", "VOCdevkit/VOC2012"),
    "2011": _year(
        "voc2011/VOCtrainval_25-May-2011.tar", "6c3384ef61512963050cb5d687e5bf1e", "TrainVal/VOCdevkit/VOC2011"
    ),
    "2010": _year("voc2010/VOCtrainval_03-May-2010.tar", "da459979d0c395079b5c75ee67908abb", "VOCdevkit/VOC2010"),
    "2009": _year("voc2009/VOCtrainval_11-May-2009.tar", "a3e00b113cfcfebf17e343f59da3caa1", "VOCdevkit/VOC2009"),
    "2008": _year(
        "voc2008/VOCtrainval_14-Jul-2008.tar", "2629fa636546599198acfcfbfcf1904a", "VOCdevkit/VOC2008",
        "VOCtrainval_11-May-2012.tar",
    ),
    "2007": _year("voc2007/VOCtrainval_06-Nov-2007.tar", "c52e279531787c972589f7e41ab4ae64", "VOCdevkit/VOC2007"),
    "2007-test": _year("voc2007/VOCtest_06-Nov-2007.tar", "b6e924de25625d8de591ea690078ad9f", "VOCdevkit/VOC2007"),
}  # fmt: skip


class _VOCBase(VisionDataset):
    """``image_set``: "train", "trainval", "val" (and "test" in 2007) of the ``year`` 2007 to 2012."""

    _SPLITS_DIR: str
    _TARGET_DIR: str
    _TARGET_FILE_EXT: str

    def __init__(
        self, root: Root, year: str = "2012", image_set: str = "train", download: bool = False,
        transform: Transform = None, target_transform: Transform = None, transforms: Transform = None,
    ) -> None:  # fmt: skip
        super().__init__(root, transforms, transform, target_transform)
        self.year = verify_str_arg(year, "year", valid_values=[str(y) for y in range(2007, 2013)])
        sets = ["train", "trainval", "val"] + (["test"] if year == "2007" else [])
        self.image_set = verify_str_arg(image_set, "image_set", sets)
        facts = DATASET_YEAR_DICT["2007-test" if year == "2007" and image_set == "test" else year]
        self.url, self.filename, self.md5 = facts["url"], facts["filename"], facts["md5"]
        folder = os.path.join(self.root, *facts["base_dir"].split("/"))
        if download:
            download_and_extract_archive(self.url, self.root, filename=self.filename, md5=self.md5)
        if not os.path.isdir(folder):
            raise not_found(corrupted=True)
        with open(os.path.join(folder, "ImageSets", self._SPLITS_DIR, f"{image_set}.txt")) as f:
            names = [line.strip() for line in f]
        self.images = [os.path.join(folder, "JPEGImages", f"{name}.jpg") for name in names]
        self.targets = [os.path.join(folder, self._TARGET_DIR, name + self._TARGET_FILE_EXT) for name in names]

    def __len__(self) -> int:
        return len(self.images)

    def _target(self, index: int) -> Any:
        raise NotImplementedError

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, target = read_image(self.images[index]), self._target(index)
        return (image, target) if self.transforms is None else self.transforms(image, target)


class VOCSegmentation(_VOCBase):
    """Images with the class of every pixel, as a Pillow image with a palette (255: border)."""

    _SPLITS_DIR = "Segmentation"
    _TARGET_DIR = "SegmentationClass"
    _TARGET_FILE_EXT = ".png"

    @property
    def masks(self) -> list[str]:
        """Paths of the targets."""
        return self.targets

    def _target(self, index: int) -> Any:
        return read_image(self.targets[index], None)


class VOCDetection(_VOCBase):
    """Images with their annotations as dicts of strings."""

    _SPLITS_DIR = "Main"
    _TARGET_DIR = "Annotations"
    _TARGET_FILE_EXT = ".xml"

    @property
    def annotations(self) -> list[str]:
        """Paths of the targets."""
        return self.targets

    def _target(self, index: int) -> Any:
        return self.parse_voc_xml(ElementTree.parse(self.targets[index]).getroot())

    @staticmethod
    def parse_voc_xml(node: ElementTree.Element) -> dict[str, Any]:
        """An element as ``{tag: text}``, or ``{tag: children}``; repeated children (and all objects) as lists."""
        children = list(node)
        if not children:
            return {node.tag: node.text.strip()} if node.text else {}
        found: dict[str, list[Any]] = collections.defaultdict(list)
        for child in children:
            for tag, value in VOCDetection.parse_voc_xml(child).items():
                found[tag].append(value)
        if node.tag == "annotation":
            found["object"] = [found["object"]]
        return {node.tag: {tag: v[0] if len(v) == 1 else v for tag, v in found.items()}}
