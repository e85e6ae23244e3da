"""Photographs sorted into classes by lists: Food-101, DTD, FGVC-Aircraft, Flowers-102, SUN397, CLEVR and others."""

from __future__ import annotations

import csv
import json
import os
import pathlib
from typing import Any

from .folder import ImageFolder, default_loader, find_classes, make_dataset
from .utils import (
    check_integrity,
    download_and_extract_archive,
    download_url,
    not_found,
    optional,
    read_image,
    verify_str_arg,
)
from .vision import Root, Transform, VisionDataset


class _Listed(VisionDataset):
    """``_image_files`` read by ``loader``, with ``_labels``; a subclass tells ``_check_exists`` and ``_archive``."""

    _image_files: list[Any]
    _labels: list[Any]
    loader: Any
    _split: str

    def _prepare(self, download: bool, corrupted: bool = False) -> None:
        """Fetch the files where asked for; an error where they are missing."""
        if download:
            self._download()
        if not self._check_exists():
            raise not_found(corrupted)

    def _check_exists(self) -> bool:
        raise NotImplementedError

    def _archive(self) -> tuple[str, Any, str | None]:
        """Address, folder and checksum of the archive."""
        raise NotImplementedError

    def _download(self) -> None:
        if not self._check_exists():
            url, folder, md5 = self._archive()
            download_and_extract_archive(url, download_root=folder, md5=md5)

    def _number(self, classes: list[Any]) -> None:
        self.classes = classes
        self.class_to_idx = {name: i for i, name in enumerate(classes)}

    def __len__(self) -> int:
        return len(self._image_files)

    def __getitem__(self, idx: int) -> tuple[Any, Any]:
        return self._transformed(self.loader(self._image_files[idx]), self._labels[idx])


