"""RetinaNet (Lin et al. 2017)."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ...ops import misc as misc_nn_ops
from ...ops import sigmoid_focal_loss
from ...ops.feature_pyramid_network import LastLevelP6P7
from .._utils import Layer, composed, resolve, with_weights
from .._weights import weights_enum
from ..resnet import ResNet50_Weights
from . import _host
from . import _one_stage as one_stage
from . import _utils as det_utils
from .anchor_utils import AnchorGenerator
from .faster_rcnn import resnet50_v2
from .transform import GeneralizedRCNNTransform

__all__ = [
    "RetinaNet", "RetinaNet_ResNet50_FPN_Weights", "RetinaNet_ResNet50_FPN_V2_Weights", "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
]  # fmt: skip


def _default_anchorgen() -> AnchorGenerator:
    sizes = tuple((x, int(x * 2 ** (1.0 / 3)), int(x * 2 ** (2.0 / 3))) for x in (32, 64, 128, 256, 512))
    return AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))


class _Head(nn.Module):
    """Four convolutions of each map, then one to ``channels`` numbers for each anchor."""

    _version = 2

    def _convolutions(self, in_channels: int, norm_layer: Layer | None) -> None:
        convs = [misc_nn_ops.Conv2dNormActivation(in_channels, in_channels, norm_layer=norm_layer) for _ in range(4)]
        self.conv = nn.Sequential(*convs)

    def _initialise(self) -> None:
        for layer in self.conv.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.01)
                if layer.bias is not None:
                    nn.init.constant_(layer.bias, 0)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
        if (local_metadata.get("version") or 1) < 2:  # the convolutions were bare, with a ReLU after each
            for i in range(4):
                for kind in ("weight", "bias"):
                    old = f"{prefix}conv.{2 * i}.{kind}"
                    if old in state_dict:
                        state_dict[f"{prefix}conv.{i}.0.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def _run(self, x: list[Tensor], last: nn.Module, numbers: int) -> Tensor:
        """``(N, anchors, numbers)`` over all maps."""
        found = []
        for features in x:
            found.append(one_stage.flattened(last(self.conv(features)), numbers))
        return torch.cat(found, dim=1)


class RetinaNetClassificationHead(_Head):
    """Logits of the classes of every anchor."""

    def __init__(
        self, in_channels: int, num_anchors: int, num_classes: int, prior_probability: float = 0.01,
        norm_layer: Layer | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._convolutions(in_channels, norm_layer)
        self._initialise()
        self.cls_logits = nn.Conv2d(in_channels, num_anchors * num_classes, kernel_size=3, stride=1, padding=1)
        nn.init.normal_(self.cls_logits.weight, std=0.01)
        nn.init.constant_(self.cls_logits.bias, -math.log((1 - prior_probability) / prior_probability))
        self.num_classes = num_classes
        self.num_anchors = num_anchors
        self.BETWEEN_THRESHOLDS = det_utils.Matcher.BETWEEN_THRESHOLDS

    def compute_loss(
        self, targets: list[dict[str, Tensor]], head_outputs: dict[str, Tensor], matched_idxs: list[Tensor]
    ) -> Tensor:
        """Focal loss over the anchors that match an object or the background, over the number of the former."""
        total: Any = 0
        for target, logits, matched in zip(targets, head_outputs["cls_logits"], matched_idxs):
            found, classes = _host.values(matched), _host.values(target["labels"])
            is_object = found >= 0
            label = np.full(found.shape, -1, np.int64)
            label[is_object] = classes[found[is_object]]
            numbers = torch.arange(logits.shape[-1], device=logits.device)
            wanted = (numbers == _host.tensor(label, logits)[:, None]).to(logits.dtype)
            each = sigmoid_focal_loss(logits, wanted, reduction="none")
            loss = one_stage.masked_sum(found != self.BETWEEN_THRESHOLDS, each)
            total = total + loss / max(1, int(is_object.sum()))
        return total / len(targets)

    def forward(self, x: list[Tensor]) -> Tensor:
        return self._run(x, self.cls_logits, self.num_classes)


class RetinaNetRegressionHead(_Head):
    """Codes of the box of every anchor."""

    def __init__(self, in_channels: int, num_anchors: int, norm_layer: Layer | None = None) -> None:
        super().__init__()
        self._convolutions(in_channels, norm_layer)
        self.bbox_reg = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=3, stride=1, padding=1)
        nn.init.normal_(self.bbox_reg.weight, std=0.01)
        nn.init.zeros_(self.bbox_reg.bias)
        self._initialise()
        self.box_coder = det_utils.BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self._loss_type = "l1"

    def compute_loss(
        self, targets: list[dict[str, Tensor]], head_outputs: dict[str, Tensor], anchors: list[Tensor],
        matched_idxs: list[Tensor],
    ) -> Tensor:  # fmt: skip
        """The loss of the codes of the anchors that match an object, over their number."""
        total: Any = 0
        for target, codes, places, matched in zip(targets, head_outputs["bbox_regression"], anchors, matched_idxs):
            found = _host.values(matched)
            is_object = found >= 0
            boxes = one_stage.boxes_of_matches(found, target, places)
            each = det_utils._box_loss(
                self._loss_type, self.box_coder, places, _host.tensor(boxes, codes), codes, reduction="none"
            )
            total = total + one_stage.masked_sum(is_object, each) / max(1, int(is_object.sum()))
        return total / max(1, len(targets))

    def forward(self, x: list[Tensor]) -> Tensor:
        return self._run(x, self.bbox_reg, 4)


class RetinaNetHead(nn.Module):
    """Both heads."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, norm_layer: Layer | None = None) -> None:
        super().__init__()
        self.classification_head = RetinaNetClassificationHead(
            in_channels, num_anchors, num_classes, norm_layer=norm_layer
        )
        self.regression_head = RetinaNetRegressionHead(in_channels, num_anchors, norm_layer=norm_layer)

    def compute_loss(
        self, targets: list[dict[str, Tensor]], head_outputs: dict[str, Tensor], anchors: list[Tensor],
        matched_idxs: list[Tensor],
    ) -> dict[str, Tensor]:  # fmt: skip
        """The losses of both."""
        return {
            "classification": self.classification_head.compute_loss(targets, head_outputs, matched_idxs),
            "bbox_regression": self.regression_head.compute_loss(targets, head_outputs, anchors, matched_idxs),
        }

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        return {"cls_logits": self.classification_head(x), "bbox_regression": self.regression_head(x)}


