"""Boxes: areas, overlaps, conversions between forms, greedy suppression."""

from __future__ import annotations

import math

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite._generated import internal as _ops
from torchax_lite.composite.registry import from_host, is_traced

from ._box_convert import CONVERSIONS
from ._utils import upcast

_FORMS = ("xyxy", "xywh", "cxcywh", "xywhr", "cxcywhr", "xyxyxyxy")
_ALIGNED = ("xyxy", "xywh", "cxcywh")
_ROTATED = ("cxcywhr", "xywhr", "xyxyxyxy")


# ---------------------------------------------------------------- suppression
def _check_nms(boxes: Tensor, scores: Tensor) -> None:
    if boxes.dim() != 2:
        raise RuntimeError(f"boxes should be a 2d tensor, got {boxes.dim()}D")
    if boxes.size(1) != 4:
        raise RuntimeError(f"boxes should have 4 elements in dimension 1, got {boxes.size(1)}")
    if scores.dim() != 1:
        raise RuntimeError(f"scores should be a 1d tensor, got {scores.dim()}D")
    if boxes.size(0) != scores.size(0):
        raise RuntimeError(
            "boxes and scores should have same number of elements in dimension 0, got "
            f"{boxes.size(0)} and {scores.size(0)}"
        )
    if boxes.dtype != scores.dtype:
        raise RuntimeError("dets should have the same type as scores")


def _nms(boxes: Tensor, scores: Tensor, classes: Tensor | None, iou_threshold: float) -> Tensor:
    """Places of the kept boxes, best first.

    The rows are padded to a power of two on the host, so that the number of boxes does not decide the program.
    """
    _check_nms(boxes, scores)
    if is_traced(boxes):
        raise NotImplementedError("nms: the number of kept boxes depends on values, which a transform does not have")
    count = boxes.shape[0]
    if count == 0:
        return torch.empty((0,), dtype=torch.int64, device=boxes.device)
    rows = 1 << (count - 1).bit_length()

    def padded(t: Tensor, fill: float) -> Tensor:
        values = t.detach()._host_array()
        tail = np.full((rows - count, *values.shape[1:]), fill, values.dtype)
        return from_host(np.concatenate([values, tail]), boxes)

    groups = None if classes is None else padded(classes, 0)
    order, keep = _ops.nms_keep(padded(boxes, 0), padded(scores, -math.inf), groups, float(iou_threshold))
    kept = order._host_array()[:count][keep._host_array()[:count]]
    return from_host(kept, boxes)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Places (int64, best score first) of the boxes that no better kept box overlaps with an IoU above the threshold.

    Args:
        boxes: ``(N, 4)`` corners. scores: ``(N,)``.

    Raises:
        RuntimeError: wrong shapes or dtypes.
    """
    return _nms(boxes, scores, None, iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """:func:`nms` among the boxes of each class (``idxs``); the places of all kept boxes, best score first."""
    if boxes.numel() > (4000 if boxes.device.type == "cpu" else 100_000):
        return _nms(boxes, scores, idxs, iou_threshold)
    if boxes.numel() == 0:
        return torch.empty((0,), dtype=torch.int64, device=boxes.device)
    # The boxes of each class are moved to a place of their own, as PyTorch does it (the rounding is the same).
    offsets = idxs.to(boxes) * (boxes.max() + 1)
    return nms(boxes + offsets[:, None], scores, iou_threshold)


# ---------------------------------------------------------------- selection and forms
def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """Places of the boxes (corners) whose sides both are at least ``min_size``."""
    wide, high = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    return torch.where((wide >= min_size) & (high >= min_size))[0]


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (corners) cut at the borders of an image of ``size`` (height, width)."""
    height, width = size
    x, y = boxes[..., 0::2].clamp(min=0, max=width), boxes[..., 1::2].clamp(min=0, max=height)
    return torch.stack((x, y), dim=boxes.dim()).reshape(boxes.shape)


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes in another form.

    Forms: "xyxy" corners; "xywh" corner and size; "cxcywh" centre and size; "xywhr" and "cxcywhr" the same with an
    angle in degrees; "xyxyxyxy" all four corners.

    Raises:
        ValueError: unknown form. NotImplementedError: no conversion between an upright and a rotated form.
    """
    if in_fmt not in _FORMS or out_fmt not in _FORMS:
        raise ValueError(f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}")
    if in_fmt == out_fmt:
        return boxes.clone()
    if (in_fmt in _ALIGNED) != (out_fmt in _ALIGNED):
        raise NotImplementedError(
            f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}"
        )
    middle = "xyxy" if in_fmt in _ALIGNED else "xywhr"
    for a, b in ((in_fmt, middle), (middle, out_fmt)):
        if a != b:
            boxes = CONVERSIONS[a, b](boxes)
    return boxes


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The smallest boxes (float32 corners, the last place included) around the nonzero places of masks ``(N, H, W)``."""
    if masks.numel() == 0:
        return torch.zeros((0, 4), device=masks.device, dtype=torch.float)
    _, height, width = masks.shape
    rows, columns = torch.any(masks != 0, dim=2), torch.any(masks != 0, dim=1)
    first_y, first_x = rows.float().argmax(dim=1), columns.float().argmax(dim=1)
    last_y = height - 1 - rows.float().flip(dims=[1]).argmax(dim=1)
    last_x = width - 1 - columns.float().flip(dims=[1]).argmax(dim=1)
    found = torch.stack([first_x, first_y, last_x, last_y], dim=1).float()
    return torch.where(torch.any(rows, dim=1)[:, None], found, torch.zeros_like(found))


