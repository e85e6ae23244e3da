"""The segmentation head of MobileNet v3 (Howard et al. 2019)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from .._utils import IntermediateLayerGetter, composed, resolve, stages, with_weights
from .._weights import weights_enum
from ..mobilenetv3 import MobileNet_V3_Large_Weights, MobileNetV3, mobilenet_v3_large

__all__ = ["LRASPP", "LRASPP_MobileNet_V3_Large_Weights", "lraspp_mobilenet_v3_large"]


class LRASPP(nn.Module):
    """A backbone that gives "low" and "high" maps, and the head; returns ``{"out": (N, classes, H, W)}``."""

    def __init__(
        self, backbone: nn.Module, low_channels: int, high_channels: int, num_classes: int, inter_channels: int = 128
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = LRASPPHead(low_channels, high_channels, num_classes, inter_channels)

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        out = self.classifier(self.backbone(input))
        out = F.interpolate(out, size=input.shape[-2:], mode="bilinear", align_corners=False)
        return OrderedDict(out=out)


class LRASPPHead(nn.Module):
    """The high map, gated by its mean and enlarged, and the low map, each to the classes; their sum."""

    def __init__(self, low_channels: int, high_channels: int, num_classes: int, inter_channels: int) -> None:
        super().__init__()
        self.cbr = nn.Sequential(
            nn.Conv2d(high_channels, inter_channels, 1, bias=False),
            nn.BatchNorm2d(inter_channels),
            nn.ReLU(inplace=True),
        )
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(high_channels, inter_channels, 1, bias=False), nn.Sigmoid()
        )
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, input: dict[str, Tensor]) -> Tensor:
        low, high = input["low"], input["high"]
        x = self.cbr(high)
        x = x * self.scale(high)
        x = F.interpolate(x, size=low.shape[-2:], mode="bilinear", align_corners=False)
        return self.low_classifier(low) + self.high_classifier(x)


def _lraspp_mobilenetv3(backbone: MobileNetV3, num_classes: int) -> LRASPP:
    features = backbone.features
    low, high = stages(features)[-4], stages(features)[-1]
    layers = IntermediateLayerGetter(features, return_layers={str(low): "low", str(high): "high"})
    return LRASPP(layers, features[low].out_channels, features[high].out_channels, num_classes)


LRASPP_MobileNet_V3_Large_Weights = weights_enum("LRASPP_MobileNet_V3_Large_Weights", __name__)


@composed(
    LRASPP_MobileNet_V3_Large_Weights, MobileNet_V3_Large_Weights,
    LRASPP_MobileNet_V3_Large_Weights["COCO_WITH_VOC_LABELS_V1"],
)  # fmt: skip
def lraspp_mobilenet_v3_large(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None,
    weights_backbone: Any = MobileNet_V3_Large_Weights["IMAGENET1K_V1"], **kwargs: Any,
) -> LRASPP:  # fmt: skip
    """The head on a MobileNet v3; 21 classes unless told otherwise."""
    if kwargs.pop("aux_loss", False):
        raise NotImplementedError("This model does not use auxiliary loss")
    weights, weights_backbone, num_classes = resolve(
        weights, LRASPP_MobileNet_V3_Large_Weights, weights_backbone, MobileNet_V3_Large_Weights, num_classes, 21
    )
    backbone = mobilenet_v3_large(weights=weights_backbone, dilated=True)
    return with_weights(_lraspp_mobilenetv3(backbone, num_classes), weights, progress)
