"""Operations of ``transforms`` (v1): on Pillow images by Pillow, on tensors ``(..., C, H, W)`` by our kernels."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor

from .._kernels.resample import output_size
from . import _functional_pil as F_pil
from . import _functional_tensor as F_t
from ._conversion import pil_to_tensor as pil_to_tensor
from ._conversion import to_pil_image as to_pil_image
from ._conversion import to_tensor as to_tensor
from ._interpolation import InterpolationMode as InterpolationMode
from ._interpolation import (
    _interpolation_modes_from_int,
    center_offsets,
    inverse_affine_matrix_v1,
    pil_modes_mapping,
)
from ._interpolation import get_perspective_coeffs as _get_perspective_coeffs

_is_pil_image = F_pil._is_pil_image


def get_dimensions(img: Any) -> list[int]:
    """Channels, height and width."""
    return F_t.get_dimensions(img) if isinstance(img, Tensor) else F_pil.get_dimensions(img)


def get_image_size(img: Any) -> list[int]:
    """Width and height."""
    return F_t.get_image_size(img) if isinstance(img, Tensor) else F_pil.get_image_size(img)


def get_image_num_channels(img: Any) -> int:
    """How many channels."""
    return F_t.get_image_num_channels(img) if isinstance(img, Tensor) else F_pil.get_image_num_channels(img)


def _mode(interpolation: Any) -> InterpolationMode:
    """The mode of an interpolation argument: one, or Pillow's number of one."""
    if isinstance(interpolation, int):
        return _interpolation_modes_from_int(interpolation)
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError(
            "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant"
        )
    return interpolation


def convert_image_dtype(image: Tensor, dtype: Any = torch.float32) -> Tensor:
    """A tensor image in another dtype, its values rescaled to the range of that.

    Raises:
        RuntimeError: floats to integers that they cannot fill exactly.
    """
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    return F_t.convert_image_dtype(image, dtype)


