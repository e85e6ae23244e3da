"""Affine, perspective and elastic maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from torchax_lite import Tensor

from .....tensor.dtypes import to_numpy_dtype
from .... import tv_tensors
from ...._arrays import to_host
from ...._kernels import boxes as kernels
from ...._kernels import geometry
from ... import _functional_pil as F_pil
from ..._functional_tensor import apply_grid, displaced_grid, grid_dtype
from ..._interpolation import (
    InterpolationMode,
    affine_output_size,
    get_perspective_coeffs,
    inverse_affine_matrix,
    pil_modes_mapping,
)
from ...functional import affine_arguments
from ._geometry import _box, _check_interpolation, _size
from ._type_conversion import pil_to_tensor, to_pil_image
from ._utils import as_video, functional, register, register_image, with_channel

_NEAREST = InterpolationMode.NEAREST
_BILINEAR = InterpolationMode.BILINEAR


def _check_grid_inputs(image: Tensor, mode: str, fill: Any) -> None:
    if isinstance(fill, (tuple, list)):
        channels = image.shape[-3]
        if len(fill) > 1 and len(fill) != channels:
            raise ValueError(
                "The number of elements in 'fill' cannot broadcast to match the number of channels of the image "
                f"({len(fill)} != {channels})"
            )
    elif fill is not None and not isinstance(fill, (int, float)):
        raise ValueError("Argument fill should be either int, float, tuple or list")
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"Interpolation mode '{mode}' is unsupported with Tensor input")


def _sampled(image: Tensor, grid: Any, mode: str, fill: Any) -> Tensor:
    if image.numel() == 0:
        return image.reshape(*image.shape[:-2], *grid.shape[:2])
    return apply_grid(image, grid, mode, fill, v2=True)


def _arguments(angle: Any, translate: Any, scale: float, shear: Any, center: Any) -> Any:
    angle, translate, shear = affine_arguments(angle, translate, scale, shear, center)
    return angle, translate, shear, None if center is None else [float(c) for c in center]


def _about(center: Any, image: Tensor) -> list[float]:
    """A centre in pixels, counted from the middle of the image."""
    height, width = image.shape[-2:]
    return [0.0, 0.0] if center is None else [c - s * 0.5 for c, s in zip(center, (width, height), strict=False)]


# -------------------------------------------------------------------------------------------------------------- affine


@functional
def affine(
    inpt: Any, angle: float, translate: Any, scale: float, shear: Any, interpolation: Any = _NEAREST,
    fill: Any = None, center: Any = None,
) -> Any:  # fmt: skip
    """The input turned clockwise by degrees, moved by pixels, scaled and sheared by degrees, about its centre."""


@register_image(affine)
def affine_image(
    image: Tensor, angle: float, translate: Any, scale: float, shear: Any, interpolation: Any = _NEAREST,
    fill: Any = None, center: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor image under an affine map."""
    mode = _check_interpolation(interpolation).value
    angle, translate, shear, center = _arguments(angle, translate, scale, shear, center)
    moved = [float(t) for t in translate]
    matrix = inverse_affine_matrix(_about(center, image), angle, moved, scale, shear)
    _check_grid_inputs(image, mode, fill)
    size = _size(image.shape[-2:])
    return _sampled(image, geometry.affine_grid(matrix, size, size, grid_dtype(image)), mode, fill)


affine_video = as_video(affine_image)


@register(affine, Image.Image)
def _affine_image_pil(
    image: Image.Image, angle: float, translate: Any, scale: float, shear: Any, interpolation: Any = _NEAREST,
    fill: Any = None, center: Any = None,
) -> Image.Image:  # fmt: skip
    mode = _check_interpolation(interpolation)
    angle, translate, shear, center = _arguments(angle, translate, scale, shear, center)
    middle = [image.width * 0.5, image.height * 0.5] if center is None else center
    matrix = inverse_affine_matrix(middle, angle, translate, scale, shear)
    return F_pil.affine(image, matrix, interpolation=pil_modes_mapping[mode], fill=fill)


