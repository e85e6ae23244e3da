"""STL-10 (Coates et al. 2011)."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .utils import all_intact, download_and_extract_archive, image_of, not_found, verify_str_arg
from .vision import Root, Transform, VisionDataset


class STL10(VisionDataset):
    """Colour images of ten classes, 96 x 96; ``split`` "train", "train+unlabeled", "unlabeled" or "test".

    ``folds``: one of ten published choices of 1,000 images to train.
    """

    base_folder = "stl10_binary"
    url = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
    filename = "stl10_binary.tar.gz"
    tgz_md5 = "91f7769df0f17e558f3565bffb0c7dfb"
    class_names_file = "class_names.txt"
    folds_list_file = "fold_indices.txt"
    train_list = [
        ["train_X.bin", "918c2871b30a85fa023e0c44e0bee87f"],
        ["train_y.bin", "5a34089d4802c674881badbb80307741"],
        ["unlabeled_X.bin", "5242ba1fed5e4be9e1e742405eb56ca4"],
    ]
    test_list = [
        ["test_X.bin", "7f263ba9f9e0b06b93213547f721ac82"], ["test_y.bin", "36f9794fa4beb8a2c72628de14fa638e"],
    ]  # fmt: skip
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(
        self, root: Root, split: str = "train", folds: int | None = None, transform: Transform = None,
        target_transform: Transform = None, download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", self.splits)
        self.folds = self._verify_folds(folds)
        if download:
            self.download()
        elif not self._check_integrity():
            raise not_found(corrupted=True)
        part = "test" if self.split == "test" else "train"
        if self.split == "unlabeled":
            self.data = self._images("unlabeled_X.bin")
            self.labels = np.full(len(self.data), -1)
        else:
            self.data = self._images(f"{part}_X.bin")
            self.labels = np.fromfile(self._path(f"{part}_y.bin"), dtype=np.uint8) - 1
        if folds is not None and self.split.startswith("train"):
            chosen = np.array(self._lines(self.folds_list_file)[folds].split(), np.int64)
            self.data, self.labels = self.data[chosen], self.labels[chosen]
        if self.split == "train+unlabeled":
            more = self._images("unlabeled_X.bin")
            self.data = np.concatenate((self.data, more))
            self.labels = np.concatenate((self.labels, np.full(len(more), -1)))
        if os.path.isfile(self._path(self.class_names_file)):
            self.classes = self._lines(self.class_names_file)

    def _verify_folds(self, folds: int | None) -> int | None:
        if folds is None or (isinstance(folds, int) and folds in range(10)):
            return folds
        if isinstance(folds, int):
            raise ValueError(f"Value for argument folds should be in the range [0, 10), but got {folds}.")
        raise ValueError(f"Expected type None or int for argument folds, but got type {type(folds)}.")

    def _path(self, name: str) -> str:
        return os.path.join(self.root, self.base_folder, name)

    def _lines(self, name: str) -> list[str]:
        with open(self._path(name)) as f:
            return f.read().splitlines()

    def _images(self, name: str) -> Any:
        """``(N, 3, 96, 96)``; the files have columns before rows."""
        return np.fromfile(self._path(name), dtype=np.uint8).reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = image_of(np.ascontiguousarray(np.transpose(self.data[index], (1, 2, 0))))
        return self._transformed(image, int(self.labels[index]))

    def __len__(self) -> int:
        return self.data.shape[0]

    def _check_integrity(self) -> bool:
        return all_intact(os.path.join(self.root, self.base_folder), self.train_list + self.test_list)

    def download(self) -> None:
        """Fetch and unpack the archive, unless all files are there."""
        if not self._check_integrity():
            download_and_extract_archive(self.url, self.root, filename=self.filename, md5=self.tgz_md5)

    def extra_repr(self) -> str:
        return f"Split: {self.split}"
