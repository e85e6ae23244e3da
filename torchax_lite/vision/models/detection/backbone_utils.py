"""Feature pyramids on top of classification models."""

from __future__ import annotations

import warnings
from typing import Any

from torchax_lite import Tensor, nn

from ...ops import misc as misc_nn_ops
from ...ops.feature_pyramid_network import ExtraFPNBlock, FeaturePyramidNetwork, LastLevelMaxPool
from .. import mobilenet, resnet
from .._api import get_model_weights
from .._utils import IntermediateLayerGetter, Layer, handle_legacy_interface, stages


class BackboneWithFPN(nn.Module):
    """Chosen layers of a backbone through a feature pyramid: an ordered dict of maps, the largest first."""

    def __init__(
        self, backbone: nn.Module, return_layers: dict[str, str], in_channels_list: list[int], out_channels: int,
        extra_blocks: ExtraFPNBlock | None = None, norm_layer: Layer | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if extra_blocks is None:
            extra_blocks = LastLevelMaxPool()
        self.body = IntermediateLayerGetter(backbone, return_layers=return_layers)
        self.fpn = FeaturePyramidNetwork(
            in_channels_list=in_channels_list, out_channels=out_channels, extra_blocks=extra_blocks,
            norm_layer=norm_layer,
        )  # fmt: skip
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.fpn(self.body(x))


def _legacy_weights(package: Any) -> Any:
    return lambda kwargs: get_model_weights(package.__dict__[kwargs["backbone_name"]])["IMAGENET1K_V1"]


@handle_legacy_interface(weights=("pretrained", _legacy_weights(resnet)))
def resnet_fpn_backbone(
    *, backbone_name: str, weights: Any, norm_layer: Layer = misc_nn_ops.FrozenBatchNorm2d, trainable_layers: int = 3,
    returned_layers: list[int] | None = None, extra_blocks: ExtraFPNBlock | None = None,
) -> BackboneWithFPN:  # fmt: skip
    """A ResNet with a feature pyramid; only the last ``trainable_layers`` groups (of 5) are trained."""
    backbone = resnet.__dict__[backbone_name](weights=weights, norm_layer=norm_layer)
    return _resnet_fpn_extractor(backbone, trainable_layers, returned_layers, extra_blocks)


def _resnet_fpn_extractor(
    backbone: Any, trainable_layers: int, returned_layers: list[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None, norm_layer: Layer | None = None,
) -> BackboneWithFPN:  # fmt: skip
    if trainable_layers < 0 or trainable_layers > 5:
        raise ValueError(f"Trainable layers should be in the range [0,5], got {trainable_layers}")
    trained = ["layer4", "layer3", "layer2", "layer1", "conv1"][:trainable_layers]
    if trainable_layers == 5:
        trained.append("bn1")
    for name, parameter in backbone.named_parameters():
        if not name.startswith(tuple(trained)):
            parameter.requires_grad_(False)
    chosen = [1, 2, 3, 4] if returned_layers is None else returned_layers
    if min(chosen) <= 0 or max(chosen) >= 5:
        raise ValueError(f"Each returned layer should be in the range [1,4]. Got {chosen}")
    layers = {f"layer{k}": str(v) for v, k in enumerate(chosen)}
    width = backbone.inplanes // 8
    widths = [width * 2 ** (i - 1) for i in chosen]
    return BackboneWithFPN(backbone, layers, widths, 256, extra_blocks=extra_blocks, norm_layer=norm_layer)


def _validate_trainable_layers(
    is_trained: bool, trainable_backbone_layers: int | None, max_value: int, default_value: int
) -> int:
    """How many groups of the backbone are trained: all of them where its weights are random."""
    if not is_trained:
        if trainable_backbone_layers is not None:
            warnings.warn(
                "Changing trainable_backbone_layers has no effect if neither pretrained nor pretrained_backbone have "
                f"been set to True, falling back to trainable_backbone_layers={max_value} so that all layers are "
                "trainable",
                stacklevel=4,
            )
        trainable_backbone_layers = max_value
    if trainable_backbone_layers is None:
        trainable_backbone_layers = default_value
    if trainable_backbone_layers < 0 or trainable_backbone_layers > max_value:
        raise ValueError(
            f"Trainable backbone layers should be in the range [0,{max_value}], got {trainable_backbone_layers} "
        )
    return trainable_backbone_layers


@handle_legacy_interface(weights=("pretrained", _legacy_weights(mobilenet)))
def mobilenet_backbone(
    *, backbone_name: str, weights: Any, fpn: bool, norm_layer: Layer = misc_nn_ops.FrozenBatchNorm2d,
    trainable_layers: int = 2, returned_layers: list[int] | None = None, extra_blocks: ExtraFPNBlock | None = None,
) -> nn.Module:  # fmt: skip
    """A MobileNet, with a feature pyramid or one map of 256 channels."""
    backbone = mobilenet.__dict__[backbone_name](weights=weights, norm_layer=norm_layer)
    return _mobilenet_extractor(backbone, fpn, trainable_layers, returned_layers, extra_blocks)


def _mobilenet_extractor(
    backbone: Any, fpn: bool, trainable_layers: int, returned_layers: list[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None, norm_layer: Layer | None = None,
) -> nn.Module:  # fmt: skip
    features = backbone.features
    places = stages(features)
    count = len(places)
    if trainable_layers < 0 or trainable_layers > count:
        raise ValueError(f"Trainable layers should be in the range [0,{count}], got {trainable_layers} ")
    frozen = len(features) if trainable_layers == 0 else places[count - trainable_layers]
    for block in features[:frozen]:
        for parameter in block.parameters():
            parameter.requires_grad_(False)
    if not fpn:
        model = nn.Sequential(features, nn.Conv2d(features[-1].out_channels, 256, 1))
        model.out_channels = 256
        return model
    chosen = [count - 2, count - 1] if returned_layers is None else returned_layers
    if min(chosen) < 0 or max(chosen) >= count:
        raise ValueError(f"Each returned layer should be in the range [0,{count - 1}], got {chosen} ")
    layers = {f"{places[k]}": str(v) for v, k in enumerate(chosen)}
    widths = [features[places[i]].out_channels for i in chosen]
    return BackboneWithFPN(features, layers, widths, 256, extra_blocks=extra_blocks, norm_layer=norm_layer)
