"""Caltech 101 (Fei-Fei et al. 2004) and Caltech 256 (Griffin et al. 2007)."""

from __future__ import annotations

import os
import shutil
from typing import Any

from .utils import download_and_extract_archive, extract_archive, not_found, optional, read_image, verify_str_arg
from .vision import Root, Transform, VisionDataset


class Caltech101(VisionDataset):
    """Images of 101 kinds of objects; a target is "category" (a number), "annotation" (the outline; needs SciPy) or both.

    Read from ``root/caltech101``.
    """

    _OTHER_NAMES = {
        "Faces": "Faces_2", "Faces_easy": "Faces_3", "Motorbikes": "Motorbikes_16", "airplanes": "Airplanes_Side_2",
    }  # fmt: skip

    def __init__(
        self, root: Root, target_type: list[str] | str = "category", transform: Transform = None,
        target_transform: Transform = None, download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(os.path.join(root, "caltech101"), transform=transform, target_transform=target_transform)
        os.makedirs(self.root, exist_ok=True)
        kinds = [target_type] if isinstance(target_type, str) else target_type
        self.target_type = [verify_str_arg(t, "target_type", ("category", "annotation")) for t in kinds]
        if download:
            self.download()
        if not self._check_integrity():
            raise not_found(corrupted=True)
        self.categories = sorted(os.listdir(self._path("101_ObjectCategories")))
        self.categories.remove("BACKGROUND_Google")
        self.annotation_categories = [self._OTHER_NAMES.get(name, name) for name in self.categories]
        self.index: list[int] = []
        self.y: list[int] = []
        for i, name in enumerate(self.categories):
            count = len(os.listdir(self._path("101_ObjectCategories", name)))
            self.index += range(1, count + 1)
            self.y += count * [i]

    def _path(self, *parts: str) -> str:
        return os.path.join(self.root, *parts)

    def _target(self, kind: str, index: int) -> Any:
        if kind == "category":
            return self.y[index]
        name, number = self.annotation_categories[self.y[index]], self.index[index]
        path = self._path("Annotations", name, f"annotation_{number:04d}.mat")
        return optional("scipy.io", "Caltech101's annotations").loadmat(path)["obj_contour"]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        name, number = self.categories[self.y[index]], self.index[index]
        image = read_image(self._path("101_ObjectCategories", name, f"image_{number:04d}.jpg"), None)
        targets = [self._target(kind, index) for kind in self.target_type]
        return self._transformed(image, tuple(targets) if len(targets) > 1 else targets[0])

    def _check_integrity(self) -> bool:
        return os.path.exists(self._path("101_ObjectCategories"))

    def __len__(self) -> int:
        return len(self.index)

    def download(self) -> None:
        """Fetch and unpack the archives, unless they are there."""
        if self._check_integrity():
            return
        download_and_extract_archive(
            "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip", download_root=self.root,
            filename="caltech-101.zip", md5="3138e1922a9193bfa496528edbbc45d0",
        )  # fmt: skip
        folder = self._path("caltech-101")
        for name in os.listdir(folder):
            if name.endswith(".gz"):
                extract_archive(os.path.join(folder, name), self.root)
        shutil.rmtree(folder)
        os.remove(self._path("caltech-101.zip"))

    def extra_repr(self) -> str:
        return f"Target type: {self.target_type}"


class Caltech256(VisionDataset):
    """Images of 256 kinds of objects, read from ``root/caltech256``."""

    def __init__(
        self, root: Root, transform: Transform = None, target_transform: Transform = None, download: bool = False
    ) -> None:
        super().__init__(os.path.join(root, "caltech256"), transform=transform, target_transform=target_transform)
        os.makedirs(self.root, exist_ok=True)
        if download:
            self.download()
        if not self._check_integrity():
            raise not_found(corrupted=True)
        self.categories = sorted(os.listdir(self._path()))
        self.index: list[int] = []
        self.y: list[int] = []
        for i, name in enumerate(self.categories):
            count = sum(file.endswith(".jpg") for file in os.listdir(self._path(name)))
            self.index += range(1, count + 1)
            self.y += count * [i]

    def _path(self, *parts: str) -> str:
        return os.path.join(self.root, "256_ObjectCategories", *parts)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        target = self.y[index]
        name = f"{target + 1:03d}_{self.index[index]:04d}.jpg"
        return self._transformed(read_image(self._path(self.categories[target], name), None), target)

    def _check_integrity(self) -> bool:
        return os.path.exists(self._path())

    def __len__(self) -> int:
        return len(self.index)

    def download(self) -> None:
        """Fetch and unpack the archive, unless it is there."""
        if not self._check_integrity():
            download_and_extract_archive(
                "https://data.caltech.edu/records/nyy15-4j048/files/256_ObjectCategories.tar", self.root,
                filename="256_ObjectCategories.tar", md5="67b4f42ca05d46448c6bb8ecd2220f6d",
            )  # fmt: skip
