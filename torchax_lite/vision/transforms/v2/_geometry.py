"""Transforms that move pixels, and the annotations with them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import PIL.Image

import torchax_lite as torch
from torchax_lite import Tensor

from ... import tv_tensors
from .. import _basic, _geometric
from .. import _draws as draws
from .._arguments import check_affine_ranges
from .._interpolation import get_perspective_coeffs
from . import functional as F
from ._transform import Transform, _RandomApplyTransform
from ._utils import (
    SIZE_ERROR,
    _check_padding_arg,
    _check_padding_mode_arg,
    _check_sequence_input,
    _get_fill,
    _setup_angle,
    _setup_fill_arg,
    _setup_number_or_seq,
    _setup_size,
    get_bounding_boxes,
    has_all,
    has_any,
    is_pure_tensor,
    query_size,
)  # fmt: skip
from .functional._geometry import _parse_pad_padding


def warn_pass_through(transform: Any, inpt: Any) -> None:
    """Warn where a transform leaves annotations as they are."""
    if isinstance(inpt, (tv_tensors.BoundingBoxes, tv_tensors.KeyPoints, tv_tensors.Mask)):
        warnings.warn(
            f"{type(transform).__name__}() is currently passing through inputs of type "
            f"tv_tensors.{type(inpt).__name__}. This will likely change in the future.",
            stacklevel=3,
        )


class RandomHorizontalFlip(_RandomApplyTransform):
    """The sample mirrored left to right, with probability ``p``."""

    _v1_transform_cls = _geometric.RandomHorizontalFlip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.horizontal_flip, inpt)


class RandomVerticalFlip(_RandomApplyTransform):
    """The sample mirrored top to bottom, with probability ``p``."""

    _v1_transform_cls = _geometric.RandomVerticalFlip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.vertical_flip, inpt)


class Resize(Transform):
    """The sample resized to ``size``: height and width, or the shorter edge; None with ``max_size`` alone."""

    _v1_transform_cls = _basic.Resize

    def __init__(
        self, size: Any, interpolation: Any = "bilinear", max_size: int | None = None, antialias: bool | None = True
    ) -> None:
        super().__init__()
        if isinstance(size, int):
            size = [size]
        elif isinstance(size, Sequence) and len(size) in (1, 2):
            size = list(size)
        elif size is not None:
            raise ValueError(
                f"size can be an integer, a sequence of one or two integers, or None, but got {size} instead."
            )
        elif not isinstance(max_size, int):
            raise ValueError(f"max_size must be an integer when size is None, but got {max_size} instead.")
        self.size = size
        self.interpolation = interpolation
        self.max_size = max_size
        self.antialias = antialias

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(
            F.resize, inpt, self.size, interpolation=self.interpolation, max_size=self.max_size,
            antialias=self.antialias,
        )  # fmt: skip


class CenterCrop(Transform):
    """The middle of the sample."""

    _v1_transform_cls = _basic.CenterCrop

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = _setup_size(size, error_msg=SIZE_ERROR)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.center_crop, inpt, output_size=self.size)


class RandomResizedCrop(Transform):
    """A rectangle of random area and shape, resized to ``size``."""

    _v1_transform_cls = _geometric.RandomResizedCrop

    def __init__(
        self, size: Any, scale: Any = (0.08, 1.0), ratio: Any = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = "bilinear", antialias: bool | None = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.size = _setup_size(size, error_msg=SIZE_ERROR)
        if not isinstance(scale, Sequence) or len(scale) != 2:
            raise TypeError("Scale should be a sequence of two floats.")
        if not isinstance(ratio, Sequence) or len(ratio) != 2:
            raise TypeError("Ratio should be a sequence of two floats.")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=2)
        self.scale = scale
        self.ratio = ratio
        self.interpolation = interpolation
        self.antialias = antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = query_size(flat_inputs)
        place = draws.crop_of_area(height, width, self.scale, self.ratio)
        return dict(zip(("top", "left", "height", "width"), place, strict=True))

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(
            F.resized_crop, inpt, **params, size=self.size, interpolation=self.interpolation, antialias=self.antialias
        )


class _Crops(Transform):
    """A transform that makes several crops of each image; not for boxes and masks."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = _setup_size(size, error_msg=SIZE_ERROR)

    def _call_kernel(self, functional: Any, inpt: Any, *args: Any, **kwargs: Any) -> Any:
        warn_pass_through(self, inpt)
        return super()._call_kernel(functional, inpt, *args, **kwargs)

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        if has_any(flat_inputs, tv_tensors.BoundingBoxes, tv_tensors.Mask):
            raise TypeError(f"BoundingBoxes'es and Mask's are not supported by {type(self).__name__}()")


