"""`InterpolationMode`, and the maps of both interfaces: affine matrices, perspective coefficients, sizes."""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

import numpy as np


class InterpolationMode(Enum):
    """How values between pixels are found. Box, Hamming and Lanczos are for Pillow images (Lanczos in v2 for all)."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


_FROM_INT = {
    0: InterpolationMode.NEAREST,
    2: InterpolationMode.BILINEAR,
    3: InterpolationMode.BICUBIC,
    4: InterpolationMode.BOX,
    5: InterpolationMode.HAMMING,
    1: InterpolationMode.LANCZOS,
}

pil_modes_mapping = {mode: number for number, mode in _FROM_INT.items()} | {InterpolationMode.NEAREST_EXACT: 0}


def _interpolation_modes_from_int(i: int) -> InterpolationMode:
    return _FROM_INT[i]


def get_perspective_coeffs(startpoints: Any, endpoints: Any) -> list[float]:
    """The eight numbers of the map that takes ``endpoints`` to ``startpoints`` (four corners each), as float32.

    Raises:
        ValueError: not four corners each.
    """
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(
            f"Please provide exactly four corners, got {len(startpoints)} startpoints and {len(endpoints)} endpoints."
        )
    rows = []
    for (x, y), (u, v) in zip(endpoints, startpoints, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    a = np.array(rows, np.float64).astype(np.float32).astype(np.float64)
    q, r = np.linalg.qr(a)
    found = np.linalg.solve(r, q.T @ np.array(startpoints, np.float64).reshape(8))
    return found.astype(np.float32).tolist()  # type: ignore[no-any-return]


def inverse_affine_matrix(
    center: Any, angle: float, translate: Any, scale: float, shear: Any, inverted: bool = True
) -> list[float]:
    """The six numbers of the map ``T(translate) C R(angle) Shear Scale C^-1`` about ``center``, or of its inverse.

    Angles are in degrees; ``shear`` is about x and y. The order of the operations is that of ``transforms.v2``.
    """
    rot, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    cx, cy = center
    tx, ty = translate
    cos_sy, tan_sx = math.cos(sy), math.tan(sx)
    a = math.cos(rot - sy) / cos_sy
    b = -(a * tan_sx + math.sin(rot))
    c = math.sin(rot - sy) / cos_sy
    d = math.cos(rot) - c * tan_sx
    if inverted:
        m = [d / scale, -b / scale, 0.0, -c / scale, a / scale, 0.0]
        m[2] = cx - m[0] * (cx + tx) - m[1] * (cy + ty)
        m[5] = cy - m[3] * (cx + tx) - m[4] * (cy + ty)
    else:
        m = [a * scale, b * scale, 0.0, c * scale, d * scale, 0.0]
        m[2] = cx + tx - m[0] * cx - m[1] * cy
        m[5] = cy + ty - m[3] * cx - m[4] * cy
    return m


def inverse_affine_matrix_v1(center: Any, angle: float, translate: Any, scale: float, shear: Any) -> list[float]:
    """`inverse_affine_matrix`, its last digits rounded as in ``transforms`` (v1)."""
    rot, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    cx, cy = center
    tx, ty = translate
    cos_sy, tan_sx = math.cos(sy), math.tan(sx)
    a = math.cos(rot - sy) / cos_sy
    b = -math.cos(rot - sy) * tan_sx / cos_sy - math.sin(rot)
    c = math.sin(rot - sy) / cos_sy
    d = -math.sin(rot - sy) * tan_sx / cos_sy + math.cos(rot)
    m = [x / scale for x in (d, -b, 0.0, -c, a, 0.0)]
    m[2] = (m[2] + (m[0] * (-cx - tx) + m[1] * (-cy - ty))) + cx
    m[5] = (m[5] + (m[3] * (-cx - tx) + m[4] * (-cy - ty))) + cy
    return m


def affine_output_size(matrix: Any, w: int, h: int) -> tuple[int, int]:
    """Width and height of the box around an image under an inverse affine map about its centre (float32, as PyTorch)."""
    f = np.float32
    hw, hh = 0.5 * w, 0.5 * h
    points = np.array([[-hw, -hh, 1.0], [-hw, hh, 1.0], [hw, hh, 1.0], [hw, -hh, 1.0]], f)
    moved = points @ np.asarray(matrix, f).reshape(2, 3).T
    half = np.array([hw, hh], f)
    tolerance = 1e-4
    high = np.ceil(np.trunc((moved.max(0) + half) * f(1.0 / tolerance)) * f(tolerance))
    low = np.floor(np.trunc((moved.min(0) + half) * f(1.0 / tolerance)) * f(tolerance))
    size = high - low
    return int(size[0]), int(size[1])


def center_offsets(crop: tuple[int, int], image: tuple[int, int]) -> tuple[list[int], tuple[int, int]]:
    """For a centre crop: the borders (left, top, right, bottom) an image is too small by, and the corner once padded."""
    (ch, cw), (h, w) = crop, image
    short_w, short_h = max(cw - w, 0), max(ch - h, 0)
    padding = [short_w // 2, short_h // 2, (short_w + 1) // 2, (short_h + 1) // 2]
    h, w = h + short_h, w + short_w
    return padding, (round((h - ch) / 2.0), round((w - cw) / 2.0))
