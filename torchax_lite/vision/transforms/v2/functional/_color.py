"""Changes of colour."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

import torchax_lite as torch
from torchax_lite import Tensor

from .... import tv_tensors
from ...._kernels import color
from ... import _functional_pil as F_pil
from ..._functional_tensor import _factor, _max_value
from ._misc import to_dtype_image
from ._type_conversion import pil_to_tensor, to_pil_image
from ._utils import as_video, functional, register, register_image

_STILLS = (Tensor, tv_tensors.Image)


def _check_channels(image: Tensor) -> int:
    c = image.shape[-3]
    if c not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are 1 or 3, but found {c}")
    return c  # type: ignore[no-any-return]


@functional
def rgb_to_grayscale(inpt: Any, num_output_channels: int = 1) -> Any:
    """The luminance, in one channel or three."""


to_grayscale = rgb_to_grayscale


def _gray(image: Tensor, channels: int) -> Tensor:
    if image.shape[-3] == 1:
        return image.clone() if channels == 1 else image.repeat(*[1] * (image.ndim - 3), 3, 1, 1)
    gray = color.grayscale(image, v2=True)
    return gray if channels == 1 else gray.expand(image.shape)


@register(rgb_to_grayscale, *_STILLS)
def rgb_to_grayscale_image(image: Tensor, num_output_channels: int = 1) -> Tensor:
    """The luminance of a tensor image."""
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels must be 1 or 3, got {num_output_channels}.")
    return _gray(image, num_output_channels)


@register(rgb_to_grayscale, Image.Image)
def _rgb_to_grayscale_image_pil(image: Image.Image, num_output_channels: int = 1) -> Image.Image:
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels must be 1 or 3, got {num_output_channels}.")
    return F_pil.to_grayscale(image, num_output_channels=num_output_channels)


@functional
def grayscale_to_rgb(inpt: Any) -> Any:
    """A gray image with three channels; others stay."""


@register(grayscale_to_rgb, *_STILLS)
def grayscale_to_rgb_image(image: Tensor) -> Tensor:
    """A gray tensor image with three channels."""
    return image if image.shape[-3] >= 3 else _gray(image, 3)


@register(grayscale_to_rgb, Image.Image)
def grayscale_to_rgb_image_pil(image: Image.Image) -> Image.Image:
    """A gray Pillow image with three bands."""
    return image.convert(mode="RGB")


@functional
def adjust_brightness(inpt: Any, brightness_factor: float) -> Any:
    """The image made brighter (above 1) or darker; 0 gives black."""


@register_image(adjust_brightness, pil=F_pil.adjust_brightness)
def adjust_brightness_image(image: Tensor, brightness_factor: float) -> Tensor:
    """``brightness_factor`` times a tensor image, clipped."""
    factor = _factor(brightness_factor, "brightness_factor")
    _check_channels(image)
    return color.brightness(image, factor)


adjust_brightness_video = as_video(adjust_brightness_image)


@functional
def adjust_saturation(inpt: Any, saturation_factor: float) -> Any:
    """The image with more (above 1) or less colour; 0 gives black and white."""


@register_image(adjust_saturation, pil=F_pil.adjust_saturation)
def adjust_saturation_image(image: Tensor, saturation_factor: float) -> Tensor:
    """A tensor image blended with its luminance."""
    factor = _factor(saturation_factor, "saturation_factor")
    return image if _check_channels(image) == 1 else color.saturation(image, factor, v2=True)


adjust_saturation_video = as_video(adjust_saturation_image)


@functional
def adjust_contrast(inpt: Any, contrast_factor: float) -> Any:
    """The image with more (above 1) or less contrast; 0 gives gray."""


@register_image(adjust_contrast, pil=F_pil.adjust_contrast)
def adjust_contrast_image(image: Tensor, contrast_factor: float) -> Tensor:
    """A tensor image blended with its mean luminance."""
    factor = _factor(contrast_factor, "contrast_factor")
    _check_channels(image)
    return color.contrast(image, factor, v2=True)


adjust_contrast_video = as_video(adjust_contrast_image)


@functional
def adjust_sharpness(inpt: Any, sharpness_factor: float) -> Any:
    """The image made sharper (above 1) or softer."""


@register_image(adjust_sharpness, pil=F_pil.adjust_sharpness)
def adjust_sharpness_image(image: Tensor, sharpness_factor: float) -> Tensor:
    """A tensor image blended with its smoothed version."""
    channels, height, width = image.shape[-3:]
    if channels not in (1, 3):
        raise TypeError(f"Input image tensor can have 1 or 3 channels, but found {channels}")
    factor = _factor(sharpness_factor, "sharpness_factor")
    if image.numel() == 0 or height <= 2 or width <= 2:
        return image
    return color.sharpness(image, factor, v2=True)


adjust_sharpness_video = as_video(adjust_sharpness_image)


@functional
def adjust_hue(inpt: Any, hue_factor: float) -> Any:
    """The image with its hue turned by ``hue_factor`` (-0.5 to 0.5) of a full turn."""


@register_image(adjust_hue, pil=F_pil.adjust_hue)
def adjust_hue_image(image: Tensor, hue_factor: float) -> Tensor:
    """A tensor image with its hue turned."""
    if not (-0.5 <= hue_factor <= 0.5):
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if _check_channels(image) == 1 or image.numel() == 0:
        return image
    return color.hue(image, np.asarray(float(hue_factor)), v2=True)


adjust_hue_video = as_video(adjust_hue_image)


@functional
def adjust_gamma(inpt: Any, gamma: float, gain: float = 1) -> Any:
    """``gain * image ** gamma``, for values from 0 to 1."""


@register_image(adjust_gamma, pil=F_pil.adjust_gamma)
def adjust_gamma_image(image: Tensor, gamma: float, gain: float = 1.0) -> Tensor:
    """A tensor image to the power of ``gamma``."""
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    return color.gamma(image, np.asarray(float(gamma)), np.asarray(float(gain)), v2=True, gained=gain != 1.0)


adjust_gamma_video = as_video(adjust_gamma_image)


@functional
def posterize(inpt: Any, bits: int) -> Any:
    """Only the ``bits`` highest bits of each value."""


@register_image(posterize, pil=F_pil.posterize)
def posterize_image(image: Tensor, bits: int) -> Tensor:
    """A tensor image cut to ``bits`` bits."""
    if not isinstance(bits, int) or not 0 <= bits <= 8:
        raise TypeError(f"bits must be a positive integer in the range [0, 8], got {bits} instead.")
    if not image.is_floating_point() and bits >= _value_bits(image.dtype):
        return image
    return color.posterize(image, bits=bits)


def _value_bits(dtype: Any) -> int:
    bound = _max_value(dtype)
    if bound == 1:
        raise TypeError(f"Number of value bits is only defined for integer dtypes, but got {dtype}.")
    return bound.bit_length()


posterize_video = as_video(posterize_image)


@functional
def solarize(inpt: Any, threshold: float) -> Any:
    """Values that reach the threshold inverted."""


@register_image(solarize, pil=F_pil.solarize)
def solarize_image(image: Tensor, threshold: float) -> Tensor:
    """A tensor image, inverted where it reaches the threshold."""
    if threshold > _max_value(image.dtype):
        raise TypeError(f"Threshold should be less or equal the maximum value of the dtype, but got {threshold}")
    return color.solarize(image, np.asarray(float(threshold)))


solarize_video = as_video(solarize_image)


@functional
def autocontrast(inpt: Any) -> Any:
    """Each channel stretched to the full range."""


@register_image(autocontrast, pil=F_pil.autocontrast)
def autocontrast_image(image: Tensor) -> Tensor:
    """Each channel of a tensor image stretched to the full range."""
    _check_channels(image)
    return image if image.numel() == 0 else color.autocontrast(image, v2=True)


autocontrast_video = as_video(autocontrast_image)


@functional
def equalize(inpt: Any) -> Any:
    """Each channel with a flat histogram."""


@register_image(equalize, pil=F_pil.equalize)
def equalize_image(image: Tensor) -> Tensor:
    """Each channel of a tensor image with a flat histogram (of 256 levels)."""
    if image.numel() == 0:
        return image
    return to_dtype_image(color.equalize(to_dtype_image(image, torch.uint8, scale=True)), image.dtype, scale=True)


equalize_video = as_video(equalize_image)


@functional
def invert(inpt: Any) -> Any:
    """The negative."""


@register_image(invert, pil=F_pil.invert)
def invert_image(image: Tensor) -> Tensor:
    """The negative of a tensor image."""
    return color.invert(image)


invert_video = as_video(invert_image)


@functional
def permute_channels(inpt: Any, permutation: Any) -> Any:
    """The image with its channels in another order."""


@register_image(permute_channels)
def permute_channels_image(image: Tensor, permutation: Any) -> Tensor:
    """A tensor image with its channels in another order."""
    order = permutation.tolist() if isinstance(permutation, Tensor) else list(permutation)
    channels = image.shape[-3]
    if len(order) != channels:
        raise ValueError(f"Length of permutation does not match number of channels: {len(order)} != {channels}")
    return image if image.numel() == 0 else color.permuted(image, np.asarray(order))


permute_channels_video = as_video(permute_channels_image)


@register(permute_channels, Image.Image)
def _permute_channels_image_pil(image: Image.Image, permutation: Any) -> Image.Image:
    return to_pil_image(permute_channels_image(pil_to_tensor(image), permutation=permutation))