class FiveCrop(_Crops):
    """The four corners and the centre, as a tuple."""

    _v1_transform_cls = _basic.FiveCrop

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.five_crop, inpt, self.size)


class TenCrop(_Crops):
    """`FiveCrop` of the sample, and of the sample mirrored."""

    _v1_transform_cls = _basic.TenCrop

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__(size)
        self.vertical_flip = vertical_flip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.ten_crop, inpt, self.size, vertical_flip=self.vertical_flip)


class Pad(Transform):
    """The sample with borders; ``fill`` may be a dict by type of input."""

    _v1_transform_cls = _basic.Pad

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        _check_padding_arg(padding)
        _check_padding_mode_arg(padding_mode)
        self.padding = padding if isinstance(padding, int) else list(padding)
        self.fill = fill
        self._fill = _setup_fill_arg(fill)
        self.padding_mode = padding_mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        fill = _get_fill(self._fill, type(inpt))
        return self._call_kernel(F.pad, inpt, padding=self.padding, fill=fill, padding_mode=self.padding_mode)


class RandomZoomOut(_RandomApplyTransform):
    """The sample on a larger canvas at a random place, with probability ``p``."""

    def __init__(self, fill: Any = 0, side_range: Any = (1.0, 4.0), p: float = 0.5) -> None:
        super().__init__(p=p)
        self.fill = fill
        self._fill = _setup_fill_arg(fill)
        _check_sequence_input(side_range, "side_range", req_sizes=(2,))
        self.side_range = side_range
        if side_range[0] < 1.0 or side_range[0] > side_range[1]:
            raise ValueError(f"Invalid side range provided {side_range}.")

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        h, w = query_size(flat_inputs)
        r = _between(draws.unit(), self.side_range)
        width, height = int(w * r), int(h * r)
        r = torch.rand(2).cpu().numpy()
        left, top = int((width - w) * r[0]), int((height - h) * r[1])
        return {"padding": [left, top, width - (left + w), height - (top + h)]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.pad, inpt, **params, fill=_get_fill(self._fill, type(inpt)))


def _between(drawn: Any, limits: Any) -> Any:
    """A draw from 0 to 1 spread over a range, in the dtype of the draw."""
    f = drawn.dtype.type
    return f(limits[0]) + drawn * f(limits[1] - limits[0])


class RandomRotation(Transform):
    """The sample turned by a random angle in degrees."""

    _v1_transform_cls = _geometric.RandomRotation

    def __init__(
        self, degrees: Any, interpolation: Any = "nearest", expand: bool = False, center: Any = None, fill: Any = 0
    ) -> None:
        super().__init__()
        self.degrees = _setup_angle(degrees, name="degrees", req_sizes=(2,))
        self.interpolation = interpolation
        self.expand = expand
        self.fill = fill
        self._fill = _setup_fill_arg(fill)
        check_affine_ranges(None, None, center)
        self.center = center

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"angle": draws.uniform(self.degrees[0], self.degrees[1])}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(
            F.rotate, inpt, **params, interpolation=self.interpolation, expand=self.expand, center=self.center,
            fill=_get_fill(self._fill, type(inpt)),
        )  # fmt: skip


