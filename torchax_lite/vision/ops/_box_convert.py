"""Conversions between two forms of boxes; the forms are told in :func:`.boxes.box_convert`."""

from __future__ import annotations

import math
from collections.abc import Callable

import torchax_lite as torch
from torchax_lite import Tensor


def _xyxy_from_cxcywh(boxes: Tensor) -> Tensor:
    cx, cy, w, h = boxes.unbind(-1)
    return torch.stack((cx - 0.5 * w, cy - 0.5 * h, cx + 0.5 * w, cy + 0.5 * h), dim=-1)


def _cxcywh_from_xyxy(boxes: Tensor) -> Tensor:
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack(((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1), dim=-1)


def _xyxy_from_xywh(boxes: Tensor) -> Tensor:
    x, y, w, h = boxes.unbind(-1)
    return torch.stack([x, y, x + w, y + h], dim=-1)


def _xywh_from_xyxy(boxes: Tensor) -> Tensor:
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack((x1, y1, x2 - x1, y2 - y1), dim=-1)


def _as_given(boxes: Tensor, like: Tensor) -> Tensor:
    """Rounded to whole numbers where the boxes came as such."""
    return boxes if like.is_floating_point() else boxes.round().to(like.dtype)


def _turn(degrees: Tensor) -> tuple[Tensor, Tensor]:
    angle = degrees * math.pi / 180.0
    return torch.cos(angle), torch.sin(angle)


def _xywhr_from_cxcywhr(boxes: Tensor) -> Tensor:
    cx, cy, w, h, r = boxes.unbind(-1)
    cos, sin = _turn(r)
    x, y = cx - w / 2 * cos - h / 2 * sin, cy - h / 2 * cos + w / 2 * sin
    return _as_given(torch.stack((x, y, w, h, r), dim=-1), boxes)


def _cxcywhr_from_xywhr(boxes: Tensor) -> Tensor:
    x, y, w, h, r = boxes.unbind(-1)
    cos, sin = _turn(r)
    cx, cy = x + w / 2 * cos + h / 2 * sin, y - w / 2 * sin + h / 2 * cos
    return _as_given(torch.stack([cx, cy, w, h, r], dim=-1), boxes)


def _corners_from_xywhr(boxes: Tensor) -> Tensor:
    x1, y1, w, h, r = boxes.unbind(-1)
    cos, sin = _turn(r)
    x2, y2 = x1 + w * cos, y1 - w * sin
    corners = (x1, y1, x2, y2, x2 + h * sin, y2 + h * cos, x1 + h * sin, y1 + h * cos)
    return _as_given(torch.stack(corners, dim=-1), boxes)


def _xywhr_from_corners(boxes: Tensor) -> Tensor:
    x1, y1, x2, y2, x3, y3, _, _ = boxes.unbind(-1)
    r = torch.atan2(y1 - y2, x2 - x1) * 180 / math.pi
    w, h = ((x2 - x1) ** 2 + (y1 - y2) ** 2).sqrt(), ((x3 - x2) ** 2 + (y3 - y2) ** 2).sqrt()
    return _as_given(torch.stack((x1, y1, w, h, r), dim=-1), boxes)


CONVERSIONS: dict[tuple[str, str], Callable[[Tensor], Tensor]] = {
    ("cxcywh", "xyxy"): _xyxy_from_cxcywh,
    ("xyxy", "cxcywh"): _cxcywh_from_xyxy,
    ("xywh", "xyxy"): _xyxy_from_xywh,
    ("xyxy", "xywh"): _xywh_from_xyxy,
    ("cxcywhr", "xywhr"): _xywhr_from_cxcywhr,
    ("xywhr", "cxcywhr"): _cxcywhr_from_xywhr,
    ("xywhr", "xyxyxyxy"): _corners_from_xywhr,
    ("xyxyxyxy", "xywhr"): _xywhr_from_corners,
}
"""Every form to and from the middle one of its kind (corners; corner, size and angle)."""
