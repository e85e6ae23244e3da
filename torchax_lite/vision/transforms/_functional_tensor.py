"""Operations of ``transforms`` (v1) on tensors ``(..., C, H, W)``."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor

from ...tensor.dtypes import to_numpy_dtype
from .._arrays import on_host, part, to_host
from .._kernels import color, geometry, resample
from ._interpolation import affine_output_size

_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def _assert_image_tensor(img: Tensor) -> None:
    if img.ndim < 2:
        raise TypeError("Tensor is not a torch image.")


def _is_tensor_a_torch_image(x: Tensor) -> bool:
    return x.ndim >= 2


def get_dimensions(img: Tensor) -> list[int]:
    """Channels (1 without such a dim), height and width."""
    _assert_image_tensor(img)
    return [1 if img.ndim == 2 else img.shape[-3], *img.shape[-2:]]


def get_image_size(img: Tensor) -> list[int]:
    """Width and height."""
    _assert_image_tensor(img)
    return [img.shape[-1], img.shape[-2]]


def get_image_num_channels(img: Tensor) -> int:
    """How many channels."""
    if img.ndim < 2:
        raise TypeError(f"Input ndim should be 2 or more. Got {img.ndim}")
    return get_dimensions(img)[0]


def _max_value(dtype: Any) -> int:
    return color.max_value(np.bool_ if dtype.is_complex else to_numpy_dtype(dtype))


def _assert_channels(img: Tensor, permitted: list[int]) -> None:
    c = get_dimensions(img)[0]
    if c not in permitted:
        raise TypeError(f"Input image tensor permitted channel values are {permitted}, but found {c}")


def _assert_batched(img: Tensor) -> None:
    _assert_image_tensor(img)
    if img.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {img.ndim}")


def convert_image_dtype(image: Tensor, dtype: Any = torch.float32) -> Tensor:
    """The image in another dtype, values rescaled to its range.

    Raises:
        RuntimeError: floats to integers that they cannot fill exactly.
    """
    if image.dtype == dtype:
        return image
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        too_wide = (image.dtype == torch.float32 and dtype in (torch.int32, torch.int64)) or (
            image.dtype == torch.float64 and dtype == torch.int64
        )
        if too_wide:
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
    return color.convert(image, dtype=to_numpy_dtype(dtype), v2=False)


def vflip(img: Tensor) -> Tensor:
    """The image mirrored top to bottom."""
    _assert_image_tensor(img)
    return geometry.flip(img, dim=-2)


def hflip(img: Tensor) -> Tensor:
    """The image mirrored left to right."""
    _assert_image_tensor(img)
    return geometry.flip(img, dim=-1)


def crop(img: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """A rectangle of the image: a view, unless it leaves the image (0 there)."""
    _assert_image_tensor(img)
    h, w = img.shape[-2:]
    right, bottom = left + width, top + height
    if left < 0 or top < 0 or right > w or bottom > h:
        sides = [
            max(-left + min(0, right), 0),
            max(-top + min(0, bottom), 0),
            max(right - max(w, left), 0),
            max(bottom - max(h, top), 0),
        ]
        return pad(part(img, slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))), sides, fill=0)
    return part(img, slice(top, bottom), slice(left, right))


def rgb_to_grayscale(img: Tensor, num_output_channels: int = 1) -> Tensor:
    """The luminance in one channel, or expanded to the image's."""
    if img.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {img.ndim}")
    _assert_channels(img, [1, 3])
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    gray = color.grayscale(img, v2=False) if img.shape[-3] == 3 else img.clone()
    return gray.expand(img.shape) if num_output_channels == 3 else gray


def _factor(value: float, name: str) -> np.ndarray[Any, Any]:
    if value < 0:
        raise ValueError(f"{name} ({value}) is not non-negative.")
    return np.asarray(float(value))


def adjust_brightness(img: Tensor, brightness_factor: float) -> Tensor:
    """``brightness_factor`` times the image, clipped."""
    factor = _factor(brightness_factor, "brightness_factor")
    _assert_channels(img, [1, 3])
    return color.brightness(img, factor)


def adjust_contrast(img: Tensor, contrast_factor: float) -> Tensor:
    """The image blended with its mean luminance."""
    factor = _factor(contrast_factor, "contrast_factor")
    _assert_channels(img, [3, 1])
    return color.contrast(img, factor, v2=False)


