"""Images with masks, boxes or captions: Oxford-IIIT Pet, SBD, Kitti, Flickr, Omniglot, FER2013, moving MNIST."""

from __future__ import annotations

import csv
import os
import pathlib
import shutil
from collections import defaultdict
from typing import Any

import numpy as np

import torchax_lite as torch

from .folder import default_loader
from .utils import (
    check_integrity,
    download_and_extract_archive,
    download_url,
    image_of,
    list_dir,
    list_files,
    not_found,
    optional,
    read_image,
    verify_str_arg,
)
from .vision import Root, Transform, VisionDataset


class OxfordIIITPet(VisionDataset):
    """Cats and dogs (Parkhi et al. 2012); ``split`` "trainval" or "test".

    ``target_types``: "category", "binary-category" (0 cat, 1 dog), "segmentation" (a Pillow image), or several of them.
    """

    _RESOURCES = (
        ("https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz", "5c4f3ee8e5d25df40f4fd59a7f44e54c"),
        ("https://www.robots.ox.ac.uk/~vgg/data/pets/data/annotations.tar.gz", "95a8c909bbe2e81eed6a22bccdf3f68f"),
    )
    _VALID_TARGET_TYPES = ("category", "binary-category", "segmentation")

    def __init__(
        self, root: Root, split: str = "trainval", target_types: Any = "category", transforms: Transform = None,
        transform: Transform = None, target_transform: Transform = None, download: bool = False,
    ) -> None:  # fmt: skip
        self._split = verify_str_arg(split, "split", ("trainval", "test"))
        kinds = [target_types] if isinstance(target_types, str) else target_types
        self._target_types = [verify_str_arg(kind, "target_types", self._VALID_TARGET_TYPES) for kind in kinds]
        super().__init__(root, transforms=transforms, transform=transform, target_transform=target_transform)
        self._base_folder = pathlib.Path(self.root) / "oxford-iiit-pet"
        self._images_folder = self._base_folder / "images"
        self._anns_folder = self._base_folder / "annotations"
        if download and not self._check_exists():
            for url, md5 in self._RESOURCES:
                download_and_extract_archive(url, download_root=str(self._base_folder), md5=md5)
        if not self._check_exists():
            raise not_found()
        rows = [line.split() for line in (self._anns_folder / f"{self._split}.txt").read_text().splitlines()]
        names = [row[0] for row in rows]
        self._labels = [int(row[1]) - 1 for row in rows]
        self._bin_labels = [int(row[2]) - 1 for row in rows]
        kinds = {label: name.rsplit("_", 1)[0] for name, label in zip(names, self._labels)}
        self.bin_classes = ["Cat", "Dog"]
        self.classes = [" ".join(part.title() for part in kinds[label].split("_")) for label in sorted(kinds)]
        self.bin_class_to_idx = {name: i for i, name in enumerate(self.bin_classes)}
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self._images = [self._images_folder / f"{name}.jpg" for name in names]
        self._segs = [self._anns_folder / "trimaps" / f"{name}.png" for name in names]

    def _check_exists(self) -> bool:
        return self._images_folder.is_dir() and self._anns_folder.is_dir()

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, idx: int) -> tuple[Any, Any]:
        found: list[Any] = []
        for kind in self._target_types:
            if kind == "segmentation":
                found.append(read_image(self._segs[idx], None))
            else:
                found.append((self._labels if kind == "category" else self._bin_labels)[idx])
        target = None if not found else found[0] if len(found) == 1 else tuple(found)
        image = read_image(self._images[idx])
        return self.transforms(image, target) if self.transforms else (image, target)


class SBDataset(VisionDataset):
    """Outlines of the objects of VOC (Hariharan et al. 2011). Reading needs SciPy.

    Args:
        image_set: "train", "val" or "train_noval". mode: "boundaries" (an array ``(20, H, W)``) or "segmentation".
    """

    url = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/benchmark.tgz"
    md5 = "82b4d87ceb2ed10f6038a1cba92111cb"
    filename = "benchmark.tgz"
    voc_train_url = "https://www.cs.cornell.edu/~bharathh/train_noval.txt"
    voc_split_filename = "train_noval.txt"
    voc_split_md5 = "79bff800c5f0b1ec6b21080a3c066722"

    def __init__(
        self, root: Root, image_set: str = "train", mode: str = "boundaries", download: bool = False,
        transforms: Transform = None,
    ) -> None:  # fmt: skip
        self._loadmat = optional("scipy.io", "SBDataset").loadmat
        super().__init__(root, transforms)
        self.image_set = verify_str_arg(image_set, "image_set", ("train", "val", "train_noval"))
        self.mode = verify_str_arg(mode, "mode", ("segmentation", "boundaries"))
        self.num_classes = 20
        if download:
            self._download()
        if not os.path.isdir(self.root):
            raise not_found(corrupted=True)
        names = pathlib.Path(self.root, f"{image_set}.txt").read_text().splitlines()
        self.images = [os.path.join(self.root, "img", f"{name.strip()}.jpg") for name in names]
        self.masks = [os.path.join(self.root, "cls", f"{name.strip()}.mat") for name in names]

    def _download(self) -> None:
        download_and_extract_archive(self.url, self.root, filename=self.filename, md5=self.md5)
        for name in ("cls", "img", "inst", "train.txt", "val.txt"):
            shutil.move(os.path.join(self.root, "benchmark_RELEASE", "dataset", name), self.root)
        if self.image_set == "train_noval":
            download_url(self.voc_train_url, self.root, self.voc_split_filename, self.voc_split_md5)

    def _target(self, path: str) -> Any:
        table = self._loadmat(path)["GTcls"][0]
        if self.mode == "segmentation":
            return image_of(table["Segmentation"][0])
        return np.stack([table["Boundaries"][0][i][0].toarray() for i in range(self.num_classes)])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, target = read_image(self.images[index]), self._target(self.masks[index])
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def __len__(self) -> int:
        return len(self.images)

    def extra_repr(self) -> str:
        return f"Image set: {self.image_set}\nMode: {self.mode}"


