"""Normalising, smoothing, noise, dtypes, and which annotations are valid."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

import torchax_lite as torch
from torchax_lite import Tensor

from .....tensor.dtypes import to_numpy_dtype
from .... import tv_tensors
from ...._kernels import boxes as box_kernels
from ...._kernels import color, geometry
from ..._conversion import pil_to_tensor, to_pil_image
from ..._functional_tensor import check_reflection, grid_dtype, per_channel
from ._meta import as_format
from ._utils import as_video, functional, is_pure_tensor, register, register_image


@functional
def normalize(inpt: Any, mean: Any, std: Any, inplace: bool = False) -> Any:
    """``(image - mean) / std``, channel by channel."""


@register_image(normalize)
def normalize_image(image: Tensor, mean: Any, std: Any, inplace: bool = False) -> Tensor:
    """A float tensor image, normalised.

    Raises:
        TypeError: integers.
        ValueError: fewer than three dims, or a deviation of 0.
    """
    if not image.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {image.dtype}.")
    if image.ndim < 3:
        raise ValueError(f"Expected tensor to be a tensor image of size (..., C, H, W). Got {image.shape}.")
    if isinstance(std, (tuple, list, int, float)) and not np.all(std):
        raise ValueError("std evaluated to zero, leading to division by zero.")
    made = color.normalize(image, per_channel(mean), per_channel(std))
    return image.copy_(made) if inplace else made


normalize_video = as_video(normalize_image)


@functional
def gaussian_blur(inpt: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """The image smoothed by a Gaussian of ``kernel_size`` (across, down) and deviation ``sigma``."""


@register_image(gaussian_blur)
def gaussian_blur_image(image: Tensor, kernel_size: Any, sigma: Any = None) -> Tensor:
    """A tensor image, smoothed; mirrored at its edges."""
    if isinstance(kernel_size, int):
        kernel_size = [kernel_size, kernel_size]
    elif len(kernel_size) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(kernel_size)}")
    if any(k % 2 == 0 or k < 0 for k in kernel_size):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    if sigma is None:
        sigma = [k * 0.15 + 0.35 for k in kernel_size]
    elif isinstance(sigma, (list, tuple)):
        if len(sigma) not in (1, 2):
            raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(sigma)}")
        sigma = [sigma[0], sigma[-1]]
    elif isinstance(sigma, (int, float)):
        sigma = [float(sigma), float(sigma)]
    else:
        raise TypeError(f"sigma should be either float or sequence of floats. Got {type(sigma)}")
    if any(s <= 0.0 for s in sigma):
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    if image.numel() == 0:
        return image
    kx, ky = kernel_size
    check_reflection((kx // 2, kx // 2, ky // 2, ky // 2), image.shape[-2:], "reflect")
    across, down = (geometry.blur_weights(k, s, grid_dtype(image)) for k, s in zip(kernel_size, sigma, strict=True))
    return geometry.blur(image, across, down)


gaussian_blur_video = as_video(gaussian_blur_image)


@register(gaussian_blur, Image.Image)
def _gaussian_blur_image_pil(image: Image.Image, kernel_size: Any, sigma: Any = None) -> Image.Image:
    return to_pil_image(gaussian_blur_image(pil_to_tensor(image), kernel_size, sigma), mode=image.mode)


@functional
def gaussian_noise(inpt: Any, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Any:
    """The image with Gaussian noise added, for values from 0 to 1 (bytes: times 255)."""


@register_image(gaussian_noise)
def gaussian_noise_image(image: Tensor, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Tensor:
    """A tensor image of floats or bytes with noise."""
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")
    if image.is_floating_point():
        return geometry.noisy(
            image, torch.randn_like(image), np.asarray(float(mean)), np.asarray(float(sigma)), clip=clip
        )
    if image.dtype == torch.uint8:
        noise = torch.randn_like(image, dtype=torch.float32)
        return geometry.noisy(image, noise, np.asarray(mean * 255.0), np.asarray(sigma * 255.0), clip=clip)
    raise ValueError(f"Input tensor is expected to be in uint8 or float dtype, got dtype={image.dtype}")


gaussian_noise_video = as_video(gaussian_noise_image)


@register(gaussian_noise, Image.Image)
def _gaussian_noise_pil(image: Image.Image, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Image.Image:
    raise ValueError("Gaussian Noise is not implemented for PIL images.")


@functional
def to_dtype(inpt: Any, dtype: Any = torch.float32, scale: bool = False) -> Any:
    """The input in another dtype; ``scale`` brings an image's values to its range."""


