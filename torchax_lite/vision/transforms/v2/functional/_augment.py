"""Erasing, and compression as JPEG."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

import torchax_lite as torch
from torchax_lite import Tensor

from ...._arrays import from_host, to_host
from ...._kernels import geometry
from ._type_conversion import pil_to_tensor, to_pil_image
from ._utils import as_video, functional, register, register_image


@functional
def erase(inpt: Any, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Any:
    """The image with the rectangle at row ``i``, column ``j`` replaced by ``v``."""


@register_image(erase)
def erase_image(image: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    """A tensor image with a rectangle replaced."""
    if inplace:
        image[..., i : i + h, j : j + w] = v
        return image
    return geometry.replace(image, v, np.asarray([i, j]), size=(h, w))


erase_video = as_video(erase_image)


@register(erase, Image.Image)
def _erase_image_pil(
    image: Image.Image, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False
) -> Image.Image:
    return to_pil_image(erase_image(pil_to_tensor(image), i=i, j=j, h=h, w=w, v=v, inplace=inplace), mode=image.mode)


@functional
def jpeg(inpt: Any, quality: int) -> Any:
    """The image as JPEG of a quality (1 to 100) gives it back."""


def _compressed(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality)
    return Image.open(buffer).copy()


@register_image(jpeg)
def jpeg_image(image: Tensor, quality: int) -> Tensor:
    """Tensor images of bytes, one or three channels, as JPEG gives them back."""
    if image.numel() == 0:
        return image.clone()
    if image.dtype != torch.uint8:
        raise RuntimeError("Input tensor dtype should be uint8")
    if image.shape[-3] not in (1, 3):
        raise RuntimeError(f"The number of channels should be 1 or 3, got: {image.shape[-3]}")
    planes = to_host(image.detach().cpu())
    made = np.empty_like(planes, order="C")
    for source, out in zip(planes.reshape(-1, *planes.shape[-3:]), made.reshape(-1, *planes.shape[-3:]), strict=True):
        whole = np.ascontiguousarray(source.transpose(1, 2, 0))
        picture = Image.fromarray(whole[:, :, 0] if whole.shape[2] == 1 else whole)
        decoded = np.asarray(_compressed(picture, quality))
        out[...] = decoded if decoded.ndim == 2 else decoded.transpose(2, 0, 1)
    return from_host(made).to(image.device)


jpeg_video = as_video(jpeg_image)


@register(jpeg, Image.Image)
def _jpeg_image_pil(image: Image.Image, quality: int) -> Image.Image:
    return _compressed(image, quality)
