"""FCOS (Tian et al. 2019)."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from ...ops import generalized_box_iou_loss, sigmoid_focal_loss
from .._utils import Layer, composed, resolve, with_weights
from .._weights import weights_enum
from ..resnet import ResNet50_Weights
from . import _host
from . import _one_stage as one_stage
from . import _utils as det_utils
from .anchor_utils import AnchorGenerator
from .transform import GeneralizedRCNNTransform

__all__ = ["FCOS", "FCOS_ResNet50_FPN_Weights", "fcos_resnet50_fpn"]


class FCOSHead(nn.Module):
    """Both heads: classes, and boxes with how central each place is in its box."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, num_convs: int | None = 4) -> None:
        super().__init__()
        count = 4 if num_convs is None else num_convs
        self.box_coder = det_utils.BoxLinearCoder(normalize_by_size=True)
        self.classification_head = FCOSClassificationHead(in_channels, num_anchors, num_classes, count)
        self.regression_head = FCOSRegressionHead(in_channels, num_anchors, count)

    def _references(
        self, targets: list[dict[str, Tensor]], anchors: list[Tensor], matched_idxs: list[Tensor]
    ) -> tuple[_host.Array, _host.Array]:
        """The class of each anchor (-1: none), and its box; anchors without one get themselves."""
        classes, boxes = [], []
        for target, places, matched in zip(targets, anchors, matched_idxs, strict=True):
            found = _host.values(matched)
            label = np.full(found.shape, -1, np.int64)
            is_object = found >= 0
            label[is_object] = _host.values(target["labels"])[found[is_object]]
            classes.append(label)
            boxes.append(one_stage.boxes_of_matches(found, target, places))
        return np.stack(classes), np.stack(boxes)

    def compute_loss(
        self, targets: list[dict[str, Tensor]], head_outputs: dict[str, Tensor], anchors: list[Tensor],
        matched_idxs: list[Tensor],
    ) -> dict[str, Tensor]:  # fmt: skip
        """Focal loss of the classes, GIoU of the boxes, cross entropy of the centredness; over the number of objects."""
        logits, codes = head_outputs["cls_logits"], head_outputs["bbox_regression"]
        labels, boxes = self._references(targets, anchors, matched_idxs)
        is_object = labels >= 0
        count = max(1, int(is_object.sum()))
        numbers = torch.arange(logits.shape[-1], device=logits.device)
        wanted = (numbers == _host.tensor(labels, logits)[..., None]).to(logits.dtype)
        places, references = torch.stack(anchors), _host.tensor(boxes, codes)
        overlap = generalized_box_iou_loss(self.box_coder.decode(codes, places), references, reduction="none")
        sides = _host.values(self.box_coder.encode(places, references))
        across, down = sides[..., ::2], sides[..., 1::2]
        with np.errstate(all="ignore"):
            centred = np.sqrt((across.min(-1) / across.max(-1)) * (down.min(-1) / down.max(-1)))
        target = _host.tensor(np.where(is_object, centred, 0).astype(sides.dtype), codes)
        middle = F.binary_cross_entropy_with_logits(head_outputs["bbox_ctrness"].squeeze(2), target, reduction="none")
        return {
            "classification": sigmoid_focal_loss(logits, wanted, reduction="sum") / count,
            "bbox_regression": one_stage.masked_sum(is_object, overlap) / count,
            "bbox_ctrness": one_stage.masked_sum(is_object, middle) / count,
        }

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        logits = self.classification_head(x)
        codes, centredness = self.regression_head(x)
        return {"cls_logits": logits, "bbox_regression": codes, "bbox_ctrness": centredness}


def _tower(in_channels: int, count: int, norm_layer: Layer | None) -> nn.Sequential:
    """``count`` times a 3 x 3 convolution, normalisation and ReLU."""
    norm_layer = norm_layer or partial(nn.GroupNorm, 32)
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [nn.Conv2d(in_channels, in_channels, 3, stride=1, padding=1), norm_layer(in_channels), nn.ReLU()]
    return nn.Sequential(*layers)


