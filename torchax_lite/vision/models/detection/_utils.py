"""Matching, sampling and encoding of boxes."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from ...ops import FrozenBatchNorm2d, complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss
from . import _host


class BalancedPositiveNegativeSampler:
    """A random choice of ``batch_size_per_image`` entries, at most ``positive_fraction`` of them with a label above 0."""

    def __init__(self, batch_size_per_image: int, positive_fraction: float) -> None:
        self.batch_size_per_image = batch_size_per_image
        self.positive_fraction = positive_fraction

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """For each image, which entries (uint8) were chosen of those with a label of at least 1, and of those with 0."""
        chosen: tuple[list[Tensor], list[Tensor]] = ([], [])
        for labels in matched_idxs:
            found = _host.values(labels)
            positive, negative = np.flatnonzero(found >= 1), np.flatnonzero(found == 0)
            count = min(len(positive), int(self.batch_size_per_image * self.positive_fraction))
            rest = min(len(negative), self.batch_size_per_image - count)
            for places, number, into in ((positive, count, chosen[0]), (negative, rest, chosen[1])):
                order = torch.randperm(len(places), device=labels.device)._host_array()[:number]
                mask = np.zeros(found.shape, np.uint8)
                mask[places[order]] = 1
                into.append(_host.tensor(mask, labels))
        return chosen


def encode_boxes(reference_boxes: Tensor, proposals: Tensor, weights: Tensor) -> Tensor:
    """``(N, 4)`` what moves each proposal onto its reference: shifts in sizes of the proposal, logs of size ratios."""
    size, size_of_reference = proposals[:, 2:] - proposals[:, :2], reference_boxes[:, 2:] - reference_boxes[:, :2]
    center = proposals[:, :2] + 0.5 * size
    center_of_reference = reference_boxes[:, :2] + 0.5 * size_of_reference
    shift = weights[:2] * (center_of_reference - center) / size
    return torch.cat((shift, weights[2:] * torch.log(size_of_reference / size)), dim=1)


class BoxCoder:
    """Boxes as codes relative to other boxes, and back; ``weights`` multiply the codes."""

    def __init__(
        self, weights: tuple[float, float, float, float], bbox_xform_clip: float = math.log(1000.0 / 16)
    ) -> None:
        self.weights = weights
        self.bbox_xform_clip = bbox_xform_clip

    def encode(self, reference_boxes: list[Tensor], proposals: list[Tensor]) -> tuple[Tensor, ...]:
        """The codes of each image."""
        counts = [len(b) for b in reference_boxes]
        codes = self.encode_single(torch.cat(reference_boxes, dim=0), torch.cat(proposals, dim=0))
        return codes.split(counts, 0)

    def encode_single(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """The codes ``(N, 4)`` of boxes relative to proposals."""
        weights = torch.as_tensor(self.weights, dtype=reference_boxes.dtype, device=reference_boxes.device)
        return encode_boxes(reference_boxes, proposals, weights)

    def decode(self, rel_codes: Tensor, boxes: list[Tensor]) -> Tensor:
        """``(boxes, classes, 4)``: the boxes of codes relative to the boxes of all images."""
        torch._assert(isinstance(boxes, (list, tuple)), "This function expects boxes of type list or tuple.")
        torch._assert(isinstance(rel_codes, Tensor), "This function expects rel_codes of type torch.Tensor.")
        count = sum(b.size(0) for b in boxes)
        joined = torch.cat(boxes, dim=0)
        if count == 0:
            return self.decode_single(rel_codes, joined)
        return self.decode_single(rel_codes.reshape(count, -1), joined).reshape(count, -1, 4)

    def decode_single(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """``(N, 4 * classes)``: the boxes of codes relative to boxes ``(N, 4)``."""
        boxes = boxes.to(rel_codes.dtype)
        size = boxes[:, None, 2:] - boxes[:, None, :2]
        center = boxes[:, None, :2] + 0.5 * size
        codes = rel_codes.reshape(rel_codes.shape[0], rel_codes.shape[1] // 4, 4)
        weights = torch.as_tensor(self.weights, dtype=codes.dtype, device=codes.device)
        codes = codes / weights
        moved = codes[..., :2] * size + center
        half = 0.5 * (torch.exp(torch.clamp(codes[..., 2:], max=self.bbox_xform_clip)) * size)
        return torch.cat((moved - half, moved + half), dim=-1).flatten(1)


class BoxLinearCoder:
    """Boxes as distances of their four sides from the centre of another box, in its sizes if ``normalize_by_size``."""

    def __init__(self, normalize_by_size: bool = True) -> None:
        self.normalize_by_size = normalize_by_size

    def _centre_and_size(self, boxes: Tensor) -> tuple[Tensor, Tensor]:
        return 0.5 * (boxes[..., :2] + boxes[..., 2:]), boxes[..., 2:] - boxes[..., :2]

    def encode(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """The codes ``(..., 4)`` (left, top, right, bottom) of proposals relative to reference boxes."""
        centre, size = self._centre_and_size(reference_boxes)
        codes = torch.cat((centre - proposals[..., :2], proposals[..., 2:] - centre), dim=-1)
        return codes / torch.cat((size, size), dim=-1) if self.normalize_by_size else codes

    def decode(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """The boxes ``(..., 4)`` of codes relative to boxes."""
        centre, size = self._centre_and_size(boxes.to(dtype=rel_codes.dtype))
        if self.normalize_by_size:
            rel_codes = rel_codes * torch.cat((size, size), dim=-1)
        return torch.cat((centre - rel_codes[..., :2], centre + rel_codes[..., 2:]), dim=-1)


class Matcher:
    """Which reference each proposal belongs to, by a matrix ``(references, proposals)`` of qualities.

    A proposal gets the best reference where that reaches ``high_threshold``, -2 where it reaches ``low_threshold``, else
    -1. With ``allow_low_quality_matches`` the best proposals of every reference keep theirs whatever the quality.
    """

    BELOW_LOW_THRESHOLD = -1
    BETWEEN_THRESHOLDS = -2

    def __init__(self, high_threshold: float, low_threshold: float, allow_low_quality_matches: bool = False) -> None:
        torch._assert(low_threshold <= high_threshold, "low_threshold should be <= high_threshold")
        self.high_threshold = high_threshold
        self.low_threshold = low_threshold
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        return _host.tensor(self.match(_host.values(match_quality_matrix)), match_quality_matrix)

    def match(self, quality: _host.Array) -> _host.Array:
        """The same for arrays.

        Raises:
            ValueError: there is no reference, or no proposal.
        """
        if quality.size == 0:
            kind = "ground-truth" if quality.shape[0] == 0 else "proposal"
            raise ValueError(f"No {kind} boxes available for one of the images during training")
        best = quality.argmax(0).astype(np.int64)
        top = quality.max(0)
        found = np.where(top < self.low_threshold, self.BELOW_LOW_THRESHOLD, best)
        found = np.where((top >= self.low_threshold) & (top < self.high_threshold), self.BETWEEN_THRESHOLDS, found)
        if self.allow_low_quality_matches:
            kept = (quality == quality.max(1, keepdims=True)).any(0)
            found = np.where(kept, best, found)
        return found


class SSDMatcher(Matcher):
    """A Matcher with one threshold, after which the best proposal of every reference is that reference's."""

    def __init__(self, threshold: float) -> None:
        super().__init__(threshold, threshold, allow_low_quality_matches=False)

    def match(self, quality: _host.Array) -> _host.Array:
        found = super().match(quality)
        found[quality.argmax(1)] = np.arange(len(quality))
        return found


