"""Sizes of inputs, and formats of bounding boxes."""

from __future__ import annotations

from typing import Any

from PIL import Image

from torchax_lite import Tensor

from .... import tv_tensors
from ...._kernels import boxes as kernels
from ....tv_tensors import BoundingBoxFormat, is_rotated_bounding_format
from ... import _functional_pil as F_pil
from ._utils import as_video, functional, is_pure_tensor, register

_IMAGES = (Tensor, tv_tensors.Image, tv_tensors.Video)


@functional
def get_dimensions(inpt: Any) -> Any:
    """Channels, height and width of an image or video."""


@register(get_dimensions, *_IMAGES, wrapped=False)
def get_dimensions_image(image: Tensor) -> list[int]:
    """Channels (1 without such a dim), height and width."""
    sizes = list(image.shape[-3:])
    if len(sizes) < 2:
        raise TypeError(f"Input tensor should have at least two dimensions, but got {len(sizes)}")
    return sizes if len(sizes) == 3 else [1, *sizes]


get_dimensions_video = as_video(get_dimensions_image)
register(get_dimensions, Image.Image)(F_pil.get_dimensions)


@functional
def get_num_channels(inpt: Any) -> Any:
    """How many channels an image or video has."""


@register(get_num_channels, *_IMAGES, wrapped=False)
def get_num_channels_image(image: Tensor) -> int:
    """How many channels."""
    return get_dimensions_image(image)[0]


get_num_channels_video = as_video(get_num_channels_image)
register(get_num_channels, Image.Image)(F_pil.get_image_num_channels)
get_image_num_channels = get_num_channels


@functional
def get_size(inpt: Any) -> Any:
    """Height and width of the image that an input is, or belongs to."""


@register(get_size, *_IMAGES, wrapped=False)
def get_size_image(image: Tensor) -> list[int]:
    """Height and width."""
    return get_dimensions_image(image)[1:]


get_size_video = as_video(get_size_image)


@register(get_size, tv_tensors.Mask, wrapped=False)
def get_size_mask(mask: Tensor) -> list[int]:
    """Height and width."""
    return get_size_image(mask)


@register(get_size, Image.Image)
def _get_size_image_pil(image: Image.Image) -> list[int]:
    return [image.height, image.width]


@register(get_size, tv_tensors.BoundingBoxes, wrapped=False)
def get_size_bounding_boxes(bounding_box: tv_tensors.BoundingBoxes) -> list[int]:
    """Height and width of the canvas."""
    return list(bounding_box.canvas_size)


@register(get_size, tv_tensors.KeyPoints, wrapped=False)
def get_size_keypoints(keypoints: tv_tensors.KeyPoints) -> list[int]:
    """Height and width of the canvas."""
    return list(keypoints.canvas_size)


@functional
def get_num_frames(inpt: Any) -> Any:
    """How many frames a video has."""


@register(get_num_frames, Tensor, tv_tensors.Video, wrapped=False)
def get_num_frames_video(video: Tensor) -> int:
    """How many frames."""
    return video.shape[-4]  # type: ignore[no-any-return]


def as_format(format: Any) -> BoundingBoxFormat:
    """A format, or the one of a name in any case."""
    return BoundingBoxFormat[format.upper()] if isinstance(format, str) else format


def _converted(boxes: Tensor, old: BoundingBoxFormat, new: BoundingBoxFormat, inplace: bool) -> Tensor:
    if old == new:
        return boxes
    if is_rotated_bounding_format(old) != is_rotated_bounding_format(new):
        raise ValueError("Cannot convert between rotated and unrotated bounding boxes.")
    made = kernels.converted(boxes, old=old.name, new=new.name)
    return boxes.copy_(made) if inplace and made.shape == boxes.shape else made


def convert_bounding_box_format(
    inpt: Any, old_format: Any = None, new_format: Any = None, inplace: bool = False
) -> Any:
    """Boxes in another format.

    Args:
        inpt: ``BoundingBoxes``, or a pure tensor and its format.
        old_format: of a pure tensor.
        new_format: what to convert to.
        inplace: write into the given tensor.

    Raises:
        ValueError: ``old_format`` missing, or given twice; turned boxes to ones that are not.
        TypeError: anything else.
    """
    if new_format is None:
        raise TypeError("convert_bounding_box_format() missing 1 required argument: 'new_format'")
    new = as_format(new_format)
    if is_pure_tensor(inpt):
        if old_format is None:
            raise ValueError("For pure tensor inputs, `old_format` has to be passed.")
        return _converted(inpt, as_format(old_format), new, inplace)
    if not isinstance(inpt, tv_tensors.BoundingBoxes):
        raise TypeError(
            f"Input can either be a plain tensor or a bounding box tv_tensor, but got {type(inpt)} instead."
        )
    if old_format is not None:
        raise ValueError("For bounding box tv_tensor inputs, `old_format` must not be passed.")
    made = _converted(inpt.as_subclass(Tensor), inpt.format, new, inplace)
    return tv_tensors.wrap(made, like=inpt, format=new)


def clamp_bounding_boxes(
    inpt: Any, format: Any = None, canvas_size: Any = None, clamping_mode: str | None = "auto"
) -> Any:
    """Boxes cut at the edges of their image.

    Args:
        inpt: ``BoundingBoxes``, or a pure tensor with all that follows.
        format: of a pure tensor.
        canvas_size: height and width of the image of a pure tensor.
        clamping_mode: ``"soft"``, ``"hard"``, None, or ``"auto"`` for the boxes' own.

    Raises:
        ValueError: metadata missing, or given twice, or another mode.
        TypeError: anything else.
    """
    if clamping_mode is not None and clamping_mode not in ("soft", "hard", "auto"):
        raise ValueError(f"clamping_mode must be soft, hard, auto or None, got {clamping_mode}")
    if is_pure_tensor(inpt):
        if format is None or canvas_size is None or clamping_mode == "auto":
            raise ValueError("For pure tensor inputs, `format`, `canvas_size` and `clamping_mode` have to be passed.")
        return kernels.clamped(inpt, kind=as_format(format).name, size=tuple(canvas_size), mode=clamping_mode)
    if not isinstance(inpt, tv_tensors.BoundingBoxes):
        raise TypeError(
            f"Input can either be a plain tensor or a bounding box tv_tensor, but got {type(inpt)} instead."
        )
    if format is not None or canvas_size is not None:
        raise ValueError("For bounding box tv_tensor inputs, `format` and `canvas_size` must not be passed.")
    mode = inpt.clamping_mode if clamping_mode == "auto" else clamping_mode
    plain = inpt.as_subclass(Tensor)
    made = kernels.clamped(plain, kind=inpt.format.name, size=tuple(inpt.canvas_size), mode=mode)
    return tv_tensors.wrap(made, like=inpt)


def clamp_keypoints(inpt: Any, canvas_size: Any = None) -> Any:
    """Points moved into their image; ``canvas_size`` (height, width) is for pure tensors."""
    if is_pure_tensor(inpt):
        if canvas_size is None:
            raise ValueError("For pure tensor inputs, `canvas_size` has to be passed.")
        return kernels.clamped_points(inpt, size=tuple(canvas_size))
    if not isinstance(inpt, tv_tensors.KeyPoints):
        raise TypeError(f"Input can either be a plain tensor or a keypoints tv_tensor, but got {type(inpt)} instead.")
    if canvas_size is not None:
        raise ValueError("For keypoints tv_tensor inputs, `canvas_size` must not be passed.")
    made = kernels.clamped_points(inpt.as_subclass(Tensor), size=tuple(inpt.canvas_size))
    return tv_tensors.wrap(made, like=inpt)
