"""The preprocessing that pretrained weights come with."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

from . import functional as F
from ._interpolation import InterpolationMode

__all__ = ["ImageClassification", "ObjectDetection", "OpticalFlow", "SemanticSegmentation", "VideoClassification"]

_ACCEPTS = "Accepts ``PIL.Image``, batched ``(B, C, H, W)`` and single ``(C, H, W)`` image ``torch.Tensor`` objects. "
_SCALES = "Finally the values are first rescaled to ``[0.0, 1.0]`` and then normalized using "


def _shown(preset: Any, *names: str) -> str:
    lines = [f"    {name}={getattr(preset, name)}" for name in names]
    return "\n".join([f"{type(preset).__name__}(", *lines, ")"])


def _as_float(img: Any) -> Tensor:
    return F.convert_image_dtype(img if isinstance(img, Tensor) else F.pil_to_tensor(img), torch.float32)


class ObjectDetection(nn.Module):
    """The image as floats from 0 to 1."""

    def forward(self, img: Any) -> Tensor:
        return _as_float(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def describe(self) -> str:
        """What happens to images, in words."""
        return _ACCEPTS + "The images are rescaled to ``[0.0, 1.0]``."


class ImageClassification(nn.Module):
    """The image resized, its middle cut out, as normalised floats."""

    def __init__(
        self, *, crop_size: int, resize_size: int = 256, mean: Any = (0.485, 0.456, 0.406),
        std: Any = (0.229, 0.224, 0.225), interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.crop_size = [crop_size]
        self.resize_size = [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = interpolation
        self.antialias = antialias

    def forward(self, img: Any) -> Tensor:
        img = F.resize(img, self.resize_size, interpolation=self.interpolation, antialias=self.antialias)
        return F.normalize(_as_float(F.center_crop(img, self.crop_size)), mean=self.mean, std=self.std)

    def __repr__(self) -> str:
        return _shown(self, "crop_size", "resize_size", "mean", "std", "interpolation")

    def describe(self) -> str:
        """What happens to images, in words."""
        return (
            f"{_ACCEPTS}The images are resized to ``resize_size={self.resize_size}`` using "
            f"``interpolation={self.interpolation}``, followed by a central crop of ``crop_size={self.crop_size}``. "
            f"{_SCALES}``mean={self.mean}`` and ``std={self.std}``."
        )


class VideoClassification(nn.Module):
    """Frames ``(..., T, C, H, W)`` resized, cut and normalised; the result is ``(..., C, T, H, W)``."""

    def __init__(
        self, *, crop_size: Any, resize_size: Any, mean: Any = (0.43216, 0.394666, 0.37645),
        std: Any = (0.22803, 0.22145, 0.216989), interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    ) -> None:  # fmt: skip
        super().__init__()
        self.crop_size = list(crop_size)
        self.resize_size = list(resize_size)
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = interpolation

    def forward(self, vid: Tensor) -> Tensor:
        single = vid.ndim < 5
        vid = vid.unsqueeze(0) if single else vid
        n, t, c, h, w = vid.shape
        frames = F.resize(vid.reshape(-1, c, h, w), self.resize_size, interpolation=self.interpolation, antialias=False)
        frames = _as_float(F.center_crop(frames, self.crop_size))
        h, w = self.crop_size
        made = F.normalize(frames, mean=self.mean, std=self.std).view(n, t, c, h, w).permute(0, 2, 1, 3, 4)
        return made.squeeze(0) if single else made

    def __repr__(self) -> str:
        return _shown(self, "crop_size", "resize_size", "mean", "std", "interpolation")

    def describe(self) -> str:
        """What happens to videos, in words."""
        return (
            "Accepts batched ``(B, T, C, H, W)`` and single ``(T, C, H, W)`` video frame ``torch.Tensor`` objects. "
            f"The frames are resized to ``resize_size={self.resize_size}`` using "
            f"``interpolation={self.interpolation}``, followed by a central crop of ``crop_size={self.crop_size}``. "
            f"{_SCALES}``mean={self.mean}`` and ``std={self.std}``. Finally the output dimensions are permuted to "
            "``(..., C, T, H, W)`` tensors."
        )


class SemanticSegmentation(nn.Module):
    """The image resized where asked, as normalised floats."""

    def __init__(
        self, *, resize_size: int | None, mean: Any = (0.485, 0.456, 0.406), std: Any = (0.229, 0.224, 0.225),
        interpolation: InterpolationMode = InterpolationMode.BILINEAR, antialias: bool | None = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.resize_size = None if resize_size is None else [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = interpolation
        self.antialias = antialias

    def forward(self, img: Any) -> Tensor:
        if self.resize_size is not None:
            img = F.resize(img, self.resize_size, interpolation=self.interpolation, antialias=self.antialias)
        return F.normalize(_as_float(img), mean=self.mean, std=self.std)

    def __repr__(self) -> str:
        return _shown(self, "resize_size", "mean", "std", "interpolation")

    def describe(self) -> str:
        """What happens to images, in words."""
        return (
            f"{_ACCEPTS}The images are resized to ``resize_size={self.resize_size}`` using "
            f"``interpolation={self.interpolation}``. {_SCALES}``mean={self.mean}`` and ``std={self.std}``."
        )


class OpticalFlow(nn.Module):
    """Two frames as floats from -1 to 1."""

    def forward(self, img1: Any, img2: Any) -> tuple[Tensor, Tensor]:
        half = [0.5, 0.5, 0.5]
        first, second = (F.normalize(_as_float(img), mean=half, std=half).contiguous() for img in (img1, img2))
        return first, second

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def describe(self) -> str:
        """What happens to images, in words."""
        return _ACCEPTS + "The images are rescaled to ``[-1.0, 1.0]``."