def _initialise(layers: Any) -> None:
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)


class FCOSClassificationHead(nn.Module):
    """Logits of the classes at every place."""

    def __init__(
        self, in_channels: int, num_anchors: int, num_classes: int, num_convs: int = 4,
        prior_probability: float = 0.01, norm_layer: Layer | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_classes = num_classes
        self.num_anchors = num_anchors
        self.conv = _tower(in_channels, num_convs, norm_layer)
        _initialise(self.conv.children())
        self.cls_logits = nn.Conv2d(in_channels, num_anchors * num_classes, kernel_size=3, stride=1, padding=1)
        nn.init.normal_(self.cls_logits.weight, std=0.01)
        nn.init.constant_(self.cls_logits.bias, -math.log((1 - prior_probability) / prior_probability))

    def forward(self, x: list[Tensor]) -> Tensor:
        return torch.cat([one_stage.flattened(self.cls_logits(self.conv(f)), self.num_classes) for f in x], dim=1)


class FCOSRegressionHead(nn.Module):
    """Distances to the four sides of the box at every place, and the logit of its centredness."""

    def __init__(self, in_channels: int, num_anchors: int, num_convs: int = 4, norm_layer: Layer | None = None) -> None:
        super().__init__()
        self.conv = _tower(in_channels, num_convs, norm_layer)
        self.bbox_reg = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=3, stride=1, padding=1)
        self.bbox_ctrness = nn.Conv2d(in_channels, num_anchors * 1, kernel_size=3, stride=1, padding=1)
        _initialise([self.bbox_reg, self.bbox_ctrness])
        _initialise(self.conv.children())

    def forward(self, x: list[Tensor]) -> tuple[Tensor, Tensor]:
        codes, centredness = [], []
        for features in x:
            inner = self.conv(features)
            codes.append(one_stage.flattened(F.relu(self.bbox_reg(inner)), 4))
            centredness.append(one_stage.flattened(self.bbox_ctrness(inner), 1))
        return torch.cat(codes, dim=1), torch.cat(centredness, dim=1)


