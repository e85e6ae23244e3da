"""From images and their boxes to a padded batch, and back."""

from __future__ import annotations

import math
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from .image_list import ImageList
from .roi_heads import paste_masks_in_image

Target = dict[str, Any]


def _resize_image_and_masks(
    image: Tensor, self_min_size: int, self_max_size: int, target: Target | None = None,
    fixed_size: tuple[int, int] | None = None,
) -> tuple[Tensor, Target | None]:  # fmt: skip
    """The shorter side to ``self_min_size``, unless the longer would exceed ``self_max_size``."""
    options: dict[str, Any] = {"size": [fixed_size[1], fixed_size[0]]} if fixed_size is not None else {}
    if not options:
        sides = image.shape[-2:]
        scale = min(self_min_size / min(sides), self_max_size / max(sides))
        options = {"scale_factor": scale, "recompute_scale_factor": True}
    image = F.interpolate(image[None], mode="bilinear", align_corners=False, **options)[0]
    if target is not None and "masks" in target:
        target["masks"] = F.interpolate(target["masks"][:, None].float(), **options)[:, 0].byte()
    return image, target


class GeneralizedRCNNTransform(nn.Module):
    """Normalises and resizes images, boxes, masks and keypoints, and pads the images to one size.

    Args:
        min_size: of the shorter side; several: one is drawn for each image in training. max_size: of the longer.
        image_mean, image_std: of each channel. size_divisible: of the padded size.
        fixed_size: (width, height) whatever the image.
    """

    def __init__(
        self, min_size: Any, max_size: int, image_mean: list[float], image_std: list[float], size_divisible: int = 32,
        fixed_size: tuple[int, int] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        if not isinstance(min_size, (list, tuple)):
            min_size = (min_size,)
        self.min_size = min_size
        self.max_size = max_size
        self.image_mean = image_mean
        self.image_std = image_std
        self.size_divisible = size_divisible
        self.fixed_size = fixed_size
        self._skip_resize = kwargs.pop("_skip_resize", False)

    def forward(
        self, images: list[Tensor], targets: list[Target] | None = None
    ) -> tuple[ImageList, list[Target] | None]:
        images = list(images)
        if targets is not None:
            targets = [dict(t) for t in targets]
        for i, image in enumerate(images):
            if image.dim() != 3:
                raise ValueError(f"images is expected to be a list of 3d tensors of shape [C, H, W], got {image.shape}")
            images[i], target = self.resize(self.normalize(image), targets[i] if targets is not None else None)
            if targets is not None and target is not None:
                targets[i] = target
        sizes = [(img.shape[-2], img.shape[-1]) for img in images]
        return ImageList(self.batch_images(images, size_divisible=self.size_divisible), sizes), targets

    def normalize(self, image: Tensor) -> Tensor:
        """``(image - mean) / std`` of each channel.

        Raises:
            TypeError: the image has whole numbers.
        """
        if not image.is_floating_point():
            raise TypeError(
                f"Expected input images to be of floating type (in range [0, 1]), but found type {image.dtype} instead"
            )
        mean = torch.as_tensor(self.image_mean, dtype=image.dtype, device=image.device)
        std = torch.as_tensor(self.image_std, dtype=image.dtype, device=image.device)
        return (image - mean[:, None, None]) / std[:, None, None]

    def torch_choice(self, k: list[int]) -> int:
        """One of ``k``, drawn with PyTorch's generator."""
        return k[int(torch.empty(1).uniform_(0.0, float(len(k))).item())]

    def resize(self, image: Tensor, target: Target | None = None) -> tuple[Tensor, Target | None]:
        """The image resized, and its target with it."""
        old = tuple(image.shape[-2:])
        if self.training and self._skip_resize:
            return image, target
        size = self.torch_choice(self.min_size) if self.training else self.min_size[-1]
        image, target = _resize_image_and_masks(image, size, self.max_size, target, self.fixed_size)
        if target is not None:
            new = tuple(image.shape[-2:])
            target["boxes"] = resize_boxes(target["boxes"], old, new)
            if "keypoints" in target:
                target["keypoints"] = resize_keypoints(target["keypoints"], old, new)
        return image, target

    def max_by_axis(self, the_list: list[list[int]]) -> list[int]:
        """The largest of each axis."""
        return [max(sizes) for sizes in zip(*the_list)]

    def batch_images(self, images: list[Tensor], size_divisible: int = 32) -> Tensor:
        """``(N, C, H, W)``: the images in the upper left, zeros around."""
        channels, *largest = self.max_by_axis([list(img.shape) for img in images])
        height, width = (int(math.ceil(float(s) / size_divisible) * size_divisible) for s in largest)
        padded = [F.pad(i, (0, width - i.shape[2], 0, height - i.shape[1], 0, channels - i.shape[0])) for i in images]
        return torch.stack(padded)

    def postprocess(
        self, result: list[Target], image_shapes: list[tuple[int, int]], original_image_sizes: list[tuple[int, int]]
    ) -> list[Target]:
        """Detections in the coordinates of the images as they came."""
        if self.training:
            return result
        for found, size, original in zip(result, image_shapes, original_image_sizes):
            found["boxes"] = resize_boxes(found["boxes"], size, original)
            if "masks" in found:
                found["masks"] = paste_masks_in_image(found["masks"], found["boxes"], original)
            if "keypoints" in found:
                found["keypoints"] = resize_keypoints(found["keypoints"], size, original)
        return result

    def __repr__(self) -> str:
        return (
            f"{self.__class__.__name__}(\n    Normalize(mean={self.image_mean}, std={self.image_std})\n    "
            f"Resize(min_size={self.min_size}, max_size={self.max_size}, mode='bilinear')\n)"
        )


def _ratios(original_size: Any, new_size: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of height and width, divided in float32."""
    high, wide = (
        torch.tensor(new, dtype=torch.float32, device=like.device) / torch.tensor(old, dtype=torch.float32)
        for new, old in zip(new_size, original_size)
    )
    return high, wide


def resize_keypoints(keypoints: Tensor, original_size: Any, new_size: Any) -> Tensor:
    """Keypoints ``(..., 3)`` (x, y, visible) of a resized image."""
    high, wide = _ratios(original_size, new_size, keypoints)
    x, y, visible = keypoints.unbind(-1)
    return torch.stack((x * wide, y * high, visible), dim=-1)


def resize_boxes(boxes: Tensor, original_size: Any, new_size: Any) -> Tensor:
    """Boxes ``(N, 4)`` of a resized image."""
    high, wide = _ratios(original_size, new_size, boxes)
    x1, y1, x2, y2 = boxes.unbind(1)
    return torch.stack((x1 * wide, y1 * high, x2 * wide, y2 * high), dim=1)