def adjust_saturation(img: Tensor, saturation_factor: float) -> Tensor:
    """The image blended with its luminance."""
    factor = _factor(saturation_factor, "saturation_factor")
    _assert_channels(img, [1, 3])
    return img if get_dimensions(img)[0] == 1 else color.saturation(img, factor, v2=False)


def adjust_hue(img: Tensor, hue_factor: float) -> Tensor:
    """The hue turned by ``hue_factor`` (-0.5 to 0.5) of a full turn."""
    if not (-0.5 <= hue_factor <= 0.5):
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if not isinstance(img, Tensor):
        raise TypeError("Input img should be Tensor image")
    _assert_channels(img, [1, 3])
    return img if get_dimensions(img)[0] == 1 else color.hue(img, np.asarray(float(hue_factor)), v2=False)


def adjust_gamma(img: Tensor, gamma: float, gain: float = 1) -> Tensor:
    """``gain * image ** gamma``, clipped."""
    if not isinstance(img, Tensor):
        raise TypeError("Input img should be a Tensor.")
    _assert_channels(img, [1, 3])
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    return color.gamma(img, np.asarray(float(gamma)), np.asarray(float(gain)), v2=False, gained=True)


def check_reflection(sides: Sequence[int], size: Sequence[int], mode: str) -> None:
    """Refuse borders that mirroring cannot fill."""
    (left, right, top, bottom), (h, w) = sides, size
    if mode == "reflect" and (max(left, right) >= w or max(top, bottom) >= h):
        across = max(left, right) >= w
        pair, dim = ((left, right), -1) if across else ((top, bottom), -2)
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
            f"({pair[0]}, {pair[1]}) at dimension {4 + dim} of input of size {h} x {w}"
        )
    if mode == "symmetric" and (max(left, right) > w or max(top, bottom) > h):
        raise IndexError("index is out of bounds: a symmetric border is wider than the image")


def _pad_symmetric(img: Tensor, padding: list[int]) -> Tensor:
    check_reflection(padding, img.shape[-2:], "symmetric")
    return geometry.pad(img, np.zeros(1), sides=tuple(padding), mode="symmetric")


def _parse_pad_padding(padding: int | list[int]) -> list[int]:
    """Left, right, top and bottom of a padding argument."""
    if isinstance(padding, int):
        return [padding] * 4
    if len(padding) == 1:
        return [padding[0]] * 4
    if len(padding) == 2:
        return [padding[0]] * 2 + [padding[1]] * 2
    return [padding[0], padding[2], padding[1], padding[3]]


