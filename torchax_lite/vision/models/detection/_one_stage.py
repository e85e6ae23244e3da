"""What the one-stage models share: from images to maps, and from candidates to detections."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ...ops import boxes as box_ops
from ...ops.feature_pyramid_network import LastLevelP6P7
from . import _host
from .faster_rcnn import resnet50_v1
from .generalized_rcnn import check_box_sizes, check_target_boxes, original_sizes
from .image_list import ImageList
from .rpn import permute_and_flatten

Targets = list[dict[str, Tensor]] | None
Sizes = list[tuple[int, int]]


def maps_of(
    model: nn.Module, images: list[Tensor], targets: Targets
) -> tuple[list[Tensor], ImageList, Targets, Sizes]:  # fmt: skip
    """Feature maps of images, the batch that they come from, its targets, and the images' sizes before.

    Raises:
        AssertionError: targets that cannot be trained on.
    """
    if model.training:
        check_target_boxes(targets)
    sizes = original_sizes(images)
    batch, targets = model.transform(images, targets)
    check_box_sizes(targets)
    features = model.backbone(batch.tensors)
    return [features] if isinstance(features, Tensor) else list(features.values()), batch, targets, sizes


def flattened(out: Tensor, numbers: int) -> Tensor:
    """``(N, places * anchors, numbers)`` of a map ``(N, anchors * numbers, H, W)``."""
    n, _, height, width = out.shape
    return permute_and_flatten(out, n, -1, numbers, height, width)


def kept(
    pieces: list[tuple[_host.Array, _host.Array, _host.Array]], like: Tensor, nms_thresh: float, most: int
) -> dict[str, Tensor]:
    """The detections of one image: candidates (boxes, scores, labels) without those that overlap better ones."""
    joined = [_host.tensor(np.concatenate(part), like) for part in zip(*pieces, strict=True)]
    chosen = _host.values(box_ops.batched_nms(*joined, nms_thresh))[:most]
    parts = dict(zip(("boxes", "scores", "labels"), joined, strict=True))
    return {k: _host.tensor(_host.values(v)[chosen], v) for k, v in parts.items()}


def candidates(
    model: nn.Module, box: _host.Array, score: _host.Array, classes: int, size: tuple[int, int]
) -> tuple[_host.Array, _host.Array, _host.Array]:
    """Boxes (inside an image), scores and labels of the best scores of one level, of all its places and classes."""
    place = best(score, model.score_thresh, model.topk_candidates)
    return _host.clipped(box[place // classes], size), score[place], place % classes


def detections(
    model: nn.Module,
    outputs: dict[str, Tensor],
    anchors: list[Tensor],
    counts: list[int],
    batch: ImageList,
    sizes: Sizes,
) -> Any:
    """Detections in the images as they came, from the outputs of levels of ``counts`` anchors each."""
    split = {k: list(v.split(counts, dim=1)) for k, v in outputs.items()}
    levels = [list(a.split(counts)) for a in anchors]
    found = model.postprocess_detections(split, levels, batch.image_sizes)
    return model.transform.postprocess(found, batch.image_sizes, sizes)


def boxes_of_matches(found: _host.Array, target: dict[str, Tensor], places: Tensor) -> _host.Array:
    """The object's box for each anchor that has one; the others get themselves, so that their loss, left out, is finite."""
    boxes = _host.values(places).copy()
    boxes[found >= 0] = _host.values(target["boxes"])[found[found >= 0]]
    return boxes


def resnet50_pyramid(weights: Any, weights_backbone: Any, progress: bool, trainable_layers: int | None) -> nn.Module:
    """A ResNet-50 with a pyramid over its last three stages and two further levels."""
    trained = weights is not None or weights_backbone is not None
    return resnet50_v1(
        weights_backbone, progress, trained, trainable_layers, returned_layers=[2, 3, 4],
        extra_blocks=partial(LastLevelP6P7, 256, 256),
    )  # fmt: skip


def masked_sum(mask: _host.Array, each: Tensor) -> Tensor:
    """Sum of the entries of ``each`` (of any further dims) where a mask of the host is set."""
    chosen = _host.tensor(mask.reshape(mask.shape + (1,) * (each.ndim - mask.ndim)), each)
    return torch.where(chosen, each, torch.zeros_like(each)).sum()


def best(scores: _host.Array, threshold: float, most: int) -> _host.Array:
    """Places of the largest scores above a threshold, the largest first."""
    place = np.flatnonzero(scores > threshold)
    return place[np.argsort(-scores[place], kind="stable")[:most]]


def check_backbone(backbone: Any) -> None:
    """Raises ValueError for a backbone that does not tell its channels."""
    if not hasattr(backbone, "out_channels"):
        raise ValueError(
            "backbone should contain an attribute out_channels specifying the number of output channels (assumed to "
            "be the same for all the levels)"
        )
