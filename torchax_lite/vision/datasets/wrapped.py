"""Data sets whose images and targets carry what the second version of the transforms needs (``tv_tensors``)."""

from __future__ import annotations

import collections
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

import torchax_lite as torch

from . import caltech, celeba, cifar, coco, folder, imagenet, listed, mnist, pairs, voc
from .vision import VisionDataset

__all__ = ["wrap_dataset_for_transforms_v2"]

Wrapper = Callable[[int, Any], Any]


def wrap_dataset_for_transforms_v2(dataset: Any, target_keys: Any = None) -> Any:
    """The data set, its boxes and masks as ``tv_tensors`` in a dict, so that transforms move them with the image.

    Args:
        target_keys: entries of the target to give (of CocoDetection, VOCDetection, Kitti); "all" for all; None for the
            usual ones.

    Raises:
        TypeError: no data set of images, or one without a rule. ValueError: wrong keys.
    """
    if not (
        target_keys is None or target_keys == "all"
        or (isinstance(target_keys, collections.abc.Collection) and all(isinstance(key, str) for key in target_keys))
    ):  # fmt: skip
        raise ValueError(
            f"`target_keys` can be None, 'all', or a collection of strings denoting the keys to be returned, but got "
            f"{target_keys}"
        )
    # The result is an instance of the data set's class too, whose methods look at the data set itself.
    made = type(f"Wrapped{type(dataset).__name__}", (_Wrapped, type(dataset)), {})
    return made(dataset, target_keys)


class _Wrapped:
    def __init__(self, dataset: Any, target_keys: Any) -> None:
        kind = type(dataset)
        if not isinstance(dataset, VisionDataset):
            raise TypeError(
                "This wrapper is meant for subclasses of `torchvision.datasets.VisionDataset`, but got a "
                f"'{kind.__name__}' instead."
            )
        found = next((cls for cls in kind.mro() if cls in _RULES), None)
        if found is None:
            raise TypeError(f"No wrapper exists for dataset class {kind.__name__}. Please wrap the output yourself.")
        if target_keys is not None and found not in (coco.CocoDetection, voc.VOCDetection, pairs.Kitti):
            raise ValueError(
                "`target_keys` is currently only supported for `CocoDetection`, `VOCDetection`, `Kitti`, and "
                f"`WIDERFace`, but got {found.__name__}."
            )
        self._dataset = dataset
        self._target_keys = target_keys
        self._wrapper = _RULES[found](dataset, target_keys)
        for name in ("transform", "target_transform", "transforms"):
            setattr(self, name, getattr(dataset, name))
            setattr(dataset, name, None)

    def __getattr__(self, item: str) -> Any:
        if item == "_dataset":
            raise AttributeError(item)
        return getattr(self._dataset, item)

    def __getitem__(self, idx: int) -> Any:
        sample = self._wrapper(idx, self._dataset[idx])
        return sample if self.transforms is None else self.transforms(*sample)

    def __len__(self) -> int:
        return len(self._dataset)

    def __reduce__(self) -> Any:
        dataset = copy(self._dataset)
        for name in ("transform", "target_transform", "transforms"):
            setattr(dataset, name, getattr(self, name))
        return wrap_dataset_for_transforms_v2, (dataset, self._target_keys)


# ---------------------------------------------------------------- pieces
def _keys(target_keys: Any, available: set[str], default: set[str]) -> set[str]:
    if target_keys is None:
        return default
    if target_keys == "all":
        return available
    extra = set(target_keys) - available
    if extra:
        raise ValueError(f"Target keys {sorted(extra)} are not available")
    return set(target_keys)


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = collections.defaultdict(list)
    for row in rows:
        for key, value in row.items():
            found[key].append(value)
    return dict(found)


def _boxes(values: Any, image: Any, form: str = "XYXY") -> Any:
    """Boxes of an image as corners."""
    from ..transforms.v2 import functional
    from ..tv_tensors import BoundingBoxes, BoundingBoxFormat

    boxes = BoundingBoxes(values, format=BoundingBoxFormat[form], canvas_size=(image.height, image.width))
    if form == "XYXY":
        return boxes
    return functional.convert_bounding_box_format(boxes, new_format=BoundingBoxFormat.XYXY)


def _mask(values: Any) -> Any:
    from ..tv_tensors import Mask

    return Mask(values)


def _by_type(target: Any, kinds: list[str], rules: dict[str, Callable[[Any], Any]]) -> Any:
    items = target if isinstance(target, (tuple, list)) else [target]
    found = tuple(rules.get(kind, lambda item: item)(item) for kind, item in zip(kinds, items))
    return found[0] if len(found) == 1 else found


def _unsupported(what: str) -> RuntimeError:
    return RuntimeError(f"{what} is currently not supported by this wrapper.")


# ---------------------------------------------------------------- rules
def _as_it_is(dataset: Any, target_keys: Any) -> Wrapper:
    return lambda idx, sample: sample


def _segmentation(dataset: Any, target_keys: Any) -> Wrapper:
    return lambda idx, sample: (sample[0], _mask(sample[1]))


def _caltech101(dataset: Any, target_keys: Any) -> Wrapper:
    if "annotation" in dataset.target_type:
        raise _unsupported("Caltech101 dataset with `target_type=['annotation', ...]`")
    return _as_it_is(dataset, target_keys)