@register_image(to_dtype)
def to_dtype_image(image: Tensor, dtype: Any = torch.float32, scale: bool = False) -> Tensor:
    """A tensor image in another dtype.

    Raises:
        RuntimeError: scaled floats to integers that they cannot fill exactly.
    """
    if image.dtype == dtype:
        return image
    if not scale:
        return image.to(dtype)
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        too_wide = (image.dtype == torch.float32 and dtype in (torch.int32, torch.int64)) or (
            image.dtype == torch.float64 and dtype == torch.int64
        )
        if too_wide:
            raise RuntimeError(f"The conversion from {image.dtype} to {dtype} cannot be performed safely.")
    return color.convert(image, dtype=to_numpy_dtype(dtype), v2=True)


to_dtype_video = as_video(to_dtype_image)


def convert_image_dtype(image: Tensor, dtype: Any = torch.float32) -> Tensor:
    """`to_dtype_image` with ``scale=True``."""
    return to_dtype_image(image, dtype=dtype, scale=True)


@register(to_dtype, tv_tensors.KeyPoints, tv_tensors.BoundingBoxes, tv_tensors.Mask, wrapped=False)
def _to_dtype_tensor_dispatch(inpt: Tensor, dtype: Any, scale: bool = False) -> Tensor:
    return inpt.to(dtype)


def sanitize_bounding_boxes(
    bounding_boxes: Tensor, format: Any = None, canvas_size: Any = None, min_size: float = 1.0, min_area: float = 1.0
) -> tuple[Tensor, Tensor]:
    """The boxes that lie in their image and are large enough, and the mask that says which these are.

    Args:
        bounding_boxes: ``BoundingBoxes``, or a pure tensor with its format and canvas size.
        format: of a pure tensor.
        canvas_size: height and width of the image of a pure tensor.
        min_size: smallest width and height.
        min_area: smallest area.

    Raises:
        ValueError: metadata missing, or given twice.
    """
    sizes = {"min_size": min_size, "min_area": min_area}
    if is_pure_tensor(bounding_boxes):
        if format is None or canvas_size is None:
            raise ValueError(
                "format and canvas_size cannot be None if bounding_boxes is a pure tensor. "
                f"Got format={format} and canvas_size={canvas_size}."
                "Set those to appropriate values or pass bounding_boxes as a tv_tensors.BoundingBoxes object."
            )
        valid = box_kernels.valid(bounding_boxes, kind=as_format(format).name, size=tuple(canvas_size), **sizes)
        return bounding_boxes[valid], valid
    if not isinstance(bounding_boxes, tv_tensors.BoundingBoxes):
        raise ValueError("bounding_boxes must be a tv_tensors.BoundingBoxes instance or a pure tensor.")
    if format is not None or canvas_size is not None:
        raise ValueError(
            "format and canvas_size must be None when bounding_boxes is a tv_tensors.BoundingBoxes instance. "
            f"Got format={format} and canvas_size={canvas_size}. "
            "Leave those to None or pass bounding_boxes as a pure tensor."
        )
    valid = valid_boxes(bounding_boxes, **sizes)
    return tv_tensors.wrap(bounding_boxes.as_subclass(Tensor)[valid], like=bounding_boxes), valid


def valid_boxes(boxes: tv_tensors.BoundingBoxes, min_size: float, min_area: float) -> Tensor:
    """Which of the boxes lie in their image and are large enough."""
    size = tuple(boxes.canvas_size)
    return box_kernels.valid(
        boxes.as_subclass(Tensor), kind=boxes.format.name, size=size, min_size=min_size, min_area=min_area
    )


def sanitize_keypoints(key_points: Tensor, canvas_size: Any = None) -> tuple[Tensor, Tensor]:
    """The points (or groups of points) that lie in their image, and the mask that says which these are."""
    if is_pure_tensor(key_points):
        if canvas_size is None:
            raise ValueError(
                "canvas_size cannot be None if key_points is a pure tensor. "
                "Set it to an appropriate value or pass key_points as a tv_tensors.KeyPoints object."
            )
        valid = box_kernels.valid_points(key_points, size=tuple(canvas_size))
        return key_points[valid], valid
    if not isinstance(key_points, tv_tensors.KeyPoints):
        raise ValueError("key_points must be a tv_tensors.KeyPoints instance or a pure tensor.")
    if canvas_size is not None:
        raise ValueError(
            "canvas_size must be None when key_points is a tv_tensors.KeyPoints instance. "
            f"Got canvas_size={canvas_size}. Leave it to None or pass key_points as a pure tensor."
        )
    valid = valid_points(key_points)
    return tv_tensors.wrap(key_points.as_subclass(Tensor)[valid], like=key_points), valid


def valid_points(points: tv_tensors.KeyPoints) -> Tensor:
    """Which of the points lie in their image."""
    return box_kernels.valid_points(points.as_subclass(Tensor), size=tuple(points.canvas_size))
