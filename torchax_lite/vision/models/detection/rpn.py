"""Region proposals (Ren et al. 2015)."""

from __future__ import annotations

from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from ...ops import boxes as box_ops
from ...ops.misc import Conv2dNormActivation
from . import _host
from . import _utils as det_utils
from .anchor_utils import AnchorGenerator
from .image_list import ImageList


class RPNHead(nn.Module):
    """For every map the score of each anchor, and the codes that move it."""

    _version = 2

    def __init__(self, in_channels: int, num_anchors: int, conv_depth: int = 1) -> None:
        super().__init__()
        convs = [
            Conv2dNormActivation(in_channels, in_channels, kernel_size=3, norm_layer=None) for _ in range(conv_depth)
        ]
        self.conv = nn.Sequential(*convs)
        self.cls_logits = nn.Conv2d(in_channels, num_anchors, kernel_size=1, stride=1)
        self.bbox_pred = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=1, stride=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.01)
                if layer.bias is not None:
                    nn.init.constant_(layer.bias, 0)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
        if (local_metadata.get("version") or 1) < 2:  # the convolution was a bare one
            for kind in ("weight", "bias"):
                if f"{prefix}conv.{kind}" in state_dict:
                    state_dict[f"{prefix}conv.0.0.{kind}"] = state_dict.pop(f"{prefix}conv.{kind}")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        logits, codes = [], []
        for feature in x:
            t = self.conv(feature)
            logits.append(self.cls_logits(t))
            codes.append(self.bbox_pred(t))
        return logits, codes


def permute_and_flatten(layer: Tensor, N: int, A: int, C: int, H: int, W: int) -> Tensor:
    """``(N, A C, H, W)`` as ``(N, H W A, C)``."""
    return layer.view(N, -1, C, H, W).permute(0, 3, 4, 1, 2).reshape(N, -1, C)