class Food101(_Listed):
    """Dishes (Bossard et al. 2014); ``split`` "train" or "test"."""

    _URL = "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz"
    _MD5 = "85eeb15f3717b99a5da872d97d918f87"

    def __init__(
        self, root: Root, split: str = "train", transform: Transform = None, target_transform: Transform = None,
        download: bool = False, loader: Any = default_loader,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._split = verify_str_arg(split, "split", ("train", "test"))
        self._base_folder = pathlib.Path(self.root) / "food-101"
        self._meta_folder = self._base_folder / "meta"
        self._images_folder = self._base_folder / "images"
        self._prepare(download)
        listed = json.loads((self._meta_folder / f"{split}.json").read_text())
        self._number(sorted(listed))
        self._labels = [self.class_to_idx[name] for name, files in listed.items() for _ in files]
        self._image_files = [
            self._images_folder.joinpath(*f"{file}.jpg".split("/")) for files in listed.values() for file in files
        ]
        self.loader = loader

    def _check_exists(self) -> bool:
        return self._meta_folder.is_dir() and self._images_folder.is_dir()

    def _archive(self) -> tuple[str, Any, str | None]:
        return self._URL, self.root, self._MD5

    def extra_repr(self) -> str:
        return f"split={self._split}"


class DTD(_Listed):
    """Textures (Cimpoi et al. 2014); ``split`` "train", "val" or "test" of one of ten partitions."""

    _URL = "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz"
    _MD5 = "fff73e5086ae6bdbea199a49dfb8a4c1"

    def __init__(
        self, root: Root, split: str = "train", partition: int = 1, transform: Transform = None,
        target_transform: Transform = None, download: bool = False, loader: Any = default_loader,
    ) -> None:  # fmt: skip
        self._split = verify_str_arg(split, "split", ("train", "val", "test"))
        if not isinstance(partition, int) and not (1 <= partition <= 10):
            raise ValueError(
                f"Parameter 'partition' should be an integer with `1 <= partition <= 10`, but got {partition} instead"
            )
        self._partition = partition
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._base_folder = pathlib.Path(self.root) / type(self).__name__.lower()
        self._data_folder = self._base_folder / "dtd"
        self._prepare(download)
        lines = (self._data_folder / "labels" / f"{self._split}{self._partition}.txt").read_text().splitlines()
        pairs = [line.strip().split("/") for line in lines]
        self._image_files = [self._data_folder / "images" / name / file for name, file in pairs]
        self._number(sorted({name for name, _ in pairs}))
        self._labels = [self.class_to_idx[name] for name, _ in pairs]
        self.loader = loader

    def _check_exists(self) -> bool:
        return self._data_folder.is_dir()

    def _archive(self) -> tuple[str, Any, str | None]:
        return self._URL, str(self._base_folder), self._MD5

    def extra_repr(self) -> str:
        return f"split={self._split}, partition={self._partition}"


class FGVCAircraft(_Listed):
    """Aircraft (Maji et al. 2013).

    Args:
        split: "train", "val", "trainval" or "test". annotation_level: "variant", "family" or "manufacturer".
    """

    _URL = "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz"
    _NAMES = {"variant": "variants.txt", "family": "families.txt", "manufacturer": "manufacturers.txt"}

    def __init__(
        self, root: Root, split: str = "trainval", annotation_level: str = "variant", transform: Transform = None,
        target_transform: Transform = None, download: bool = False, loader: Any = default_loader,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._split = verify_str_arg(split, "split", ("train", "val", "trainval", "test"))
        self._annotation_level = verify_str_arg(annotation_level, "annotation_level", tuple(self._NAMES))
        self._data_path = os.path.join(self.root, "fgvc-aircraft-2013b")
        self._prepare(download)
        folder = pathlib.Path(self._data_path) / "data"
        names = (folder / self._NAMES[self._annotation_level]).read_text().splitlines()
        self._number([name.strip() for name in names])
        lines = (folder / f"images_{self._annotation_level}_{self._split}.txt").read_text().splitlines()
        pairs = [line.strip().split(" ", 1) for line in lines]
        self._image_files = [os.path.join(str(folder / "images"), f"{image}.jpg") for image, _ in pairs]
        self._labels = [self.class_to_idx[name] for _, name in pairs]
        self.loader = loader

    def _check_exists(self) -> bool:
        return os.path.isdir(self._data_path)

    def _archive(self) -> tuple[str, Any, str | None]:
        return self._URL, self.root, None


class Flowers102(_Listed):
    """Flowers (Nilsback & Zisserman 2008); ``split`` "train", "val" or "test". Reading needs SciPy."""

    _download_url_prefix = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
    _file_dict = {
        "image": ("102flowers.tgz", "52808999861908f626f3c1f4e79d11fa"),
        "label": ("imagelabels.mat", "e0620be6f572b9609742df49c70aed4d"),
        "setid": ("setid.mat", "a5357ecc9cb78c4bef273ce3793fc85c"),
    }
    _splits_map = {"train": "trnid", "val": "valid", "test": "tstid"}

    def __init__(
        self, root: Root, split: str = "train", transform: Transform = None, target_transform: Transform = None,
        download: bool = False, loader: Any = default_loader,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._split = verify_str_arg(split, "split", ("train", "val", "test"))
        self._base_folder = pathlib.Path(self.root) / "flowers-102"
        self._images_folder = self._base_folder / "jpg"
        self._prepare(download, corrupted=True)
        loadmat = optional("scipy.io", "Flowers102").loadmat
        chosen = loadmat(self._base_folder / "setid.mat", squeeze_me=True)[self._splits_map[self._split]].tolist()
        labels = (loadmat(self._base_folder / "imagelabels.mat", squeeze_me=True)["labels"] - 1).tolist()
        self._labels = [labels[i - 1] for i in chosen]
        self._image_files = [self._images_folder / f"image_{i:05d}.jpg" for i in chosen]
        self.loader = loader

    def _check_exists(self) -> bool:
        tables = [self._file_dict["label"], self._file_dict["setid"]]
        intact = all(check_integrity(str(self._base_folder / name), md5) for name, md5 in tables)
        return self._images_folder.is_dir() and intact

    def _download(self) -> None:
        if self._check_exists():
            return
        name, md5 = self._file_dict["image"]
        download_and_extract_archive(f"{self._download_url_prefix}{name}", str(self._base_folder), md5=md5)
        for key in ("label", "setid"):
            name, md5 = self._file_dict[key]
            download_url(self._download_url_prefix + name, str(self._base_folder), md5=md5)

    def extra_repr(self) -> str:
        return f"split={self._split}"


class SUN397(_Listed):
    """Scenes of 397 kinds (Xiao et al. 2010)."""

    _DATASET_URL = "http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz"
    _DATASET_MD5 = "8ca2778205c41d23104230ba66911c7a"

    def __init__(
        self, root: Root, transform: Transform = None, target_transform: Transform = None, download: bool = False,
        loader: Any = default_loader,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._data_dir = pathlib.Path(self.root) / "SUN397"
        self._prepare(download)
        names = (self._data_dir / "ClassName.txt").read_text().splitlines()
        self._number([name[3:].strip() for name in names])
        self._image_files = list(self._data_dir.rglob("sun_*.jpg"))
        parts = [path.relative_to(self._data_dir).parts[1:-1] for path in self._image_files]
        self._labels = [self.class_to_idx["/".join(p)] for p in parts]
        self.loader = loader

    def _check_exists(self) -> bool:
        return self._data_dir.is_dir()

    def _archive(self) -> tuple[str, Any, str | None]:
        return self._DATASET_URL, self.root, self._DATASET_MD5


class CLEVRClassification(_Listed):
    """Rendered objects (Johnson et al. 2017); the class is their number. ``split`` "train", "val" or "test"."""

    _URL = "https://dl.fbaipublicfiles.com/clevr/CLEVR_v1.0.zip"
    _MD5 = "b11922020e72d0cd9154779b2d3d07d2"

    def __init__(
        self, root: Root, split: str = "train", transform: Transform = None, target_transform: Transform = None,
        download: bool = False, loader: Any = default_loader,
    ) -> None:  # fmt: skip
        self._split = verify_str_arg(split, "split", ("train", "val", "test"))
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.loader = loader
        self._base_folder = pathlib.Path(self.root) / "clevr"
        self._data_folder = self._base_folder / "CLEVR_v1.0"
        self._prepare(download, corrupted=True)
        self._image_files = sorted(self._data_folder.joinpath("images", self._split).glob("*"))
        self._labels = [None] * len(self._image_files)
        if self._split != "test":
            scenes = json.loads((self._data_folder / "scenes" / f"CLEVR_{self._split}_scenes.json").read_text())
            counts = {scene["image_filename"]: len(scene["objects"]) for scene in scenes["scenes"]}
            self._labels = [counts[file.name] for file in self._image_files]

    def _check_exists(self) -> bool:
        return self._data_folder.is_dir()

    def _archive(self) -> tuple[str, Any, str | None]:
        return self._URL, str(self._base_folder), self._MD5

    def extra_repr(self) -> str:
        return f"split={self._split}"


class _Sampled(_Listed):
    """The same with ``_samples``, pairs of path and class."""

    _samples: list[tuple[str, Any]]

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, idx: int) -> tuple[Any, Any]:
        path, label = self._samples[idx]
        return self._transformed(self.loader(path), label)


class RenderedSST2(_Sampled):
    """Rendered sentences, negative or positive (Radford et al. 2021); ``split`` "train", "val" or "test"."""

    _URL = "https://openaipublic.azureedge.net/clip/data/rendered-sst2.tgz"
    _MD5 = "2384d08e9dcfa4bd55b324e610496ee5"

    def __init__(
        self, root: Root, split: str = "train", transform: Transform = None, target_transform: Transform = None,
        download: bool = False, loader: Any = default_loader,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._split = verify_str_arg(split, "split", ("train", "val", "test"))
        self._base_folder = pathlib.Path(self.root) / "rendered-sst2"
        self._folder = self._base_folder / ("valid" if self._split == "val" else self._split)
        self._number(["negative", "positive"])
        self._prepare(download)
        self._samples = make_dataset(str(self._folder), extensions=("png",))
        self.loader = loader

    def _check_exists(self) -> bool:
        return all((self._folder / name).is_dir() for name in self.classes)

    def _archive(self) -> tuple[str, Any, str | None]:
        return self._URL, self.root, self._MD5

    def extra_repr(self) -> str:
        return f"split={self._split}"


class StanfordCars(_Sampled):
    """Cars (Krause et al. 2013); ``split`` "train" or "test". Reading needs SciPy; it can no longer be downloaded."""

    def __init__(
        self, root: Root, split: str = "train", transform: Transform = None, target_transform: Transform = None,
        download: bool = False, loader: Any = default_loader,
    ) -> None:  # fmt: skip
        loadmat = optional("scipy.io", "StanfordCars").loadmat
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._split = verify_str_arg(split, "split", ("train", "test"))
        self._base_folder = pathlib.Path(root) / "stanford_cars"
        devkit = self._base_folder / "devkit"
        train = self._split == "train"
        table = devkit / "cars_train_annos.mat" if train else self._base_folder / "cars_test_annos_withlabels.mat"
        self._annotations_mat_path = table
        self._images_base_path = self._base_folder / f"cars_{self._split}"
        if download:
            self.download()
        if not self._check_exists():
            raise RuntimeError("Dataset not found.")
        entries = loadmat(table, squeeze_me=True)["annotations"]
        self._samples = [(str(self._images_base_path / e["fname"]), e["class"] - 1) for e in entries]
        self._number(loadmat(str(devkit / "cars_meta.mat"), squeeze_me=True)["class_names"].tolist())
        self.loader = loader

    def _check_exists(self) -> bool:
        folders = (self._base_folder / "devkit", self._images_base_path)
        return all(f.is_dir() for f in folders) and self._annotations_mat_path.exists()

    def download(self) -> None:
        """Raises ValueError: the files are no longer offered."""
        raise ValueError("The original URL is broken so the StanfordCars dataset cannot be downloaded anymore.")


class GTSRB(_Sampled):
    """Traffic signs (Stallkamp et al. 2012); ``split`` "train" or "test"."""

    _BASE = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"
    _FILES = {
        "train": [("GTSRB-Training_fixed.zip", "513f3c79a4c5141765e10e952eaa2478")],
        "test": [
            ("GTSRB_Final_Test_Images.zip", "c7e4e6327067d32654124b0fe9e82185"),
            ("GTSRB_Final_Test_GT.zip", "fe31e9c9270bbcd7b84b7f21a9d9d9e5"),
        ],
    }

    def __init__(
        self, root: Root, split: str = "train", transform: Transform = None, target_transform: Transform = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._split = verify_str_arg(split, "split", ("train", "test"))
        self._base_folder = pathlib.Path(root) / "gtsrb"
        part = "Training" if self._split == "train" else "Final_Test/Images"
        self._target_folder = self._base_folder / "GTSRB" / part
        self._prepare(download)
        self.loader = read_image
        if self._split == "train":
            self._samples = make_dataset(str(self._target_folder), extensions=(".ppm",))
            return
        with open(self._base_folder / "GT-final_test.csv") as f:
            rows = list(csv.DictReader(f, delimiter=";", skipinitialspace=True))
        self._samples = [(str(self._target_folder / row["Filename"]), int(row["ClassId"])) for row in rows]

    def _check_exists(self) -> bool:
        return self._target_folder.is_dir()

    def _download(self) -> None:
        self.download()

    def download(self) -> None:
        """Fetch and unpack the archives of the split."""
        if not self._check_exists():
            for name, md5 in self._FILES[self._split]:
                download_and_extract_archive(f"{self._BASE}{name}", download_root=str(self._base_folder), md5=md5)


class Imagenette(_Sampled):
    """Ten easy classes of ImageNet; ``split`` "train" or "val", ``size`` "full", "320px" or "160px"."""

    _BASE = "https://s3.amazonaws.com/fast-ai-imageclas/"
    _ARCHIVES = {
        "full": (_BASE + "imagenette2.tgz", "fe2fc210e6bb7c5664d602c3cd71e612"),
        "320px": (_BASE + "imagenette2-320.tgz", "3df6f0d01a2c9592104656642f5e78a3"),
        "160px": (_BASE + "imagenette2-160.tgz", "e793b78cc4c9e9a4ccc0c1155377a412"),
    }
    _WNID_TO_CLASS = {
        "n01440764": ("tench", "Tinca tinca"), "n02102040": ("English springer", "English springer spaniel"),
        "n02979186": ("cassette player",), "n03000684": ("chain saw", "chainsaw"),
        "n03028079": ("church", "church building"), "n03394916": ("French horn", "horn"),
        "n03417042": ("garbage truck", "dustcart"),
        "n03425413": ("gas pump", "gasoline pump", "petrol pump", "island dispenser"), "n03445777": ("golf ball",),
        "n03888257": ("parachute", "chute"),
    }  # fmt: skip

    def __init__(
        self, root: Root, split: str = "train", size: str = "full", download: bool = False,
        transform: Transform = None, target_transform: Transform = None, loader: Any = default_loader,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._split = verify_str_arg(split, "split", ["train", "val"])
        self._size = verify_str_arg(size, "size", ["full", "320px", "160px"])
        self._url, self._md5 = self._ARCHIVES[self._size]
        self._size_root = pathlib.Path(self.root) / pathlib.Path(self._url).stem
        self._image_root = str(self._size_root / self._split)
        self._prepare(download)
        self.wnids, self.wnid_to_idx = find_classes(self._image_root)
        self.classes = [self._WNID_TO_CLASS[wnid] for wnid in self.wnids]
        self.class_to_idx = {name: i for i, names in enumerate(self.classes) for name in names}
        self._samples = make_dataset(self._image_root, self.wnid_to_idx, extensions=".jpeg")
        self.loader = loader

    def _check_exists(self) -> bool:
        return self._size_root.exists()

    def _archive(self) -> tuple[str, Any, str | None]:
        return self._url, self.root, self._md5


class EuroSAT(ImageFolder):
    """Satellite images of ten kinds of land (Helber et al. 2019)."""

    _URL = (
        "https://huggingface.co/datasets/torchgeo/eurosat/resolve/c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip"
    )

    def __init__(
        self, root: Root, transform: Transform = None, target_transform: Transform = None, download: bool = False,
        loader: Any = default_loader,
    ) -> None:  # fmt: skip
        self.root = os.path.expanduser(root)
        self._base_folder = os.path.join(self.root, "eurosat")
        self._data_folder = os.path.join(self._base_folder, "2750")
        if download:
            self.download()
        if not self._check_exists():
            raise not_found()
        super().__init__(self._data_folder, transform=transform, target_transform=target_transform, loader=loader)
        self.root = os.path.expanduser(root)

    def _check_exists(self) -> bool:
        return os.path.exists(self._data_folder)

    def download(self) -> None:
        """Fetch and unpack the archive, unless it is there."""
        if not self._check_exists():
            os.makedirs(self._base_folder, exist_ok=True)
            download_and_extract_archive(
                self._URL, download_root=self._base_folder, md5="c8fa014336c82ac7804f0398fcb19387"
            )


class Country211(ImageFolder):
    """Photographs by country (Radford et al. 2021); ``split`` "train", "valid" or "test"."""

    _URL = "https://openaipublic.azureedge.net/clip/data/country211.tgz"
    _MD5 = "84988d7644798601126c29e9877aab6a"

    def __init__(
        self, root: Root, split: str = "train", transform: Transform = None, target_transform: Transform = None,
        download: bool = False, loader: Any = default_loader,
    ) -> None:  # fmt: skip
        self._split = verify_str_arg(split, "split", ("train", "valid", "test"))
        place = pathlib.Path(root).expanduser()
        self.root = str(place)
        self._base_folder = place / "country211"
        if download and not self._base_folder.is_dir():
            download_and_extract_archive(self._URL, download_root=self.root, md5=self._MD5)
        if not self._base_folder.is_dir():
            raise not_found()
        folder = str(self._base_folder / self._split)
        super().__init__(folder, transform=transform, target_transform=target_transform, loader=loader)
        self.root = str(place)
