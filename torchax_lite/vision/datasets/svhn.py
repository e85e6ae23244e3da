"""Street view house numbers (Netzer et al. 2011)."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .utils import check_integrity, download_url, image_of, not_found, optional, verify_str_arg
from .vision import Root, Transform, VisionDataset

_BASE = "http://ufldl.stanford.edu/housenumbers/"


class SVHN(VisionDataset):
    """Digits from photographs, 32 x 32 in colours; ``split`` "train", "test" or "extra". Reading needs SciPy.

    Attributes:
        data: uint8 array ``(N, 3, 32, 32)``. labels: int64 array.
    """

    split_list = {
        "train": [_BASE + "train_32x32.mat", "train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"],
        "test": [_BASE + "test_32x32.mat", "test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"],
        "extra": [_BASE + "extra_32x32.mat", "extra_32x32.mat", "a93ce644f1a588dc4d68dda5feec44a7"],
    }

    def __init__(
        self, root: Root, split: str = "train", transform: Transform = None, target_transform: Transform = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", tuple(self.split_list))
        self.url, self.filename, self.file_md5 = self.split_list[split]
        if download:
            self.download()
        if not self._check_integrity():
            raise not_found(corrupted=True)
        found = optional("scipy.io", "SVHN").loadmat(os.path.join(self.root, self.filename))
        self.labels = found["y"].astype(np.int64).squeeze()
        self.labels[self.labels == 10] = 0  # the files write 10 for the digit 0
        self.data = np.transpose(found["X"], (3, 2, 0, 1))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = image_of(np.ascontiguousarray(np.transpose(self.data[index], (1, 2, 0))))
        return self._transformed(image, int(self.labels[index]))

    def __len__(self) -> int:
        return len(self.data)

    def _check_integrity(self) -> bool:
        return check_integrity(os.path.join(self.root, self.filename), self.split_list[self.split][2])

    def download(self) -> None:
        """Fetch the file of the split."""
        download_url(self.url, self.root, self.filename, self.split_list[self.split][2])

    def extra_repr(self) -> str:
        return f"Split: {self.split}"
