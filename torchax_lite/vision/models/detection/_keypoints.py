"""Keypoints as heat maps over boxes, and back."""

from __future__ import annotations

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn import functional as F

from ..._kernels.resample import taps
from . import _host


def keypoints_to_heatmap(keypoints: Tensor, rois: Tensor, heatmap_size: int) -> tuple[Tensor, Tensor]:
    """For each keypoint ``(N, K, 3)`` its place in the map of its box, and whether it is visible and inside (0 or 1)."""
    place, inside = _places(_host.values(keypoints), _host.values(rois), heatmap_size)
    return _host.tensor(place, keypoints), _host.tensor(inside, keypoints)


def _places(points: _host.Array, boxes: _host.Array, size: int) -> tuple[_host.Array, _host.Array]:
    found = []
    inside = points[..., 2] > 0
    for axis in range(2):
        low, high = boxes[:, axis, None], boxes[:, axis + 2, None]
        at = points[..., axis]
        with np.errstate(all="ignore"):
            cell = np.floor((at - low) * (np.float32(size) / (high - low))).astype(np.int64)
        cell = np.where(at == high, size - 1, cell)
        inside = inside & (cell >= 0) & (cell < size)
        found.append(cell)
    return (found[1] * size + found[0]) * inside, inside.astype(np.int64)


def _enlarged(maps: _host.Array, height: int, width: int) -> _host.Array:
    """``(K, height, width)``: maps resized by cubic convolution."""
    for axis, size in ((1, height), (2, width)):
        index, weights = taps(maps.shape[axis], size, "bicubic", False)
        parts = [
            maps.take(index[:, i], axis) * weights[:, i].astype(maps.dtype)[:, *[None] * (2 - axis)]
            for i in range(index.shape[1])
        ]
        maps = sum(parts[1:], parts[0])
    return maps


def heatmaps_to_keypoints(maps: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
    """The highest place of each map ``(N, K, H, W)``, in image coordinates ``(N, K, 3)`` (x, y, 1), and its height."""
    values, boxes = _host.values(maps), _host.values(rois)
    points = np.ones((len(boxes), maps.shape[1], 3), np.float32)
    scores = np.zeros(points.shape[:2], np.float32)
    sizes = np.maximum(boxes[:, 2:] - boxes[:, :2], 1)
    for i, (size, box) in enumerate(zip(sizes, boxes, strict=True)):
        width, height = (int(n) for n in np.ceil(size))
        grown = _enlarged(values[i], height, width).reshape(len(values[i]), -1)
        at = grown.argmax(1)
        step = size / np.array([width, height], np.float32)
        points[i, :, :2] = (np.stack([at % width, at // width], 1).astype(np.float32) + np.float32(0.5)) * step + box[
            :2
        ]
        scores[i] = grown[np.arange(len(at)), at]
    return _host.tensor(points, maps), _host.tensor(scores, maps)


def keypointrcnn_loss(
    keypoint_logits: Tensor, proposals: list[Tensor], gt_keypoints: list[Tensor], keypoint_matched_idxs: list[Tensor]
) -> Tensor:
    """Mean cross entropy over the cells of a box's map, of the keypoints that are visible and inside it.

    Rows of ``keypoint_logits`` past the proposals count for nothing.
    """
    rows, points, height, width = keypoint_logits.shape
    if height != width:
        raise ValueError(
            "keypoint_logits height and width (last two elements of shape) should be equal. Instead got H = "
            f"{height} and W = {width}"
        )
    wanted, counted = np.zeros((rows, points), np.int64), np.zeros((rows, points), np.int64)
    first = 0
    for boxes, keypoints, matched in zip(proposals, gt_keypoints, keypoint_matched_idxs, strict=True):
        here = slice(first, first + len(boxes))
        first += len(boxes)
        if len(boxes):
            chosen = _host.values(keypoints)[_host.values(matched)]
            wanted[here], counted[here] = _places(chosen, _host.values(boxes), height)
    if not counted.any():
        return keypoint_logits.sum() * 0
    logits = keypoint_logits.reshape(rows * points, height * width)
    each = F.cross_entropy(logits, _host.tensor(wanted.reshape(-1), logits), reduction="none")
    valid = _host.tensor(counted.reshape(-1) > 0, logits)
    return torch.where(valid, each, torch.zeros_like(each)).sum() / int(counted.sum())


def keypointrcnn_inference(x: Tensor, boxes: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """For each image the keypoints of its boxes, and their scores."""
    pairs = [heatmaps_to_keypoints(m, b) for m, b in zip(x.split([len(b) for b in boxes], dim=0), boxes, strict=True)]
    return [p for p, _ in pairs], [s for _, s in pairs]
