"""Generalised IoU loss (Rezatofighi et al. 2019)."""

from __future__ import annotations

from torchax_lite import Tensor

from ._utils import as_float, enclosing, paired_inter_union, reduce_loss


def generalized_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """``1 - (iou - (hull - union) / hull)`` of each pair of boxes ``(..., 4)`` as corners."""
    boxes1, boxes2 = as_float(boxes1), as_float(boxes2)
    inter, union = paired_inter_union(boxes1, boxes2)
    width, height = enclosing(boxes1, boxes2)
    hull = width * height
    return reduce_loss(1 - (inter / (union + eps) - (hull - union) / (hull + eps)), reduction)
