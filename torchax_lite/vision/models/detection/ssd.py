"""SSD (Liu et al. 2016)."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from .._utils import composed, resolve, with_weights
from .._weights import weights_enum
from ..vgg import VGG, VGG16_Weights, vgg16
from . import _host
from . import _one_stage as one_stage
from . import _utils as det_utils
from .anchor_utils import DefaultBoxGenerator
from .backbone_utils import _validate_trainable_layers
from .transform import GeneralizedRCNNTransform

__all__ = ["SSD300_VGG16_Weights", "ssd300_vgg16"]


def _xavier_init(conv: nn.Module) -> None:
    for layer in conv.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, 0.0)


class SSDScoringHead(nn.Module):
    """One module for each map; what they give becomes ``(N, places * boxes, num_columns)`` over all maps."""

    def __init__(self, module_list: nn.ModuleList, num_columns: int) -> None:
        super().__init__()
        self.module_list = module_list
        self.num_columns = num_columns

    def forward(self, x: list[Tensor]) -> Tensor:
        found = [one_stage.flattened(m(f), self.num_columns) for m, f in zip(self.module_list, x, strict=True)]
        return torch.cat(found, dim=1)


def _predictors(in_channels: list[int], num_anchors: list[int], columns: int) -> nn.ModuleList:
    pairs = zip(in_channels, num_anchors, strict=True)
    made = nn.ModuleList([nn.Conv2d(c, columns * anchors, kernel_size=3, padding=1) for c, anchors in pairs])
    _xavier_init(made)
    return made


class SSDClassificationHead(SSDScoringHead):
    """Logits of the classes of every default box."""

    def __init__(self, in_channels: list[int], num_anchors: list[int], num_classes: int) -> None:
        super().__init__(_predictors(in_channels, num_anchors, num_classes), num_classes)


class SSDRegressionHead(SSDScoringHead):
    """Codes of every default box."""

    def __init__(self, in_channels: list[int], num_anchors: list[int]) -> None:
        super().__init__(_predictors(in_channels, num_anchors, 4), 4)


class SSDHead(nn.Module):
    """Both heads."""

    def __init__(self, in_channels: list[int], num_anchors: list[int], num_classes: int) -> None:
        super().__init__()
        self.classification_head: nn.Module = SSDClassificationHead(in_channels, num_anchors, num_classes)
        self.regression_head: nn.Module = SSDRegressionHead(in_channels, num_anchors)

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        return {"bbox_regression": self.regression_head(x), "cls_logits": self.classification_head(x)}


class SSD(nn.Module):
    """One-stage detection with default boxes, on images of one size.

    Args:
        backbone: gives an ordered dict of maps, the largest first.
        size: (width, height) that every image is brought to.
        score_thresh, nms_thresh, topk_candidates, detections_per_img: of the choice of detections.
        iou_thresh: overlap from which a default box belongs to an object.
        positive_fraction: share of objects in the loss of the classes; the rest is the hardest background.
        kwargs: for the transform of images.
    """

    def __init__(
        self, backbone: nn.Module, anchor_generator: DefaultBoxGenerator, size: tuple[int, int], num_classes: int,
        image_mean: list[float] | None = None, image_std: list[float] | None = None, head: nn.Module | None = None,
        score_thresh: float = 0.01, nms_thresh: float = 0.45, detections_per_img: int = 200, iou_thresh: float = 0.5,
        topk_candidates: int = 400, positive_fraction: float = 0.25, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        self.backbone = backbone
        self.anchor_generator = anchor_generator
        self.box_coder = det_utils.BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
        if head is None:
            widths: Any = getattr(backbone, "out_channels", None)
            widths = det_utils.retrieve_out_channels(backbone, size) if widths is None else widths
            _check_levels(widths, anchor_generator)
            head = SSDHead(widths, anchor_generator.num_anchors_per_location(), num_classes)
        self.head = head
        self.proposal_matcher = det_utils.SSDMatcher(iou_thresh)
        self.transform = GeneralizedRCNNTransform(
            min(size), max(size), image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225],
            size_divisible=1, fixed_size=size, **kwargs,
        )  # fmt: skip
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.topk_candidates = topk_candidates
        self.neg_to_pos_ratio = (1.0 - positive_fraction) / positive_fraction
        self._has_warned = False

    def _matched(self, targets: Any, anchors: list[Tensor]) -> list[Tensor]:
        """Which object each default box belongs to, -1 for none."""
        found = []
        for places, target in zip(anchors, targets, strict=True):
            index = np.full(places.shape[0], -1, np.int64)
            if target["boxes"].numel():
                index = self.proposal_matcher.match(_host.iou(_host.values(target["boxes"]), _host.values(places)))
            found.append(_host.tensor(index, places))
        return found

    def compute_loss(
        self, targets: list[dict[str, Tensor]], head_outputs: dict[str, Tensor], anchors: list[Tensor],
        matched_idxs: list[Tensor],
    ) -> dict[str, Tensor]:  # fmt: skip
        """Smooth L1 of the codes of objects, cross entropy of objects and the hardest background; over the objects."""
        logits, codes = head_outputs["cls_logits"], head_outputs["bbox_regression"]
        labels = np.zeros(logits.shape[:2], np.int64)
        is_object = np.zeros(labels.shape, np.bool_)
        box_loss: Any = 0
        for i, (target, places, matched) in enumerate(zip(targets, anchors, matched_idxs, strict=True)):
            found = _host.values(matched)
            is_object[i] = found >= 0
            labels[i, is_object[i]] = _host.values(target["labels"])[found[is_object[i]]]
            boxes = one_stage.boxes_of_matches(found, target, places)
            wanted = self.box_coder.encode_single(_host.tensor(boxes, codes), places)
            each = F.smooth_l1_loss(codes[i], wanted, reduction="none")
            box_loss = box_loss + one_stage.masked_sum(is_object[i], each)
        count = max(1, int(is_object.sum()))
        label = _host.tensor(labels, logits)
        losses = F.cross_entropy(logits.flatten(0, 1), label.flatten(), reduction="none").view(label.shape)
        hardest = torch.where(label > 0, torch.full_like(losses, -float("inf")), losses).detach()
        rank = hardest.sort(1, descending=True)[1].sort(1)[1]
        most = self.neg_to_pos_ratio * (labels > 0).sum(1, keepdims=True)
        used = (label > 0) | (rank < _host.tensor(most.astype(np.float32), losses))
        class_loss = torch.where(used, losses, torch.zeros_like(losses)).sum()
        return {"bbox_regression": box_loss / count, "classification": class_loss / count}

    def postprocess_detections(
        self, head_outputs: dict[str, Tensor], image_anchors: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> list[dict[str, Tensor]]:
        """The kept boxes of each image, best first, their scores and classes."""
        scores = F.softmax(head_outputs["cls_logits"], dim=-1)
        detections = []
        for i, (places, size) in enumerate(zip(image_anchors, image_shapes, strict=True)):
            box = self.box_coder.decode_single(head_outputs["bbox_regression"][i], places)
            boxes, score = _host.clipped(_host.values(box), size), _host.values(scores[i])
            pieces = []
            for label in range(1, score.shape[1]):
                place = one_stage.best(score[:, label], self.score_thresh, self.topk_candidates)
                pieces.append((boxes[place], score[place, label], np.full(len(place), label, np.int64)))
            detections.append(one_stage.kept(pieces, scores, self.nms_thresh, self.detections_per_img))
        return detections

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        """Losses by name in training, else for each image its "boxes", "scores" and "labels"."""
        maps, batch, targets, sizes = one_stage.maps_of(self, images, targets)
        outputs = self.head(maps)
        anchors = self.anchor_generator(batch, maps)
        if self.training:
            return self.compute_loss(targets or [], outputs, anchors, self._matched(targets, anchors))
        detections = self.postprocess_detections(outputs, anchors, batch.image_sizes)
        return self.transform.postprocess(detections, batch.image_sizes, sizes)


def _check_levels(widths: list[int], anchors: DefaultBoxGenerator) -> None:
    if len(widths) != len(anchors.aspect_ratios):
        raise ValueError(
            f"The length of the output channels from the backbone ({len(widths)}) do not match the length of the anchor "
            f"generator aspect ratios ({len(anchors.aspect_ratios)})"
        )


def _extra(wide: int, narrow: int, out: int, **options: Any) -> nn.Sequential:
    """Two convolutions that make the next smaller map."""
    first = nn.Conv2d(wide, narrow, kernel_size=1)
    return nn.Sequential(first, nn.ReLU(inplace=True), nn.Conv2d(narrow, out, **options), nn.ReLU(inplace=True))


class SSDFeatureExtractorVGG(nn.Module):
    """The maps of a VGG up to its fourth pooling (scaled), of the rest, and of further layers (one more if ``highres``)."""

    def __init__(self, backbone: nn.Module, highres: bool) -> None:
        super().__init__()
        pools = [i for i, layer in enumerate(backbone) if isinstance(layer, nn.MaxPool2d)]
        _, _, third, fourth, _ = pools
        backbone[third].ceil_mode = True
        self.scale_weight = nn.Parameter(torch.ones(512) * 20)
        self.features = nn.Sequential(*backbone[:fourth])
        half: dict[str, Any] = {"kernel_size": 3, "padding": 1, "stride": 2}
        extra = nn.ModuleList(
            [
                _extra(1024, 256, 512, **half),
                _extra(512, 128, 256, **half),
                _extra(256, 128, 256, kernel_size=3),
                _extra(256, 128, 256, kernel_size=3),
            ]
        )
        if highres:
            extra.append(_extra(256, 128, 256, kernel_size=4))
        _xavier_init(extra)
        fc = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=False),
            nn.Conv2d(512, 1024, kernel_size=3, padding=6, dilation=6),
            nn.ReLU(inplace=True),
            nn.Conv2d(1024, 1024, kernel_size=1),
            nn.ReLU(inplace=True),
        )
        _xavier_init(fc)
        extra.insert(0, nn.Sequential(*backbone[fourth:-1], fc))
        self.extra = extra

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.features(x)
        found = [self.scale_weight.view(1, -1, 1, 1) * F.normalize(x)]
        for block in self.extra:
            x = block(x)
            found.append(x)
        return OrderedDict((str(i), v) for i, v in enumerate(found))


def _vgg_extractor(backbone: VGG, highres: bool, trainable_layers: int) -> SSDFeatureExtractorVGG:
    """The maps of a VGG, of which the last ``trainable_layers`` stages are trained."""
    features: Any = backbone.features
    places = [0, *[i for i, b in enumerate(features) if isinstance(b, nn.MaxPool2d)][:-1]]
    count = len(places)
    torch._assert(
        0 <= trainable_layers <= count,
        f"trainable_layers should be in the range [0, {count}]. Instead got {trainable_layers}",
    )
    frozen = len(features) if trainable_layers == 0 else places[count - trainable_layers]
    for block in features[:frozen]:
        for parameter in block.parameters():
            parameter.requires_grad_(False)
    return SSDFeatureExtractorVGG(features, highres)


def warn_of_size(kwargs: dict[str, Any]) -> None:
    """Tell that the size of the images is the model's."""
    if "size" in kwargs:
        warnings.warn("The size of the model is already fixed; ignoring the parameter.", stacklevel=4)


