"""``torchvision.datasets``: data sets of images, read from the files as they are published."""

from typing import Any

from .caltech import Caltech101, Caltech256
from .celeba import CelebA
from .cifar import CIFAR10, CIFAR100
from .coco import CocoCaptions, CocoDetection
from .fakedata import FakeData
from .folder import DatasetFolder, ImageFolder
from .imagenet import ImageNet
from .listed import (
    DTD,
    GTSRB,
    SUN397,
    CLEVRClassification,
    Country211,
    EuroSAT,
    FGVCAircraft,
    Flowers102,
    Food101,
    Imagenette,
    RenderedSST2,
    StanfordCars,
)
from .mnist import EMNIST, KMNIST, MNIST, QMNIST, FashionMNIST
from .pairs import FER2013, Flickr30k, Kitti, MovingMNIST, Omniglot, OxfordIIITPet, SBDataset
from .semeion import SEMEION
from .stl10 import STL10
from .svhn import SVHN
from .usps import USPS
from .vision import VisionDataset
from .voc import VOCDetection, VOCSegmentation

_ABSENT = (
    "LSUN", "LSUNClass", "PhotoTour", "SBU", "Flickr8k", "Cityscapes", "WIDERFace", "Kinetics", "HMDB51", "UCF101",
    "Places365", "INaturalist", "LFWPeople", "LFWPairs", "KittiFlow", "Sintel", "FlyingChairs", "FlyingThings3D", "HD1K",
    "PCAM", "Kitti2012Stereo", "Kitti2015Stereo", "CarlaStereo", "Middlebury2014Stereo", "CREStereo",
    "FallingThingsStereo", "SceneFlowStereo", "SintelStereo", "InStereo2k", "ETH3DStereo",
)  # fmt: skip

__all__ = (
    "ImageFolder", "DatasetFolder", "FakeData", "CocoCaptions", "CocoDetection", "CIFAR10", "CIFAR100", "EMNIST",
    "FashionMNIST", "QMNIST", "MNIST", "KMNIST", "MovingMNIST", "StanfordCars", "STL10", "SUN397", "SVHN", "SEMEION",
    "Omniglot", "Flickr30k", "Flowers102", "VOCSegmentation", "VOCDetection", "ImageNet", "Caltech101", "Caltech256",
    "CelebA", "SBDataset", "VisionDataset", "USPS", "Kitti", "Food101", "DTD", "FER2013", "GTSRB", "CLEVRClassification",
    "OxfordIIITPet", "Country211", "FGVCAircraft", "EuroSAT", "RenderedSST2", "wrap_dataset_for_transforms_v2",
    "Imagenette",
)  # fmt: skip


def _absent(name: str) -> type:
    """A stand-in for a data set that is not available: it raises where it is made."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"torchvision.datasets.{name} is not available")

    return type(name, (VisionDataset,), {"__init__": __init__, "__module__": __name__})


def __getattr__(name: str) -> Any:
    if name == "wrap_dataset_for_transforms_v2":
        from .wrapped import wrap_dataset_for_transforms_v2

        return wrap_dataset_for_transforms_v2
    if name in _ABSENT:
        found = globals()[name] = _absent(name)
        return found
    raise AttributeError(f"module 'torchvision.datasets' has no attribute {name!r}")
