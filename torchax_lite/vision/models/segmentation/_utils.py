"""What the segmentation models share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from .._utils import IntermediateLayerGetter, _ovewrite_value_param


class _SimpleSegmentationModel(nn.Module):
    """``{"out": classes of every pixel (N, classes, H, W)}``, with "aux" from an inner layer where that is asked for."""

    __constants__ = ["aux_classifier"]

    def __init__(self, backbone: nn.Module, classifier: nn.Module, aux_classifier: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.aux_classifier = aux_classifier

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        size = x.shape[-2:]
        features = self.backbone(x)
        result: OrderedDict[str, Tensor] = OrderedDict()
        out = self.classifier(features["out"])
        result["out"] = F.interpolate(out, size=size, mode="bilinear", align_corners=False)
        if self.aux_classifier is not None:
            aux = self.aux_classifier(features["aux"])
            result["aux"] = F.interpolate(aux, size=size, mode="bilinear", align_corners=False)
        return result


def resnet_layers(backbone: nn.Module, aux: bool | None) -> IntermediateLayerGetter:
    """The last group of a ResNet as "out", the one before as "aux"."""
    layers = {"layer4": "out"}
    if aux:
        layers["layer3"] = "aux"
    return IntermediateLayerGetter(backbone, return_layers=layers)


def aux_of(weights: Any, aux_loss: bool | None) -> bool | None:
    """Whether there is an auxiliary classifier; published weights have one."""
    return aux_loss if weights is None else _ovewrite_value_param("aux_loss", aux_loss, True)