def concat_box_prediction_layers(box_cls: list[Tensor], box_regression: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The maps of all levels as ``(N anchors, classes)`` and ``(N anchors, 4)``, image after image."""
    scores, codes = [], []
    for score, code in zip(box_cls, box_regression):
        n, channels, height, width = score.shape
        anchors = code.shape[1] // 4
        scores.append(permute_and_flatten(score, n, anchors, channels // anchors, height, width))
        codes.append(permute_and_flatten(code, n, anchors, 4, height, width))
    return torch.cat(scores, dim=1).flatten(0, -2), torch.cat(codes, dim=1).reshape(-1, 4)


class RegionProposalNetwork(nn.Module):
    """Scores and moves anchors, and keeps the best that do not overlap; in training also its losses.

    Args:
        anchor_generator, head: what gives anchors, and their scores and codes.
        fg_iou_thresh, bg_iou_thresh: an anchor is an object from the first on, background below the second.
        batch_size_per_image, positive_fraction: anchors drawn for the losses.
        pre_nms_top_n, post_nms_top_n: kept before (of each level) and after suppression, in "training" and "testing".
        nms_thresh: overlap that suppresses. score_thresh: least score.
    """

    def __init__(
        self, anchor_generator: AnchorGenerator, head: nn.Module, fg_iou_thresh: float, bg_iou_thresh: float,
        batch_size_per_image: int, positive_fraction: float, pre_nms_top_n: dict[str, int],
        post_nms_top_n: dict[str, int], nms_thresh: float, score_thresh: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.anchor_generator = anchor_generator
        self.head = head
        self.box_coder = det_utils.BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self.box_similarity = box_ops.box_iou
        self.proposal_matcher = det_utils.Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)
        self.fg_bg_sampler = det_utils.BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self._pre_nms_top_n = pre_nms_top_n
        self._post_nms_top_n = post_nms_top_n
        self.nms_thresh = nms_thresh
        self.score_thresh = score_thresh
        self.min_size = 1e-3

    def pre_nms_top_n(self) -> int:
        """Proposals of each level before suppression."""
        return self._pre_nms_top_n["training" if self.training else "testing"]

    def post_nms_top_n(self) -> int:
        """Proposals of an image after suppression."""
        return self._post_nms_top_n["training" if self.training else "testing"]

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """For each image the label of every anchor (1 object, 0 background, -1 neither) and the box that it belongs to."""
        labels, matched = [], []
        for each, target in zip(anchors, targets):
            boxes, places = _host.values(target["boxes"]), _host.values(each)
            label, box = np.zeros(len(places), np.float32), np.zeros(places.shape, np.float32)
            if boxes.size:
                found = self.proposal_matcher.match(_host.iou(boxes, places))
                box = boxes[np.maximum(found, 0)]
                label = (found >= 0).astype(np.float32)
                label[found == self.proposal_matcher.BETWEEN_THRESHOLDS] = -1.0
            labels.append(_host.tensor(label, each))
            matched.append(_host.tensor(box, each))
        return labels, matched

    def _get_top_n_idx(self, objectness: Tensor, num_anchors_per_level: list[int]) -> Tensor:
        found, offset = [], 0
        for scores in objectness.split(num_anchors_per_level, 1):
            count = min(self.pre_nms_top_n(), scores.shape[1])
            found.append(scores.topk(count, dim=1)[1] + offset)
            offset += scores.shape[1]
        return torch.cat(found, dim=1)

    def filter_proposals(
        self, proposals: Tensor, objectness: Tensor, image_shapes: list[tuple[int, int]],
        num_anchors_per_level: list[int],
    ) -> tuple[list[Tensor], list[Tensor]]:  # fmt: skip
        """The kept boxes of each image, best first, and their scores."""
        count = proposals.shape[0]
        objectness = objectness.detach().reshape(count, -1)
        chosen = self._get_top_n_idx(objectness, num_anchors_per_level)
        rows = torch.arange(count, device=proposals.device)[:, None]
        scores = torch.sigmoid(objectness[rows, chosen])
        boxes = proposals[rows, chosen]
        all_levels = np.repeat(np.arange(len(num_anchors_per_level)), num_anchors_per_level)
        found: tuple[list[Tensor], list[Tensor]] = ([], [])
        levels = all_levels[_host.values(chosen)]
        for box, score, level, size in zip(_host.values(boxes), _host.values(scores), levels, image_shapes):
            box = _host.clipped(box, size)
            kept = _host.large_enough(box, self.min_size) & (score >= self.score_thresh)
            box, score = _host.tensor(box[kept], boxes), _host.tensor(score[kept], boxes)
            best = box_ops.batched_nms(box, score, _host.tensor(level[kept], boxes), self.nms_thresh)
            order = _host.values(best)[: self.post_nms_top_n()]
            found[0].append(_host.tensor(_host.values(box)[order], boxes))
            found[1].append(_host.tensor(_host.values(score)[order], boxes))
        return found

    def compute_loss(
        self, objectness: Tensor, pred_bbox_deltas: Tensor, labels: list[Tensor], regression_targets: Any
    ) -> tuple[Tensor, Tensor]:
        """The losses of scores and codes over randomly drawn anchors."""
        positive, negative = self.fg_bg_sampler(labels)
        first, rest = (
            np.flatnonzero(np.concatenate([_host.values(m) for m in masks])) for masks in (positive, negative)
        )
        chosen = _host.tensor(np.concatenate([first, rest]), objectness)
        is_object = _host.tensor(np.arange(len(first) + len(rest)) < len(first), objectness)
        targets = torch.cat(list(regression_targets), dim=0)
        each = F.smooth_l1_loss(pred_bbox_deltas[chosen], targets[chosen], beta=1 / 9, reduction="none")
        box_loss = torch.where(is_object[:, None], each, torch.zeros_like(each)).sum() / chosen.numel()
        label = torch.cat(labels, dim=0)[chosen]
        return F.binary_cross_entropy_with_logits(objectness.flatten()[chosen], label), box_loss

    def forward(
        self, images: ImageList, features: dict[str, Tensor], targets: list[dict[str, Tensor]] | None = None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        maps = list(features.values())
        objectness, codes = self.head(maps)
        anchors = self.anchor_generator(images, maps)
        per_level = [int(np.prod(o[0].shape)) for o in objectness]
        objectness, codes = concat_box_prediction_layers(objectness, codes)
        proposals = self.box_coder.decode(codes.detach(), anchors).view(len(anchors), -1, 4)
        boxes, _ = self.filter_proposals(proposals, objectness, images.image_sizes, per_level)
        if not self.training:
            return boxes, {}
        if targets is None:
            raise ValueError("targets should not be None")
        labels, matched = self.assign_targets_to_anchors(anchors, targets)
        loss_objectness, loss_box = self.compute_loss(
            objectness, codes, labels, self.box_coder.encode(matched, anchors)
        )
        return boxes, {"loss_objectness": loss_objectness, "loss_rpn_box_reg": loss_box}
