"""Keypoint R-CNN (He et al. 2017)."""

from __future__ import annotations

from typing import Any

from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from ...ops import MultiScaleRoIAlign
from .._utils import _ovewrite_value_param, composed, resolve, with_weights
from .._weights import weights_enum
from ..resnet import ResNet50_Weights
from ._utils import overwrite_eps
from .faster_rcnn import FasterRCNN, resnet50_v1

__all__ = ["KeypointRCNN", "KeypointRCNN_ResNet50_FPN_Weights", "keypointrcnn_resnet50_fpn"]


class KeypointRCNN(FasterRCNN):
    """Faster R-CNN that also gives the keypoints of every object; further arguments are those of FasterRCNN."""

    def __init__(
        self, backbone: nn.Module, num_classes: int | None = None, min_size: Any = None, *args: Any,
        keypoint_roi_pool: nn.Module | None = None, keypoint_head: nn.Module | None = None,
        keypoint_predictor: nn.Module | None = None, num_keypoints: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if not isinstance(keypoint_roi_pool, (MultiScaleRoIAlign, type(None))):
            raise TypeError(
                f"keypoint_roi_pool should be of type MultiScaleRoIAlign or None instead of {type(keypoint_roi_pool)}"
            )
        if min_size is None:
            min_size = (640, 672, 704, 736, 768, 800)
        if num_keypoints is not None and keypoint_predictor is not None:
            raise ValueError("num_keypoints should be None when keypoint_predictor is specified")
        if keypoint_roi_pool is None:
            keypoint_roi_pool = MultiScaleRoIAlign(featmap_names=["0", "1", "2", "3"], output_size=14, sampling_ratio=2)
        if keypoint_head is None:
            keypoint_head = KeypointRCNNHeads(backbone.out_channels, (512,) * 8)
        if keypoint_predictor is None:
            keypoint_predictor = KeypointRCNNPredictor(512, 17 if num_keypoints is None else num_keypoints)
        super().__init__(backbone, num_classes, min_size, *args, **kwargs)
        self.roi_heads.keypoint_roi_pool = keypoint_roi_pool
        self.roi_heads.keypoint_head = keypoint_head
        self.roi_heads.keypoint_predictor = keypoint_predictor


class KeypointRCNNHeads(nn.Sequential):
    """3 x 3 convolutions of the given widths, each with ReLU."""

    def __init__(self, in_channels: int, layers: Any) -> None:
        blocks: list[nn.Module] = []
        width = in_channels
        for out in layers:
            blocks += [nn.Conv2d(width, out, 3, stride=1, padding=1), nn.ReLU(inplace=True)]
            width = out
        super().__init__(*blocks)
        for m in self.children():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                nn.init.constant_(m.bias, 0)


class KeypointRCNNPredictor(nn.Module):
    """The map of every keypoint at four times the size."""

    def __init__(self, in_channels: int, num_keypoints: int) -> None:
        super().__init__()
        self.kps_score_lowres = nn.ConvTranspose2d(in_channels, num_keypoints, 4, stride=2, padding=1)
        nn.init.kaiming_normal_(self.kps_score_lowres.weight, mode="fan_out", nonlinearity="relu")
        nn.init.constant_(self.kps_score_lowres.bias, 0)
        self.up_scale = 2
        self.out_channels = num_keypoints

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(
            self.kps_score_lowres(x), scale_factor=float(self.up_scale), mode="bilinear", align_corners=False,
            recompute_scale_factor=False,
        )  # fmt: skip


KeypointRCNN_ResNet50_FPN_Weights = weights_enum("KeypointRCNN_ResNet50_FPN_Weights", __name__)


def _legacy_weights(kwargs: dict[str, Any]) -> Any:
    """What ``pretrained`` meant: the older weights where it was "legacy"."""
    return KeypointRCNN_ResNet50_FPN_Weights["COCO_LEGACY" if kwargs.get("pretrained") == "legacy" else "COCO_V1"]


@composed(KeypointRCNN_ResNet50_FPN_Weights, ResNet50_Weights, _legacy_weights)
def keypointrcnn_resnet50_fpn(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None, num_keypoints: int | None = None,
    weights_backbone: Any = ResNet50_Weights["IMAGENET1K_V1"], trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> KeypointRCNN:  # fmt: skip
    """Keypoint R-CNN on a ResNet-50 pyramid; persons (2 classes) with 17 keypoints unless told otherwise."""
    weights, weights_backbone, num_classes = resolve(
        weights, KeypointRCNN_ResNet50_FPN_Weights, weights_backbone, ResNet50_Weights, num_classes, 2
    )
    if weights is not None:
        num_keypoints = _ovewrite_value_param("num_keypoints", num_keypoints, len(weights.meta["keypoint_names"]))
    elif num_keypoints is None:
        num_keypoints = 17
    trained = weights is not None or weights_backbone is not None
    backbone = resnet50_v1(weights_backbone, progress, trained, trainable_backbone_layers)
    model = with_weights(
        KeypointRCNN(backbone, num_classes, num_keypoints=num_keypoints, **kwargs), weights, progress
    )  # fmt: skip
    if weights is not None and weights == KeypointRCNN_ResNet50_FPN_Weights["COCO_V1"]:
        overwrite_eps(model, 0.0)
    return model
