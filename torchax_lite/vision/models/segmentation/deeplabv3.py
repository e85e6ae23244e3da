"""DeepLab v3 (Chen et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from .._utils import IntermediateLayerGetter, composed, resolve, stages, with_weights
from .._weights import weights_enum
from ..mobilenetv3 import MobileNet_V3_Large_Weights, MobileNetV3, mobilenet_v3_large
from ..resnet import ResNet, ResNet50_Weights, ResNet101_Weights, resnet50, resnet101
from ._utils import _SimpleSegmentationModel, aux_of, resnet_layers
from .fcn import FCNHead

__all__ = [
    "DeepLabV3", "DeepLabV3_ResNet50_Weights", "DeepLabV3_ResNet101_Weights", "DeepLabV3_MobileNet_V3_Large_Weights",
    "deeplabv3_mobilenet_v3_large", "deeplabv3_resnet50", "deeplabv3_resnet101",
]  # fmt: skip


class DeepLabV3(_SimpleSegmentationModel):
    """A backbone and convolutions of several dilations side by side."""


class DeepLabHead(nn.Sequential):
    """The pyramid of dilations, and convolutions to the classes."""

    def __init__(self, in_channels: int, num_classes: int, atrous_rates: Sequence[int] = (12, 24, 36)) -> None:
        super().__init__(
            ASPP(in_channels, atrous_rates),
            nn.Conv2d(256, 256, 3, padding=1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            nn.Conv2d(256, num_classes, 1),
        )


class ASPPConv(nn.Sequential):
    """A dilated 3 x 3 convolution with normalisation and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )


class ASPPPooling(nn.Sequential):
    """The mean of the whole image, at every place."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-2:]
        return F.interpolate(super().forward(x), size=size, mode="bilinear", align_corners=False)


class ASPP(nn.Module):
    """A 1 x 1 convolution, dilated ones and the mean, side by side, projected to ``out_channels``."""

    def __init__(self, in_channels: int, atrous_rates: Sequence[int], out_channels: int = 256) -> None:
        super().__init__()
        branches: list[nn.Module] = [
            nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU())
        ]
        branches += [ASPPConv(in_channels, out_channels, rate) for rate in atrous_rates]
        branches.append(ASPPPooling(in_channels, out_channels))
        self.convs = nn.ModuleList(branches)
        self.project = nn.Sequential(
            nn.Conv2d(len(self.convs) * out_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Dropout(0.5),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.project(torch.cat([conv(x) for conv in self.convs], dim=1))


def _deeplabv3_resnet(backbone: ResNet, num_classes: int, aux: bool | None) -> DeepLabV3:
    layers = resnet_layers(backbone, aux)
    aux_classifier = FCNHead(1024, num_classes) if aux else None
    return DeepLabV3(layers, DeepLabHead(2048, num_classes), aux_classifier)


def _deeplabv3_mobilenetv3(backbone: MobileNetV3, num_classes: int, aux: bool | None) -> DeepLabV3:
    features = backbone.features
    places = stages(features)
    out, inner = places[-1], places[-4]
    wanted = {str(out): "out"}
    if aux:
        wanted[str(inner)] = "aux"
    layers = IntermediateLayerGetter(features, return_layers=wanted)
    aux_classifier = FCNHead(features[inner].out_channels, num_classes) if aux else None
    return DeepLabV3(layers, DeepLabHead(features[out].out_channels, num_classes), aux_classifier)


DeepLabV3_ResNet50_Weights = weights_enum("DeepLabV3_ResNet50_Weights", __name__)
DeepLabV3_ResNet101_Weights = weights_enum("DeepLabV3_ResNet101_Weights", __name__)
DeepLabV3_MobileNet_V3_Large_Weights = weights_enum("DeepLabV3_MobileNet_V3_Large_Weights", __name__)


@composed(DeepLabV3_ResNet50_Weights, ResNet50_Weights, DeepLabV3_ResNet50_Weights["COCO_WITH_VOC_LABELS_V1"])
def deeplabv3_resnet50(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None, aux_loss: bool | None = None,
    weights_backbone: Any = ResNet50_Weights["IMAGENET1K_V1"], **kwargs: Any,
) -> DeepLabV3:  # fmt: skip
    """DeepLab v3 on a ResNet-50; 21 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, DeepLabV3_ResNet50_Weights, weights_backbone, ResNet50_Weights, num_classes, 21
    )
    aux_loss = aux_of(weights, aux_loss)
    backbone = resnet50(weights=weights_backbone, replace_stride_with_dilation=[False, True, True])
    return with_weights(_deeplabv3_resnet(backbone, num_classes, aux_loss), weights, progress)


@composed(DeepLabV3_ResNet101_Weights, ResNet101_Weights, DeepLabV3_ResNet101_Weights["COCO_WITH_VOC_LABELS_V1"])
def deeplabv3_resnet101(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None, aux_loss: bool | None = None,
    weights_backbone: Any = ResNet101_Weights["IMAGENET1K_V1"], **kwargs: Any,
) -> DeepLabV3:  # fmt: skip
    """DeepLab v3 on a ResNet-101; 21 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, DeepLabV3_ResNet101_Weights, weights_backbone, ResNet101_Weights, num_classes, 21
    )
    aux_loss = aux_of(weights, aux_loss)
    backbone = resnet101(weights=weights_backbone, replace_stride_with_dilation=[False, True, True])
    return with_weights(_deeplabv3_resnet(backbone, num_classes, aux_loss), weights, progress)


@composed(
    DeepLabV3_MobileNet_V3_Large_Weights, MobileNet_V3_Large_Weights,
    DeepLabV3_MobileNet_V3_Large_Weights["COCO_WITH_VOC_LABELS_V1"],
)  # fmt: skip
def deeplabv3_mobilenet_v3_large(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None, aux_loss: bool | None = None,
    weights_backbone: Any = MobileNet_V3_Large_Weights["IMAGENET1K_V1"], **kwargs: Any,
) -> DeepLabV3:  # fmt: skip
    """DeepLab v3 on a MobileNet v3; 21 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, DeepLabV3_MobileNet_V3_Large_Weights, weights_backbone, MobileNet_V3_Large_Weights, num_classes, 21
    )
    aux_loss = aux_of(weights, aux_loss)
    backbone = mobilenet_v3_large(weights=weights_backbone, dilated=True)
    return with_weights(_deeplabv3_mobilenetv3(backbone, num_classes, aux_loss), weights, progress)
