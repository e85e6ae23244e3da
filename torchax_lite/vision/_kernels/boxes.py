"""Kernels for bounding boxes ``(N, 4)``, ``(N, 5)``, ``(N, 8)`` and points ``(M, 2)``; formats are their names."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import kernel
from .color import float_type, fused, is_float

ROTATED = ("XYWHR", "CXCYWHR", "XYXYXYXY")


def _join(xp: Any, *parts: Any) -> Any:
    return xp.concatenate(parts, -1)


def _stack(xp: Any, *columns: Any) -> Any:
    return xp.stack(columns, -1)


def _floats(boxes: Any) -> Any:
    return boxes.astype(float_type(boxes.dtype))


def _halves(sizes: Any) -> Any:
    """Half of sizes; of integers, rounded down."""
    return sizes / sizes.dtype.type(2) if is_float(sizes.dtype) else sizes // 2


def _straight(xp: Any, b: Any, old: str, new: str) -> Any:
    """Boxes that are not turned, in another format."""
    first, second = b[..., :2], b[..., 2:]
    if (old, new) == ("XYWH", "CXCYWH"):
        return _join(xp, first + _halves(second), second)
    if old == "CXCYWH":
        f = _floats(b)
        corner = f[..., :2] - f[..., 2:] / f.dtype.type(2)
        end = (corner + f[..., 2:]).astype(b.dtype)
        corner = corner.astype(b.dtype)
        first, second = (corner, end) if not is_float(b.dtype) or new != "XYWH" else (corner, None)
        if new == "XYWH":
            return _join(xp, corner, b[..., 2:] if second is None else end - corner)
    elif old == "XYWH":
        second = first + second
    if new == "XYWH":
        return _join(xp, first, second - first)
    if new == "CXCYWH":
        size = second - first
        return _join(xp, _halves(first * first.dtype.type(2) + size), size)
    return _join(xp, first, second)


def _turn(xp: Any, degrees: Any) -> tuple[Any, Any]:
    f = degrees.dtype.type
    radians = degrees * f(np.pi) / f(180.0)
    return xp.cos(radians), xp.sin(radians)


def _turned(xp: Any, b: Any, old: str, new: str) -> Any:
    """Turned boxes in another format, by way of ``XYWHR``."""
    f = b.dtype.type
    if old == "XYXYXYXY":
        b = _floats(b)
        x1, y1, x2, y2, x3, y3 = (b[..., i] for i in range(6))
        angle = xp.arctan2(y1 - y2, x2 - x1) / b.dtype.type(np.pi) * b.dtype.type(180.0)
        w = xp.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2)
        h = xp.sqrt((x3 - x2) ** 2 + (y3 - y2) ** 2)
        b = _stack(xp, x1, y1, w, h, angle)
    elif old == "CXCYWHR":
        cos, sin = _turn(xp, b[..., 4])
        hw, hh = b[..., 2] / f(2), b[..., 3] / f(2)
        b = _stack(xp, b[..., 0] - hw * cos - hh * sin, b[..., 1] + hw * sin - hh * cos, *_rest(b))
    if new == "XYWHR":
        return b
    x, y, w, h = (b[..., i] for i in range(4))
    cos, sin = _turn(xp, b[..., 4])
    if new == "CXCYWHR":
        f = b.dtype.type
        hw, hh = w / f(2), h / f(2)
        return _stack(xp, x + hw * cos + hh * sin, y - hw * sin + hh * cos, *_rest(b))
    wc, ws, hc, hs = w * cos, w * sin, h * cos, h * sin
    return _stack(xp, x, y, x + wc, y - ws, x + (wc + hs), y - (ws - hc), x + hs, y + hc)


def _rest(b: Any) -> list[Any]:
    return [b[..., i] for i in range(2, 5)]


def convert(xp: Any, boxes: Any, old: str, new: str) -> Any:
    """Boxes in another format; both turned or neither."""
    if old == new:
        return boxes
    return (_turned if old in ROTATED else _straight)(xp, boxes, old, new)


@kernel
def converted(xp: Any, boxes: Any, *, old: str, new: str) -> Any:
    """`convert`, of boxes of either kind."""
    made = convert(xp, boxes, old, new)
    return made.copy() if made is boxes else made.astype(boxes.dtype)


# ------------------------------------------------------------------------------------------------------------ clamping


def clamp(xp: Any, boxes: Any, kind: str, size: tuple[int, int], mode: str | None) -> Any:
    """Boxes with their corners inside an image of ``size`` (height, width); ``mode`` None leaves them."""
    if mode is None:
        return boxes
    if kind in ROTATED:
        return _clamp_turned(xp, boxes, kind, size, mode)
    f = _floats(boxes)
    corners = convert(xp, f, kind, "XYXY")
    limit = np.array([size[1], size[0]] * 2, f.dtype)
    zero = f.dtype.type(0)
    inside = xp.minimum(xp.where(corners < zero, zero, corners), limit)  # -0.0 stays, as where PyTorch clamps
    return convert(xp, inside, "XYXY", kind).astype(boxes.dtype)


@kernel
def clamped(xp: Any, boxes: Any, *, kind: str, size: tuple[int, int], mode: str | None) -> Any:
    """`clamp`."""
    made = clamp(xp, boxes, kind, size, mode)
    return made.copy() if made is boxes else made


def _lines(xp: Any, corners: Any) -> tuple[Any, Any]:
    """Slopes and intercepts of the four sides, ``y = a x + b``."""
    x, y = corners[:, ::2], corners[:, 1::2]
    a = (xp.roll(y, -1, -1) - y) / (xp.roll(x, -1, -1) - x)
    return a, y - a * x


def _within(xp: Any, x: Any, low: Any, high: Any) -> Any:
    return xp.minimum(xp.maximum(x, low), high)


def _clamp_intercepts(xp: Any, corners: Any, original: Any, size: tuple[int, int], mode: str) -> Any:
    height, width = size
    a, b = _lines(xp, corners)
    a1, a2, a3, a4 = (a[:, i] for i in range(4))
    b1, b2, b3, b4 = (b[:, i] for i in range(4))
    m1, m2, m3, m4 = (_lines(xp, original)[1][:, i] for i in range(4))
    b1 = xp.clip(_within(xp, b2, b1, b3), 0, height)
    b4 = xp.clip(_within(xp, b3, b2, b4), 0, height)
    if mode == "hard":
        b1 = b4 = (b1 + b4) / 2
        over = [b1 * a2 / a1, b3 * a2 / a3, (a1 - a2) * width + b1, (a3 - a2) * width + b3]
        b2 = xp.minimum(xp.stack(over, 1).max(1), b2)
        under = [height * (1 - a3 / a4) + b4 * a3 / a4, height * (1 - a3 / a2) + b2 * a3 / a2]
        under += [(a2 - a3) * width + b2, (a4 - a3) * width + b4]
        b3 = xp.maximum(xp.stack(under, 1).min(1), b3)
    b1 = _within(xp, b1, m1, m3)
    b3 = _within(xp, b3, m1, m3)
    b2 = _within(xp, b2, m2, m4)
    b4 = _within(xp, b1 if mode == "hard" else b4, m2, m4)
    return _stack(xp, b4 if mode == "hard" else b1, b2, b3, b4)


def _clamp_left(xp: Any, corners: Any, original: Any, size: tuple[int, int], mode: str) -> Any:
    """Turned boxes cut at the left edge of the image."""
    x1, y1, x2, y2, x3, y3, x4, y4 = (corners[:, i] for i in range(8))
    a, _ = _lines(xp, corners)
    b = _clamp_intercepts(xp, corners, original, size, mode)
    x = -(b - xp.roll(b, 1, -1)) / (a - xp.roll(a, 1, -1))
    cut = xp.stack([x, a * x + b], -1).reshape(-1, 8)
    zero = corners.dtype.type(0)
    straight = _stack(xp, xp.maximum(x1, zero), y1, x2, y2, x3, y3, xp.maximum(x4, zero), y4)
    level = xp.isclose(y1, y2) | xp.isclose(y3, y4)
    gone = (x1 <= 0) & (x2 <= 0) & (x3 <= 0) & (x4 <= 0)
    gone = gone | xp.isclose(y1, y4) | xp.isclose(y2, y3) | (level & xp.isclose(x1, x2))
    made = xp.where(((x1 < 0) & ~xp.isnan(cut).any(-1))[:, None], cut, corners)
    made = xp.where(level[:, None], straight, made)
    return xp.where(gone[:, None], zero, made)


def _leftmost_first(xp: Any, corners: Any) -> Any:
    """For each box the order of its eight numbers that starts with the leftmost corner."""
    x, y = corners[:, ::2], corners[:, 1::2]
    rank = y / xp.abs(y).max(1, keepdims=True) + x / xp.abs(x).max(1, keepdims=True) * 100
    return (xp.argmin(rank, 1)[:, None] * 2 + np.arange(8)) % 8


def _pick(xp: Any, corners: Any, order: Any) -> Any:
    return xp.take_along_axis(corners, order, 1)


def _clamp_turned(xp: Any, boxes: Any, kind: str, size: tuple[int, int], mode: str) -> Any:
    """Turned boxes cut at the four edges: at the left one, four times, the image turned in between."""
    corners = convert(xp, boxes, kind, "XYXYXYXY").reshape(-1, 8)
    original = corners
    for _ in range(4):
        order = _leftmost_first(xp, corners)
        corners, original = _pick(xp, corners, order), _pick(xp, original, order)
        corners = _clamp_left(xp, corners, original, size, mode)
        corners, original = _pick(xp, corners, order), _pick(xp, original, order)
        width = size[1]
        corners, original = (
            xp.stack([c[:, 1::2], width - c[:, ::2]], -1).reshape(-1, 8).astype(c.dtype) for c in (corners, original)
        )
        size = (size[1], size[0])
    return convert(xp, corners, "XYXYXYXY", kind).reshape(boxes.shape).astype(boxes.dtype)


def as_box(xp: Any, corners: Any) -> Any:
    """The turned rectangle around each parallelogram of four corners ``(N, 8)``."""
    p = _floats(corners)
    f = p.dtype.type
    x1, y1, x2, y2, x3, y3, x4, y4 = (p[..., i] for i in range(8))
    cx, cy = (x1 + x3) / f(2), (y1 + y3) / f(2)
    wp = xp.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2)
    hp = xp.sqrt((x4 - x1) ** 2 + (y4 - y1) ** 2)
    r12, r14 = xp.arctan2(y1 - y2, x2 - x1), xp.arctan2(y1 - y4, x4 - x1)
    between = r12 - r14
    sign = xp.where(between > f(np.pi / 2), f(-1), f(1))
    cos, sin = xp.cos(between), xp.sin(between)
    w = xp.where(wp < hp, wp * sin, wp + hp * cos * sign)
    h = xp.where(wp > hp, hp * sin, hp + wp * cos * sign)
    angle = xp.where(hp > wp, r14 + f(np.pi / 2), r12)
    cos, sin = xp.cos(angle), xp.sin(angle)
    wc, ws, hc, hs = (v / f(2) * t for v, t in ((w, cos), (w, sin), (h, cos), (h, sin)))
    made = _stack(
        xp,
        cx - wc - hs,
        cy - hc + ws,
        cx + wc - hs,
        cy - hc - ws,
        cx + wc + hs,
        cy + hc - ws,
        cx - wc + hs,
        cy + hc + ws,
    )
    return made.astype(corners.dtype)


# ------------------------------------------------------------------------------------------------------- moving boxes


@kernel
def flipped(xp: Any, boxes: Any, *, kind: str, size: tuple[int, int], across: bool) -> Any:
    """Boxes mirrored left to right (``across``) or top to bottom in an image of ``size``."""
    b = boxes.reshape(-1, boxes.shape[-1])
    axis, limit = (0, size[1]) if across else (1, size[0])
    column = [b[:, i] for i in range(b.shape[1])]
    if kind == "XYXY":
        column[axis], column[axis + 2] = limit - b[:, axis + 2], limit - b[:, axis]
    elif kind == "XYXYXYXY":
        column[axis::2] = [limit - c for c in column[axis::2]]
        column = [column[i] for i in (2, 3, 0, 1, 6, 7, 4, 5)]
    elif kind == "XYWH":
        column[axis] = limit - (column[axis] + column[axis + 2])
    else:
        if kind == "XYWHR":
            cos, sin = _turn(xp, b[:, 4])
            column[0], column[1] = column[0] + b[:, 2] * cos, column[1] - b[:, 2] * sin
        column[axis] = -(column[axis] - limit)
        if kind != "CXCYWH":
            column[4] = -column[4] if across else 180 - column[4]
    return _stack(xp, *column).astype(boxes.dtype).reshape(boxes.shape)


@kernel
def resized(xp: Any, boxes: Any, *, kind: str, old: tuple[int, int], new: tuple[int, int], mode: str | None) -> Any:
    """Boxes in an image resized from ``old`` to ``new`` (height, width)."""
    ratios = [new[1] / old[1], new[0] / old[0]]
    if kind not in ROTATED:
        f = float_type(boxes.dtype)
        return (boxes.astype(f) * np.array(ratios * 2, np.float32).astype(f)).astype(boxes.dtype)
    corners = convert(xp, boxes, kind, "XYXYXYXY").reshape(-1, 8)
    made = as_box(xp, corners * np.array(ratios * 4, np.float32).astype(corners.dtype))
    made = clamp(xp, made, "XYXYXYXY", new, mode)
    return convert(xp, made, "XYXYXYXY", kind).astype(boxes.dtype).reshape(boxes.shape)


def _offset(kind: str, left: int, top: int) -> list[int]:
    """What moving by (left, top) adds to the numbers of a box."""
    if kind == "XYXYXYXY":
        return [left, top] * 4
    if kind in ("XYWHR", "CXCYWHR"):
        return [left, top, 0, 0, 0]
    return [left, top, left, top] if kind == "XYXY" else [left, top, 0, 0]


@kernel
def moved(
    xp: Any, boxes: Any, offset: Any, *, kind: str, size: tuple[int, int], mode: str | None, reshaped: bool
) -> Any:
    """Boxes moved by ``offset`` (left, top) on a canvas of ``size``; ``reshaped``: corners made rectangles again."""
    amounts = xp.stack([offset[0] * i[0] + offset[1] * i[1] for i in zip(_offset(kind, 1, 0), _offset(kind, 0, 1))])
    made = boxes + amounts.astype(boxes.dtype)
    if reshaped and kind == "XYXYXYXY":
        made = as_box(xp, made)
    return clamp(xp, made, kind, size, mode)


def _around(xp: Any, points: Any) -> Any:
    """The boxes ``XYXY`` around four points each ``(N * 4, 2)``."""
    quads = points.reshape(-1, 4, 2)
    return _join(xp, quads.min(1), quads.max(1))


def _points(b: Any, kind: str) -> Any:
    """The corners of boxes ``XYXY`` or ``XYXYXYXY`` as points ``(N * 4, 2)``."""
    if kind != "XYXYXYXY":
        b = b[:, [0, 1, 2, 1, 2, 3, 0, 3]]
    return b.reshape(-1, 2)


def linear(xp: Any, points: Any, matrix: Any) -> Any:
    """``points @ matrix[:, :2].T + matrix[:, 2]`` for a matrix ``(2, 3)``."""
    m = matrix.astype(points.dtype)
    x, y = points[:, 0], points[:, 1]
    return _stack(xp, *(fused(xp, y, m[i, 1], x * m[i, 0]) + m[i, 2] for i in range(2)))


@kernel
def mapped(xp: Any, boxes: Any, matrix: Any, shift: Any, *, kind: str, size: tuple[int, int], mode: str | None) -> Any:
    """Boxes under an affine map ``(2, 3)``, less ``shift``, on a canvas of ``size``."""
    between = "XYXYXYXY" if kind in ROTATED else "XYXY"
    b = convert(xp, _floats(boxes), kind, between).reshape(-1, 8 if kind in ROTATED else 4)
    points = linear(xp, _points(b, between), matrix)
    made = as_box(xp, points.reshape(-1, 8)) if kind in ROTATED else _around(xp, points)
    made = made - xp.concatenate([shift] * (made.shape[1] // 2)).astype(made.dtype)
    made = clamp(xp, made, between, size, mode)
    return convert(xp, made, between, kind).reshape(boxes.shape).astype(boxes.dtype)


@kernel
def mapped_points(xp: Any, points: Any, matrix: Any, shift: Any) -> Any:
    """Points ``(..., 2)`` under an affine map, less ``shift``."""
    flat = _floats(points).reshape(-1, 2)
    return (linear(xp, flat, matrix) - shift.astype(flat.dtype)).reshape(points.shape).astype(points.dtype)


def _perspective(xp: Any, points: Any, theta: Any) -> Any:
    above = linear(xp, points, theta[:2])
    below = linear(xp, points, xp.stack([theta[2], theta[2]]))
    return above / below


@kernel
def in_perspective(xp: Any, boxes: Any, theta: Any, *, kind: str, size: tuple[int, int], mode: str | None) -> Any:
    """Boxes under a perspective map ``(3, 3)``."""
    between = "XYXYXYXY" if kind in ROTATED else "XYXY"
    b = convert(xp, boxes, kind, between).reshape(-1, 8 if kind in ROTATED else 4)
    points = _perspective(xp, _floats(_points(b, between)), theta)
    made = as_box(xp, points.reshape(-1, 8)) if kind in ROTATED else _around(xp, points)
    made = clamp(xp, made, between, size, mode)
    return convert(xp, made, between, kind).reshape(boxes.shape).astype(boxes.dtype)


@kernel
def points_in_perspective(xp: Any, points: Any, theta: Any) -> Any:
    """Points under a perspective map."""
    return _perspective(xp, _floats(points).reshape(-1, 2), theta).astype(points.dtype).reshape(points.shape)


def _displaced(xp: Any, points: Any, grid: Any, size: tuple[int, int]) -> Any:
    """Points (integers) where the inverse of a displaced grid ``(H, W, 2)`` takes them."""
    f = grid.dtype.type
    x = xp.clip(points[:, 0].astype(np.int64), 0, size[1] - 1)
    y = xp.clip(points[:, 1].astype(np.int64), 0, size[0] - 1)
    half = np.array([f(0.5) * f(size[1]), f(0.5) * f(size[0])], grid.dtype)
    return (grid[y, x] + f(1)) * half - f(0.5)


@kernel
def displaced_points(xp: Any, points: Any, grid: Any, *, size: tuple[int, int]) -> Any:
    """Points under an elastic map."""
    return _displaced(xp, points.reshape(-1, 2), grid, size).astype(points.dtype).reshape(points.shape)


@kernel
def displaced(xp: Any, boxes: Any, grid: Any, *, kind: str, size: tuple[int, int], mode: str | None) -> Any:
    """Boxes under an elastic map; of turned ones only the centre moves."""
    turned = kind in ROTATED
    between = "CXCYWHR" if turned else "XYXY"
    b = convert(xp, boxes, kind, between).reshape(-1, 5 if turned else 4)
    points = b[:, :2] if turned else _points(b, between)
    if is_float(points.dtype):
        points = xp.ceil(points)
    points = _displaced(xp, points, grid, size)
    made = _join(xp, points, b[:, 2:]) if turned else _around(xp, points)
    made = clamp(xp, made.astype(b.dtype), between, size, mode)
    return convert(xp, made, between, kind).reshape(boxes.shape).astype(boxes.dtype)


# ------------------------------------------------------------------------------------------------------------ validity


@kernel
def valid(xp: Any, boxes: Any, *, kind: str, size: tuple[int, int], min_size: float, min_area: float) -> Any:
    """Which boxes lie in the image and are large enough."""
    turned = kind in ROTATED
    b = convert(xp, boxes, kind, "XYXYXYXY" if turned else "XYXY")
    if turned:
        w = xp.sqrt((b[..., 0] - b[..., 2]) ** 2 + (b[..., 1] - b[..., 3]) ** 2)
        h = xp.sqrt((b[..., 3] - b[..., 5]) ** 2 + (b[..., 4] - b[..., 6]) ** 2)
    else:
        w, h = b[..., 2] - b[..., 0], b[..., 3] - b[..., 1]
    fine = (w >= min_size) & (h >= min_size) & (b >= 0).all(-1) & (w * h >= min_area)
    limits = np.array([size[1], size[0]] * (b.shape[-1] // 2))
    return fine & (b <= limits).all(-1)


@kernel
def valid_points(xp: Any, points: Any, *, size: tuple[int, int]) -> Any:
    """Which points, or groups of points ``(N, ..., 2)``, lie in the image."""
    h, w = size
    x, y = points[..., 0], points[..., 1]
    fine = (x >= 0) & (x < w) & (y >= 0) & (y < h)
    return fine.reshape(fine.shape[0], -1).all(1) if fine.ndim > 1 else fine


@kernel
def clamped_points(xp: Any, points: Any, *, size: tuple[int, int]) -> Any:
    """Points inside the image."""
    f = _floats(points)
    return xp.clip(f, f.dtype.type(0), np.array([size[1] - 1, size[0] - 1], f.dtype)).astype(points.dtype)


@kernel
def flipped_points(xp: Any, points: Any, *, size: tuple[int, int], across: bool) -> Any:
    """Points mirrored left to right or top to bottom."""
    x, y = points[..., 0], points[..., 1]
    return _stack(xp, (size[1] - 1) - x if across else x, y if across else (size[0] - 1) - y).astype(points.dtype)


@kernel
def resized_points(xp: Any, points: Any, *, old: tuple[int, int], new: tuple[int, int]) -> Any:
    """Points in an image resized from ``old`` to ``new``."""
    f = float_type(points.dtype)
    ratios = np.array([new[1] / old[1], new[0] / old[0]], np.float32).astype(f)
    return (points.astype(f) * ratios).astype(points.dtype)


@kernel
def moved_points(xp: Any, points: Any, offset: Any) -> Any:
    """Points moved by ``offset`` (left, top)."""
    return points + offset.astype(points.dtype)
