"""Semeion (Buscema 1998)."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .utils import check_integrity, download_url, image_of, not_found
from .vision import Root, Transform, VisionDataset


class SEMEION(VisionDataset):
    """Handwritten digits, 16 x 16, black and white; ``data`` and ``labels`` are arrays."""

    url = "http://archive.ics.uci.edu/ml/machine-learning-databases/semeion/semeion.data"
    filename = "semeion.data"
    md5_checksum = "cb545d371d2ce14ec121470795a77432"

    def __init__(
        self, root: Root, transform: Transform = None, target_transform: Transform = None, download: bool = True
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        if download:
            self.download()
        if not self._check_integrity():
            raise not_found(corrupted=True)
        rows = np.loadtxt(os.path.join(self.root, self.filename))
        self.data = (rows[:, :256] * 255).astype("uint8").reshape(-1, 16, 16)
        self.labels = np.nonzero(rows[:, 256:])[1]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(image_of(self.data[index]), int(self.labels[index]))

    def __len__(self) -> int:
        return len(self.data)

    def _check_integrity(self) -> bool:
        return check_integrity(os.path.join(self.root, self.filename), self.md5_checksum)

    def download(self) -> None:
        """Fetch the file, unless it is there."""
        if not self._check_integrity():
            download_url(self.url, self.root, self.filename, self.md5_checksum)
