"""Flips, resizing, borders and crops."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

import torchax_lite as torch
from torchax_lite import Tensor

from .... import tv_tensors
from ...._arrays import part
from ...._kernels import boxes as kernels
from ...._kernels import geometry, resample
from ... import _functional_pil as F_pil
from ..._functional_tensor import _cast_out, _plain, check_reflection
from ..._interpolation import (
    InterpolationMode,
    _interpolation_modes_from_int,
    center_offsets,
    pil_modes_mapping,
)
from ._utils import as_video, functional, register, register_image, with_channel

_MODES = {mode.value: mode for mode in InterpolationMode}


def _check_interpolation(interpolation: Any) -> InterpolationMode:
    """The mode of an interpolation argument: one, its value, or Pillow's number of one."""
    if isinstance(interpolation, str):
        if interpolation not in _MODES:
            raise ValueError(
                f"Invalid interpolation mode: '{interpolation}'. Supported string values are: {list(_MODES)}."
            )
        return _MODES[interpolation]
    if isinstance(interpolation, int):
        return _interpolation_modes_from_int(interpolation)
    if not isinstance(interpolation, InterpolationMode):
        raise ValueError(
            "Argument interpolation should be an `InterpolationMode` or a corresponding Pillow integer constant, "
            f"but got {interpolation}."
        )
    return interpolation


def _box(inpt: tv_tensors.BoundingBoxes) -> dict[str, Any]:
    """What the functions on plain boxes ask about ``BoundingBoxes``."""
    return {"format": inpt.format, "canvas_size": inpt.canvas_size, "clamping_mode": inpt.clamping_mode}


def _size(size: Any) -> tuple[int, int]:
    return int(size[0]), int(size[1])


# --------------------------------------------------------------------------------------------------------------- flips


@functional
def horizontal_flip(inpt: Any) -> Any:
    """The input mirrored left to right."""


@register_image(horizontal_flip, pil=F_pil.hflip)
def horizontal_flip_image(image: Tensor) -> Tensor:
    """A tensor image mirrored left to right."""
    return geometry.flip(image, dim=-1)


horizontal_flip_video = as_video(horizontal_flip_image)


@register(horizontal_flip, tv_tensors.Mask)
def horizontal_flip_mask(mask: Tensor) -> Tensor:
    """A mask mirrored left to right."""
    return geometry.flip(mask, dim=-1)


def horizontal_flip_keypoints(keypoints: Tensor, canvas_size: Any) -> Tensor:
    """Points mirrored left to right."""
    return kernels.flipped_points(keypoints, size=_size(canvas_size), across=True)


def horizontal_flip_bounding_boxes(bounding_boxes: Tensor, format: Any, canvas_size: Any) -> Tensor:
    """Boxes mirrored left to right."""
    return kernels.flipped(bounding_boxes, kind=format.name, size=_size(canvas_size), across=True)


@functional
def vertical_flip(inpt: Any) -> Any:
    """The input mirrored top to bottom."""


@register_image(vertical_flip, pil=F_pil.vflip)
def vertical_flip_image(image: Tensor) -> Tensor:
    """A tensor image mirrored top to bottom."""
    return geometry.flip(image, dim=-2)


vertical_flip_video = as_video(vertical_flip_image)


@register(vertical_flip, tv_tensors.Mask)
def vertical_flip_mask(mask: Tensor) -> Tensor:
    """A mask mirrored top to bottom."""
    return geometry.flip(mask, dim=-2)


def vertical_flip_keypoints(keypoints: Tensor, canvas_size: Any) -> Tensor:
    """Points mirrored top to bottom."""
    return kernels.flipped_points(keypoints, size=_size(canvas_size), across=False)


def vertical_flip_bounding_boxes(bounding_boxes: Tensor, format: Any, canvas_size: Any) -> Tensor:
    """Boxes mirrored top to bottom."""
    return kernels.flipped(bounding_boxes, kind=format.name, size=_size(canvas_size), across=False)