def pad(img: Tensor, padding: int | list[int], fill: float | None = 0, padding_mode: str = "constant") -> Tensor:
    """The image with borders of a value, or of its own pixels; negative borders cut off.

    Raises:
        TypeError, ValueError: arguments of other types, lengths or modes.
    """
    _assert_image_tensor(img)
    fill = 0 if fill is None else fill
    if not isinstance(padding, (int, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if not isinstance(fill, (int, float)):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if isinstance(padding, (tuple, list)) and len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    sides = _parse_pad_padding(list(padding) if isinstance(padding, tuple) else padding)
    check_reflection(sides, img.shape[-2:], padding_mode)
    return geometry.pad(img, np.asarray([fill]), sides=tuple(sides), mode=padding_mode)


def resize(img: Tensor, size: list[int], interpolation: str = "bilinear", antialias: bool | None = True) -> Tensor:
    """The image resized to ``[height, width]``; integers are computed as float32 and rounded."""
    _assert_image_tensor(img)
    if interpolation not in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        return torch.nn.functional.interpolate(img, size=list(size), mode=interpolation)  # which refuses
    antialias = bool(antialias) and interpolation in ("bilinear", "bicubic")
    out_dtype = img.dtype
    nearest = interpolation.startswith("nearest")
    x = img if nearest or out_dtype in (torch.float32, torch.float64) else _plain(img, torch.float32)
    x = resample.resize(x, (size[0], size[1]), interpolation, antialias)
    if interpolation == "bicubic" and out_dtype == torch.uint8:
        x = _clipped(x)
    return x if x.dtype == out_dtype else _cast_out(x, out_dtype)


def _plain(img: Tensor, dtype: Any) -> Tensor:
    return _astype(img, dtype=to_numpy_dtype(dtype), rounding=False)


def _cast_out(img: Tensor, dtype: Any) -> Tensor:
    return _astype(img, dtype=to_numpy_dtype(dtype), rounding=dtype in _INTEGERS)


@color.kernel
def _astype(xp: Any, image: Any, *, dtype: Any, rounding: bool) -> Any:
    """The values in another dtype, rounded to even first where asked."""
    return (xp.rint(image) if rounding else image).astype(dtype)


@color.kernel
def _clipped(xp: Any, image: Any) -> Any:
    """Values from 0 to 255."""
    return xp.clip(image, 0, 255)


def _assert_grid_transform_inputs(
    img: Tensor,
    matrix: Any,
    interpolation: str,
    fill: Any,
    supported_interpolation_modes: list[str],
    coeffs: Any = None,
) -> None:
    if not isinstance(img, Tensor):
        raise TypeError("Input img should be Tensor")
    _assert_image_tensor(img)
    if matrix is not None and not isinstance(matrix, list):
        raise TypeError("Argument matrix should be a list")
    if matrix is not None and len(matrix) != 6:
        raise ValueError("Argument matrix should have 6 float values")
    if coeffs is not None and len(coeffs) != 8:
        raise ValueError("Argument coeffs should have 8 float values")
    if fill is not None and not isinstance(fill, (int, float, tuple, list)):
        warnings.warn("Argument fill should be either int, float, tuple or list", stacklevel=2)
    channels = get_dimensions(img)[0]
    if isinstance(fill, (tuple, list)) and len(fill) > 1 and len(fill) != channels:
        raise ValueError(
            "The number of elements in 'fill' cannot broadcast to match the number of channels of the image "
            f"({len(fill)} != {channels})"
        )
    if interpolation not in supported_interpolation_modes:
        raise ValueError(f"Interpolation mode '{interpolation}' is unsupported with Tensor input")


def grid_dtype(img: Tensor) -> Any:
    """The NumPy dtype that places in an image are computed in."""
    return to_numpy_dtype(img.dtype if img.is_floating_point() else torch.float32)


def apply_grid(img: Tensor, grid: Any, mode: str, fill: Any, v2: bool) -> Tensor:
    """`geometry.sample` with a fill argument as users give it."""
    values = fill if isinstance(fill, (tuple, list)) else [0.0 if fill is None else float(fill)]
    return geometry.sample(img, grid, np.asarray(values, np.float64), mode=mode, filled=fill is not None, v2=v2)


_MODES = ["nearest", "bilinear"]


def affine(img: Tensor, matrix: list[float], interpolation: str = "nearest", fill: Any = None) -> Tensor:
    """The image under an inverse affine map of six numbers about its centre."""
    _assert_grid_transform_inputs(img, matrix, interpolation, fill, _MODES)
    size = tuple(img.shape[-2:])
    return apply_grid(img, geometry.affine_grid(matrix, size, size, grid_dtype(img)), interpolation, fill, False)


def rotate(
    img: Tensor, matrix: list[float], interpolation: str = "nearest", expand: bool = False, fill: Any = None
) -> Tensor:
    """As `affine`; ``expand`` makes the result large enough for all of the image."""
    _assert_grid_transform_inputs(img, matrix, interpolation, fill, _MODES)
    h, w = img.shape[-2:]
    ow, oh = affine_output_size(matrix, w, h) if expand else (w, h)
    grid = geometry.affine_grid(matrix, (h, w), (oh, ow), grid_dtype(img))
    return apply_grid(img, grid, interpolation, fill, False)


def perspective(
    img: Tensor, perspective_coeffs: list[float], interpolation: str = "bilinear", fill: Any = None
) -> Tensor:
    """The image under an inverse perspective map of eight numbers."""
    if not isinstance(img, Tensor):
        raise TypeError("Input img should be Tensor.")
    _assert_grid_transform_inputs(img, None, interpolation, fill, _MODES, perspective_coeffs)
    grid = geometry.perspective_grid(perspective_coeffs, tuple(img.shape[-2:]), grid_dtype(img))
    return apply_grid(img, grid, interpolation, fill, False)


def elastic_transform(img: Tensor, displacement: Tensor, interpolation: str = "bilinear", fill: Any = None) -> Tensor:
    """The image sampled at the identity grid plus a displacement ``(1, H, W, 2)``."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor. Got {type(img)}")
    _assert_grid_transform_inputs(img, None, interpolation, fill, _MODES)
    return apply_grid(img, displaced_grid(img, displacement), interpolation, fill, False)


def displaced_grid(img: Tensor, displacement: Tensor) -> Tensor:
    """The grid ``(H, W, 2)`` of a displacement."""
    grid = geometry.identity_grid(tuple(img.shape[-2:]), grid_dtype(img))
    return _added(displacement.detach() if on_host(displacement) else displacement, grid)


@color.kernel
def _added(xp: Any, displacement: Any, grid: Any) -> Any:
    """The only grid of a batch of one, moved."""
    return displacement[0].astype(grid.dtype) + grid


def gaussian_blur(img: Tensor, kernel_size: list[int], sigma: list[float]) -> Tensor:
    """The image smoothed by a Gaussian, mirrored at its edges."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor. Got {type(img)}")
    _assert_image_tensor(img)
    (kx, ky), (sx, sy) = kernel_size, sigma
    check_reflection((kx // 2, kx // 2, ky // 2, ky // 2), img.shape[-2:], "reflect")
    dtype = grid_dtype(img)
    return geometry.blur(img, geometry.blur_weights(kx, sx, dtype), geometry.blur_weights(ky, sy, dtype))


def invert(img: Tensor) -> Tensor:
    """The negative."""
    _assert_batched(img)
    _assert_channels(img, [1, 3])
    return color.invert(img)


def posterize(img: Tensor, bits: int) -> Tensor:
    """Only the highest bits of each byte."""
    _assert_batched(img)
    if img.dtype != torch.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")
    _assert_channels(img, [1, 3])
    return color.posterize(img, bits=int(bits))


def solarize(img: Tensor, threshold: float) -> Tensor:
    """Values that reach the threshold inverted."""
    _assert_batched(img)
    _assert_channels(img, [1, 3])
    if threshold > _max_value(img.dtype):
        raise TypeError("Threshold should be less than bound of img.")
    return color.solarize(img, np.asarray(float(threshold)))


def adjust_sharpness(img: Tensor, sharpness_factor: float) -> Tensor:
    """The image blended with its smoothed version."""
    factor = _factor(sharpness_factor, "sharpness_factor")
    _assert_channels(img, [1, 3])
    if img.shape[-1] <= 2 or img.shape[-2] <= 2:
        return img
    return color.sharpness(img, factor, v2=False)


def autocontrast(img: Tensor) -> Tensor:
    """Each channel stretched to the full range."""
    _assert_batched(img)
    _assert_channels(img, [1, 3])
    return color.autocontrast(img, v2=False)


def equalize(img: Tensor) -> Tensor:
    """Each channel of a uint8 image with a flat histogram."""
    _assert_image_tensor(img)
    if not 3 <= img.ndim <= 4:
        raise TypeError(f"Input image tensor should have 3 or 4 dimensions, but found {img.ndim}")
    if img.dtype != torch.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")
    _assert_channels(img, [1, 3])
    return color.equalize(img)


def normalize(tensor: Tensor, mean: Any, std: Any, inplace: bool = False) -> Tensor:
    """``(tensor - mean) / std``, channel by channel.

    Raises:
        TypeError: integers.
        ValueError: fewer than three dims, or a deviation of 0 in the tensor's dtype.
    """
    _assert_image_tensor(tensor)
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.size()}"
        )
    deviation = per_channel(std)
    if not isinstance(deviation, Tensor) and (deviation.astype(to_numpy_dtype(tensor.dtype)) == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    made = color.normalize(tensor, per_channel(mean), deviation)
    return tensor.copy_(made) if inplace else made


def per_channel(values: Any) -> Any:
    """Numbers, one for all channels or one for each, as an array that broadcasts over ``(..., C, H, W)``."""
    if isinstance(values, Tensor):
        if not on_host(values):
            return values.view(-1, 1, 1) if values.ndim == 1 else values
        values = to_host(values)
    array = np.asarray(values, np.float64)
    return array.reshape(-1, 1, 1) if array.ndim == 1 else array


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    """The image with a rectangle replaced by ``v``."""
    _assert_image_tensor(img)
    if inplace:
        img[..., i : i + h, j : j + w] = v
        return img
    return geometry.replace(img, v, np.asarray([i, j]), size=(h, w))
