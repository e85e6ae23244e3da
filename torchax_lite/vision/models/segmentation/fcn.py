"""Fully convolutional networks (Long et al. 2015)."""

from __future__ import annotations

from typing import Any

from torchax_lite import nn

from .._utils import composed, resolve, with_weights
from .._weights import weights_enum
from ..resnet import ResNet, ResNet50_Weights, ResNet101_Weights, resnet50, resnet101
from ._utils import _SimpleSegmentationModel, aux_of, resnet_layers

__all__ = ["FCN", "FCN_ResNet50_Weights", "FCN_ResNet101_Weights", "fcn_resnet50", "fcn_resnet101"]


class FCN(_SimpleSegmentationModel):
    """A backbone and a small convolutional head."""


class FCNHead(nn.Sequential):
    """3 x 3 convolution, normalisation, ReLU, dropout, 1 x 1 convolution to the classes."""

    def __init__(self, in_channels: int, channels: int) -> None:
        width = in_channels // 4
        super().__init__(
            nn.Conv2d(in_channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv2d(width, channels, 1),
        )


def _fcn_resnet(backbone: ResNet, num_classes: int, aux: bool | None) -> FCN:
    layers = resnet_layers(backbone, aux)
    aux_classifier = FCNHead(1024, num_classes) if aux else None
    return FCN(layers, FCNHead(2048, num_classes), aux_classifier)


FCN_ResNet50_Weights = weights_enum("FCN_ResNet50_Weights", __name__)
FCN_ResNet101_Weights = weights_enum("FCN_ResNet101_Weights", __name__)


@composed(FCN_ResNet50_Weights, ResNet50_Weights, FCN_ResNet50_Weights["COCO_WITH_VOC_LABELS_V1"])
def fcn_resnet50(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None, aux_loss: bool | None = None,
    weights_backbone: Any = ResNet50_Weights["IMAGENET1K_V1"], **kwargs: Any,
) -> FCN:  # fmt: skip
    """FCN on a ResNet-50 with dilation; 21 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, FCN_ResNet50_Weights, weights_backbone, ResNet50_Weights, num_classes, 21
    )
    aux_loss = aux_of(weights, aux_loss)
    backbone = resnet50(weights=weights_backbone, replace_stride_with_dilation=[False, True, True])
    return with_weights(_fcn_resnet(backbone, num_classes, aux_loss), weights, progress)


@composed(FCN_ResNet101_Weights, ResNet101_Weights, FCN_ResNet101_Weights["COCO_WITH_VOC_LABELS_V1"])
def fcn_resnet101(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None, aux_loss: bool | None = None,
    weights_backbone: Any = ResNet101_Weights["IMAGENET1K_V1"], **kwargs: Any,
) -> FCN:  # fmt: skip
    """FCN on a ResNet-101 with dilation; 21 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, FCN_ResNet101_Weights, weights_backbone, ResNet101_Weights, num_classes, 21
    )
    aux_loss = aux_of(weights, aux_loss)
    backbone = resnet101(weights=weights_backbone, replace_stride_with_dilation=[False, True, True])
    return with_weights(_fcn_resnet(backbone, num_classes, aux_loss), weights, progress)
