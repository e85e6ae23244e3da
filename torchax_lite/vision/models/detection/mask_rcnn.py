"""Mask R-CNN (He et al. 2017)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torchax_lite import nn

from ...ops import MultiScaleRoIAlign
from ...ops import misc as misc_nn_ops
from .._utils import Layer, composed, resolve, with_weights
from .._weights import weights_enum
from ..resnet import ResNet50_Weights
from ._utils import overwrite_eps
from .faster_rcnn import FasterRCNN, improved_parts, resnet50_v1, resnet50_v2

__all__ = [
    "MaskRCNN", "MaskRCNN_ResNet50_FPN_Weights", "MaskRCNN_ResNet50_FPN_V2_Weights", "maskrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn_v2",
]  # fmt: skip


class MaskRCNN(FasterRCNN):
    """Faster R-CNN that also gives the mask of every object; further arguments are those of FasterRCNN."""

    def __init__(
        self, backbone: nn.Module, num_classes: int | None = None, *args: Any, mask_roi_pool: nn.Module | None = None,
        mask_head: nn.Module | None = None, mask_predictor: nn.Module | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if not isinstance(mask_roi_pool, (MultiScaleRoIAlign, type(None))):
            raise TypeError(
                f"mask_roi_pool should be of type MultiScaleRoIAlign or None instead of {type(mask_roi_pool)}"
            )
        if num_classes is not None and mask_predictor is not None:
            raise ValueError("num_classes should be None when mask_predictor is specified")
        if mask_roi_pool is None:
            mask_roi_pool = MultiScaleRoIAlign(featmap_names=["0", "1", "2", "3"], output_size=14, sampling_ratio=2)
        if mask_head is None:
            mask_head = MaskRCNNHeads(backbone.out_channels, (256, 256, 256, 256), 1)
        if mask_predictor is None:
            mask_predictor = MaskRCNNPredictor(256, 256, num_classes)
        super().__init__(backbone, num_classes, *args, **kwargs)
        self.roi_heads.mask_roi_pool = mask_roi_pool
        self.roi_heads.mask_head = mask_head
        self.roi_heads.mask_predictor = mask_predictor


class MaskRCNNHeads(nn.Sequential):
    """3 x 3 convolutions of the given widths."""

    _version = 2

    def __init__(self, in_channels: int, layers: Any, dilation: int, norm_layer: Layer | None = None) -> None:
        blocks = []
        width = in_channels
        for out in layers:
            blocks.append(
                misc_nn_ops.Conv2dNormActivation(
                    width, out, kernel_size=3, stride=1, padding=dilation, dilation=dilation, norm_layer=norm_layer
                )
            )
            width = out
        super().__init__(*blocks)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
        if (local_metadata.get("version") or 1) < 2:  # the convolutions were called mask_fcn1 and so on
            for i in range(len(self)):
                for kind in ("weight", "bias"):
                    old = f"{prefix}mask_fcn{i + 1}.{kind}"
                    if old in state_dict:
                        state_dict[f"{prefix}{i}.0.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class MaskRCNNPredictor(nn.Sequential):
    """Twice the size, then the logits of a mask for every class."""

    def __init__(self, in_channels: int, dim_reduced: int, num_classes: int) -> None:
        super().__init__(
            OrderedDict(
                conv5_mask=nn.ConvTranspose2d(in_channels, dim_reduced, 2, 2, 0),
                relu=nn.ReLU(inplace=True),
                mask_fcn_logits=nn.Conv2d(dim_reduced, num_classes, 1, 1, 0),
            )
        )
        for name, param in self.named_parameters():
            if "weight" in name:
                nn.init.kaiming_normal_(param, mode="fan_out", nonlinearity="relu")


MaskRCNN_ResNet50_FPN_Weights = weights_enum("MaskRCNN_ResNet50_FPN_Weights", __name__)
MaskRCNN_ResNet50_FPN_V2_Weights = weights_enum("MaskRCNN_ResNet50_FPN_V2_Weights", __name__)


@composed(MaskRCNN_ResNet50_FPN_Weights, ResNet50_Weights, MaskRCNN_ResNet50_FPN_Weights["COCO_V1"])
def maskrcnn_resnet50_fpn(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None,
    weights_backbone: Any = ResNet50_Weights["IMAGENET1K_V1"], trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> MaskRCNN:  # fmt: skip
    """Mask R-CNN on a ResNet-50 pyramid; 91 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, MaskRCNN_ResNet50_FPN_Weights, weights_backbone, ResNet50_Weights, num_classes, 91
    )
    trained = weights is not None or weights_backbone is not None
    backbone = resnet50_v1(weights_backbone, progress, trained, trainable_backbone_layers)
    model = with_weights(MaskRCNN(backbone, num_classes=num_classes, **kwargs), weights, progress)
    if weights is not None:
        overwrite_eps(model, 0.0)
    return model


@composed(MaskRCNN_ResNet50_FPN_V2_Weights, ResNet50_Weights, MaskRCNN_ResNet50_FPN_V2_Weights["COCO_V1"])
def maskrcnn_resnet50_fpn_v2(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None, weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None, **kwargs: Any,
) -> MaskRCNN:  # fmt: skip
    """The improved form (Li et al. 2021); 91 classes unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, MaskRCNN_ResNet50_FPN_V2_Weights, weights_backbone, ResNet50_Weights, num_classes, 91
    )
    trained = weights is not None or weights_backbone is not None
    backbone = resnet50_v2(weights_backbone, progress, trained, trainable_backbone_layers, norm_layer=nn.BatchNorm2d)
    parts = improved_parts(backbone.out_channels)
    mask_head = MaskRCNNHeads(backbone.out_channels, [256] * 4, 1, norm_layer=nn.BatchNorm2d)
    model = MaskRCNN(backbone, num_classes=num_classes, mask_head=mask_head, **parts, **kwargs)
    return with_weights(model, weights, progress)
