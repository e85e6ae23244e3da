"""Images sorted into folders by class."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from .vision import Root, Transform, VisionDataset

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def has_file_allowed_extension(filename: str, extensions: str | tuple[str, ...]) -> bool:
    """Whether a name ends with one of the extensions, in capitals or not."""
    return filename.lower().endswith(extensions if isinstance(extensions, str) else tuple(extensions))


def is_image_file(filename: str) -> bool:
    """Whether a name ends like that of an image."""
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def find_classes(directory: Root) -> tuple[list[str], dict[str, int]]:
    """The folders in a folder in alphabetical order, and the number of each.

    Raises:
        FileNotFoundError: there is none.
    """
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
    return classes, {name: i for i, name in enumerate(classes)}


def make_dataset(
    directory: Root, class_to_idx: dict[str, int] | None = None, extensions: str | tuple[str, ...] | None = None,
    is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False,
) -> list[tuple[str, int]]:  # fmt: skip
    """Paths of the files below each class's folder, in order, with the number of the class.

    Args:
        class_to_idx: by default the folders that there are. extensions: of the files to take, or
        is_valid_file: what tells them from their path. allow_empty: a class may have none.

    Raises:
        ValueError: no class, or both or none of ``extensions`` and ``is_valid_file``. FileNotFoundError: an empty class.
    """
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        class_to_idx = find_classes(directory)[1]
    elif not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
    wanted = is_valid_file or (lambda path: has_file_allowed_extension(path, extensions))
    found: list[tuple[str, int]] = []
    empty = set(class_to_idx)
    for name in sorted(class_to_idx):
        folder = os.path.join(directory, name)
        if not os.path.isdir(folder):
            continue
        for parent, _, files in sorted(os.walk(folder, followlinks=True)):
            paths = [os.path.join(parent, f) for f in sorted(files)]
            found += [(path, class_to_idx[name]) for path in paths if wanted(path)]
        if found and found[-1][1] == class_to_idx[name]:
            empty.discard(name)
    if empty and not allow_empty:
        text = f"Found no valid file for the classes {', '.join(sorted(empty))}. "
        if extensions is not None:
            text += f"Supported extensions are: {extensions if isinstance(extensions, str) else ', '.join(extensions)}"
        raise FileNotFoundError(text)
    return found


class DatasetFolder(VisionDataset):
    """Samples in ``root/class/…``; an item is (what ``loader`` makes of a file, number of its class).

    Attributes:
        classes, class_to_idx: names of the classes in order, and their numbers.
        samples, targets: paths with their classes, and the classes alone.
    """

    def __init__(
        self, root: Root, loader: Callable[[str], Any], extensions: tuple[str, ...] | None = None,
        transform: Transform = None, target_transform: Transform = None,
        is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, transform=transform, target_transform=target_transform)
        classes, class_to_idx = self.find_classes(self.root)
        samples = self.make_dataset(
            self.root, class_to_idx=class_to_idx, extensions=extensions, is_valid_file=is_valid_file,
            allow_empty=allow_empty,
        )  # fmt: skip
        self.loader = loader
        self.extensions = extensions
        self.classes = classes
        self.class_to_idx = class_to_idx
        self.samples = samples
        self.targets = [s[1] for s in samples]

    @staticmethod
    def make_dataset(
        directory: Root, class_to_idx: dict[str, int], extensions: tuple[str, ...] | None = None,
        is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False,
    ) -> list[tuple[str, int]]:  # fmt: skip
        """:func:`make_dataset`; a subclass may find its samples otherwise."""
        if class_to_idx is None:
            raise ValueError("The class_to_idx parameter cannot be None.")
        return make_dataset(
            directory, class_to_idx, extensions=extensions, is_valid_file=is_valid_file, allow_empty=allow_empty
        )

    def find_classes(self, directory: Root) -> tuple[list[str], dict[str, int]]:
        """:func:`find_classes`; a subclass may name its classes otherwise."""
        return find_classes(directory)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self._transformed(self.loader(path), target)

    def __len__(self) -> int:
        return len(self.samples)


def pil_loader(path: Root) -> Any:
    """A file as a Pillow image with three channels."""
    from PIL import Image

    with open(path, "rb") as f:
        return Image.open(f).convert("RGB")


def accimage_loader(path: Root) -> Any:
    """A file as an image of the package ``accimage``, or of Pillow where that cannot read it."""
    import accimage

    try:
        return accimage.Image(path)
    except OSError:
        return pil_loader(path)


def default_loader(path: Root) -> Any:
    """A file as an image of the chosen backend (``torchvision.set_image_backend``)."""
    from .. import get_image_backend

    return accimage_loader(path) if get_image_backend() == "accimage" else pil_loader(path)


class ImageFolder(DatasetFolder):
    """Images in ``root/class/…``; an item is (image, number of its class)."""

    def __init__(
        self, root: Root, transform: Transform = None, target_transform: Transform = None,
        loader: Callable[[str], Any] = default_loader, is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            root, loader, IMG_EXTENSIONS if is_valid_file is None else None, transform=transform,
            target_transform=target_transform, is_valid_file=is_valid_file, allow_empty=allow_empty,
        )  # fmt: skip
        self.imgs = self.samples
