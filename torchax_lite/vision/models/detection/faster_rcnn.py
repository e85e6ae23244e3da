"""Faster R-CNN (Ren et al. 2015) with feature pyramids (Lin et al. 2017)."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from ...ops import MultiScaleRoIAlign
from ...ops import misc as misc_nn_ops
from .._utils import Layer, composed, resolve, with_weights
from .._weights import weights_enum
from ..mobilenetv3 import MobileNet_V3_Large_Weights, mobilenet_v3_large
from ..resnet import ResNet50_Weights, resnet50
from ._utils import overwrite_eps
from .anchor_utils import AnchorGenerator
from .backbone_utils import _mobilenet_extractor, _resnet_fpn_extractor, _validate_trainable_layers
from .generalized_rcnn import GeneralizedRCNN
from .roi_heads import RoIHeads
from .rpn import RegionProposalNetwork, RPNHead
from .transform import GeneralizedRCNNTransform

__all__ = [
    "FasterRCNN", "FasterRCNN_ResNet50_FPN_Weights", "FasterRCNN_ResNet50_FPN_V2_Weights",
    "FasterRCNN_MobileNet_V3_Large_FPN_Weights", "FasterRCNN_MobileNet_V3_Large_320_FPN_Weights",
    "fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2", "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
]  # fmt: skip


def _default_anchorgen() -> AnchorGenerator:
    sizes = ((32,), (64,), (128,), (256,), (512,))
    return AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))


def _check_parts(backbone: Any, anchors: Any, pool: Any, predictor: Any, num_classes: int | None) -> None:
    if not hasattr(backbone, "out_channels"):
        raise ValueError(
            "backbone should contain an attribute out_channels specifying the number of output channels (assumed to be "
            "the same for all the levels)"
        )
    if not isinstance(anchors, (AnchorGenerator, type(None))):
        raise TypeError(f"rpn_anchor_generator should be of type AnchorGenerator or None instead of {type(anchors)}")
    if not isinstance(pool, (MultiScaleRoIAlign, type(None))):
        raise TypeError(f"box_roi_pool should be of type MultiScaleRoIAlign or None instead of {type(pool)}")
    if num_classes is not None:
        if predictor is not None:
            raise ValueError("num_classes should be None when box_predictor is specified")
    elif predictor is None:
        raise ValueError("num_classes should not be None when box_predictor is not specified")


class FasterRCNN(GeneralizedRCNN):
    """Faster R-CNN on any backbone that has ``out_channels`` and gives one map, or an ordered dict of maps.

    Args:
        num_classes: with the background. min_size, max_size, image_mean, image_std: see GeneralizedRCNNTransform.
        rpn_*: see RegionProposalNetwork. box_*: see RoIHeads.
    """

    def __init__(
        self, backbone: nn.Module, num_classes: int | None = None, min_size: int = 800, max_size: int = 1333,
        image_mean: list[float] | None = None, image_std: list[float] | None = None,
        rpn_anchor_generator: AnchorGenerator | None = None, rpn_head: nn.Module | None = None,
        rpn_pre_nms_top_n_train: int = 2000, rpn_pre_nms_top_n_test: int = 1000, rpn_post_nms_top_n_train: int = 2000,
        rpn_post_nms_top_n_test: int = 1000, rpn_nms_thresh: float = 0.7, rpn_fg_iou_thresh: float = 0.7,
        rpn_bg_iou_thresh: float = 0.3, rpn_batch_size_per_image: int = 256, rpn_positive_fraction: float = 0.5,
        rpn_score_thresh: float = 0.0, box_roi_pool: nn.Module | None = None, box_head: nn.Module | None = None,
        box_predictor: nn.Module | None = None, box_score_thresh: float = 0.05, box_nms_thresh: float = 0.5,
        box_detections_per_img: int = 100, box_fg_iou_thresh: float = 0.5, box_bg_iou_thresh: float = 0.5,
        box_batch_size_per_image: int = 512, box_positive_fraction: float = 0.25, bbox_reg_weights: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        _check_parts(backbone, rpn_anchor_generator, box_roi_pool, box_predictor, num_classes)
        width = backbone.out_channels
        anchors = _default_anchorgen() if rpn_anchor_generator is None else rpn_anchor_generator
        if rpn_head is None:
            rpn_head = RPNHead(width, anchors.num_anchors_per_location()[0])
        rpn = RegionProposalNetwork(
            anchors, rpn_head, rpn_fg_iou_thresh, rpn_bg_iou_thresh, rpn_batch_size_per_image, rpn_positive_fraction,
            {"training": rpn_pre_nms_top_n_train, "testing": rpn_pre_nms_top_n_test},
            {"training": rpn_post_nms_top_n_train, "testing": rpn_post_nms_top_n_test}, rpn_nms_thresh,
            score_thresh=rpn_score_thresh,
        )  # fmt: skip
        if box_roi_pool is None:
            box_roi_pool = MultiScaleRoIAlign(featmap_names=["0", "1", "2", "3"], output_size=7, sampling_ratio=2)
        if box_head is None:
            box_head = TwoMLPHead(width * box_roi_pool.output_size[0] ** 2, 1024)
        if box_predictor is None:
            box_predictor = FastRCNNPredictor(1024, num_classes)
        roi_heads = RoIHeads(
            box_roi_pool, box_head, box_predictor, box_fg_iou_thresh, box_bg_iou_thresh, box_batch_size_per_image,
            box_positive_fraction, bbox_reg_weights, box_score_thresh, box_nms_thresh, box_detections_per_img,
        )  # fmt: skip
        transform = GeneralizedRCNNTransform(
            min_size, max_size, image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225], **kwargs
        )
        super().__init__(backbone, rpn, roi_heads, transform)


class TwoMLPHead(nn.Module):
    """Two linear layers with ReLU on the flattened feature of a box."""

    def __init__(self, in_channels: int, representation_size: int) -> None:
        super().__init__()
        self.fc6 = nn.Linear(in_channels, representation_size)
        self.fc7 = nn.Linear(representation_size, representation_size)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.fc7(F.relu(self.fc6(x.flatten(start_dim=1)))))


class FastRCNNConvFCHead(nn.Sequential):
    """Convolutions, then linear layers, on the feature of a box."""

    def __init__(
        self, input_size: tuple[int, int, int], conv_layers: list[int], fc_layers: list[int],
        norm_layer: Layer | None = None,
    ) -> None:  # fmt: skip
        width, height, across = input_size
        blocks: list[nn.Module] = []
        for out in conv_layers:
            blocks.append(misc_nn_ops.Conv2dNormActivation(width, out, norm_layer=norm_layer))
            width = out
        blocks.append(nn.Flatten())
        width = width * height * across
        for out in fc_layers:
            blocks += [nn.Linear(width, out), nn.ReLU(inplace=True)]
            width = out
        super().__init__(*blocks)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)


class FastRCNNPredictor(nn.Module):
    """Scores of the classes, and codes of a box for each of them."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(in_channels, num_classes)
        self.bbox_pred = nn.Linear(in_channels, num_classes * 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if x.dim() == 4:
            torch._assert(
                list(x.shape[2:]) == [1, 1],
                f"x has the wrong shape, expecting the last two dimensions to be [1,1] instead of {list(x.shape[2:])}",
            )
        x = x.flatten(start_dim=1)
        return self.cls_score(x), self.bbox_pred(x)


def _made(options: dict[str, Any]) -> dict[str, Any]:
    """The options, further levels made now: their random values come after the backbone's."""
    if "extra_blocks" in options:
        options["extra_blocks"] = options["extra_blocks"]()
    return options


def resnet50_v1(weights_backbone: Any, progress: bool, trained: bool, layers: int | None, **options: Any) -> nn.Module:
    """The ResNet-50 pyramid of the first published models: frozen normalisation where the weights are not random."""
    count = _validate_trainable_layers(trained, layers, 5, 3)
    norm = misc_nn_ops.FrozenBatchNorm2d if trained else nn.BatchNorm2d
    backbone = resnet50(weights=weights_backbone, progress=progress, norm_layer=norm)
    return _resnet_fpn_extractor(backbone, count, **_made(options))


def resnet50_v2(weights_backbone: Any, progress: bool, trained: bool, layers: int | None, **options: Any) -> nn.Module:
    """The ResNet-50 pyramid of the improved models."""
    count = _validate_trainable_layers(trained, layers, 5, 3)
    backbone = resnet50(weights=weights_backbone, progress=progress)
    return _resnet_fpn_extractor(backbone, count, **_made(options))


def improved_parts(width: int) -> dict[str, nn.Module]:
    """Anchors and heads of the improved models."""
    anchors = _default_anchorgen()
    return {
        "rpn_anchor_generator": anchors,
        "rpn_head": RPNHead(width, anchors.num_anchors_per_location()[0], conv_depth=2),
        "box_head": FastRCNNConvFCHead((width, 7, 7), [256] * 4, [1024], norm_layer=nn.BatchNorm2d),
    }


FasterRCNN_ResNet50_FPN_Weights = weights_enum("FasterRCNN_ResNet50_FPN_Weights", __name__)
FasterRCNN_ResNet50_FPN_V2_Weights = weights_enum("FasterRCNN_ResNet50_FPN_V2_Weights", __name__)
FasterRCNN_MobileNet_V3_Large_FPN_Weights = weights_enum("FasterRCNN_MobileNet_V3_Large_FPN_Weights", __name__)
FasterRCNN_MobileNet_V3_Large_320_FPN_Weights = weights_enum("FasterRCNN_MobileNet_V3_Large_320_FPN_Weights", __name__)


@composed(FasterRCNN_ResNet50_FPN_Weights, ResNet50_Weights, FasterRCNN_ResNet50_FPN_Weights["COCO_V1"])
def fasterrcnn_resnet50_fpn(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None,
    weights_backbone: Any = ResNet50_Weights["IMAGENET1K_V1"], trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:  # fmt: skip
    """Faster R-CNN on a ResNet-50 pyramid; 91 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, FasterRCNN_ResNet50_FPN_Weights, weights_backbone, ResNet50_Weights, num_classes, 91
    )
    trained = weights is not None or weights_backbone is not None
    backbone = resnet50_v1(weights_backbone, progress, trained, trainable_backbone_layers)
    model = with_weights(FasterRCNN(backbone, num_classes=num_classes, **kwargs), weights, progress)
    if weights is not None:
        overwrite_eps(model, 0.0)
    return model


@composed(FasterRCNN_ResNet50_FPN_V2_Weights, ResNet50_Weights, FasterRCNN_ResNet50_FPN_V2_Weights["COCO_V1"])
def fasterrcnn_resnet50_fpn_v2(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None, weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None, **kwargs: Any,
) -> FasterRCNN:  # fmt: skip
    """The improved form (Li et al. 2021); 91 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, FasterRCNN_ResNet50_FPN_V2_Weights, weights_backbone, ResNet50_Weights, num_classes, 91
    )
    trained = weights is not None or weights_backbone is not None
    backbone = resnet50_v2(weights_backbone, progress, trained, trainable_backbone_layers, norm_layer=nn.BatchNorm2d)
    model = FasterRCNN(backbone, num_classes=num_classes, **improved_parts(backbone.out_channels), **kwargs)
    return with_weights(model, weights, progress)


def _mobilenet_fpn(
    weights: Any, enum: Any, progress: bool, num_classes: int | None, weights_backbone: Any, layers: int | None,
    **kwargs: Any,
) -> FasterRCNN:  # fmt: skip
    weights, weights_backbone, num_classes = resolve(
        weights, enum, weights_backbone, MobileNet_V3_Large_Weights, num_classes, 91
    )
    trained = weights is not None or weights_backbone is not None
    count = _validate_trainable_layers(trained, layers, 6, 3)
    norm = misc_nn_ops.FrozenBatchNorm2d if trained else nn.BatchNorm2d
    backbone = mobilenet_v3_large(weights=weights_backbone, progress=progress, norm_layer=norm)
    backbone = _mobilenet_extractor(backbone, True, count)
    sizes = ((32, 64, 128, 256, 512),) * 3
    anchors = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))
    return with_weights(FasterRCNN(backbone, num_classes, rpn_anchor_generator=anchors, **kwargs), weights, progress)