def _map(
    inpt: Tensor, canvas_size: Any, angle: float, translate: Any, scale: float, shear: Any, center: Any, expand: bool
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], tuple[int, int]]:
    """The matrix ``(2, 3)`` of an affine map, what to subtract after it, and the canvas, for annotations."""
    angle, translate, shear, center = _arguments(angle, translate, scale, shear, center)
    height, width = _size(canvas_size)
    middle = [width * 0.5, height * 0.5] if center is None else center
    matrix = np.array(inverse_affine_matrix(middle, angle, translate, scale, shear, inverted=False)).reshape(2, 3)
    if not expand:
        return matrix, np.zeros(2), (height, width)
    dtype = to_numpy_dtype(inpt.dtype) if inpt.is_floating_point() else np.dtype(np.float32)
    corners = np.array([[0, 0], [0, height], [width, height], [width, 0]], dtype)
    shift = kernels.linear(np, corners, matrix).min(0)
    inverse = inverse_affine_matrix(middle, angle, translate, scale, shear)
    new_width, new_height = affine_output_size(inverse, width, height)
    return matrix, shift, (new_height, new_width)


def affine_keypoints(
    keypoints: Tensor, canvas_size: Any, angle: float, translate: Any, scale: float, shear: Any, center: Any = None
) -> Any:
    """Points under an affine map, and the height and width of the canvas."""
    return _moved_points(keypoints, canvas_size, angle, translate, scale, shear, center, False)


def _moved_points(points: Tensor, canvas_size: Any, *arguments: Any) -> Any:
    if points.numel() == 0:
        return points, canvas_size
    matrix, shift, canvas = _map(points, canvas_size, *arguments)
    return kernels.mapped_points(points, matrix, shift), canvas


@register(affine, tv_tensors.KeyPoints, wrapped=False)
def _affine_keypoints(
    inpt: Any, angle: float, translate: Any, scale: float, shear: Any, center: Any = None, **_: Any
) -> Any:
    made, canvas = affine_keypoints(inpt.as_subclass(Tensor), inpt.canvas_size, angle, translate, scale, shear, center)
    return tv_tensors.wrap(made, like=inpt, canvas_size=canvas)


def _moved_boxes(boxes: Tensor, format: Any, canvas_size: Any, clamping_mode: str | None, *arguments: Any) -> Any:
    if boxes.numel() == 0:
        return boxes, canvas_size
    matrix, shift, canvas = _map(boxes, canvas_size, *arguments)
    made = kernels.mapped(boxes, matrix, shift, kind=format.name, size=canvas, mode=clamping_mode)
    return made, canvas


def affine_bounding_boxes(
    bounding_boxes: Tensor, format: Any, canvas_size: Any, angle: float, translate: Any, scale: float, shear: Any,
    center: Any = None, clamping_mode: str | None = "soft",
) -> Tensor:  # fmt: skip
    """Boxes under an affine map."""
    made, _ = _moved_boxes(
        bounding_boxes, format, canvas_size, clamping_mode, angle, translate, scale, shear, center, False
    )
    return made  # type: ignore[no-any-return]


@register(affine, tv_tensors.BoundingBoxes, wrapped=False)
def _affine_boxes(
    inpt: Any, angle: float, translate: Any, scale: float, shear: Any, center: Any = None, **_: Any
) -> Any:
    made = affine_bounding_boxes(
        inpt.as_subclass(Tensor), angle=angle, translate=translate, scale=scale, shear=shear, center=center,
        **_box(inpt),
    )  # fmt: skip
    return tv_tensors.wrap(made, like=inpt)


def affine_mask(
    mask: Tensor, angle: float, translate: Any, scale: float, shear: Any, fill: Any = None, center: Any = None
) -> Tensor:
    """A mask under an affine map."""
    return with_channel(
        mask, lambda m: affine_image(m, angle, translate, scale, shear, _NEAREST, fill=fill, center=center)
    )


@register(affine, tv_tensors.Mask)
def _affine_mask(
    mask: Tensor, angle: float, translate: Any, scale: float, shear: Any, fill: Any = None, center: Any = None, **_: Any
) -> Tensor:
    return affine_mask(mask, angle, translate, scale, shear, fill=fill, center=center)


# ------------------------------------------------------------------------------------------------------------ rotation


@functional
def rotate(
    inpt: Any, angle: float, interpolation: Any = _NEAREST, expand: bool = False, center: Any = None, fill: Any = None
) -> Any:
    """The input turned counter-clockwise by degrees; ``expand`` makes room for all of it."""