class RandomAffine(Transform):
    """The sample turned, moved, scaled and sheared at random about its centre."""

    _v1_transform_cls = _geometric.RandomAffine

    def __init__(
        self, degrees: Any, translate: Any = None, scale: Any = None, shear: Any = None,
        interpolation: Any = "nearest", fill: Any = 0, center: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.degrees = _setup_angle(degrees, name="degrees", req_sizes=(2,))
        check_affine_ranges(translate, scale, None)
        self.translate = translate
        self.scale = scale
        self.shear = None if shear is None else _setup_angle(shear, name="shear", req_sizes=(2, 4))
        self.interpolation = interpolation
        self.fill = fill
        self._fill = _setup_fill_arg(fill)
        check_affine_ranges(None, None, center)
        self.center = center

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = query_size(flat_inputs)
        found = draws.affine_map(self.degrees, self.translate, self.scale, self.shear, width, height)
        return dict(zip(("angle", "translate", "scale", "shear"), found, strict=True))

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(
            F.affine, inpt, **params, interpolation=self.interpolation, fill=_get_fill(self._fill, type(inpt)),
            center=self.center,
        )  # fmt: skip


class RandomCrop(Transform):
    """A rectangle of fixed size at a random place, of the sample padded first where asked."""

    _v1_transform_cls = _geometric.RandomCrop

    def __init__(
        self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:  # fmt: skip
        super().__init__()
        self.size = _setup_size(size, error_msg=SIZE_ERROR)
        if pad_if_needed or padding is not None:
            if padding is not None:
                _check_padding_arg(padding)
            _check_padding_mode_arg(padding_mode)
        self.padding = _parse_pad_padding(padding) if padding else None
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self._fill = _setup_fill_arg(fill)
        self.padding_mode = padding_mode

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        h, w = query_size(flat_inputs)
        left, right, top, bottom = self.padding or (0, 0, 0, 0)
        h, w = h + top + bottom, w + left + right
        ch, cw = self.size
        if self.pad_if_needed:
            short_h, short_w = max(ch - h, 0), max(cw - w, 0)
            top, bottom, left, right = top + short_h, bottom + short_h, left + short_w, right + short_w
            h, w = h + 2 * short_h, w + 2 * short_w
        if h < ch or w < cw:
            padded = "padded " if self.padding is not None else ""
            raise ValueError(f"Required crop size {(ch, cw)} is larger than {padded}input image size {(h, w)}.")
        padding = [left, top, right, bottom]
        i = int(torch.randint(0, h - ch + 1, size=())) if h > ch else 0
        j = int(torch.randint(0, w - cw + 1, size=())) if w > cw else 0
        return {
            "needs_crop": h > ch or w > cw, "top": i, "left": j, "height": ch, "width": cw,
            "needs_pad": any(padding), "padding": padding,
        }  # fmt: skip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if params["needs_pad"]:
            fill = _get_fill(self._fill, type(inpt))
            padding = params["padding"]
            inpt = self._call_kernel(F.pad, inpt, padding=padding, fill=fill, padding_mode=self.padding_mode)
        if params["needs_crop"]:
            place = {name: params[name] for name in ("top", "left", "height", "width")}
            inpt = self._call_kernel(F.crop, inpt, **place)
        return inpt


class RandomPerspective(_RandomApplyTransform):
    """The sample's corners moved inwards at random, with probability ``p``."""

    _v1_transform_cls = _geometric.RandomPerspective

    def __init__(
        self, distortion_scale: float = 0.5, p: float = 0.5, interpolation: Any = "bilinear", fill: Any = 0
    ) -> None:
        super().__init__(p=p)
        if not 0 <= distortion_scale <= 1:
            raise ValueError("Argument distortion_scale value should be between 0 and 1")
        self.distortion_scale = distortion_scale
        self.interpolation = interpolation
        self.fill = fill
        self._fill = _setup_fill_arg(fill)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = query_size(flat_inputs)
        return {"coefficients": get_perspective_coeffs(*draws.corners(width, height, self.distortion_scale))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        fill = _get_fill(self._fill, type(inpt))
        return self._call_kernel(
            F.perspective, inpt, startpoints=None, endpoints=None, fill=fill, interpolation=self.interpolation, **params
        )


class ElasticTransform(Transform):
    """The sample as seen through water: each pixel taken from a place moved by smooth noise."""

    _v1_transform_cls = _geometric.ElasticTransform

    def __init__(self, alpha: Any = 50.0, sigma: Any = 5.0, interpolation: Any = "bilinear", fill: Any = 0) -> None:
        super().__init__()
        self.alpha = _setup_number_or_seq(alpha, "alpha")
        self.sigma = _setup_number_or_seq(sigma, "sigma")
        self.interpolation = interpolation
        self.fill = fill
        self._fill = _setup_fill_arg(fill)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        size = list(query_size(flat_inputs))
        return {"displacement": draws.displacement(self.alpha, self.sigma, size, F.gaussian_blur)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        fill = _get_fill(self._fill, type(inpt))
        return self._call_kernel(F.elastic, inpt, **params, fill=fill, interpolation=self.interpolation)


class RandomIoUCrop(Transform):
    """A random crop that overlaps the boxes enough, as in SSD; boxes whose centre falls outside become 0."""

    def __init__(
        self, min_scale: float = 0.3, max_scale: float = 1.0, min_aspect_ratio: float = 0.5,
        max_aspect_ratio: float = 2.0, sampler_options: list[float] | None = None, trials: int = 40,
    ) -> None:  # fmt: skip
        super().__init__()
        self.min_scale = min_scale
        self.max_scale = max_scale
        self.min_aspect_ratio = min_aspect_ratio
        self.max_aspect_ratio = max_aspect_ratio
        self.options = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0] if sampler_options is None else sampler_options
        self.trials = trials

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        pictures = has_any(flat_inputs, PIL.Image.Image, tv_tensors.Image, is_pure_tensor)
        if not (has_all(flat_inputs, tv_tensors.BoundingBoxes) and pictures):
            raise TypeError(
                f"{type(self).__name__}() requires input sample to contain tensor or PIL images and bounding boxes. "
                "Sample can also contain masks."
            )

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        h, w = query_size(flat_inputs)
        boxes = get_bounding_boxes(flat_inputs)
        corners = F.convert_bounding_box_format(boxes.as_subclass(Tensor), boxes.format, "XYXY").cpu().numpy()
        while True:
            overlap = self.options[draws.integer(0, len(self.options))]
            if overlap >= 1.0:
                return {}
            for _ in range(self.trials):
                found = self._trial(h, w, corners, overlap)
                if found is not None:
                    return found

    def _trial(self, h: int, w: int, corners: np.ndarray[Any, Any], overlap: float) -> dict[str, Any] | None:
        r = _between(torch.rand(2).cpu().numpy(), (self.min_scale, self.max_scale))
        new_w, new_h = int(w * r[0]), int(h * r[1])
        if not self.min_aspect_ratio <= new_w / new_h <= self.max_aspect_ratio:
            return None
        r = torch.rand(2).cpu().numpy()
        left, top = int((w - new_w) * r[0]), int((h - new_h) * r[1])
        right, bottom = left + new_w, top + new_h
        if left == right or top == bottom:
            return None
        cx, cy = 0.5 * (corners[..., 0] + corners[..., 2]), 0.5 * (corners[..., 1] + corners[..., 3])
        inside = (left < cx) & (cx < right) & (top < cy) & (cy < bottom)
        if not inside.any() or _overlaps(corners[inside], (left, top, right, bottom)).max() < overlap:
            return None
        return {
            "top": top, "left": left, "height": new_h, "width": new_w,
            "is_within_crop_area": torch.from_numpy(inside),
        }  # fmt: skip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if not params:
            return inpt
        place = {name: params[name] for name in ("top", "left", "height", "width")}
        output = self._call_kernel(F.crop, inpt, **place)
        if isinstance(output, tv_tensors.BoundingBoxes):
            output[~params["is_within_crop_area"]] = 0
        return output


def _overlaps(boxes: np.ndarray[Any, Any], box: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Intersection over union of boxes ``XYXY`` with one box."""
    b = boxes.astype(np.float32) if boxes.dtype.kind in "iu" else boxes
    left, top, right, bottom = box
    across = np.clip(np.minimum(b[:, 2], right) - np.maximum(b[:, 0], left), 0, None)
    down = np.clip(np.minimum(b[:, 3], bottom) - np.maximum(b[:, 1], top), 0, None)
    both = across * down
    areas = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    return both / (areas + (right - left) * (bottom - top) - both)  # type: ignore[no-any-return]


class _RandomSize(Transform):
    """A transform that resizes to a random size."""

    interpolation: Any
    antialias: bool | None

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(
            F.resize, inpt, size=params["size"], interpolation=self.interpolation, antialias=self.antialias
        )


class ScaleJitter(_RandomSize):
    """The sample resized to fit ``target_size``, times a random factor."""

    def __init__(
        self, target_size: tuple[int, int], scale_range: tuple[float, float] = (0.1, 2.0),
        interpolation: Any = "bilinear", antialias: bool | None = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.target_size = target_size
        self.scale_range = scale_range
        self.interpolation = interpolation
        self.antialias = antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        h, w = query_size(flat_inputs)
        drawn = draws.unit()
        f = drawn.dtype.type
        r = f(min(self.target_size[1] / h, self.target_size[0] / w)) * _between(drawn, self.scale_range)
        return {"size": (int(f(h) * r), int(f(w) * r))}


class RandomShortestSize(_RandomSize):
    """The sample with its shorter edge one of ``min_size``, no edge above ``max_size``."""

    def __init__(
        self, min_size: Any, max_size: int | None = None, interpolation: Any = "bilinear",
        antialias: bool | None = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.min_size = [min_size] if isinstance(min_size, int) else list(min_size)
        self.max_size = max_size
        self.interpolation = interpolation
        self.antialias = antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        h, w = query_size(flat_inputs)
        r = self.min_size[int(torch.randint(len(self.min_size), ()))] / min(h, w)
        if self.max_size is not None:
            r = min(r, self.max_size / max(h, w))
        return {"size": (int(h * r), int(w * r))}


class RandomResize(_RandomSize):
    """The sample with its shorter edge from ``min_size`` to ``max_size - 1``."""

    def __init__(
        self, min_size: int, max_size: int, interpolation: Any = "bilinear", antialias: bool | None = True
    ) -> None:
        super().__init__()
        self.min_size = min_size
        self.max_size = max_size
        self.interpolation = interpolation
        self.antialias = antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"size": [int(torch.randint(self.min_size, self.max_size, ()))]}
