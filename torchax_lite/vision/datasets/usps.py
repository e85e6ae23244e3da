"""USPS (Hull 1994)."""

from __future__ import annotations

import bz2
import os
from typing import Any

import numpy as np

from .utils import download_url, image_of
from .vision import Root, Transform, VisionDataset

_BASE = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"


class USPS(VisionDataset):
    """Handwritten digits from letters, 16 x 16; ``data`` is a uint8 array, ``targets`` a list."""

    split_list = {
        "train": [_BASE + "usps.bz2", "usps.bz2", "ec16c51db3855ca6c91edd34d0e9b197"],
        "test": [_BASE + "usps.t.bz2", "usps.t.bz2", "8ea070ee2aca1ac39742fdd1ef5ed118"],
    }

    def __init__(
        self, root: Root, train: bool = True, transform: Transform = None, target_transform: Transform = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        url, name, md5 = self.split_list["train" if train else "test"]
        path = os.path.join(self.root, name)
        if download and not os.path.exists(path):
            download_url(url, self.root, name, md5=md5)
        with bz2.open(path) as f:
            rows = [line.decode().split() for line in f]
        # Each row: the class, then "place:value" with values in [-1, 1].
        values = np.asarray([[x.split(":")[-1] for x in row[1:]] for row in rows], dtype=np.float32)
        self.data = ((values.reshape(-1, 16, 16) + 1) / 2 * 255).astype(dtype=np.uint8)
        self.targets = [int(row[0]) - 1 for row in rows]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(image_of(self.data[index]), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)