@register_image(rotate)
def rotate_image(
    image: Tensor, angle: float, interpolation: Any = _NEAREST, expand: bool = False, center: Any = None,
    fill: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor image, turned; quarter turns move pixels without interpolation."""
    angle = angle % 360
    if center is None:
        if angle == 0:
            return image.clone()
        if angle == 180 or (angle in (90, 270) and (expand or image.shape[-1] == image.shape[-2])):
            return geometry.rot90(image, k=int(angle) // 90)
    mode = _check_interpolation(interpolation).value
    matrix = inverse_affine_matrix(_about(center, image), -angle, [0.0, 0.0], 1.0, [0.0, 0.0])
    _check_grid_inputs(image, mode, fill)
    h, w = _size(image.shape[-2:])
    ow, oh = affine_output_size(matrix, w, h) if expand else (w, h)
    return _sampled(image, geometry.affine_grid(matrix, (h, w), (oh, ow), grid_dtype(image)), mode, fill)


rotate_video = as_video(rotate_image)


@register(rotate, Image.Image)
def _rotate_image_pil(
    image: Image.Image, angle: float, interpolation: Any = _NEAREST, expand: bool = False, center: Any = None,
    fill: Any = None,
) -> Image.Image:  # fmt: skip
    mode = pil_modes_mapping[_check_interpolation(interpolation)]
    return F_pil.rotate(image, angle, interpolation=mode, expand=expand, fill=fill, center=center)


_STILL: Any = ([0.0, 0.0], 1.0, [0.0, 0.0])


def rotate_keypoints(
    keypoints: Tensor, canvas_size: Any, angle: float, expand: bool = False, center: Any = None
) -> Any:
    """Points in the turned image, and its height and width."""
    return _moved_points(keypoints, canvas_size, -angle, *_STILL, center, expand)


@register(rotate, tv_tensors.KeyPoints, wrapped=False)
def _rotate_keypoints(inpt: Any, angle: float, expand: bool = False, center: Any = None, **_: Any) -> Any:
    made, canvas = rotate_keypoints(inpt.as_subclass(Tensor), inpt.canvas_size, angle, expand, center)
    return tv_tensors.wrap(made, like=inpt, canvas_size=canvas)


def rotate_bounding_boxes(
    bounding_boxes: Tensor, format: Any, canvas_size: Any, angle: float, expand: bool = False, center: Any = None,
    clamping_mode: str | None = "soft",
) -> Any:  # fmt: skip
    """Boxes in the turned image, and its height and width."""
    return _moved_boxes(bounding_boxes, format, canvas_size, clamping_mode, -angle, *_STILL, center, expand)


@register(rotate, tv_tensors.BoundingBoxes, wrapped=False)
def _rotate_boxes(inpt: Any, angle: float, expand: bool = False, center: Any = None, **_: Any) -> Any:
    made, canvas = rotate_bounding_boxes(
        inpt.as_subclass(Tensor), angle=angle, expand=expand, center=center, **_box(inpt)
    )
    return tv_tensors.wrap(made, like=inpt, canvas_size=canvas)


def rotate_mask(mask: Tensor, angle: float, expand: bool = False, center: Any = None, fill: Any = None) -> Tensor:
    """A mask, turned."""
    return with_channel(mask, lambda m: rotate_image(m, angle, _NEAREST, expand=expand, center=center, fill=fill))


@register(rotate, tv_tensors.Mask)
def _rotate_mask(
    mask: Tensor, angle: float, expand: bool = False, center: Any = None, fill: Any = None, **_: Any
) -> Tensor:
    return rotate_mask(mask, angle, expand=expand, center=center, fill=fill)


# --------------------------------------------------------------------------------------------------------- perspective


@functional
def perspective(
    inpt: Any, startpoints: Any, endpoints: Any, interpolation: Any = _BILINEAR, fill: Any = None,
    coefficients: Any = None,
) -> Any:  # fmt: skip
    """The input with four corners moved from ``startpoints`` to ``endpoints``, or by the coefficients of the map."""


def _perspective_coefficients(startpoints: Any, endpoints: Any, coefficients: Any) -> Any:
    if coefficients is not None:
        if startpoints is not None and endpoints is not None:
            raise ValueError("The startpoints/endpoints and the coefficients shouldn't be defined concurrently.")
        if len(coefficients) != 8:
            raise ValueError("Argument coefficients should have 8 float values")
        return coefficients
    if startpoints is None or endpoints is None:
        raise ValueError("Either the startpoints/endpoints or the coefficients must have non `None` values.")
    return get_perspective_coeffs(startpoints, endpoints)


@register_image(perspective)
def perspective_image(
    image: Tensor, startpoints: Any, endpoints: Any, interpolation: Any = _BILINEAR, fill: Any = None,
    coefficients: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor image under a perspective map."""
    coefficients = _perspective_coefficients(startpoints, endpoints, coefficients)
    mode = _check_interpolation(interpolation).value
    _check_grid_inputs(image, mode, fill)
    grid = geometry.perspective_grid(coefficients, _size(image.shape[-2:]), grid_dtype(image))
    return _sampled(image, grid, mode, fill)


perspective_video = as_video(perspective_image)


@register(perspective, Image.Image)
def _perspective_image_pil(
    image: Image.Image, startpoints: Any, endpoints: Any, interpolation: Any = _BILINEAR, fill: Any = None,
    coefficients: Any = None,
) -> Image.Image:  # fmt: skip
    coefficients = _perspective_coefficients(startpoints, endpoints, coefficients)
    mode = pil_modes_mapping[_check_interpolation(interpolation)]
    return F_pil.perspective(image, coefficients, interpolation=mode, fill=fill)


def _inverse_perspective(c: Any, what: str) -> np.ndarray[Any, Any]:
    """The inverse ``(3, 3)`` of a perspective map, its last number 1."""
    denom = c[0] * c[4] - c[1] * c[3]
    if denom == 0:
        raise RuntimeError(
            f"Provided perspective_coeffs {c} can not be inverted to transform {what}. "
            f"Denominator is zero, denom={denom}"
        )
    rows = [
        [c[4] - c[5] * c[7], -c[1] + c[2] * c[7], c[1] * c[5] - c[2] * c[4]],
        [-c[3] + c[5] * c[6], c[0] - c[2] * c[6], -c[0] * c[5] + c[2] * c[3]],
        [-c[4] * c[6] + c[3] * c[7], -c[0] * c[7] + c[1] * c[6], denom],
    ]
    return np.array([[x / denom for x in row] for row in rows])


def perspective_keypoints(
    keypoints: Tensor, canvas_size: Any, startpoints: Any, endpoints: Any, coefficients: Any = None
) -> Tensor:
    """Points under a perspective map."""
    if keypoints.numel() == 0:
        return keypoints
    found = _perspective_coefficients(startpoints, endpoints, coefficients)
    return kernels.points_in_perspective(keypoints, _inverse_perspective(found, "keypoints"))


@register(perspective, tv_tensors.KeyPoints, wrapped=False)
def _perspective_keypoints(inpt: Any, startpoints: Any, endpoints: Any, coefficients: Any = None, **_: Any) -> Any:
    made = perspective_keypoints(inpt.as_subclass(Tensor), inpt.canvas_size, startpoints, endpoints, coefficients)
    return tv_tensors.wrap(made, like=inpt)


def perspective_bounding_boxes(
    bounding_boxes: Tensor, format: Any, canvas_size: Any, startpoints: Any, endpoints: Any,
    coefficients: Any = None, clamping_mode: str | None = "soft",
) -> Tensor:  # fmt: skip
    """Boxes under a perspective map."""
    if bounding_boxes.numel() == 0:
        return bounding_boxes
    found = _perspective_coefficients(startpoints, endpoints, coefficients)
    theta = _inverse_perspective(found, "bounding boxes")
    return kernels.in_perspective(bounding_boxes, theta, kind=format.name, size=_size(canvas_size), mode=clamping_mode)


@register(perspective, tv_tensors.BoundingBoxes, wrapped=False)
def _perspective_boxes(inpt: Any, startpoints: Any, endpoints: Any, coefficients: Any = None, **_: Any) -> Any:
    made = perspective_bounding_boxes(
        inpt.as_subclass(Tensor), startpoints=startpoints, endpoints=endpoints, coefficients=coefficients, **_box(inpt)
    )
    return tv_tensors.wrap(made, like=inpt)


def perspective_mask(
    mask: Tensor, startpoints: Any, endpoints: Any, fill: Any = None, coefficients: Any = None
) -> Tensor:
    """A mask under a perspective map."""
    return with_channel(
        mask, lambda m: perspective_image(m, startpoints, endpoints, _NEAREST, fill=fill, coefficients=coefficients)
    )


@register(perspective, tv_tensors.Mask)
def _perspective_mask(
    mask: Tensor, startpoints: Any, endpoints: Any, fill: Any = None, coefficients: Any = None, **_: Any
) -> Tensor:
    return perspective_mask(mask, startpoints, endpoints, fill=fill, coefficients=coefficients)


# ------------------------------------------------------------------------------------------------------------- elastic


@functional
def elastic(inpt: Any, displacement: Tensor, interpolation: Any = _BILINEAR, fill: Any = None) -> Any:
    """The input with each pixel taken from a place moved by ``displacement`` ``(1, H, W, 2)`` (-1 to 1 spans it)."""


elastic_transform = elastic


def _check_displacement(displacement: Any, size: Any) -> None:
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    expected = (1, *_size(size), 2)
    if expected != tuple(displacement.shape):
        raise ValueError(f"Argument displacement shape should be {expected}, but given {displacement.shape}")


@register_image(elastic)
def elastic_image(image: Tensor, displacement: Tensor, interpolation: Any = _BILINEAR, fill: Any = None) -> Tensor:
    """A tensor image under an elastic map."""
    mode = _check_interpolation(interpolation).value
    _check_displacement(displacement, image.shape[-2:])
    _check_grid_inputs(image, mode, fill)
    return _sampled(image, displaced_grid(image, displacement), mode, fill)


elastic_video = as_video(elastic_image)


@register(elastic, Image.Image)
def _elastic_image_pil(
    image: Image.Image, displacement: Tensor, interpolation: Any = _BILINEAR, fill: Any = None
) -> Image.Image:
    made = elastic_image(pil_to_tensor(image), displacement, interpolation=interpolation, fill=fill)
    return to_pil_image(made, mode=image.mode)


def _inverse_grid(inpt: Tensor, displacement: Tensor, canvas_size: Any) -> np.ndarray[Any, Any]:
    """The identity grid less the displacement."""
    dtype = to_numpy_dtype(inpt.dtype) if inpt.is_floating_point() else np.dtype(np.float32)
    moved = to_host(displacement.detach().cpu())
    return geometry.identity_grid(_size(canvas_size), dtype) - moved[0].astype(dtype)


def elastic_keypoints(keypoints: Tensor, canvas_size: Any, displacement: Tensor) -> Tensor:
    """Points under an elastic map."""
    _check_displacement(displacement, canvas_size)
    if keypoints.numel() == 0:
        return keypoints
    grid = _inverse_grid(keypoints, displacement, canvas_size)
    return kernels.displaced_points(keypoints, grid, size=_size(canvas_size))


@register(elastic, tv_tensors.KeyPoints, wrapped=False)
def _elastic_keypoints(inpt: Any, displacement: Tensor, **_: Any) -> Any:
    return tv_tensors.wrap(elastic_keypoints(inpt.as_subclass(Tensor), inpt.canvas_size, displacement), like=inpt)


def elastic_bounding_boxes(
    bounding_boxes: Tensor, format: Any, canvas_size: Any, displacement: Tensor, clamping_mode: str | None = "soft"
) -> Tensor:
    """Boxes under an elastic map."""
    _check_displacement(displacement, canvas_size)
    if bounding_boxes.numel() == 0:
        return bounding_boxes
    grid = _inverse_grid(bounding_boxes, displacement, canvas_size)
    return kernels.displaced(bounding_boxes, grid, kind=format.name, size=_size(canvas_size), mode=clamping_mode)


@register(elastic, tv_tensors.BoundingBoxes, wrapped=False)
def _elastic_boxes(inpt: Any, displacement: Tensor, **_: Any) -> Any:
    made = elastic_bounding_boxes(inpt.as_subclass(Tensor), displacement=displacement, **_box(inpt))
    return tv_tensors.wrap(made, like=inpt)


def elastic_mask(mask: Tensor, displacement: Tensor, fill: Any = None) -> Tensor:
    """A mask under an elastic map."""
    return with_channel(mask, lambda m: elastic_image(m, displacement, _NEAREST, fill=fill))


@register(elastic, tv_tensors.Mask)
def _elastic_mask(mask: Tensor, displacement: Tensor, fill: Any = None, **_: Any) -> Tensor:
    return elastic_mask(mask, displacement, fill=fill)