for _flip, _points, _boxes in (
    (horizontal_flip, horizontal_flip_keypoints, horizontal_flip_bounding_boxes),
    (vertical_flip, vertical_flip_keypoints, vertical_flip_bounding_boxes),
):

    @register(_flip, tv_tensors.KeyPoints, wrapped=False)
    def _flip_points(inpt: Any, _points: Any = _points) -> Any:
        return tv_tensors.wrap(_points(inpt.as_subclass(Tensor), canvas_size=inpt.canvas_size), like=inpt)

    @register(_flip, tv_tensors.BoundingBoxes, wrapped=False)
    def _flip_boxes(inpt: Any, _boxes: Any = _boxes) -> Any:
        made = _boxes(inpt.as_subclass(Tensor), format=inpt.format, canvas_size=inpt.canvas_size)
        return tv_tensors.wrap(made, like=inpt)


hflip = horizontal_flip
vflip = vertical_flip


# ------------------------------------------------------------------------------------------------------------ resizing


def _compute_resized_output_size(canvas_size: Any, size: Any, max_size: int | None = None) -> tuple[int, int]:
    if isinstance(size, int):
        size = [size]
    elif max_size is not None and size is not None and len(size) != 1:
        raise ValueError(
            "max_size should only be passed if size is None or specifies the length of the smaller edge, "
            "i.e. size should be an int or a sequence of length 1 in torchscript mode."
        )
    return resample.output_size(_size(canvas_size), size, max_size)


