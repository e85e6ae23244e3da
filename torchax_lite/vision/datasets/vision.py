"""The base of the data sets of images."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from torchax_lite.utils import data

T_co = TypeVar("T_co", covariant=True)
Transform = Callable[..., Any] | None
Root = str | Path


def _indented(transform: Any, head: str) -> list[str]:
    """The lines of a transform's representation behind ``head``."""
    first, *rest = repr(transform).splitlines()
    return [f"{head}{first}"] + [" " * len(head) + line for line in rest]


class VisionDataset(data.Dataset, Generic[T_co]):
    """A data set of images in a folder.

    Args:
        root: the folder. transforms: ``(image, target) -> (image, target)``.
        transform, target_transform: for image and target alone, instead.

    Raises:
        ValueError: both kinds of transforms are given.
    """

    _repr_indent = 4

    def __init__(
        self, root: Root | None = None, transforms: Transform = None, transform: Transform = None,
        target_transform: Transform = None,
    ) -> None:  # fmt: skip
        self.root: Any = os.path.expanduser(root) if isinstance(root, str) else root
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def _transformed(self, image: Any, target: Any) -> tuple[Any, Any]:
        """Image and target, each through its own transform."""
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __repr__(self) -> str:
        body = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            body.append(f"Root location: {self.root}")
        body += self.extra_repr().splitlines()
        if getattr(self, "transforms", None) is not None:
            body += [repr(self.transforms)]
        return "\n".join([f"Dataset {self.__class__.__name__}"] + [" " * self._repr_indent + line for line in body])

    def _format_transform_repr(self, transform: Any, head: str) -> list[str]:
        return _indented(transform, head)

    def extra_repr(self) -> str:
        """Further lines of the representation."""
        return ""


class StandardTransform:
    """A transform of the image and one of the target as one of both."""

    def __init__(self, transform: Transform = None, target_transform: Transform = None) -> None:
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, input: Any, target: Any) -> tuple[Any, Any]:
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def _format_transform_repr(self, transform: Any, head: str) -> list[str]:
        return _indented(transform, head)

    def __repr__(self) -> str:
        body = [self.__class__.__name__]
        if self.transform is not None:
            body += _indented(self.transform, "Transform: ")
        if self.target_transform is not None:
            body += _indented(self.target_transform, "Target transform: ")
        return "\n".join(body)
