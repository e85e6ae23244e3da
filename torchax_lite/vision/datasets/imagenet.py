"""ImageNet, ILSVRC 2012 (Deng et al. 2009)."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

import torchax_lite as torch

from .folder import ImageFolder
from .utils import check_integrity, extract_archive, optional, verify_str_arg
from .vision import Root

ARCHIVE_META = {
    "train": ("ILSVRC2012_img_train.tar", "1d675b47d978889d74fa0da5fadfb00e"),
    "val": ("ILSVRC2012_img_val.tar", "29b22e2961454d5413ddabcf34fc5622"),
    "devkit": ("ILSVRC2012_devkit_t12.tar.gz", "fa75699e90414af021442c21a62c3abf"),
}
META_FILE = "meta.bin"


class ImageNet(ImageFolder):
    """1,000 classes of objects; ``split`` "train" or "val".

    The archives, which cannot be downloaded from here, are put into ``root`` and unpacked the first time.

    Attributes:
        wnids, wnid_to_idx: the numbers that WordNet gives the classes. classes: tuples of names.
    """

    def __init__(self, root: Root, split: str = "train", **kwargs: Any) -> None:
        root = self.root = os.path.expanduser(root)
        self.split = verify_str_arg(split, "split", ("train", "val"))
        self.parse_archives()
        names = load_meta_file(self.root)[0]
        super().__init__(self.split_folder, **kwargs)
        self.root = root
        self.wnids = self.classes
        self.wnid_to_idx = self.class_to_idx
        self.classes = [names[wnid] for wnid in self.wnids]
        self.class_to_idx = {name: i for i, each in enumerate(self.classes) for name in each}

    def parse_archives(self) -> None:
        """Unpack what has not been unpacked yet."""
        if not check_integrity(os.path.join(self.root, META_FILE)):
            parse_devkit_archive(self.root)
        if not os.path.isdir(self.split_folder):
            (parse_train_archive if self.split == "train" else parse_val_archive)(self.root)

    @property
    def split_folder(self) -> str:
        """The folder of the split's images."""
        return os.path.join(self.root, self.split)

    def extra_repr(self) -> str:
        return f"Split: {self.split}"


def load_meta_file(root: Root, file: str | None = None) -> tuple[dict[str, Any], list[str]]:
    """Names of the classes by their WordNet numbers, and the latter of the validation images.

    Raises:
        RuntimeError: the file, which the data set makes itself, is missing.
    """
    path = os.path.join(root, META_FILE if file is None else file)
    if not check_integrity(path):
        raise RuntimeError(
            f"The meta file {path} is not present in the root directory or is corrupted. This file is automatically "
            "created by the ImageNet dataset."
        )
    return torch.load(path, weights_only=True)


def _archive(root: Root, kind: str, file: str | None) -> str:
    name, md5 = ARCHIVE_META[kind]
    name = name if file is None else file
    path = os.path.join(root, name)
    if not check_integrity(path, md5):
        raise RuntimeError(
            f"The archive {name} is not present in the root directory or is corrupted. You need to download it "
            f"externally and place it in {root}."
        )
    return path


def parse_devkit_archive(root: Root, file: str | None = None) -> None:
    """Write the names of the classes and the classes of the validation images from the development kit (needs SciPy)."""
    path = _archive(root, "devkit", file)
    with tempfile.TemporaryDirectory() as folder:
        extract_archive(path, folder)
        data = os.path.join(folder, "ILSVRC2012_devkit_t12", "data")
        synsets = optional("scipy.io", "ImageNet").loadmat(os.path.join(data, "meta.mat"), squeeze_me=True)["synsets"]
        leaves = [entry for entry in synsets if entry[4] == 0]
        names = {entry[1]: tuple(entry[2].split(", ")) for entry in leaves}
        numbers = {entry[0]: entry[1] for entry in leaves}
        with open(os.path.join(data, "ILSVRC2012_validation_ground_truth.txt")) as f:
            order = [numbers[int(line)] for line in f]
        torch.save((names, order), os.path.join(root, META_FILE))


def parse_train_archive(root: Root, file: str | None = None, folder: str = "train") -> None:
    """Unpack the training images into one folder for each class."""
    path = _archive(root, "train", file)
    target = os.path.join(root, folder)
    extract_archive(path, target)
    for name in os.listdir(target):
        inner = os.path.join(target, name)
        extract_archive(inner, os.path.splitext(inner)[0], remove_finished=True)


def parse_val_archive(root: Root, file: str | None = None, wnids: list[str] | None = None, folder: str = "val") -> None:
    """Unpack the validation images and sort them into one folder for each class."""
    if wnids is None:
        wnids = load_meta_file(root)[1]
    path = _archive(root, "val", file)
    target = os.path.join(root, folder)
    extract_archive(path, target)
    images = sorted(os.path.join(target, name) for name in os.listdir(target))
    for wnid in set(wnids):
        os.mkdir(os.path.join(target, wnid))
    for wnid, image in zip(wnids, images):
        shutil.move(image, os.path.join(target, wnid, os.path.basename(image)))