@functional
def resize(
    inpt: Any, size: Any, interpolation: Any = InterpolationMode.BILINEAR, max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:  # fmt: skip
    """The input resized to ``(height, width)``, or so that its shorter edge is ``size`` (and no edge above ``max_size``)."""


_WEIGHTED = (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC, InterpolationMode.LANCZOS)
_NEAREST = (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT)


@register_image(resize)
def resize_image(
    image: Tensor, size: Any, interpolation: Any = InterpolationMode.BILINEAR, max_size: int | None = None,
    antialias: bool | None = True,
) -> Tensor:  # fmt: skip
    """A tensor image resized; bytes are interpolated as bytes, other integers as float32 and rounded."""
    mode = _check_interpolation(interpolation)
    if mode == InterpolationMode.LANCZOS and not antialias:
        raise ValueError("InterpolationMode.LANCZOS requires antialias=True")
    shape = image.shape
    wanted = _compute_resized_output_size(shape[-2:], size=size, max_size=max_size)
    if wanted == tuple(shape[-2:]):
        return image
    if image.numel() == 0:
        return image.reshape(*shape[:-2], *wanted)
    return _resized(image, wanted, mode, bool(antialias), None)


def _resized(image: Tensor, wanted: tuple[int, int], mode: InterpolationMode, antialias: bool, box: Any) -> Tensor:
    """The image, or the part of it in ``box`` (row, column, height, width), resized to another size."""
    if mode in _NEAREST:
        return resample.resize(image, wanted, mode.value, False, box)
    if mode not in _WEIGHTED:  # which this refuses
        plain = image.reshape(-1, *image.shape[-3:])
        return torch.nn.functional.interpolate(plain, size=list(wanted), mode=mode.value)
    dtype = image.dtype
    direct = dtype in (torch.float32, torch.float64, torch.uint8)
    made = resample.resize(image if direct else _plain(image, torch.float32), wanted, mode.value, antialias, box)
    return made if made.dtype == dtype else _cast_out(made, dtype)


resize_video = as_video(resize_image)


def _warn_antialias(antialias: bool | None) -> None:
    if antialias is False:
        warnings.warn(
            "Anti-alias option is always applied for PIL Image input. Argument antialias is ignored.", stacklevel=4
        )


@register(resize, Image.Image)
def _resize_image_pil(
    image: Image.Image, size: Any, interpolation: Any = InterpolationMode.BILINEAR, max_size: int | None = None,
    antialias: bool | None = True,
) -> Image.Image:  # fmt: skip
    _warn_antialias(antialias)
    height, width = _compute_resized_output_size((image.height, image.width), size=size, max_size=max_size)
    mode = _check_interpolation(interpolation)
    if (height, width) == (image.height, image.width):
        return image
    return image.resize((width, height), resample=pil_modes_mapping[mode])


def resize_mask(
    mask: Tensor, size: Any, interpolation: Any = InterpolationMode.BILINEAR, max_size: int | None = None
) -> Tensor:
    """A mask resized, each value one that was there."""
    mode = _check_interpolation(interpolation)
    mode = mode if mode in _NEAREST else InterpolationMode.NEAREST
    return with_channel(mask, lambda m: resize_image(m, size=size, interpolation=mode, max_size=max_size))


@register(resize, tv_tensors.Mask)
def _resize_mask(
    mask: Tensor, size: Any, interpolation: Any = InterpolationMode.BILINEAR, max_size: int | None = None, **_: Any
) -> Tensor:
    return resize_mask(mask, size, interpolation, max_size)


def resize_keypoints(keypoints: Tensor, size: Any, canvas_size: Any, max_size: int | None = None) -> Any:
    """Points in the resized image, and its height and width."""
    wanted = _compute_resized_output_size(canvas_size, size=size, max_size=max_size)
    if wanted == tuple(canvas_size):
        return keypoints, canvas_size
    return kernels.resized_points(keypoints, old=_size(canvas_size), new=wanted), wanted


@register(resize, tv_tensors.KeyPoints, wrapped=False)
def _resize_keypoints(inpt: Any, size: Any, max_size: int | None = None, **_: Any) -> Any:
    made, canvas = resize_keypoints(inpt.as_subclass(Tensor), size, canvas_size=inpt.canvas_size, max_size=max_size)
    return tv_tensors.wrap(made, like=inpt, canvas_size=canvas)


def resize_bounding_boxes(
    bounding_boxes: Tensor, canvas_size: Any, size: Any, max_size: int | None = None,
    format: Any = tv_tensors.BoundingBoxFormat.XYXY, clamping_mode: str | None = "soft",
) -> Any:  # fmt: skip
    """Boxes in the resized image, and its height and width."""
    wanted = _compute_resized_output_size(canvas_size, size=size, max_size=max_size)
    if wanted == tuple(canvas_size):
        return bounding_boxes, canvas_size
    made = kernels.resized(bounding_boxes, kind=format.name, old=_size(canvas_size), new=wanted, mode=clamping_mode)
    return made, wanted


@register(resize, tv_tensors.BoundingBoxes, wrapped=False)
def _resize_boxes(inpt: Any, size: Any, max_size: int | None = None, **_: Any) -> Any:
    made, canvas = resize_bounding_boxes(inpt.as_subclass(Tensor), size=size, max_size=max_size, **_box(inpt))
    return tv_tensors.wrap(made, like=inpt, canvas_size=canvas)


# ------------------------------------------------------------------------------------------------------------- borders


@functional
def pad(inpt: Any, padding: Any, fill: Any = None, padding_mode: str = "constant") -> Any:
    """The input with borders (one for all sides; left/right and top/bottom; or left, top, right, bottom)."""


def _parse_pad_padding(padding: Any) -> list[int]:
    """Left, right, top and bottom of a padding argument."""
    if isinstance(padding, int):
        return [padding] * 4
    if not isinstance(padding, (tuple, list)):
        raise TypeError(f"`padding` should be an integer or tuple or list of integers, but got {padding}")
    if len(padding) == 1:
        return [padding[0]] * 4
    if len(padding) == 2:
        return [padding[0]] * 2 + [padding[1]] * 2
    if len(padding) == 4:
        return [padding[0], padding[2], padding[1], padding[3]]
    raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple or list. Found {len(padding)}")


@register_image(pad, pil=F_pil.pad)
def pad_image(image: Tensor, padding: Any, fill: Any = None, padding_mode: str = "constant") -> Tensor:
    """A tensor image with borders of a value (one, or one for each channel), or of its own pixels."""
    sides = _parse_pad_padding(padding)
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError(
            "`padding_mode` should be either `'constant'`, `'edge'`, `'reflect'` or `'symmetric'`, "
            f"but got `'{padding_mode}'`."
        )
    values = [0 if fill is None else fill] if fill is None or isinstance(fill, (int, float)) else list(fill)
    if len(values) > 1 and padding_mode != "constant":
        raise ValueError(f"Padding mode '{padding_mode}' is not supported if fill is not scalar")
    check_reflection(sides, image.shape[-2:], padding_mode)
    return geometry.pad(image, np.asarray(values), sides=tuple(sides), mode=padding_mode)


pad_video = as_video(pad_image)


@register(pad, tv_tensors.Mask)
def pad_mask(mask: Tensor, padding: Any, fill: Any = None, padding_mode: str = "constant") -> Tensor:
    """A mask with borders."""
    if isinstance(fill, (tuple, list)):
        raise ValueError("Non-scalar fill value is not supported")
    return with_channel(mask, lambda m: pad_image(m, padding=padding, fill=fill, padding_mode=padding_mode))


def _padded(canvas_size: Any, padding: Any) -> tuple[int, int, tuple[int, int]]:
    """Left, top, and the size of the canvas with its borders."""
    left, right, top, bottom = _parse_pad_padding(padding)
    return left, top, (canvas_size[0] + top + bottom, canvas_size[1] + left + right)


def pad_keypoints(keypoints: Tensor, canvas_size: Any, padding: Any, padding_mode: str = "constant") -> Any:
    """Points in the image with borders, and its height and width."""
    if padding_mode != "constant":
        raise ValueError(
            f"Padding mode '{padding_mode}' is not supported with KeyPoints (supported modes are constant)"
        )
    left, top, size = _padded(canvas_size, padding)
    return kernels.moved_points(keypoints, np.asarray([left, top])), size


@register(pad, tv_tensors.KeyPoints, wrapped=False)
def _pad_keypoints(inpt: Any, padding: Any, padding_mode: str = "constant", **_: Any) -> Any:
    made, canvas = pad_keypoints(inpt.as_subclass(Tensor), inpt.canvas_size, padding, padding_mode)
    return tv_tensors.wrap(made, like=inpt, canvas_size=canvas)


def pad_bounding_boxes(
    bounding_boxes: Tensor, format: Any, canvas_size: Any, padding: Any, padding_mode: str = "constant",
    clamping_mode: str | None = "soft",
) -> Any:  # fmt: skip
    """Boxes in the image with borders, and its height and width."""
    if padding_mode != "constant":
        raise ValueError(f"Padding mode '{padding_mode}' is not supported with bounding boxes")
    left, top, size = _padded(canvas_size, padding)
    made = kernels.moved(
        bounding_boxes, np.asarray([left, top]), kind=format.name, size=size, mode=clamping_mode, reshaped=False
    )
    return made, size


@register(pad, tv_tensors.BoundingBoxes, wrapped=False)
def _pad_boxes(inpt: Any, padding: Any, padding_mode: str = "constant", **_: Any) -> Any:
    made, canvas = pad_bounding_boxes(
        inpt.as_subclass(Tensor), padding=padding, padding_mode=padding_mode, **_box(inpt)
    )
    return tv_tensors.wrap(made, like=inpt, canvas_size=canvas)


# --------------------------------------------------------------------------------------------------------------- crops


@functional
def crop(inpt: Any, top: int, left: int, height: int, width: int) -> Any:
    """A rectangle of the input."""


@register_image(crop, pil=F_pil.crop)
def crop_image(image: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """A rectangle of a tensor image: a view, unless it leaves the image (0 there)."""
    h, w = image.shape[-2:]
    right, bottom = left + width, top + height
    if left >= 0 and top >= 0 and right <= w and bottom <= h:
        return part(image, slice(top, bottom), slice(left, right))
    sides = (
        max(min(right, 0) - left, 0), max(right - max(w, left), 0), max(min(bottom, 0) - top, 0),
        max(bottom - max(h, top), 0),
    )  # fmt: skip
    inner = part(image, slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0)))
    return geometry.pad(inner, np.zeros(1), sides=sides, mode="constant")


