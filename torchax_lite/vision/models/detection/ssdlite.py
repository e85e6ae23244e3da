"""SSDLite (Sandler et al. 2018): SSD of separable convolutions, on a MobileNet."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any

from torchax_lite import Tensor, nn

from ...ops.misc import Conv2dNormActivation
from .._utils import Layer, composed, resolve, stages, with_weights
from .._weights import weights_enum
from ..mobilenetv3 import MobileNet_V3_Large_Weights, mobilenet_v3_large
from . import _utils as det_utils
from .anchor_utils import DefaultBoxGenerator
from .backbone_utils import _validate_trainable_layers
from .ssd import SSD, SSDScoringHead, _check_levels, warn_of_size

__all__ = ["SSDLite320_MobileNet_V3_Large_Weights", "ssdlite320_mobilenet_v3_large"]


def _extra_block(in_channels: int, out_channels: int, norm_layer: Layer) -> nn.Sequential:
    """Narrow, filter each channel by itself at half the size, widen."""
    middle = out_channels // 2
    conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.ReLU6)
    return nn.Sequential(
        conv(in_channels, middle, kernel_size=1),
        conv(middle, middle, kernel_size=3, stride=2, groups=middle),
        conv(middle, out_channels, kernel_size=1),
    )


def _normal_init(conv: nn.Module) -> None:
    for layer in conv.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, mean=0.0, std=0.03)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, 0.0)


def _predictors(in_channels: list[int], num_anchors: list[int], columns: int, norm_layer: Layer) -> nn.ModuleList:
    """For each map, a filter of each channel by itself, then a 1 x 1 convolution."""
    made = nn.ModuleList()
    for width, anchors in zip(in_channels, num_anchors, strict=True):
        conv = Conv2dNormActivation(
            width, width, kernel_size=3, groups=width, norm_layer=norm_layer, activation_layer=nn.ReLU6
        )
        made.append(nn.Sequential(conv, nn.Conv2d(width, columns * anchors, 1)))
    _normal_init(made)
    return made


class SSDLiteClassificationHead(SSDScoringHead):
    """Logits of the classes of every default box."""

    def __init__(self, in_channels: list[int], num_anchors: list[int], num_classes: int, norm_layer: Layer) -> None:
        super().__init__(_predictors(in_channels, num_anchors, num_classes, norm_layer), num_classes)


class SSDLiteRegressionHead(SSDScoringHead):
    """Codes of every default box."""

    def __init__(self, in_channels: list[int], num_anchors: list[int], norm_layer: Layer) -> None:
        super().__init__(_predictors(in_channels, num_anchors, 4, norm_layer), 4)


class SSDLiteHead(nn.Module):
    """Both heads."""

    def __init__(self, in_channels: list[int], num_anchors: list[int], num_classes: int, norm_layer: Layer) -> None:
        super().__init__()
        self.classification_head = SSDLiteClassificationHead(in_channels, num_anchors, num_classes, norm_layer)
        self.regression_head = SSDLiteRegressionHead(in_channels, num_anchors, norm_layer)

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        return {"bbox_regression": self.regression_head(x), "cls_logits": self.classification_head(x)}


class SSDLiteFeatureExtractorMobileNet(nn.Module):
    """Maps of a MobileNet (within the block at ``c4_pos``, after its expansion, and at the end) and of further blocks."""

    def __init__(
        self, backbone: nn.Module, c4_pos: int, norm_layer: Layer, width_mult: float = 1.0, min_depth: int = 16
    ) -> None:
        super().__init__()
        block = backbone[c4_pos]
        if block.use_res_connect:
            raise ValueError("backbone[c4_pos].use_res_connect should be False")
        self.features = nn.Sequential(
            nn.Sequential(*backbone[:c4_pos], block.block[0]), nn.Sequential(block.block[1:], *backbone[c4_pos + 1 :])
        )
        widths = [max(min_depth, int(d * width_mult)) for d in (512, 256, 256, 128)]
        before = [backbone[-1].out_channels, *widths[:-1]]
        extra = nn.ModuleList([_extra_block(a, b, norm_layer) for a, b in zip(before, widths, strict=True)])
        _normal_init(extra)
        self.extra = extra

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found = []
        for block in (*self.features, *self.extra):
            x = block(x)
            found.append(x)
        return OrderedDict((str(i), v) for i, v in enumerate(found))


def _mobilenet_extractor(
    backbone: Any, trainable_layers: int, norm_layer: Layer
) -> SSDLiteFeatureExtractorMobileNet:  # fmt: skip
    """The maps of a MobileNet, of which the last ``trainable_layers`` stages are trained."""
    features = backbone.features
    places = stages(features)
    count = len(places)
    if not 0 <= trainable_layers <= count:
        raise ValueError(f"trainable_layers should be in the range [0, {count}], instead got {trainable_layers}")
    frozen = len(features) if trainable_layers == 0 else places[count - trainable_layers]
    for block in features[:frozen]:
        for parameter in block.parameters():
            parameter.requires_grad_(False)
    return SSDLiteFeatureExtractorMobileNet(features, places[-2], norm_layer)


SSDLite320_MobileNet_V3_Large_Weights = weights_enum("SSDLite320_MobileNet_V3_Large_Weights", __name__)


@composed(
    SSDLite320_MobileNet_V3_Large_Weights, MobileNet_V3_Large_Weights, SSDLite320_MobileNet_V3_Large_Weights["COCO_V1"]
)
def ssdlite320_mobilenet_v3_large(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None,
    weights_backbone: Any = MobileNet_V3_Large_Weights["IMAGENET1K_V1"],
    trainable_backbone_layers: int | None = None, norm_layer: Layer | None = None, **kwargs: Any,
) -> SSD:  # fmt: skip
    """SSDLite on MobileNet V3 (large) at 320 x 320; 91 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, SSDLite320_MobileNet_V3_Large_Weights, weights_backbone, MobileNet_V3_Large_Weights, num_classes, 91
    )
    warn_of_size(kwargs)
    trained = weights is not None or weights_backbone is not None
    layers = _validate_trainable_layers(trained, trainable_backbone_layers, 6, 6)
    norm_layer = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
    body = mobilenet_v3_large(
        weights=weights_backbone, progress=progress, norm_layer=norm_layer, reduced_tail=weights_backbone is None,
        **kwargs,
    )  # fmt: skip
    if weights_backbone is None:
        _normal_init(body)
    backbone = _mobilenet_extractor(body, layers, norm_layer)
    size = (320, 320)
    anchors = DefaultBoxGenerator([[2, 3] for _ in range(6)], min_ratio=0.2, max_ratio=0.95)
    widths = det_utils.retrieve_out_channels(backbone, size)
    _check_levels(widths, anchors)
    defaults = {
        "score_thresh": 0.001, "nms_thresh": 0.55, "detections_per_img": 300, "topk_candidates": 300,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
    }  # fmt: skip
    head = SSDLiteHead(widths, anchors.num_anchors_per_location(), num_classes, norm_layer)
    model = SSD(backbone, anchors, size, num_classes, head=head, **{**defaults, **kwargs})
    return with_weights(model, weights, progress)
