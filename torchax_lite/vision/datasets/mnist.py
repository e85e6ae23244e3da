"""MNIST (LeCun et al. 1998) and data sets in its format."""

from __future__ import annotations

import os
import shutil
import string
import warnings
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor

from .utils import (
    check_integrity,
    download_and_extract_archive,
    extract_archive,
    image_of,
    not_found,
    verify_str_arg,
)
from .vision import Root, Transform, VisionDataset

_DIGITS = [
    "0 - zero",
    "1 - one",
    "2 - two",
    "3 - three",
    "4 - four",
    "5 - five",
    "6 - six",
    "7 - seven",
    "8 - eight",
    "9 - nine",
]


class MNIST(VisionDataset):
    """Handwritten digits, 60,000 to train and 10,000 to test, 28 x 28; read from ``root/MNIST/raw``.

    Attributes:
        data: uint8 ``(N, 28, 28)``. targets: int64 ``(N,)``.
    """

    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"]
    resources: Any = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    training_file = "training.pt"
    test_file = "test.pt"
    classes = list(_DIGITS)

    def __init__(
        self, root: Root, train: bool = True, transform: Transform = None, target_transform: Transform = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if self._check_legacy_exist():
            self.data, self.targets = self._load_legacy_data()
            return
        if download:
            self.download()
        if not self._check_exists():
            raise not_found()
        self.data, self.targets = self._load_data()

    @property
    def train_labels(self) -> Tensor:
        """``targets``, under an old name."""
        warnings.warn("train_labels has been renamed targets", stacklevel=2)
        return self.targets

    @property
    def test_labels(self) -> Tensor:
        """``targets``, under an old name."""
        warnings.warn("test_labels has been renamed targets", stacklevel=2)
        return self.targets

    @property
    def train_data(self) -> Tensor:
        """``data``, under an old name."""
        warnings.warn("train_data has been renamed data", stacklevel=2)
        return self.data

    @property
    def test_data(self) -> Tensor:
        """``data``, under an old name."""
        warnings.warn("test_data has been renamed data", stacklevel=2)
        return self.data

    def _check_legacy_exist(self) -> bool:
        """Whether the files are there that torchvision wrote before 0.9."""
        names = (self.training_file, self.test_file)
        return all(check_integrity(os.path.join(self.processed_folder, name)) for name in names)

    def _load_legacy_data(self) -> Any:
        name = self.training_file if self.train else self.test_file
        return torch.load(os.path.join(self.processed_folder, name), weights_only=True)

    def _load_data(self) -> tuple[Tensor, Tensor]:
        part = "train" if self.train else "t10k"
        data = read_image_file(os.path.join(self.raw_folder, f"{part}-images-idx3-ubyte"))
        return data, read_label_file(os.path.join(self.raw_folder, f"{part}-labels-idx1-ubyte"))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(image_of(self.data[index].numpy()), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    @property
    def raw_folder(self) -> str:
        """The folder of the files as they are published."""
        return os.path.join(self.root, self.__class__.__name__, "raw")

    @property
    def processed_folder(self) -> str:
        """The folder of the files of old versions."""
        return os.path.join(self.root, self.__class__.__name__, "processed")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: i for i, name in enumerate(self.classes)}

    def _check_exists(self) -> bool:
        names = [os.path.splitext(os.path.basename(url))[0] for url, _ in self.resources]
        return all(check_integrity(os.path.join(self.raw_folder, name)) for name in names)

    def download(self) -> None:
        """Fetch and unpack the files that are missing.

        Raises:
            RuntimeError: no mirror gives one of them.
        """
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        for filename, md5 in self.resources:
            errors = []
            for mirror in self.mirrors:
                try:
                    download_and_extract_archive(
                        f"{mirror}{filename}", download_root=self.raw_folder, filename=filename, md5=md5
                    )
                except RuntimeError as error:
                    errors.append(f"Tried {mirror}, got:\n{error}\n")
                    continue
                break
            else:
                raise RuntimeError(f"Error downloading {filename}:\n" + "".join(errors))

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"


class FashionMNIST(MNIST):
    """Pictures of clothes in MNIST's format (Xiao et al. 2017)."""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


class KMNIST(MNIST):
    """Cursive Japanese characters in MNIST's format (Clanuwat et al. 2018)."""

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


_ALL = set(string.digits + string.ascii_letters)
_MERGED = sorted(_ALL - set("cijklmopsuvwxyz"))


class EMNIST(MNIST):
    """Handwritten digits and letters (Cohen et al. 2017); ``split``: "byclass", "bymerge", "balanced", "letters", "digits"
    or "mnist"."""

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    classes_split_dict = {
        "byclass": sorted(_ALL), "bymerge": _MERGED, "balanced": _MERGED,
        "letters": ["N/A", *string.ascii_lowercase], "digits": list(string.digits), "mnist": list(string.digits),
    }  # fmt: skip

    def __init__(self, root: Root, split: str, **kwargs: Any) -> None:
        self.split = verify_str_arg(split, "split", self.splits)
        self.training_file = f"training_{split}.pt"
        self.test_file = f"test_{split}.pt"
        super().__init__(root, **kwargs)
        self.classes = self.classes_split_dict[self.split]

    def _path(self, kind: str) -> str:
        part = "train" if self.train else "test"
        return os.path.join(self.raw_folder, f"emnist-{self.split}-{part}-{kind}")

    @property
    def images_file(self) -> str:
        """The file of the images."""
        return self._path("images-idx3-ubyte")

    @property
    def labels_file(self) -> str:
        """The file of the classes."""
        return self._path("labels-idx1-ubyte")

    def _load_data(self) -> tuple[Tensor, Tensor]:
        return read_image_file(self.images_file), read_label_file(self.labels_file)

    def _check_exists(self) -> bool:
        return all(check_integrity(file) for file in (self.images_file, self.labels_file))

    def download(self) -> None:
        """Fetch and unpack the archive of all splits."""
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        download_and_extract_archive(self.url, download_root=self.raw_folder, md5=self.md5)
        folder = os.path.join(self.raw_folder, "gzip")
        for name in os.listdir(folder):
            if name.endswith(".gz"):
                extract_archive(os.path.join(folder, name), self.raw_folder)
        shutil.rmtree(folder)


_QMNIST = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"


class QMNIST(MNIST):
    """MNIST's digits with their origin, and 50,000 more to test (Yadav & Bottou 2019).

    Args:
        what: "train", "test", "test10k", "test50k" or "nist"; by default as ``train`` tells.
        compat: give the class alone; else all eight numbers that are known.
    """

    subsets = {"train": "train", "test": "test", "test10k": "test", "test50k": "test", "nist": "nist"}
    resources = {
        "train": [
            (_QMNIST + "qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
            (_QMNIST + "qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4"),
        ],
        "test": [
            (_QMNIST + "qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
            (_QMNIST + "qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa"),
        ],
        "nist": [
            (_QMNIST + "xnist-images-idx3-ubyte.xz", "7f124b3b8ab81486c9d8c2749c17f834"),
            (_QMNIST + "xnist-labels-idx2-int.xz", "5ed0e788978e45d4a8bd4b7caec3d79d"),
        ],
    }

    def __init__(
        self, root: Root, what: str | None = None, compat: bool = True, train: bool = True, **kwargs: Any
    ) -> None:
        if what is None:
            what = "train" if train else "test"
        self.what = verify_str_arg(what, "what", tuple(self.subsets))
        self.compat = compat
        self.data_file = self.training_file = self.test_file = f"{what}.pt"
        super().__init__(root, train, **kwargs)

    def _path(self, which: int) -> str:
        url = self.resources[self.subsets[self.what]][which][0]
        return os.path.join(self.raw_folder, os.path.splitext(os.path.basename(url))[0])

    @property
    def images_file(self) -> str:
        """The file of the images."""
        return self._path(0)

    @property
    def labels_file(self) -> str:
        """The file of the classes and origins."""
        return self._path(1)

    def _check_exists(self) -> bool:
        return all(check_integrity(file) for file in (self.images_file, self.labels_file))

    def _load_data(self) -> tuple[Tensor, Tensor]:
        data = read_sn3_pascalvincent_tensor(self.images_file)
        if data.dtype != torch.uint8:
            raise TypeError(f"data should be of dtype torch.uint8 instead of {data.dtype}")
        if data.ndimension() != 3:
            raise ValueError(f"data should have 3 dimensions instead of {data.ndimension()}")
        targets = read_sn3_pascalvincent_tensor(self.labels_file).long()
        if targets.ndimension() != 2:
            raise ValueError(f"targets should have 2 dimensions instead of {targets.ndimension()}")
        if self.what == "test10k":
            return data[:10000].clone(), targets[:10000].clone()
        if self.what == "test50k":
            return data[10000:].clone(), targets[10000:].clone()
        return data, targets

    def download(self) -> None:
        """Fetch and unpack the files of the subset."""
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        for url, md5 in self.resources[self.subsets[self.what]]:
            download_and_extract_archive(url, self.raw_folder, md5=md5)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, target = image_of(self.data[index].numpy()), self.targets[index]
        return self._transformed(image, int(target[0]) if self.compat else target)

    def extra_repr(self) -> str:
        return f"Split: {self.what}"


# ---------------------------------------------------------------- files
_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_sn3_pascalvincent_tensor(path: Root, strict: bool = True) -> Tensor:
    """The tensor of a file in the IDX format: two zeros, a type, the number of dims, the dims, the values (big-endian)."""
    with open(path, "rb") as f:
        content = f.read()
    kind, dims = content[2], content[3]
    assert 1 <= dims <= 3
    assert 8 <= kind <= 14
    dtype = np.dtype(_TYPES[kind])
    shape = np.frombuffer(content, ">u4", dims, 4).astype(np.int64).tolist()
    values = np.frombuffer(content, dtype, -1, 4 * (dims + 1))
    assert len(values) == np.prod(shape) or not strict
    return torch.from_numpy(values.astype(dtype.newbyteorder("="), copy=True).reshape(shape))


def read_label_file(path: Root) -> Tensor:
    """Classes (int64) of a file of bytes."""
    x = read_sn3_pascalvincent_tensor(path, strict=False)
    if x.dtype != torch.uint8:
        raise TypeError(f"x should be of dtype torch.uint8 instead of {x.dtype}")
    if x.ndimension() != 1:
        raise ValueError(f"x should have 1 dimension instead of {x.ndimension()}")
    return x.long()


def read_image_file(path: Root) -> Tensor:
    """Images (uint8) of a file of bytes."""
    x = read_sn3_pascalvincent_tensor(path, strict=False)
    if x.dtype != torch.uint8:
        raise TypeError(f"x should be of dtype torch.uint8 instead of {x.dtype}")
    if x.ndimension() != 3:
        raise ValueError(f"x should have 3 dimension instead of {x.ndimension()}")
    return x