crop_video = as_video(crop_image)


@register(crop, tv_tensors.Mask)
def crop_mask(mask: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """A rectangle of a mask."""
    return with_channel(mask, lambda m: crop_image(m, top, left, height, width))


def crop_keypoints(keypoints: Tensor, top: int, left: int, height: int, width: int) -> Any:
    """Points in the rectangle, and its height and width."""
    return kernels.moved_points(keypoints, np.asarray([-left, -top])), (height, width)


@register(crop, tv_tensors.KeyPoints, wrapped=False)
def _crop_keypoints(inpt: Any, top: int, left: int, height: int, width: int) -> Any:
    made, canvas = crop_keypoints(inpt.as_subclass(Tensor), top, left, height, width)
    return tv_tensors.wrap(made, like=inpt, canvas_size=canvas)


def crop_bounding_boxes(
    bounding_boxes: Tensor, format: Any, top: int, left: int, height: int, width: int,
    clamping_mode: str | None = "soft",
) -> Any:  # fmt: skip
    """Boxes in the rectangle, and its height and width."""
    made = kernels.moved(
        bounding_boxes, np.asarray([-left, -top]), kind=format.name, size=(height, width), mode=clamping_mode,
        reshaped=True,
    )  # fmt: skip
    return made, (height, width)


@register(crop, tv_tensors.BoundingBoxes, wrapped=False)
def _crop_boxes(inpt: Any, top: int, left: int, height: int, width: int) -> Any:
    made, canvas = crop_bounding_boxes(
        inpt.as_subclass(Tensor), inpt.format, top, left, height, width, clamping_mode=inpt.clamping_mode
    )
    return tv_tensors.wrap(made, like=inpt, canvas_size=canvas)


@functional
def center_crop(inpt: Any, output_size: Any) -> Any:
    """The middle ``(height, width)`` of the input, padded with 0 where it is smaller."""


def _pair(size: Any) -> list[int]:
    if isinstance(size, numbers.Number):
        return [int(size), int(size)]  # type: ignore[call-overload]
    return [size[0], size[0]] if isinstance(size, (tuple, list)) and len(size) == 1 else list(size)


@register_image(center_crop)
def center_crop_image(image: Tensor, output_size: Any) -> Tensor:
    """The middle of a tensor image."""
    height, width = _pair(output_size)
    if image.numel() == 0:
        return image.reshape(*image.shape[:-2], height, width)
    (left, up, right, down), (top, start) = center_offsets((height, width), _size(image.shape[-2:]))
    if left or up or right or down:
        image = geometry.pad(image, np.zeros(1), sides=(left, right, up, down), mode="constant")
        if tuple(image.shape[-2:]) == (height, width):
            return image
    return part(image, slice(top, top + height), slice(start, start + width))


center_crop_video = as_video(center_crop_image)


@register(center_crop, Image.Image)
def _center_crop_image_pil(image: Image.Image, output_size: Any) -> Image.Image:
    height, width = _pair(output_size)
    padding, (top, left) = center_offsets((height, width), (image.height, image.width))
    if any(padding):
        image = F_pil.pad(image, padding, fill=0)
        if image.size == (width, height):
            return image
    return F_pil.crop(image, top, left, height, width)


@register(center_crop, tv_tensors.Mask)
def center_crop_mask(mask: Tensor, output_size: Any) -> Tensor:
    """The middle of a mask."""
    return with_channel(mask, lambda m: center_crop_image(m, output_size))


def _anchor(output_size: Any, canvas_size: Any) -> dict[str, int]:
    """The rectangle of a centre crop, which may leave the canvas."""
    height, width = _pair(output_size)
    top, left = round((canvas_size[0] - height) / 2.0), round((canvas_size[1] - width) / 2.0)
    return {"top": top, "left": left, "height": height, "width": width}


def center_crop_keypoints(inpt: Tensor, canvas_size: Any, output_size: Any) -> Any:
    """Points in the middle of the image, and its height and width."""
    return crop_keypoints(inpt, **_anchor(output_size, canvas_size))


def center_crop_bounding_boxes(
    bounding_boxes: Tensor, format: Any, canvas_size: Any, output_size: Any, clamping_mode: str | None = "soft"
) -> Any:
    """Boxes in the middle of the image, and its height and width."""
    return crop_bounding_boxes(bounding_boxes, format, **_anchor(output_size, canvas_size), clamping_mode=clamping_mode)


@register(center_crop, tv_tensors.KeyPoints, tv_tensors.BoundingBoxes, wrapped=False)
def _center_crop_annotation(inpt: Any, output_size: Any) -> Any:
    return crop(inpt, **_anchor(output_size, inpt.canvas_size))


@functional
def resized_crop(
    inpt: Any, top: int, left: int, height: int, width: int, size: Any,
    interpolation: Any = InterpolationMode.BILINEAR, antialias: bool | None = True,
) -> Any:  # fmt: skip
    """`crop`, then `resize`."""


@register_image(resized_crop)
def resized_crop_image(
    image: Tensor, top: int, left: int, height: int, width: int, size: Any,
    interpolation: Any = InterpolationMode.BILINEAR, antialias: bool | None = True,
) -> Tensor:  # fmt: skip
    """A rectangle of a tensor image, resized."""
    mode = _check_interpolation(interpolation)
    h, w = image.shape[-2:]
    inside = top >= 0 and left >= 0 and top + height <= h and left + width <= w and height > 0 and width > 0
    if (
        inside
        and image.numel()
        and mode in (*_NEAREST, *_WEIGHTED)
        and (antialias or mode != InterpolationMode.LANCZOS)
    ):
        wanted = _compute_resized_output_size((height, width), size)
        if wanted != (height, width):
            return _resized(image, wanted, mode, bool(antialias), (top, left, height, width))
    cut = crop_image(image, top, left, height, width)
    return resize_image(cut, size, interpolation=mode, antialias=antialias)


resized_crop_video = as_video(resized_crop_image)


@register(resized_crop, Image.Image)
def _resized_crop_image_pil(
    image: Image.Image, top: int, left: int, height: int, width: int, size: Any,
    interpolation: Any = InterpolationMode.BILINEAR, antialias: bool | None = True,
) -> Image.Image:  # fmt: skip
    _warn_antialias(antialias)
    return _resize_image_pil(F_pil.crop(image, top, left, height, width), size, interpolation=interpolation)


def resized_crop_mask(mask: Tensor, top: int, left: int, height: int, width: int, size: Any) -> Tensor:
    """A rectangle of a mask, resized."""
    return resize_mask(crop_mask(mask, top, left, height, width), size)


@register(resized_crop, tv_tensors.Mask)
def _resized_crop_mask(mask: Tensor, top: int, left: int, height: int, width: int, size: Any, **_: Any) -> Tensor:
    return resized_crop_mask(mask, top, left, height, width, size)


def resized_crop_keypoints(keypoints: Tensor, top: int, left: int, height: int, width: int, size: Any) -> Any:
    """Points in the rectangle after its resizing, and its height and width."""
    made, canvas = crop_keypoints(keypoints, top, left, height, width)
    return resize_keypoints(made, size=size, canvas_size=canvas)


def resized_crop_bounding_boxes(
    bounding_boxes: Tensor, format: Any, top: int, left: int, height: int, width: int, size: Any,
    clamping_mode: str | None = "soft",
) -> Any:  # fmt: skip
    """Boxes in the rectangle after its resizing, and its height and width."""
    made, canvas = crop_bounding_boxes(bounding_boxes, format, top, left, height, width, clamping_mode)
    return resize_bounding_boxes(made, canvas, size, format=format, clamping_mode=clamping_mode)


@register(resized_crop, tv_tensors.KeyPoints, tv_tensors.BoundingBoxes, wrapped=False)
def _resized_crop_annotation(inpt: Any, top: int, left: int, height: int, width: int, size: Any, **_: Any) -> Any:
    return resize(crop(inpt, top, left, height, width), size)


@functional
def five_crop(inpt: Any, size: Any) -> Any:
    """The four corners (top left, top right, bottom left, bottom right) and the centre."""


def _five(image: Any, size: Any, shape: Sequence[int], cut: Any, middle: Any) -> tuple[Any, ...]:
    """The five crops of an image of a shape (height, width), by ``cut`` and ``middle``."""
    size = _pair(size)
    if len(size) != 2:
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    (ch, cw), (h, w) = size, shape
    if cw > w or ch > h:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(h, w)}")
    corners = [cut(image, top, left, ch, cw) for top in (0, h - ch) for left in (0, w - cw)]
    return (*corners, middle(image, [ch, cw]))