# ---------------------------------------------------------------- areas and overlaps
def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """``(...)`` areas of boxes ``(..., 4)``.

    Raises:
        ValueError: for a form other than "xyxy", "xywh", "cxcywh".
    """
    if fmt not in _ALIGNED:
        raise ValueError(f"Unsupported Bounding Box area for given format {fmt}")
    boxes = upcast(boxes)
    if fmt == "xyxy":
        return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return boxes[..., 2] * boxes[..., 3]


def _corners(boxes: Tensor, fmt: str) -> tuple[Tensor, Tensor]:
    if fmt == "xyxy":
        return boxes[..., :2], boxes[..., 2:]
    if fmt == "xywh":
        return boxes[..., :2], boxes[..., :2] + boxes[..., 2:]
    return boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2


def _box_inter_union(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> tuple[Tensor, Tensor]:
    """Areas ``(..., N, M)`` of intersection and union of every pair."""
    area1, area2 = box_area(boxes1, fmt), box_area(boxes2, fmt)
    (low1, high1), (low2, high2) = _corners(boxes1, fmt), _corners(boxes2, fmt)
    low = torch.max(low1[..., None, :], low2[..., None, :, :])
    high = torch.min(high1[..., None, :], high2[..., None, :, :])
    size = upcast(high - low).clamp(min=0)
    inter = size[..., 0] * size[..., 1]
    return inter, area1[..., None] + area2[..., None, :] - inter


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """``(..., N, M)`` intersection over union of every pair of boxes.

    Raises:
        ValueError: unknown form. NotImplementedError: a rotated form.
    """
    if fmt in _ALIGNED:
        inter, union = _box_inter_union(boxes1, boxes2, fmt)
        return inter / union
    if fmt in _ROTATED:
        raise NotImplementedError(f"box_iou: overlaps of rotated boxes (fmt={fmt!r}) are not available")
    raise ValueError(
        f"Unsupported format '{fmt}'. Supported axis-aligned formats: {_ALIGNED}. Supported rotated formats: {_ROTATED}."
    )


def _hull(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """``(..., N, M, 2)`` width and height of the smallest box around every pair."""
    low = torch.min(boxes1[..., None, :2], boxes2[..., None, :, :2])
    high = torch.max(boxes1[..., None, 2:], boxes2[..., None, :, 2:])
    return upcast(high - low).clamp(min=0)


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """``iou - (hull - union) / hull`` of every pair of boxes (corners), ``(..., N, M)``."""
    inter, union = _box_inter_union(boxes1, boxes2)
    size = _hull(boxes1, boxes2)
    hull = size[..., 0] * size[..., 1]
    return inter / union - (hull - union) / hull


def _box_diou_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> tuple[Tensor, Tensor]:
    iou = box_iou(boxes1, boxes2)
    size = _hull(boxes1, boxes2)
    diagonal = (size[..., 0] ** 2) + (size[..., 1] ** 2) + eps
    center1, center2 = (boxes1[..., :2] + boxes1[..., 2:]) / 2, (boxes2[..., :2] + boxes2[..., 2:]) / 2
    apart = upcast(center1[..., None, :] - center2[..., None, :, :])
    return iou - (apart[..., 0] ** 2 + apart[..., 1] ** 2) / diagonal, iou


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """``iou - (distance of centres / diagonal of the hull)^2`` of every pair of boxes (corners), ``(..., N, M)``."""
    return _box_diou_iou(upcast(boxes1), upcast(boxes2), eps)[0]


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """:func:`distance_box_iou` minus ``alpha v``, where ``v`` compares the aspect ratios; ``(..., N, M)``."""
    boxes1, boxes2 = upcast(boxes1), upcast(boxes2)
    diou, iou = _box_diou_iou(boxes1, boxes2, eps)
    size1, size2 = boxes1[..., 2:] - boxes1[..., :2], boxes2[..., 2:] - boxes2[..., :2]
    angle1, angle2 = torch.atan(size1[..., 0] / size1[..., 1]), torch.atan(size2[..., 0] / size2[..., 1])
    v = (4 / (math.pi**2)) * torch.pow(angle1[..., None] - angle2[..., None, :], 2)
    with torch.no_grad():
        alpha = v / (1 - iou + v + eps)
    return diou - alpha * v
