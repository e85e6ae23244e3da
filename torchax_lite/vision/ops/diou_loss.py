"""Distance IoU loss (Zheng et al. 2020)."""

from __future__ import annotations

from torchax_lite import Tensor

from ._utils import as_float, enclosing, paired_inter_union, reduce_loss


def distance_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """``1 - iou + (distance of centres / diagonal of the hull)^2`` of each pair of boxes ``(..., 4)`` as corners."""
    return reduce_loss(_diou_iou_loss(as_float(boxes1), as_float(boxes2), eps)[0], reduction)


def _diou_iou_loss(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> tuple[Tensor, Tensor]:
    """The loss of each pair, and its IoU."""
    inter, union = paired_inter_union(boxes1, boxes2)
    iou = inter / (union + eps)
    width, height = enclosing(boxes1, boxes2)
    x1, y1, x2, y2 = boxes1.unbind(dim=-1)
    u1, v1, u2, v2 = boxes2.unbind(dim=-1)
    apart = ((x2 + x1) / 2 - (u1 + u2) / 2) ** 2 + ((y2 + y1) / 2 - (v1 + v2) / 2) ** 2
    return 1 - iou + apart / (width**2 + height**2 + eps), iou
