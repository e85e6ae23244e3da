"""CelebA (Liu et al. 2015)."""

from __future__ import annotations

import csv
import os
from typing import Any, NamedTuple

import torchax_lite as torch
from torchax_lite import Tensor

from .utils import (
    check_integrity,
    download_file_from_google_drive,
    extract_archive,
    not_found,
    read_image,
    verify_str_arg,
)
from .vision import Root, Transform, VisionDataset


class CSV(NamedTuple):
    """A table: names of columns, names of rows, whole numbers."""

    header: list[str]
    index: list[str]  # type: ignore[assignment]
    data: Tensor


class CelebA(VisionDataset):
    """Faces with attributes.

    Args:
        split: "train", "valid", "test" or "all".
        target_type: "attr" (40 numbers 0 or 1), "identity", "bbox" (x, y, width, height), "landmarks" (five places), or a
            list of these; an empty list for no target.
    """

    base_folder = "celeba"
    file_list = [
        ("0B7EVK8r0v71pZjFTYXZWM3FlRnM", "00d2c5bc6d35e252742224ab0c1e8fcb", "img_align_celeba.zip"),
        ("0B7EVK8r0v71pblRyaVFSWGxPY0U", "75e246fa4810816ffd6ee81facbd244c", "list_attr_celeba.txt"),
        ("1_ee_0u7vcNLOfNLegJRHmolfH5ICW-XS", "32bd1bd63d3c78cd57e08160ec5ed1e2", "identity_CelebA.txt"),
        ("0B7EVK8r0v71pbThiMVRxWXZ4dU0", "00566efa6fedff7a56946cd1c10f1c16", "list_bbox_celeba.txt"),
        ("0B7EVK8r0v71pd0FJY3Blby1HUTQ", "cc24ecafdb5b50baae59b03474781f8c", "list_landmarks_align_celeba.txt"),
        ("0B7EVK8r0v71pY0NSMzRuSXJEVkk", "d32c9cbf5e040fd4025c592c306e6668", "list_eval_partition.txt"),
    ]

    def __init__(
        self, root: Root, split: str = "train", target_type: list[str] | str = "attr", transform: Transform = None,
        target_transform: Transform = None, download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = split
        self.target_type = target_type if isinstance(target_type, list) else [target_type]
        if not self.target_type and self.target_transform is not None:
            raise RuntimeError("target_transform is specified but target_type is empty")
        if download:
            self.download()
        if not self._check_integrity():
            raise not_found(corrupted=True)
        lowered = split.lower() if isinstance(split, str) else split
        number = {"train": 0, "valid": 1, "test": 2, "all": None}[
            verify_str_arg(lowered, "split", ("train", "valid", "test", "all"))
        ]
        splits = self._load_csv("list_eval_partition.txt")
        owner = splits.data.squeeze(1).tolist()
        chosen = [i for i, s in enumerate(owner) if number is None or s == number]
        self.filename = [splits.index[i] for i in chosen]
        attributes = self._load_csv("list_attr_celeba.txt", header=1)
        self.identity = self._load_csv("identity_CelebA.txt").data[chosen]
        self.bbox = self._load_csv("list_bbox_celeba.txt", header=1).data[chosen]
        self.landmarks_align = self._load_csv("list_landmarks_align_celeba.txt", header=1).data[chosen]
        self.attr = torch.div(attributes.data[chosen] + 1, 2, rounding_mode="floor")
        self.attr_names = attributes.header

    def _load_csv(self, filename: str, header: int | None = None) -> CSV:
        with open(os.path.join(self.root, self.base_folder, filename)) as f:
            rows = list(csv.reader(f, delimiter=" ", skipinitialspace=True))
        names = rows[header] if header is not None else []
        rows = rows[header + 1 :] if header is not None else rows
        return CSV(names, [r[0] for r in rows], torch.tensor([[int(v) for v in r[1:]] for r in rows]))

    def _check_integrity(self) -> bool:
        folder = os.path.join(self.root, self.base_folder)
        tables = [(md5, name) for _, md5, name in self.file_list if not name.endswith(".zip")]
        intact = all(check_integrity(os.path.join(folder, name), md5) for md5, name in tables)
        return intact and os.path.isdir(os.path.join(folder, "img_align_celeba"))

    def download(self) -> None:
        """Fetch the files from Google Drive (needs ``gdown``) and unpack the images."""
        if self._check_integrity():
            return
        folder = os.path.join(self.root, self.base_folder)
        for file_id, md5, name in self.file_list:
            download_file_from_google_drive(file_id, folder, name, md5)
        extract_archive(os.path.join(folder, "img_align_celeba.zip"))

    def _target(self, kind: str, index: int) -> Tensor:
        if kind == "attr":
            return self.attr[index, :]
        if kind == "identity":
            return self.identity[index, 0]
        if kind == "bbox":
            return self.bbox[index, :]
        if kind == "landmarks":
            return self.landmarks_align[index, :]
        raise ValueError(f'Target type "{kind}" is not recognized.')

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = read_image(os.path.join(self.root, self.base_folder, "img_align_celeba", self.filename[index]), None)
        targets = [self._target(kind, index) for kind in self.target_type]
        if self.transform is not None:
            image = self.transform(image)
        if not targets:
            return image, None
        target = tuple(targets) if len(targets) > 1 else targets[0]
        return image, target if self.target_transform is None else self.target_transform(target)

    def __len__(self) -> int:
        return len(self.attr)

    def extra_repr(self) -> str:
        return f"Target type: {self.target_type}\nSplit: {self.split}"