class RetinaNet(nn.Module):
    """One-stage detection on any backbone that has ``out_channels`` and gives one map, or an ordered dict of maps."""

    def __init__(
        self, backbone: nn.Module, num_classes: int, min_size: int = 800, max_size: int = 1333,
        image_mean: list[float] | None = None, image_std: list[float] | None = None,
        anchor_generator: AnchorGenerator | None = None, head: nn.Module | None = None,
        proposal_matcher: det_utils.Matcher | None = None, score_thresh: float = 0.05, nms_thresh: float = 0.5,
        detections_per_img: int = 300, fg_iou_thresh: float = 0.5, bg_iou_thresh: float = 0.4,
        topk_candidates: int = 1000, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        one_stage.check_backbone(backbone)
        self.backbone = backbone
        if not isinstance(anchor_generator, (AnchorGenerator, type(None))):
            raise TypeError(
                f"anchor_generator should be of type AnchorGenerator or None instead of {type(anchor_generator)}"
            )
        self.anchor_generator = _default_anchorgen() if anchor_generator is None else anchor_generator
        if head is None:
            anchors = self.anchor_generator.num_anchors_per_location()[0]
            head = RetinaNetHead(backbone.out_channels, anchors, num_classes)
        self.head = head
        if proposal_matcher is None:
            proposal_matcher = det_utils.Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)
        self.proposal_matcher = proposal_matcher
        self.box_coder = det_utils.BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self.transform = GeneralizedRCNNTransform(
            min_size, max_size, image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225], **kwargs
        )
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.topk_candidates = topk_candidates
        self._has_warned = False

    def compute_loss(
        self, targets: list[dict[str, Tensor]], head_outputs: dict[str, Tensor], anchors: list[Tensor]
    ) -> dict[str, Tensor]:
        """The losses of the heads."""
        matched = []
        for places, target in zip(anchors, targets):
            found = np.full(places.shape[0], -1, np.int64)
            if target["boxes"].numel():
                quality = _host.iou(_host.values(target["boxes"]), _host.values(places))
                found = self.proposal_matcher.match(quality)
            matched.append(_host.tensor(found, places))
        return self.head.compute_loss(targets, head_outputs, anchors, matched)

    def postprocess_detections(
        self, head_outputs: dict[str, list[Tensor]], anchors: list[list[Tensor]], image_shapes: list[tuple[int, int]]
    ) -> list[dict[str, Tensor]]:
        """The kept boxes of each image, best first, their scores and classes."""
        logits, codes = head_outputs["cls_logits"], head_outputs["bbox_regression"]
        detections = []
        for i, size in enumerate(image_shapes):
            pieces = []
            for logit, code, places in zip(logits, codes, anchors[i]):
                score = _host.values(torch.sigmoid(logit[i]).flatten())
                box = _host.values(self.box_coder.decode_single(code[i], places))
                pieces.append(one_stage.candidates(self, box, score, logit.shape[-1], size))
            detections.append(one_stage.kept(pieces, logits[0], self.nms_thresh, self.detections_per_img))
        return detections

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        """Losses by name in training, else for each image its "boxes", "scores" and "labels"."""
        maps, batch, targets, sizes = one_stage.maps_of(self, images, targets)
        outputs = self.head(maps)
        anchors = self.anchor_generator(batch, maps)
        if self.training:
            return self.compute_loss(targets, outputs, anchors)
        places = [m.size(2) * m.size(3) for m in maps]
        each = outputs["cls_logits"].size(1) // sum(places)
        counts = [p * each for p in places]
        return one_stage.detections(self, outputs, anchors, counts, batch, sizes)


