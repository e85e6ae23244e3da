"""The second stage of Faster, Mask and Keypoint R-CNN: classes, boxes, masks and keypoints of proposals."""

from __future__ import annotations

from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from ...ops import boxes as box_ops
from ...ops import roi_align
from . import _host
from . import _utils as det_utils
from ._keypoints import heatmaps_to_keypoints, keypointrcnn_inference, keypointrcnn_loss, keypoints_to_heatmap

__all__ = [  # with what lives in `_keypoints`
    "RoIHeads", "fastrcnn_loss", "heatmaps_to_keypoints", "keypointrcnn_inference", "keypointrcnn_loss",
    "keypoints_to_heatmap", "maskrcnn_inference", "maskrcnn_loss", "paste_masks_in_image",
]  # fmt: skip

Boxes = list[Tensor]
Found = dict[str, Tensor]


# ---------------------------------------------------------------- boxes
def fastrcnn_loss(
    class_logits: Tensor, box_regression: Tensor, labels: Any, regression_targets: Any
) -> tuple[Tensor, Tensor]:
    """Cross entropy of the classes, and smooth L1 of the codes of what is an object, over the number of proposals."""
    label, target = torch.cat(list(labels), dim=0), torch.cat(list(regression_targets), dim=0)
    count = class_logits.shape[0]
    codes = box_regression.reshape(count, box_regression.size(-1) // 4, 4)
    codes = codes[torch.arange(count, device=codes.device), label.clamp(min=0)]
    each = F.smooth_l1_loss(codes, target, beta=1 / 9, reduction="none")
    box_loss = torch.where((label > 0)[:, None], each, torch.zeros_like(each)).sum() / label.numel()
    return F.cross_entropy(class_logits, label), box_loss


# ---------------------------------------------------------------- masks
def maskrcnn_inference(x: Tensor, labels: Boxes) -> tuple[Tensor, ...]:
    """For each image the probabilities ``(boxes, 1, M, M)`` of the masks of the found classes."""
    counts = [label.shape[0] for label in labels]
    label = torch.cat(labels)
    chosen = x.sigmoid()[torch.arange(x.shape[0], device=label.device), label][:, None]
    return chosen.split(counts, dim=0)


def project_masks_on_boxes(gt_masks: Tensor, boxes: Tensor, matched_idxs: Tensor, M: int) -> Tensor:
    """``(boxes, M, M)``: the part of each box's mask that lies in the box."""
    rois = torch.cat([matched_idxs.to(boxes)[:, None], boxes], dim=1)
    return roi_align(gt_masks[:, None].to(rois), rois, (M, M), 1.0)[:, 0]


def maskrcnn_loss(
    mask_logits: Tensor, proposals: Boxes, gt_masks: Boxes, gt_labels: Boxes, mask_matched_idxs: Boxes,
    valid: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Mean binary cross entropy of the mask of the true class; of the rows that are ``valid`` where that is given."""
    size = mask_logits.shape[-1]
    label = torch.cat([labels[idxs] for labels, idxs in zip(gt_labels, mask_matched_idxs)], dim=0)
    target = torch.cat(
        [project_masks_on_boxes(m, p, i, size) for m, p, i in zip(gt_masks, proposals, mask_matched_idxs)], dim=0
    )
    if target.numel() == 0:
        return mask_logits.sum() * 0
    logits = mask_logits[torch.arange(label.shape[0], device=label.device), label]
    if valid is None:
        return F.binary_cross_entropy_with_logits(logits, target)
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * valid[:, None, None]).sum() / (valid.sum() * size * size).clamp(min=1)


def expand_boxes(boxes: Tensor, scale: float) -> Tensor:
    """Boxes (corners) with the same centres and ``scale`` times the size."""
    center, half = (boxes[:, 2:] + boxes[:, :2]) * 0.5, (boxes[:, 2:] - boxes[:, :2]) * 0.5 * scale
    return torch.cat((center - half, center + half), dim=1)


def expand_masks(mask: Tensor, padding: int) -> tuple[Tensor, float]:
    """Masks with a border of zeros, and by how much they grew."""
    side = mask.shape[-1]
    return F.pad(mask, (padding,) * 4), float(side + 2 * padding) / side


def _resample(size: int, out: int) -> tuple[_host.Array, _host.Array, _host.Array]:
    """Bilinear places along one dim: lower and upper neighbour, and the weight of the upper one."""
    place = np.maximum(
        (np.arange(out, dtype=np.float32) + np.float32(0.5)) * np.float32(size / out) - np.float32(0.5), 0
    )
    low = np.minimum(place.astype(np.int64), size - 1)
    return low, np.minimum(low + 1, size - 1), (place - low).astype(np.float32)


def _pasted(mask: _host.Array, box: _host.Array, height: int, width: int) -> _host.Array:
    x1, y1, x2, y2 = (int(v) for v in box)
    wide, high = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    top, bottom, down = _resample(mask.shape[0], high)
    left, right, across = _resample(mask.shape[1], wide)
    rows = mask[top] * (1 - down)[:, None] + mask[bottom] * down[:, None]
    grown = rows[:, left] * (1 - across) + rows[:, right] * across
    image = np.zeros((height, width), mask.dtype)
    first_x, last_x, first_y, last_y = max(x1, 0), min(x2 + 1, width), max(y1, 0), min(y2 + 1, height)
    if first_x < last_x and first_y < last_y:
        image[first_y:last_y, first_x:last_x] = grown[first_y - y1 : last_y - y1, first_x - x1 : last_x - x1]
    return image


def paste_masks_in_image(masks: Tensor, boxes: Tensor, img_shape: tuple[int, int], padding: int = 1) -> Tensor:
    """``(boxes, 1, H, W)``: each mask enlarged to its box in an image of zeros."""
    grown, scale = expand_masks(masks, padding=padding)
    places = _host.values(expand_boxes(boxes, scale).to(dtype=torch.int64))
    height, width = (int(s) for s in img_shape)
    found = [_pasted(m[0], b, height, width) for m, b in zip(_host.values(grown), places)]
    if not found:
        return masks.new_empty((0, 1, height, width))
    return _host.tensor(np.stack(found)[:, None], masks)


# ---------------------------------------------------------------- heads
class RoIHeads(nn.Module):
    """Reads a feature of each proposal, tells its class, moves its box, and where asked for gives its mask.

    In training a fixed number of proposals is drawn for each image; in evaluation the proposals are padded to round
    numbers, so that few programs arise.
    """

    def __init__(
        self, box_roi_pool: nn.Module, box_head: nn.Module, box_predictor: nn.Module, fg_iou_thresh: float,
        bg_iou_thresh: float, batch_size_per_image: int, positive_fraction: float, bbox_reg_weights: Any,
        score_thresh: float, nms_thresh: float, detections_per_img: int, mask_roi_pool: nn.Module | None = None,
        mask_head: nn.Module | None = None, mask_predictor: nn.Module | None = None,
        keypoint_roi_pool: nn.Module | None = None, keypoint_head: nn.Module | None = None,
        keypoint_predictor: nn.Module | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.box_similarity = box_ops.box_iou
        self.proposal_matcher = det_utils.Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=False)
        self.fg_bg_sampler = det_utils.BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self.box_coder = det_utils.BoxCoder(bbox_reg_weights or (10.0, 10.0, 5.0, 5.0))
        self.box_roi_pool = box_roi_pool
        self.box_head = box_head
        self.box_predictor = box_predictor
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.mask_roi_pool = mask_roi_pool
        self.mask_head = mask_head
        self.mask_predictor = mask_predictor
        self.keypoint_roi_pool = keypoint_roi_pool
        self.keypoint_head = keypoint_head
        self.keypoint_predictor = keypoint_predictor

    def has_mask(self) -> bool:
        """Whether masks are asked for."""
        return None not in (self.mask_roi_pool, self.mask_head, self.mask_predictor)

    def has_keypoint(self) -> bool:
        """Whether keypoints are asked for."""
        return None not in (self.keypoint_roi_pool, self.keypoint_head, self.keypoint_predictor)

    def assign_targets_to_proposals(
        self, proposals: Boxes, gt_boxes: Boxes, gt_labels: Boxes
    ) -> tuple[list[Tensor], list[Tensor]]:
        """For each image which box every proposal belongs to, and its class (0 background, -1 neither)."""
        matched, labels = [], []
        for each, boxes, classes in zip(proposals, gt_boxes, gt_labels):
            index = label = np.zeros(each.shape[0], np.int64)
            if boxes.numel():
                found = self.proposal_matcher.match(_host.iou(_host.values(boxes), _host.values(each)))
                index = np.maximum(found, 0)
                label = _host.values(classes)[index].astype(np.int64)
                label[found == self.proposal_matcher.BELOW_LOW_THRESHOLD] = 0
                label[found == self.proposal_matcher.BETWEEN_THRESHOLDS] = -1
            matched.append(_host.tensor(index, each))
            labels.append(_host.tensor(label, each))
        return matched, labels

    def subsample(self, labels: list[Tensor]) -> list[Tensor]:
        """The places of the proposals drawn for each image."""
        found = zip(*self.fg_bg_sampler(labels))
        return [_host.tensor(np.flatnonzero(_host.values(p) | _host.values(n)), p) for p, n in found]

    def add_gt_proposals(self, proposals: Boxes, gt_boxes: Boxes) -> Boxes:
        """The true boxes behind the proposals."""
        pairs = zip(proposals, gt_boxes)
        return [_host.tensor(np.concatenate([_host.values(p), _host.values(g)]), p) for p, g in pairs]

    def check_targets(self, targets: list[Found] | None) -> None:
        """Raises ValueError unless every target has what the losses need."""
        if targets is None:
            raise ValueError("targets should not be None")
        for key in ("boxes", "labels", *(["masks"] if self.has_mask() else [])):
            if not all(key in t for t in targets):
                raise ValueError(f"Every element of targets should have a {key} key")

    def select_training_samples(
        self, proposals: Boxes, targets: list[Found] | None
    ) -> tuple[Boxes, list[Tensor], list[Tensor], Any]:
        """Drawn proposals, which box each belongs to, their classes, and the codes to learn."""
        self.check_targets(targets)
        assert targets is not None
        dtype = proposals[0].dtype
        gt_boxes = [t["boxes"].to(dtype) for t in targets]
        proposals = self.add_gt_proposals(proposals, gt_boxes)
        matched, labels = self.assign_targets_to_proposals(proposals, gt_boxes, [t["labels"] for t in targets])
        references = []
        for i, chosen in enumerate(self.subsample(labels)):
            places = _host.values(chosen)
            proposals[i], matched[i], labels[i] = (
                _host.tensor(_host.values(t)[places], chosen) for t in (proposals[i], matched[i], labels[i])
            )
            boxes = _host.values(gt_boxes[i])
            boxes = boxes if boxes.size else np.zeros((1, 4), boxes.dtype)
            references.append(_host.tensor(boxes[_host.values(matched[i])], chosen))
        return proposals, matched, labels, self.box_coder.encode(references, proposals)

    def postprocess_detections(
        self, class_logits: Tensor, box_regression: Tensor, proposals: Boxes, image_shapes: list[tuple[int, int]]
    ) -> tuple[Boxes, list[Tensor], list[Tensor]]:
        """The kept boxes of each image, best first, their scores and classes; rows past the proposals are ignored."""
        counts = [p.shape[0] for p in proposals]
        padded = _padded(proposals, class_logits.shape[0])
        boxes = self.box_coder.decode(box_regression, padded)
        scores = F.softmax(class_logits, -1)
        found: tuple[Boxes, list[Tensor], list[Tensor]] = ([], [], [])
        box_values, score_values = _host.values(boxes), _host.values(scores)
        classes, first = scores.shape[1], 0
        for count, size in zip(counts, image_shapes):
            rows = slice(first, first + count)
            box = _host.clipped(box_values[rows, 1:], size).reshape(-1, 4)
            score = score_values[rows, 1:].reshape(-1)
            label = np.tile(np.arange(1, classes), count)
            place = np.flatnonzero((score > self.score_thresh) & _host.large_enough(box, 1e-2))
            kept = box_ops.batched_nms(
                *(_host.tensor(a[place], boxes) for a in (box, score, label)), self.nms_thresh
            )  # fmt: skip
            place = place[_host.values(kept)[: self.detections_per_img]]
            flat = first * classes + place // (classes - 1) * classes + place % (classes - 1) + 1
            found[0].append(_picked(boxes.reshape(-1, 4), flat, box[place], size))
            found[1].append(_picked(scores.reshape(-1), flat, score[place]))
            found[2].append(_host.tensor(label[place].astype(np.int64), boxes))
            first += count
        return found

    def _mask_losses(
        self, features: Any, proposals: Boxes, matched: Any, labels: Any, shapes: Any, targets: Any
    ) -> Any:
        """The mask loss over the proposals that are objects, padded to a round number."""
        chosen, owners = _objects(proposals, matched, labels)
        count = sum(len(c) for c in chosen)
        rows = _host.rounded_up(count, 32)
        valid: Tensor | None = _host.tensor((np.arange(rows) < count).astype(np.float32), proposals[0])
        chosen = _padded(chosen, rows)
        spare = np.zeros(rows - count, np.int64)
        owners[-1] = _host.tensor(np.concatenate([_host.values(owners[-1]), spare]), owners[-1])
        logits = self.mask_predictor(self.mask_head(self.mask_roi_pool(features, chosen, shapes)))
        masks, classes = [t["masks"] for t in targets], [t["labels"] for t in targets]
        if any(len(m) == 0 for m in masks):
            keep = [i for i, m in enumerate(masks) if len(m)]
            if not keep:
                return logits.sum() * 0
            if len(masks) - 1 not in keep:
                logits, valid = logits[:count], None
                chosen[-1], owners[-1] = chosen[-1][:0], owners[-1][:0]
            masks, classes, chosen, owners = ([x[i] for i in keep] for x in (masks, classes, chosen, owners))
        return maskrcnn_loss(logits, chosen, masks, classes, owners, valid)

    def _masks(self, features: Any, result: list[Found], shapes: Any) -> None:
        """Enter the masks of the detections into the results."""
        boxes = [r["boxes"] for r in result]
        count = sum(len(b) for b in boxes)
        padded = _padded(boxes, _host.rounded_up(count, 32))
        logits = self.mask_predictor(self.mask_head(self.mask_roi_pool(features, padded, shapes)))[:count]
        for mask, r in zip(maskrcnn_inference(logits, [r["labels"] for r in result]), result):
            r["masks"] = mask

    def _keypoint_maps(self, features: Any, boxes: Boxes, shapes: Any) -> Tensor:
        """The maps of keypoints of boxes, their number rounded up."""
        padded = _padded(boxes, _host.rounded_up(sum(len(b) for b in boxes), 32))
        return self.keypoint_predictor(self.keypoint_head(self.keypoint_roi_pool(features, padded, shapes)))

    def _keypoints(self, features: Any, result: list[Found], shapes: Any) -> None:
        """Enter the keypoints of the detections into the results."""
        boxes = [r["boxes"] for r in result]
        maps = self._keypoint_maps(features, boxes, shapes)[: sum(len(b) for b in boxes)]
        for points, scores, r in zip(*keypointrcnn_inference(maps, boxes), result):
            r["keypoints"] = points
            r["keypoints_scores"] = scores

    def forward(
        self, features: dict[str, Tensor], proposals: Boxes, image_shapes: list[tuple[int, int]],
        targets: list[Found] | None = None,
    ) -> tuple[list[Found], dict[str, Tensor]]:  # fmt: skip
        _check_dtypes(targets, self.has_keypoint())
        if self.training:
            proposals, matched, labels, codes = self.select_training_samples(proposals, targets)
            padded = proposals
        else:
            padded = _padded(proposals, _host.rounded_up(sum(len(p) for p in proposals)))
        logits, regression = self.box_predictor(self.box_head(self.box_roi_pool(features, padded, image_shapes)))
        if self.training:
            loss_classifier, loss_box = fastrcnn_loss(logits, regression, labels, codes)
            losses = {"loss_classifier": loss_classifier, "loss_box_reg": loss_box}
            if self.has_mask():
                losses["loss_mask"] = self._mask_losses(features, proposals, matched, labels, image_shapes, targets)
            if self.has_keypoint() and targets is not None:
                chosen, owners = _objects(proposals, matched, labels)
                maps = self._keypoint_maps(features, chosen, image_shapes)
                points = [t["keypoints"] for t in targets]
                losses["loss_keypoint"] = keypointrcnn_loss(maps, chosen, points, owners)
            return [], losses
        found = zip(*self.postprocess_detections(logits, regression, proposals, image_shapes))
        result = [{"boxes": b, "labels": c, "scores": s} for b, s, c in found]
        if self.has_mask():
            self._masks(features, result, image_shapes)
        if self.has_keypoint():
            self._keypoints(features, result, image_shapes)
        return result, {}


def _check_dtypes(targets: list[Found] | None, keypoints: bool) -> None:
    for t in targets or []:
        if t["boxes"].dtype not in (torch.float, torch.double, torch.half):
            raise TypeError(f"target boxes must of float type, instead got {t['boxes'].dtype}")
        if t["labels"].dtype != torch.int64:
            raise TypeError(f"target labels must of int64 type, instead got {t['labels'].dtype}")
        if keypoints and t["keypoints"].dtype != torch.float32:
            raise TypeError(f"target keypoints must of float type, instead got {t['keypoints'].dtype}")


def _objects(proposals: Boxes, matched: list[Tensor], labels: list[Tensor]) -> tuple[Boxes, list[Tensor]]:
    """The proposals of each image that are objects, and which object each of them is."""
    chosen, owners = [], []
    for box, index, label in zip(proposals, matched, labels):
        place = np.flatnonzero(_host.values(label) > 0)
        chosen.append(_host.tensor(_host.values(box)[place], box))
        owners.append(_host.tensor(_host.values(index)[place], box))
    return chosen, owners


def _padded(boxes: Boxes, rows: int) -> Boxes:
    """The boxes with as many unit boxes behind those of the last image that there are ``rows`` in all."""
    missing = rows - sum(len(b) for b in boxes)
    if not missing:
        return list(boxes)
    last = _host.values(boxes[-1])
    spare = np.tile(np.array([0, 0, 1, 1], last.dtype), (missing, 1))
    return [*boxes[:-1], _host.tensor(np.concatenate([last, spare]), boxes[-1])]


def _picked(source: Tensor, places: _host.Array, found: _host.Array, size: Any = None) -> Tensor:
    """Rows of ``source``: through it where gradients are wanted, else the values that the host has already."""
    if not source.requires_grad:
        return _host.tensor(found, source)
    rows = source[_host.tensor(places, source)]
    return rows if size is None else box_ops.clip_boxes_to_image(rows, size)