@register_image(five_crop)
def five_crop_image(image: Tensor, size: Any) -> tuple[Any, ...]:
    """The corners and the centre of a tensor image."""
    return _five(image, size, image.shape[-2:], crop_image, center_crop_image)


five_crop_video = as_video(five_crop_image)


@register(five_crop, Image.Image)
def _five_crop_image_pil(image: Image.Image, size: Any) -> tuple[Any, ...]:
    return _five(image, size, (image.height, image.width), F_pil.crop, _center_crop_image_pil)


@functional
def ten_crop(inpt: Any, size: Any, vertical_flip: bool = False) -> Any:
    """`five_crop` of the input, and of the input mirrored."""


@register_image(ten_crop)
def ten_crop_image(image: Tensor, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """The corners and the centre of a tensor image and of its mirror image."""
    mirrored = geometry.flip(image, dim=-2 if vertical_flip else -1)
    return five_crop_image(image, size) + five_crop_image(mirrored, size)


ten_crop_video = as_video(ten_crop_image)


@register(ten_crop, Image.Image)
def _ten_crop_image_pil(image: Image.Image, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    mirrored = F_pil.vflip(image) if vertical_flip else F_pil.hflip(image)
    return _five_crop_image_pil(image, size) + _five_crop_image_pil(mirrored, size)