def overwrite_eps(model: nn.Module, eps: float) -> None:
    """Another ``eps`` for every FrozenBatchNorm2d: some published weights were trained with 0."""
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = eps


def retrieve_out_channels(model: nn.Module, size: tuple[int, int]) -> list[int]:
    """Numbers of channels of the maps that a backbone gives for an image of ``size`` (width, height)."""
    training = model.training
    model.eval()
    with torch.no_grad():
        features = model(torch.zeros((1, 3, size[1], size[0]), device=next(model.parameters()).device))
    if isinstance(features, Tensor):
        features = OrderedDict([("0", features)])
    if training:
        model.train()
    return [x.size(1) for x in features.values()]


def _topk_min(input: Tensor, orig_kval: int, axis: int) -> int:
    return min(orig_kval, input.size(axis))


def _box_loss(
    type: str, box_coder: BoxCoder, anchors_per_image: Tensor, matched_gt_boxes_per_image: Tensor,
    bbox_regression_per_image: Tensor, cnf: dict[str, float] | None = None, reduction: str = "sum",
) -> Tensor:  # fmt: skip
    """Sum over boxes of the loss called ``type``: "l1", "smooth_l1" of the codes, "ciou", "diou", "giou" of the boxes."""
    torch._assert(type in ["l1", "smooth_l1", "ciou", "diou", "giou"], f"Unsupported loss: {type}")
    cnf = cnf or {}
    if type in ("l1", "smooth_l1"):
        target = box_coder.encode_single(matched_gt_boxes_per_image, anchors_per_image)
        if type == "l1":
            return F.l1_loss(bbox_regression_per_image, target, reduction=reduction)
        return F.smooth_l1_loss(bbox_regression_per_image, target, reduction=reduction, beta=cnf.get("beta", 1.0))
    boxes = box_coder.decode_single(bbox_regression_per_image, anchors_per_image)
    loss: Any = {"ciou": complete_box_iou_loss, "diou": distance_box_iou_loss, "giou": generalized_box_iou_loss}[type]
    return loss(boxes, matched_gt_boxes_per_image, reduction=reduction, eps=cnf.get("eps", 1e-7))