class Kitti(VisionDataset):
    """Street scenes with objects in space (Geiger et al. 2012); targets (of training images) are lists of dicts."""

    data_url = "https://s3.eu-central-1.amazonaws.com/avg-kitti/"
    resources = ["data_object_image_2.zip", "data_object_label_2.zip"]
    image_dir_name = "image_2"
    labels_dir_name = "label_2"

    def __init__(
        self, root: Root, train: bool = True, transform: Transform = None, target_transform: Transform = None,
        transforms: Transform = None, download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform, transforms=transforms)
        self.train = train
        self._location = "training" if self.train else "testing"
        if download:
            self.download()
        if not self._check_exists():
            raise RuntimeError("Dataset not found. You may use download=True to download it.")
        names = os.listdir(self._folder(self.image_dir_name))
        self.images = [os.path.join(self._folder(self.image_dir_name), name) for name in names]
        self.targets = []
        if self.train:
            labels = self._folder(self.labels_dir_name)
            self.targets = [os.path.join(labels, f"{name.split('.')[0]}.txt") for name in names]

    def _folder(self, name: str) -> str:
        return os.path.join(self._raw_folder, self._location, name)

    @property
    def _raw_folder(self) -> str:
        return os.path.join(self.root, self.__class__.__name__, "raw")

    def _check_exists(self) -> bool:
        names = [self.image_dir_name] + ([self.labels_dir_name] if self.train else [])
        return all(os.path.isdir(self._folder(name)) for name in names)

    def _parse_target(self, index: int) -> list[dict[str, Any]]:
        with open(self.targets[index]) as f:
            rows = list(csv.reader(f, delimiter=" "))
        return [
            {
                "type": r[0], "truncated": float(r[1]), "occluded": int(r[2]), "alpha": float(r[3]),
                "bbox": [float(x) for x in r[4:8]], "dimensions": [float(x) for x in r[8:11]],
                "location": [float(x) for x in r[11:14]], "rotation_y": float(r[14]),
            }
            for r in rows
        ]  # fmt: skip

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = read_image(self.images[index], None)
        target = self._parse_target(index) if self.train else None
        return self.transforms(image, target) if self.transforms else (image, target)

    def __len__(self) -> int:
        return len(self.images)

    def download(self) -> None:
        """Fetch and unpack the archives, unless they are there."""
        if not self._check_exists():
            os.makedirs(self._raw_folder, exist_ok=True)
            for name in self.resources:
                download_and_extract_archive(f"{self.data_url}{name}", download_root=self._raw_folder, filename=name)