RetinaNet_ResNet50_FPN_Weights = weights_enum("RetinaNet_ResNet50_FPN_Weights", __name__)
RetinaNet_ResNet50_FPN_V2_Weights = weights_enum("RetinaNet_ResNet50_FPN_V2_Weights", __name__)


@composed(RetinaNet_ResNet50_FPN_Weights, ResNet50_Weights, RetinaNet_ResNet50_FPN_Weights["COCO_V1"])
def retinanet_resnet50_fpn(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None,
    weights_backbone: Any = ResNet50_Weights["IMAGENET1K_V1"], trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> RetinaNet:  # fmt: skip
    """RetinaNet on a ResNet-50 pyramid; 91 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, RetinaNet_ResNet50_FPN_Weights, weights_backbone, ResNet50_Weights, num_classes, 91
    )
    backbone = one_stage.resnet50_pyramid(weights, weights_backbone, progress, trainable_backbone_layers)
    model = with_weights(RetinaNet(backbone, num_classes, **kwargs), weights, progress)
    if weights is not None:
        det_utils.overwrite_eps(model, 0.0)
    return model


@composed(RetinaNet_ResNet50_FPN_V2_Weights, ResNet50_Weights, RetinaNet_ResNet50_FPN_V2_Weights["COCO_V1"])
def retinanet_resnet50_fpn_v2(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None, weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None, **kwargs: Any,
) -> RetinaNet:  # fmt: skip
    """The improved form (Zhang et al. 2020); 91 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, RetinaNet_ResNet50_FPN_V2_Weights, weights_backbone, ResNet50_Weights, num_classes, 91
    )
    trained = weights is not None or weights_backbone is not None
    backbone = resnet50_v2(
        weights_backbone, progress, trained, trainable_backbone_layers, returned_layers=[2, 3, 4],
        extra_blocks=partial(LastLevelP6P7, 2048, 256),
    )  # fmt: skip
    anchors = _default_anchorgen()
    head = RetinaNetHead(
        backbone.out_channels, anchors.num_anchors_per_location()[0], num_classes,
        norm_layer=partial(nn.GroupNorm, 32),
    )  # fmt: skip
    head.regression_head._loss_type = "giou"
    model = RetinaNet(backbone, num_classes, anchor_generator=anchors, head=head, **kwargs)
    return with_weights(model, weights, progress)