class FCOS(nn.Module):
    """One-stage detection without anchor shapes, on any backbone that has ``out_channels`` and gives maps.

    Args:
        center_sampling_radius: a place belongs to a box if it is this many strides from its centre at most.
        score_thresh, nms_thresh, topk_candidates, detections_per_img: of the choice of detections.
        kwargs: for the transform of images.
    """

    def __init__(
        self, backbone: nn.Module, num_classes: int, min_size: int = 800, max_size: int = 1333,
        image_mean: list[float] | None = None, image_std: list[float] | None = None,
        anchor_generator: AnchorGenerator | None = None, head: nn.Module | None = None,
        center_sampling_radius: float = 1.5, score_thresh: float = 0.2, nms_thresh: float = 0.6,
        detections_per_img: int = 100, topk_candidates: int = 1000, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        one_stage.check_backbone(backbone)
        self.backbone = backbone
        if not isinstance(anchor_generator, (AnchorGenerator, type(None))):
            raise TypeError(
                f"anchor_generator should be of type AnchorGenerator or None, instead  got {type(anchor_generator)}"
            )
        if anchor_generator is None:
            sizes = ((8,), (16,), (32,), (64,), (128,))
            anchor_generator = AnchorGenerator(sizes, ((1.0,),) * len(sizes))
        self.anchor_generator = anchor_generator
        count = anchor_generator.num_anchors_per_location()[0]
        if count != 1:
            raise ValueError(f"anchor_generator.num_anchors_per_location()[0] should be 1 instead of {count}")
        self.head = FCOSHead(backbone.out_channels, count, num_classes) if head is None else head
        self.box_coder = det_utils.BoxLinearCoder(normalize_by_size=True)
        self.transform = GeneralizedRCNNTransform(
            min_size, max_size, image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225], **kwargs
        )
        self.center_sampling_radius = center_sampling_radius
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.topk_candidates = topk_candidates
        self._has_warned = False

    def _match(self, places: _host.Array, boxes: _host.Array, counts: list[int]) -> _host.Array:
        """Which box each anchor belongs to, -1 for none: the smallest one that it is near the centre of, inside of, and
        of the right size for its level."""
        if not boxes.size:
            return np.full(len(places), -1, np.int64)
        f = np.float32
        here, there = (places[:, :2] + places[:, 2:]) / f(2), (boxes[:, :2] + boxes[:, 2:]) / f(2)
        size = places[:, 2] - places[:, 0]
        fits = np.abs(here[:, None] - there[None]).max(2) < f(self.center_sampling_radius) * size[:, None]
        sides = np.concatenate([here[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - here[:, None]], 2)
        low, high = size * f(4), size * f(8)
        low[: counts[0]] = 0
        high[-counts[-1] :] = np.inf
        longest = sides.max(2)
        fits &= (sides.min(2) > 0) & (longest > low[:, None]) & (longest < high[:, None])
        small = fits * (f(1e8) - _host.area(boxes)[None]).astype(f)
        return np.where(small.max(1) < f(1e-5), -1, small.argmax(1))

    def compute_loss(
        self, targets: list[dict[str, Tensor]], head_outputs: dict[str, Tensor], anchors: list[Tensor],
        num_anchors_per_level: list[int],
    ) -> dict[str, Tensor]:  # fmt: skip
        """The losses of the head."""
        matched = []
        for places, target in zip(anchors, targets, strict=True):
            found = self._match(_host.values(places), _host.values(target["boxes"]), num_anchors_per_level)
            matched.append(_host.tensor(found, places))
        return self.head.compute_loss(targets, head_outputs, anchors, matched)

    def postprocess_detections(
        self, head_outputs: dict[str, list[Tensor]], anchors: list[list[Tensor]], image_shapes: list[tuple[int, int]]
    ) -> list[dict[str, Tensor]]:
        """The kept boxes of each image, best first, their scores and classes."""
        names = ("cls_logits", "bbox_regression", "bbox_ctrness")
        detections = []
        for i, size in enumerate(image_shapes):
            pieces = []
            for *maps, places in zip(*(head_outputs[name] for name in names), anchors[i], strict=True):
                logit, code, centred = (m[i] for m in maps)
                score = _host.values(torch.sqrt(torch.sigmoid(logit) * torch.sigmoid(centred)).flatten())
                box = _host.values(self.box_coder.decode(code, places))
                pieces.append(one_stage.candidates(self, box, score, logit.shape[-1], size))
            like = head_outputs["cls_logits"][0]
            detections.append(one_stage.kept(pieces, like, self.nms_thresh, self.detections_per_img))
        return detections

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        """Losses by name in training, else for each image its "boxes", "scores" and "labels"."""
        maps, batch, targets, sizes = one_stage.maps_of(self, images, targets)
        outputs = self.head(maps)
        anchors = self.anchor_generator(batch, maps)
        counts = [m.size(2) * m.size(3) for m in maps]
        if self.training:
            return self.compute_loss(targets, outputs, anchors, counts)
        return one_stage.detections(self, outputs, anchors, counts, batch, sizes)


FCOS_ResNet50_FPN_Weights = weights_enum("FCOS_ResNet50_FPN_Weights", __name__)


@composed(FCOS_ResNet50_FPN_Weights, ResNet50_Weights, FCOS_ResNet50_FPN_Weights["COCO_V1"])
def fcos_resnet50_fpn(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None,
    weights_backbone: Any = ResNet50_Weights["IMAGENET1K_V1"], trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FCOS:  # fmt: skip
    """FCOS on a ResNet-50 pyramid; 91 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, FCOS_ResNet50_FPN_Weights, weights_backbone, ResNet50_Weights, num_classes, 91
    )
    backbone = one_stage.resnet50_pyramid(weights, weights_backbone, progress, trainable_backbone_layers)
    return with_weights(FCOS(backbone, num_classes, **kwargs), weights, progress)