def normalize(tensor: Tensor, mean: Any, std: Any, inplace: bool = False) -> Tensor:
    """``(tensor - mean) / std``, channel by channel."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    return F_t.normalize(tensor, mean=mean, std=std, inplace=inplace)


def resize(
    img: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The image resized to ``(height, width)``, or so that its shorter edge is ``size`` (and no edge above ``max_size``)."""
    mode = _mode(interpolation)
    if isinstance(size, (list, tuple)):
        if len(size) not in (1, 2):
            raise ValueError(
                f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element tuple/list"
            )
        if max_size is not None and len(size) != 1:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, i.e. size should be "
                "an int or a sequence of length 1 in torchscript mode."
            )
    _, height, width = get_dimensions(img)
    wanted = list(output_size((height, width), [size] if isinstance(size, int) else size, max_size))
    if wanted == [height, width]:
        return img
    if isinstance(img, Tensor):
        return F_t.resize(img, size=wanted, interpolation=mode.value, antialias=antialias)
    if antialias is False:
        warnings.warn(
            "Anti-alias option is always applied for PIL Image input. Argument antialias is ignored.", stacklevel=2
        )
    return F_pil.resize(img, size=wanted, interpolation=pil_modes_mapping[mode])


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """The image with borders (one for all sides; left/right and top/bottom; or left, top, right, bottom)."""
    family: Any = F_t if isinstance(img, Tensor) else F_pil
    return family.pad(img, padding=padding, fill=fill, padding_mode=padding_mode)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A rectangle of the image."""
    family: Any = F_t if isinstance(img, Tensor) else F_pil
    return family.crop(img, top, left, height, width)


def _pair(size: Any) -> Any:
    if isinstance(size, numbers.Number):
        return int(size), int(size)  # type: ignore[call-overload]
    return (size[0], size[0]) if isinstance(size, (tuple, list)) and len(size) == 1 else size


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle ``(height, width)`` of the image, padded with 0 where it is smaller."""
    height, width = _pair(output_size)
    padding, (top, left) = center_offsets((height, width), tuple(get_dimensions(img)[1:]))  # type: ignore[arg-type]
    if any(padding):
        img = pad(img, padding, fill=0)
        if get_dimensions(img)[1:] == [height, width]:
            return img
    return crop(img, top, left, height, width)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """`crop`, then `resize`."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img: Any) -> Any:
    """The image mirrored left to right."""
    return F_t.hflip(img) if isinstance(img, Tensor) else F_pil.hflip(img)


def vflip(img: Any) -> Any:
    """The image mirrored top to bottom."""
    return F_t.vflip(img) if isinstance(img, Tensor) else F_pil.vflip(img)


def perspective(
    img: Any, startpoints: Any, endpoints: Any, interpolation: Any = InterpolationMode.BILINEAR, fill: Any = None
) -> Any:
    """The image with four corners moved from ``startpoints`` to ``endpoints`` (each ``[x, y]``)."""
    coefficients = _get_perspective_coeffs(startpoints, endpoints)
    mode = _mode(interpolation)
    if isinstance(img, Tensor):
        return F_t.perspective(img, coefficients, interpolation=mode.value, fill=fill)
    return F_pil.perspective(img, coefficients, interpolation=pil_modes_mapping[mode], fill=fill)


def five_crop(img: Any, size: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The four corners (top left, top right, bottom left, bottom right) and the centre.

    Raises:
        ValueError: an image smaller than the crops.
    """
    size = _pair(size)
    if len(size) != 2:
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    _, h, w = get_dimensions(img)
    ch, cw = size
    if cw > w or ch > h:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(h, w)}")
    corners = [crop(img, top, left, ch, cw) for top in (0, h - ch) for left in (0, w - cw)]
    return (*corners, center_crop(img, [ch, cw]))  # type: ignore[return-value]


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """`five_crop` of the image, and of the image mirrored."""
    size = _pair(size)
    if len(size) != 2:
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    first = five_crop(img, size)
    return first + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """The image made brighter (above 1) or darker; 0 gives black."""
    family: Any = F_t if isinstance(img, Tensor) else F_pil
    return family.adjust_brightness(img, brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """The image with more (above 1) or less contrast; 0 gives gray."""
    family: Any = F_t if isinstance(img, Tensor) else F_pil
    return family.adjust_contrast(img, contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """The image with more (above 1) or less colour; 0 gives black and white."""
    family: Any = F_t if isinstance(img, Tensor) else F_pil
    return family.adjust_saturation(img, saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """The image with its hue turned by ``hue_factor`` (-0.5 to 0.5) of a full turn."""
    return F_t.adjust_hue(img, hue_factor) if isinstance(img, Tensor) else F_pil.adjust_hue(img, hue_factor)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """``gain * image ** gamma``, for values from 0 to 1."""
    return F_t.adjust_gamma(img, gamma, gain) if isinstance(img, Tensor) else F_pil.adjust_gamma(img, gamma, gain)


def _get_inverse_affine_matrix(
    center: Any, angle: float, translate: Any, scale: float, shear: Any, inverted: bool = True
) -> list[float]:
    from ._interpolation import inverse_affine_matrix

    if inverted:
        return inverse_affine_matrix_v1(center, angle, translate, scale, shear)
    return inverse_affine_matrix(center, angle, translate, scale, shear, inverted=False)


def _check_center(center: Any) -> None:
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")


def _about(center: Any, img: Tensor) -> list[float]:
    """A centre in pixels, counted from the middle of the image."""
    if center is None:
        return [0.0, 0.0]
    _, height, width = get_dimensions(img)
    return [1.0 * (c - s * 0.5) for c, s in zip(center, (width, height), strict=False)]


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Any = None,
    fill: Any = None,
) -> Any:
    """The image turned counter-clockwise by degrees; ``expand`` makes room for all of it."""
    mode = _mode(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    _check_center(center)
    if not isinstance(img, Tensor):
        return F_pil.rotate(
            img, angle=angle, interpolation=pil_modes_mapping[mode], expand=expand, center=center, fill=fill
        )
    matrix = inverse_affine_matrix_v1(_about(center, img), -angle, [0.0, 0.0], 1.0, [0.0, 0.0])
    return F_t.rotate(img, matrix=matrix, interpolation=mode.value, expand=expand, fill=fill)


def affine_arguments(angle: Any, translate: Any, scale: float, shear: Any, center: Any) -> tuple[float, Any, Any]:
    """The checked angle, translation and (two) shears of an affine map.

    Raises:
        TypeError, ValueError: of other types, lengths, or a scale that is not positive.
    """
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    if not isinstance(shear, (numbers.Number, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shear = [shear, 0.0] if isinstance(shear, numbers.Number) else list(shear)
    shear = shear * 2 if len(shear) == 1 else shear
    if len(shear) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    _check_center(center)
    return float(angle), translate, shear


def affine(
    img: Any,
    angle: float,
    translate: Any,
    scale: float,
    shear: Any,
    interpolation: Any = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Any = None,
) -> Any:
    """The image turned clockwise by degrees, moved by pixels, scaled and sheared by degrees, about its centre."""
    mode = _mode(interpolation)
    angle, translate, shear = affine_arguments(angle, translate, scale, shear, center)
    if isinstance(img, Tensor):
        moved = [1.0 * t for t in translate]
        matrix = inverse_affine_matrix_v1(_about(center, img), angle, moved, scale, shear)
        return F_t.affine(img, matrix=matrix, interpolation=mode.value, fill=fill)
    _, height, width = get_dimensions(img)
    middle = [width * 0.5, height * 0.5] if center is None else center
    matrix = inverse_affine_matrix_v1(middle, angle, translate, scale, shear)
    return F_pil.affine(img, matrix=matrix, interpolation=pil_modes_mapping[mode], fill=fill)


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """A Pillow image's luminance, in one band or three."""
    if _is_pil_image(img):
        return F_pil.to_grayscale(img, num_output_channels)
    raise TypeError("Input should be PIL Image")


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """The luminance, in one channel or three."""
    family: Any = F_t.rgb_to_grayscale if isinstance(img, Tensor) else F_pil.to_grayscale
    return family(img, num_output_channels)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    """A tensor image with the rectangle at row ``i``, column ``j`` replaced by ``v``."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    return F_t.erase(img, i, j, h, w, v, inplace=inplace)


def _odd_sizes(kernel_size: Any) -> list[int]:
    if not isinstance(kernel_size, (int, list, tuple)):
        raise TypeError(f"kernel_size should be int or a sequence of integers. Got {type(kernel_size)}")
    if isinstance(kernel_size, int):
        kernel_size = [kernel_size, kernel_size]
    if len(kernel_size) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(kernel_size)}")
    if any(k % 2 == 0 or k < 0 for k in kernel_size):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    return kernel_size  # type: ignore[no-any-return]


def _deviations(sigma: Any, kernel_size: list[int]) -> Any:
    if sigma is None:
        return [k * 0.15 + 0.35 for k in kernel_size]
    if not isinstance(sigma, (int, float, list, tuple)):
        raise TypeError(f"sigma should be either float or sequence of floats. Got {type(sigma)}")
    if isinstance(sigma, (int, float)):
        sigma = [float(sigma), float(sigma)]
    elif len(sigma) == 1:
        sigma = [sigma[0], sigma[0]]
    if len(sigma) != 2:
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(sigma)}")
    if any(s <= 0.0 for s in sigma):
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    return sigma


def _by_tensor(img: Any, compute: Any) -> Any:
    """``compute`` of a tensor, or of a Pillow image by way of one."""
    if isinstance(img, Tensor):
        return compute(img)
    if not _is_pil_image(img):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
    return to_pil_image(compute(pil_to_tensor(img)), mode=img.mode)


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """The image smoothed by a Gaussian of ``kernel_size`` (across, down) and deviation ``sigma``."""
    kernel_size = _odd_sizes(kernel_size)
    sigma = _deviations(sigma, kernel_size)
    return _by_tensor(img, lambda t: F_t.gaussian_blur(t, kernel_size, sigma))


def invert(img: Any) -> Any:
    """The negative."""
    return F_t.invert(img) if isinstance(img, Tensor) else F_pil.invert(img)


def posterize(img: Any, bits: int) -> Any:
    """Only the ``bits`` highest bits of each value."""
    if not (0 <= bits <= 8):
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")
    return F_t.posterize(img, bits) if isinstance(img, Tensor) else F_pil.posterize(img, bits)


def solarize(img: Any, threshold: float) -> Any:
    """Values that reach the threshold inverted."""
    family: Any = F_t if isinstance(img, Tensor) else F_pil
    return family.solarize(img, threshold)


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """The image made sharper (above 1) or softer."""
    family: Any = F_t if isinstance(img, Tensor) else F_pil
    return family.adjust_sharpness(img, sharpness_factor)


def autocontrast(img: Any) -> Any:
    """Each channel stretched to the full range."""
    return F_t.autocontrast(img) if isinstance(img, Tensor) else F_pil.autocontrast(img)


def equalize(img: Any) -> Any:
    """Each channel with a flat histogram."""
    return F_t.equalize(img) if isinstance(img, Tensor) else F_pil.equalize(img)


def elastic_transform(
    img: Any, displacement: Tensor, interpolation: Any = InterpolationMode.BILINEAR, fill: Any = None
) -> Any:
    """The image with each pixel taken from a place moved by ``displacement`` ``(1, H, W, 2)`` (-1 to 1 spans it)."""
    if isinstance(interpolation, int):
        warnings.warn(
            "Argument interpolation should be of type InterpolationMode instead of int. "
            "Please, use InterpolationMode enum.",
            stacklevel=2,
        )
        interpolation = _interpolation_modes_from_int(interpolation)
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    _, height, width = get_dimensions(img)
    shape = (1, height, width, 2)
    if shape != tuple(displacement.shape):
        raise ValueError(f"Argument displacement shape should be {shape}, but given {displacement.shape}")
    return _by_tensor(
        img, lambda t: F_t.elastic_transform(t, displacement, interpolation=interpolation.value, fill=fill)
    )