@composed(
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights, MobileNet_V3_Large_Weights,
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights["COCO_V1"],
)  # fmt: skip
def fasterrcnn_mobilenet_v3_large_320_fpn(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None,
    weights_backbone: Any = MobileNet_V3_Large_Weights["IMAGENET1K_V1"], trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:  # fmt: skip
    """Faster R-CNN on a MobileNet v3 pyramid for small images; 91 classes unless told otherwise."""
    options = {
        "min_size": 320, "max_size": 640, "rpn_pre_nms_top_n_test": 150, "rpn_post_nms_top_n_test": 150,
        "rpn_score_thresh": 0.05, **kwargs,
    }  # fmt: skip
    return _mobilenet_fpn(
        weights, FasterRCNN_MobileNet_V3_Large_320_FPN_Weights, progress, num_classes, weights_backbone,
        trainable_backbone_layers, **options,
    )  # fmt: skip


@composed(
    FasterRCNN_MobileNet_V3_Large_FPN_Weights, MobileNet_V3_Large_Weights,
    FasterRCNN_MobileNet_V3_Large_FPN_Weights["COCO_V1"],
)  # fmt: skip
def fasterrcnn_mobilenet_v3_large_fpn(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None,
    weights_backbone: Any = MobileNet_V3_Large_Weights["IMAGENET1K_V1"], trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:  # fmt: skip
    """Faster R-CNN on a MobileNet v3 pyramid; 91 classes unless told otherwise."""
    return _mobilenet_fpn(
        weights, FasterRCNN_MobileNet_V3_Large_FPN_Weights, progress, num_classes, weights_backbone,
        trainable_backbone_layers, **{"rpn_score_thresh": 0.05, **kwargs},
    )  # fmt: skip