class Flickr30k(VisionDataset):
    """Images of ``root`` with the captions of ``ann_file`` (Young et al. 2014)."""

    def __init__(
        self, root: Root, ann_file: str, transform: Transform = None, target_transform: Transform = None,
        loader: Any = default_loader,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.ann_file = os.path.expanduser(ann_file)
        self.annotations: dict[str, list[str]] = defaultdict(list)
        with open(self.ann_file) as f:
            for line in f:
                name, caption = line.strip().split("\t")
                self.annotations[name[:-2]].append(caption)
        self.ids = sorted(self.annotations)
        self.loader = loader

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        name = self.ids[index]
        return self._transformed(self.loader(os.path.join(self.root, name)), self.annotations[name])

    def __len__(self) -> int:
        return len(self.ids)


class Omniglot(VisionDataset):
    """Characters of fifty alphabets (Lake et al. 2015); ``background``: those to train, else those to test."""

    folder = "omniglot-py"
    download_url_prefix = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python"
    zips_md5 = {
        "images_background": "68d2efa1b9178cc56df9314c21c6e718", "images_evaluation": "6b91aef0f799c5bb55b94e3f2daec811",
    }  # fmt: skip

    def __init__(
        self, root: Root, background: bool = True, transform: Transform = None, target_transform: Transform = None,
        download: bool = False, loader: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(os.path.join(root, self.folder), transform=transform, target_transform=target_transform)
        self.background = background
        part = "images_background" if background else "images_evaluation"
        archive = os.path.join(self.root, f"{part}.zip")
        if download and not check_integrity(archive, self.zips_md5[part]):
            url = f"{self.download_url_prefix}/{part}.zip"
            download_and_extract_archive(url, self.root, filename=f"{part}.zip", md5=self.zips_md5[part])
        if not check_integrity(archive, self.zips_md5[part]):
            raise not_found(corrupted=True)
        self.target_folder = os.path.join(self.root, part)
        self._alphabets = list_dir(self.target_folder)
        self._characters = [
            os.path.join(a, c) for a in self._alphabets for c in list_dir(os.path.join(self.target_folder, a))
        ]
        self._flat_character_images = [
            (name, i)
            for i, character in enumerate(self._characters)
            for name in list_files(os.path.join(self.target_folder, character), ".png")
        ]
        self.loader = loader

    def __len__(self) -> int:
        return len(self._flat_character_images)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        name, target = self._flat_character_images[index]
        path = os.path.join(self.target_folder, self._characters[target], name)
        return self._transformed(read_image(path, "L") if self.loader is None else self.loader(path), target)


class FER2013(VisionDataset):
    """Expressions of faces, 48 x 48 (Goodfellow et al. 2013); ``split`` "train" or "test". Not to be downloaded from here."""

    _RESOURCES = {
        "train": ("train.csv", "3f0dfb3d3fd99c811a1299cb947e3131"),
        "test": ("test.csv", "b02c2298636a634e8c2faabbf3ea9a23"),
        "fer": ("fer2013.csv", "f8428a1edbd21e88f42c73edd2a14f95"),
        "icml": ("icml_face_data.csv", "b114b9e04e6949e5fe8b6a98b3892b1d"),
    }

    def __init__(
        self, root: Root, split: str = "train", transform: Transform = None, target_transform: Transform = None
    ) -> None:
        self._split = verify_str_arg(split, "split", ("train", "test"))
        super().__init__(root, transform=transform, target_transform=target_transform)
        folder = pathlib.Path(self.root) / "fer2013"
        whole = next((k for k in ("fer", "icml") if (folder / self._RESOURCES[k][0]).exists()), None)
        name, md5 = self._RESOURCES[whole or self._split]
        if not check_integrity(str(folder / name), md5=md5):
            raise RuntimeError(
                f"{name} not found in {folder} or corrupted. You can download it from "
                "https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge"
            )
        with open(folder / name, newline="") as f:
            rows = [{k.strip(): v for k, v in row.items()} for row in csv.DictReader(f)]
        if whole is not None:
            wanted = ("Training",) if self._split == "train" else ("PublicTest", "PrivateTest")
            rows = [row for row in rows if row["Usage"] in wanted]
        labelled = whole is not None or self._split == "train"
        self._samples = [
            (np.array(row["pixels"].split(), np.uint8).reshape(48, 48), int(row["emotion"]) if labelled else None)
            for row in rows
        ]

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, idx: int) -> tuple[Any, Any]:
        pixels, target = self._samples[idx]
        return self._transformed(image_of(pixels), target)

    def extra_repr(self) -> str:
        return f"split={self._split}"


class MovingMNIST(VisionDataset):
    """Videos of moving digits (Srivastava et al. 2015), ``(T, 1, 64, 64)``; ``split`` "train" for the first frames."""

    _URL = "http://www.cs.toronto.edu/~nitish/unsupervised_video/mnist_test_seq.npy"

    def __init__(
        self, root: Root, split: str | None = None, split_ratio: int = 10, download: bool = False,
        transform: Transform = None,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform)
        folder = os.path.join(self.root, self.__class__.__name__)
        path = os.path.join(folder, self._URL.rsplit("/", 1)[-1])
        if split is not None:
            verify_str_arg(split, "split", ("train", "test"))
        self.split = split
        if not isinstance(split_ratio, int):
            raise TypeError(f"`split_ratio` should be an integer, but got {type(split_ratio)}")
        if not (1 <= split_ratio <= 19):
            raise ValueError(f"`split_ratio` should be `1 <= split_ratio <= 19`, but got {split_ratio} instead.")
        self.split_ratio = split_ratio
        if download and not os.path.exists(path):
            download_url(self._URL, folder, os.path.basename(path), "be083ec986bfe91a449d63653c411eb2")
        if not os.path.exists(path):
            raise RuntimeError("Dataset not found. You can use download=True to download it.")
        frames = np.load(path)
        if self.split is not None:
            frames = frames[:split_ratio] if self.split == "train" else frames[split_ratio:]
        self.data = torch.from_numpy(np.ascontiguousarray(frames.swapaxes(0, 1)[:, :, None]))

    def __getitem__(self, idx: int) -> Any:
        data = self.data[idx]
        return data if self.transform is None else self.transform(data)

    def __len__(self) -> int:
        return len(self.data)
