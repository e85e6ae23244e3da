"""Decisions about boxes on the host: which match, which are sampled, which are kept.

How many there are depends on values, so in a compiled program they would give it a new shape at every step. They carry
no gradient and are few; so they are made with NumPy, and what they pick goes on in shapes that stay.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from torchax_lite import Tensor
from torchax_lite.composite.registry import from_host

Array = np.ndarray[Any, Any]


def values(t: Tensor) -> Array:
    """The values of a tensor (runs what is pending)."""
    return t.detach()._host_array()


def tensor(array: Array, like: Tensor) -> Tensor:
    """A tensor of these values on the device of ``like``."""
    return from_host(np.ascontiguousarray(array), like)


def area(boxes: Array) -> Array:
    """Areas of boxes (corners)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def iou(boxes1: Array, boxes2: Array) -> Array:
    """``(N, M)`` intersection over union of every pair."""
    low = np.maximum(boxes1[:, None, :2], boxes2[None, :, :2])
    high = np.minimum(boxes1[:, None, 2:], boxes2[None, :, 2:])
    size = np.maximum(high - low, 0)
    inter = size[..., 0] * size[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return inter / (area(boxes1)[:, None] + area(boxes2)[None] - inter)


def clipped(boxes: Array, size: tuple[int, int]) -> Array:
    """Boxes ``(..., 4)`` cut at the borders of an image (height, width)."""
    high = np.array([size[1], size[0], size[1], size[0]], boxes.dtype)
    return np.clip(boxes, 0, high)


def large_enough(boxes: Array, min_size: float) -> Array:
    """Which boxes have both sides of at least ``min_size``."""
    return (boxes[:, 2] - boxes[:, 0] >= min_size) & (boxes[:, 3] - boxes[:, 1] >= min_size)


def rounded_up(count: int, step: int = 128) -> int:
    """The number of rows that ``count`` rows are padded to, so that few programs arise."""
    return max(1, -(-count // step)) * step
