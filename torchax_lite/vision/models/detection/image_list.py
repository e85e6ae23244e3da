"""Images of several sizes in one tensor."""

from __future__ import annotations

from typing import Any

from torchax_lite import Tensor


class ImageList:
    """A padded batch ``(N, C, H, W)`` and the true (height, width) of each image."""

    def __init__(self, tensors: Tensor, image_sizes: list[tuple[int, int]]) -> None:
        self.tensors = tensors
        self.image_sizes = image_sizes

    def to(self, device: Any) -> ImageList:
        """The same on another device."""
        return ImageList(self.tensors.to(device), self.image_sizes)
