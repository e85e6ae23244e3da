"""Complete IoU loss (Zheng et al. 2020)."""

from __future__ import annotations

import math

import torchax_lite as torch
from torchax_lite import Tensor

from ._utils import as_float, reduce_loss
from .diou_loss import _diou_iou_loss


def complete_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """The distance IoU loss plus ``alpha v``, where ``v`` compares the boxes' aspect ratios."""
    boxes1, boxes2 = as_float(boxes1), as_float(boxes2)
    loss, iou = _diou_iou_loss(boxes1, boxes2)
    x1, y1, x2, y2 = boxes1.unbind(dim=-1)
    u1, v1, u2, v2 = boxes2.unbind(dim=-1)
    shape = torch.atan((u2 - u1) / (v2 - v1)) - torch.atan((x2 - x1) / (y2 - y1))
    v = (4 / math.pi**2) * torch.pow(shape, 2)
    with torch.no_grad():
        alpha = v / (1 - iou + v + eps)
    return reduce_loss(loss + alpha * v, reduction)
