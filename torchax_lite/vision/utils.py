"""Pictures for people: grids of images, files, boxes, masks, key points and flow drawn as images."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

import torchax_lite as torch
from torchax_lite import Tensor

from ._arrays import from_host, to_host
from ._kernels import pictures

__all__ = [
    "draw_bounding_boxes", "draw_keypoints", "draw_segmentation_masks", "flow_to_image", "make_grid", "save_image",
]  # fmt: skip


def _batch(tensor: Any) -> Tensor:
    """Images as a batch ``(N, C, H, W)``, single gray ones with three channels."""
    if isinstance(tensor, list):
        for t in tensor:
            if not isinstance(t, Tensor):
                raise TypeError(f"tensor or list of tensors expected, got a list containing {type(t)}")
        tensor = torch.stack(tensor, dim=0)
    elif not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    tensor = tensor.detach()
    if tensor.dim() == 2:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 3:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 4 and tensor.size(1) == 1:
        tensor = tensor.expand(-1, 3, -1, -1)
    return tensor


@torch.no_grad()
def make_grid(
    tensor: Any, nrow: int = 8, padding: int = 2, normalize: bool = False, value_range: Any = None,
    scale_each: bool = False, pad_value: float = 0.0,
) -> Tensor:  # fmt: skip
    """Images in rows of ``nrow``, as one ``(C, H, W)``; a single image as it is.

    Args:
        tensor: a batch ``(N, C, H, W)``, or a list of images of one size.
        nrow: images in a row.
        padding: pixels around each.
        normalize: bring values to 0 to 1.
        value_range: lowest and highest value for that; the images' own if left out.
        scale_each: take the range of each image instead of that of all.
        pad_value: value of the padding.
    """
    batch = _batch(tensor)
    if normalize is True:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
        limits = None if value_range is None else np.asarray(value_range, np.float64)
        batch = pictures.scaled(batch, *([] if limits is None else [limits]), each=bool(scale_each))
    if batch.dim() == 4 and batch.size(0) == 1:
        return batch.squeeze(0)
    across = min(nrow, batch.size(0))
    return pictures.grid(batch, np.asarray(float(pad_value)), across=across, padding=padding)


@torch.no_grad()
def save_image(tensor: Any, fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """Write `make_grid` of images (values from 0 to 1) to a file or stream."""
    array = to_host(make_grid(tensor, **kwargs).cpu())
    array = np.clip(array * array.dtype.type(255) + array.dtype.type(0.5), 0, 255).astype(np.uint8)
    Image.fromarray(np.ascontiguousarray(array.transpose(1, 2, 0))).save(fp, format=format)


def _check_image(image: Any, channels: tuple[int, ...], what: str, refusal: str) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"{what}, got {type(image)}")
    if not (image.dtype == torch.uint8 or image.is_floating_point()):
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.dim() != 3:
        raise ValueError("Pass individual images, not batches")
    if image.size(0) not in channels:
        raise ValueError(refusal)


def _generate_color_palette(num_objects: int) -> list[tuple[int, ...]]:
    return [tuple(i * p % 255 for p in (2**25 - 1, 2**15 - 1, 2**21 - 1)) for i in range(num_objects)]


def _parse_colors(colors: Any, *, num_objects: int, dtype: Any = torch.uint8) -> list[tuple[Any, ...]]:
    """A colour for each object, as numbers from 0 to 255 (from 0 to 1 for a floating dtype)."""
    if colors is None:
        colors = _generate_color_palette(num_objects)
    elif isinstance(colors, list):
        if len(colors) < num_objects:
            raise ValueError(
                "Number of colors must be equal or larger than the number of objects, "
                f"but got {len(colors)} < {num_objects}."
            )
    elif not isinstance(colors, (tuple, str)):
        raise ValueError(f"colors must be a tuple or a string, or a list thereof, but got {colors}.")
    elif isinstance(colors, tuple) and len(colors) != 3:
        raise ValueError(f"If passed as tuple, colors should be an RGB triplet, but got {colors}.")
    else:
        colors = [colors] * num_objects
    found = [ImageColor.getrgb(c) if isinstance(c, str) else tuple(c) for c in colors]
    return [tuple(v / 255 for v in c) for c in found] if dtype.is_floating_point else found


def _as_bytes(image: Tensor) -> np.ndarray[Any, Any]:
    """An image as bytes ``(H, W, 3)``."""
    from .transforms.v2.functional import to_dtype_image

    array = to_host(to_dtype_image(image.detach().cpu().as_subclass(Tensor), torch.uint8, scale=True))
    array = np.repeat(array, 3, 0) if array.shape[0] == 1 else array
    return np.ascontiguousarray(array.transpose(1, 2, 0))


def _as_tensor(picture: Image.Image, dtype: Any) -> Tensor:
    from .transforms.v2.functional import pil_to_tensor, to_dtype_image

    return to_dtype_image(pil_to_tensor(picture), dtype, scale=True)


_DASH = 5


def _outline(draw: ImageDraw.ImageDraw, box: list[int], fill: Any, outline: Any, width: int) -> None:
    """A turned box of four corners; its top is dashed."""
    corners = list(zip(box[::2], box[1::2], strict=True))
    x, y = (float(v) for v in corners[0])
    end = corners[1]
    left = math.hypot(end[0] - x, end[1] - y)
    solid = True
    while left > 0:
        step = min(left, _DASH)
        angle = math.atan2(end[1] - y, end[0] - x)
        to = (x + math.cos(angle) * step, y + math.sin(angle) * step)
        if solid:
            draw.line([(x, y), to], outline, width)
        (x, y), left, solid = to, left - step, not solid
    for a, b in zip(corners[1:], [*corners[2:], corners[0]], strict=True):
        draw.line((a, b), width=width, fill=outline)
    draw.polygon(box, fill=fill, outline=None, width=0)


def _label(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, color: Any, ground: Any, font: Any) -> None:
    if ground is not None:
        left, top, right, bottom = draw.textbbox(at, text, font=font)
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=ground)
    draw.text(at, text, fill=color, font=font)


@torch.no_grad()
def draw_bounding_boxes(
    image: Tensor, boxes: Tensor, labels: Any = None, colors: Any = None, fill: bool | None = False, width: int = 1,
    font: str | None = None, font_size: int | None = None, label_colors: Any = None,
    label_background_colors: Any = None, fill_labels: bool = False,
) -> Tensor:  # fmt: skip
    """An image with boxes drawn on it.

    Args:
        image: ``(1 or 3, H, W)``, bytes or floats from 0 to 1.
        boxes: ``(N, 4)`` (left, top, right, bottom), or ``(N, 8)`` (corners).
        labels: a text (or None) for each box.
        colors: one, or one for each box: names, ``#rrggbb`` or triplets; a palette if left out.
        fill: shade the boxes.
        width: of the lines.
        font: a TrueType font for the labels.
        font_size: its size.
        label_colors: as ``colors``; those of the boxes if left out.
        label_background_colors: as ``colors``.
        fill_labels: put a ground behind labels.
    """
    _check_image(image, (1, 3), "Tensor expected", "Only grayscale and RGB images are supported")
    corners = to_host(boxes.detach().cpu())
    if corners.shape[-1] == 4 and ((corners[:, 0] > corners[:, 2]).any() or (corners[:, 1] > corners[:, 3]).any()):
        raise ValueError(
            "Boxes need to be in (xmin, ymin, xmax, ymax) format. Use torchvision.ops.box_convert to convert them"
        )
    count = corners.shape[0]
    if count == 0:
        warnings.warn("boxes doesn't contain any box. No box was drawn", stacklevel=2)
        return image
    labels = [None] * count if labels is None else labels
    if len(labels) != count:
        raise ValueError(
            f"Number of boxes ({count}) and labels ({len(labels)}) mismatch. Please specify labels for each box."
        )
    inks = _parse_colors(colors, num_objects=count)
    texts = _parse_colors(label_colors or "black", num_objects=count) if label_colors or fill_labels else inks
    grounds = inks
    if fill_labels and label_background_colors:
        grounds = _parse_colors(label_background_colors, num_objects=count)
    if font is None and font_size is not None:
        warnings.warn("Argument 'font_size' will be ignored since 'font' is not set.", stacklevel=2)
    face: Any = None
    if any(label is not None for label in labels):
        face = ImageFont.load_default() if font is None else ImageFont.truetype(font=font, size=font_size or 10)
    picture = Image.fromarray(_as_bytes(image))
    draw = ImageDraw.Draw(picture, "RGBA" if fill else None)
    for box, ink, label, text, ground in zip(
        corners.astype(np.int64).tolist(), inks, labels, texts, grounds, strict=False
    ):
        shade = (*ink, 100) if fill else None
        if len(box) > 4:
            _outline(draw, box, shade, ink, width)
        else:
            draw.rectangle(box, width=width, outline=ink, fill=shade)
        if label is not None:
            at = (box[0] + width + 1, box[1] + width + 1)
            _label(draw, at, label, text, ground if fill_labels else None, face)
    return _as_tensor(picture, image.dtype)


@torch.no_grad()
def draw_segmentation_masks(image: Tensor, masks: Tensor, alpha: float = 0.8, colors: Any = None) -> Tensor:
    """An RGB image with masks ``(N, H, W)`` of bools laid over it; black where masks overlap."""
    _check_image(image, (3,), "The image must be a tensor", "Pass an RGB image. Other Image formats are not supported")
    if masks.ndim == 2:
        masks = masks[None, :, :]
    if masks.ndim != 3:
        raise ValueError("masks must be of shape (H, W) or (batch_size, H, W)")
    if masks.dtype != torch.bool:
        raise ValueError(f"The masks must be of dtype bool. Got {masks.dtype}")
    if masks.shape[-2:] != image.shape[-2:]:
        raise ValueError("The image and the masks must have the same height and width")
    count = masks.size()[0]
    if count == 0:
        warnings.warn("masks doesn't contain any mask. No mask was drawn", stacklevel=2)
        return image
    inks = _parse_colors(colors, num_objects=count, dtype=image.dtype)[:count]
    return pictures.overlaid(image.detach(), masks, np.asarray(inks, np.float64), np.asarray(float(alpha)))


@torch.no_grad()
def draw_keypoints(
    image: Tensor, keypoints: Tensor, connectivity: Any = None, colors: Any = None, radius: int = 2, width: int = 3,
    visibility: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """An RGB image with points ``(instances, K, 2)`` drawn on it, and lines between the pairs of ``connectivity``.

    Args:
        image: ``(3, H, W)``, bytes or floats from 0 to 1.
        keypoints: x and y of each.
        connectivity: pairs of indices of points.
        colors: of the points.
        radius: of the points.
        width: of the lines.
        visibility: which points are drawn, ``(instances, K)``.
    """
    _check_image(image, (3,), "The image must be a tensor", "Pass an RGB image. Other Image formats are not supported")
    if keypoints.ndim != 3:
        raise ValueError("keypoints must be of shape (num_instances, K, 2)")
    shown = np.ones(tuple(keypoints.shape[:-1]), bool)
    if visibility is not None:
        shown = to_host(visibility.detach().cpu())
        shown = shown[..., 0] if shown.ndim == 3 and shown.shape[-1] == 1 else shown
    if shown.ndim != 2:
        raise ValueError(f"visibility must be of shape (num_instances, K). Got ndim={shown.ndim}")
    if shown.shape != tuple(keypoints.shape[:-1]):
        raise ValueError(
            "keypoints and visibility must have the same dimensionality for num_instances and K. "
            f"Got visibility.shape={torch.Size(shown.shape)!r} and keypoints.shape={keypoints.shape!r}"
        )
    picture = Image.fromarray(_as_bytes(image))
    draw = ImageDraw.Draw(picture)
    for points, visible in zip(to_host(keypoints.detach().cpu()).astype(np.int64).tolist(), shown, strict=True):
        for (x, y), see in zip(points, visible, strict=True):
            if see:
                draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colors, outline=None, width=0)
        for a, b in connectivity or ():
            if visible[a] and visible[b]:
                draw.line((tuple(points[a]), tuple(points[b])), width=width)
    return _as_tensor(picture, image.dtype)


@torch.no_grad()
def flow_to_image(flow: Tensor) -> Tensor:
    """Optical flow ``(2, H, W)`` or ``(N, 2, H, W)`` as bytes: hue for direction, saturation for length.

    The colour wheel is that of Baker et al., "A Database and Evaluation Methodology for Optical Flow".
    """
    if flow.dtype != torch.float32:
        raise ValueError(f"Flow should be of dtype torch.float, got {flow.dtype}.")
    shape = flow.shape
    if flow.ndim == 3:
        flow = flow[None]
    if flow.ndim != 4 or flow.shape[1] != 2:
        raise ValueError(f"Input flow should have shape (2, H, W) or (N, 2, H, W), got {shape}.")
    made = pictures.flow_colors(flow.detach(), _wheel())
    return made[0] if len(shape) == 3 else made


def _make_colorwheel() -> Tensor:
    return from_host(_wheel())


_SPOKES = (15, 6, 4, 11, 13, 6)
"""Steps of the colour wheel from red to yellow, green, cyan, blue, magenta, and back to red."""


def _wheel() -> np.ndarray[Any, Any]:
    """Colours ``(55, 3)`` around the wheel, from 0 to 255."""
    made = np.zeros((sum(_SPOKES), 3), np.float32)
    start = 0
    for i, count in enumerate(_SPOKES):
        ramp = np.floor(np.float32(255) * np.arange(count, dtype=np.float32) / np.float32(count))
        full, changing = ((0, 1), (1, 0), (1, 2), (2, 1), (2, 0), (0, 2))[i]
        made[start : start + count, full] = 255
        made[start : start + count, changing] = 255 - ramp if i % 2 else ramp
        start += count
    return made


def _log_api_usage_once(obj: Any) -> None:
    """Does nothing: nobody counts calls here (models written for torchvision call it)."""


def _make_ntuple(x: Any, n: int) -> tuple[Any, ...]:
    """A tuple of an iterable, or of a value ``n`` times."""
    return tuple(x) if isinstance(x, Iterable) else (x,) * n