def _coco_mask(segmentation: Any, size: tuple[int, int]) -> Any:
    """The mask of a COCO annotation (polygons or runs)."""
    try:
        from pycocotools import mask
    except ModuleNotFoundError:
        raise RuntimeError("masks of COCO need the package pycocotools: please run pip install pycocotools") from None
    if isinstance(segmentation, dict):
        if not isinstance(segmentation["counts"], str):
            segmentation = mask.frPyObjects(segmentation, *size)
    elif isinstance(segmentation, list):
        segmentation = mask.merge(mask.frPyObjects(segmentation, *size))
    else:
        raise ValueError(f"COCO segmentation expected to be a dict or a list, got {type(segmentation)}")
    return torch.from_numpy(np.ascontiguousarray(mask.decode(segmentation)))


def _coco(dataset: Any, target_keys: Any) -> Wrapper:
    available = {
        "segmentation", "area", "iscrowd", "image_id", "bbox", "category_id", "boxes", "masks", "labels",
    }  # fmt: skip
    keys = _keys(target_keys, available, {"image_id", "boxes", "labels"})

    def wrapper(idx: int, sample: Any) -> Any:
        image, annotations = sample
        image_id = dataset.ids[idx]
        if not annotations:
            return image, {"image_id": image_id}
        columns = _columns(annotations)
        target: dict[str, Any] = {}
        if "image_id" in keys:
            target["image_id"] = image_id
        if "boxes" in keys:
            target["boxes"] = _boxes(columns["bbox"], image, "XYWH")
        if "masks" in keys:
            size = (image.height, image.width)
            target["masks"] = _mask(torch.stack([_coco_mask(s, size) for s in columns["segmentation"]]))
        if "labels" in keys:
            target["labels"] = torch.tensor(columns["category_id"])
        return image, target | {key: columns[key] for key in keys - {"image_id", "boxes", "masks", "labels"}}

    return wrapper


_VOC_NAMES = (
    "__background__ aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
).split()


def _voc(dataset: Any, target_keys: Any) -> Wrapper:
    keys = _keys(target_keys, {"annotation", "boxes", "labels"}, {"boxes", "labels"})

    def wrapper(idx: int, sample: Any) -> Any:
        image, target = sample
        columns = _columns(target["annotation"]["object"])
        target = target if "annotation" in keys else {}
        if "boxes" in keys:
            corners = [[int(b[side]) for side in ("xmin", "ymin", "xmax", "ymax")] for b in columns["bndbox"]]
            target["boxes"] = _boxes(corners, image)
        if "labels" in keys:
            target["labels"] = torch.tensor([_VOC_NAMES.index(name) for name in columns["name"]])
        return image, target

    return wrapper


def _sbd(dataset: Any, target_keys: Any) -> Wrapper:
    if dataset.mode == "boundaries":
        raise _unsupported("SBDataset with mode='boundaries'")
    return _segmentation(dataset, target_keys)


def _celeba(dataset: Any, target_keys: Any) -> Wrapper:
    if {"attr", "landmarks"} & set(dataset.target_type):
        raise _unsupported("`CelebA` dataset with `target_type=['attr', 'landmarks', ...]`")

    def wrapper(idx: int, sample: Any) -> Any:
        image, target = sample
        return image, _by_type(target, dataset.target_type, {"bbox": lambda item: _boxes(item, image, "XYWH")})

    return wrapper


_KITTI_NAMES = ["Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc", "DontCare"]


def _kitti(dataset: Any, target_keys: Any) -> Wrapper:
    available = {
        "type", "truncated", "occluded", "alpha", "bbox", "dimensions", "location", "rotation_y", "boxes", "labels",
    }  # fmt: skip
    keys = _keys(target_keys, available, {"boxes", "labels"})

    def wrapper(idx: int, sample: Any) -> Any:
        image, objects = sample
        if objects is None:
            return image, None
        columns = _columns(objects)
        target: dict[str, Any] = {}
        if "boxes" in keys:
            target["boxes"] = _boxes(columns["bbox"], image)
        if "labels" in keys:
            target["labels"] = torch.tensor([_KITTI_NAMES.index(name) for name in columns["type"]])
        return image, target | {key: columns[key] for key in keys - {"boxes", "labels"}}

    return wrapper


def _pet(dataset: Any, target_keys: Any) -> Wrapper:
    def wrapper(idx: int, sample: Any) -> Any:
        image, target = sample
        if target is not None:
            target = _by_type(target, dataset._target_types, {"segmentation": _mask})
        return image, target

    return wrapper


_RULES: dict[type, Callable[[Any, Any], Wrapper]] = {
    **dict.fromkeys(
        (
            caltech.Caltech256, cifar.CIFAR10, cifar.CIFAR100, imagenet.ImageNet, mnist.MNIST, mnist.FashionMNIST,
            listed.GTSRB, folder.DatasetFolder, folder.ImageFolder, listed.Imagenette, coco.CocoCaptions,
        ),
        _as_it_is,
    ),
    voc.VOCSegmentation: _segmentation, caltech.Caltech101: _caltech101, coco.CocoDetection: _coco,
    voc.VOCDetection: _voc, pairs.SBDataset: _sbd, celeba.CelebA: _celeba, pairs.Kitti: _kitti,
    pairs.OxfordIIITPet: _pet,
}  # fmt: skip