SSD300_VGG16_Weights = weights_enum("SSD300_VGG16_Weights", __name__)


@composed(
    SSD300_VGG16_Weights, VGG16_Weights, SSD300_VGG16_Weights["COCO_V1"], VGG16_Weights["IMAGENET1K_FEATURES"]
)  # fmt: skip
def ssd300_vgg16(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None,
    weights_backbone: Any = VGG16_Weights["IMAGENET1K_FEATURES"], trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> SSD:  # fmt: skip
    """SSD on VGG-16 at 300 x 300; 91 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, SSD300_VGG16_Weights, weights_backbone, VGG16_Weights, num_classes, 91
    )
    warn_of_size(kwargs)
    trained = weights is not None or weights_backbone is not None
    layers = _validate_trainable_layers(trained, trainable_backbone_layers, 5, 4)
    backbone = _vgg_extractor(vgg16(weights=weights_backbone, progress=progress), False, layers)
    anchors = DefaultBoxGenerator(
        [[2], [2, 3], [2, 3], [2, 3], [2], [2]], scales=[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
        steps=[8, 16, 32, 64, 100, 300],
    )  # fmt: skip
    defaults = {"image_mean": [0.48235, 0.45882, 0.40784], "image_std": [1.0 / 255.0] * 3}
    model = SSD(backbone, anchors, (300, 300), num_classes, **{**defaults, **kwargs})
    return with_weights(model, weights, progress)
