"""ConvNeXt (Liu et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from ..ops.misc import Conv2dNormActivation, Permute
from ..ops.stochastic_depth import StochasticDepth
from ._utils import Layer, builder, classify, with_weights
from ._weights import weights_enum

__all__ = [
    "ConvNeXt", "ConvNeXt_Tiny_Weights", "ConvNeXt_Small_Weights", "ConvNeXt_Base_Weights", "ConvNeXt_Large_Weights",
    "convnext_tiny", "convnext_small", "convnext_base", "convnext_large",
]  # fmt: skip


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of ``(N, C, H, W)``."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """``x + drop(scale * mlp(norm(depthwise 7 x 7 (x))))``."""

    def __init__(
        self, dim: int, layer_scale: float, stochastic_depth_prob: float, norm_layer: Layer | None = None
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim, bias=True),
            Permute([0, 2, 3, 1]),
            norm_layer(dim),
            nn.Linear(in_features=dim, out_features=4 * dim, bias=True),
            nn.GELU(),
            nn.Linear(in_features=4 * dim, out_features=dim, bias=True),
            Permute([0, 3, 1, 2]),
        )
        self.layer_scale = nn.Parameter(torch.ones(dim, 1, 1) * layer_scale)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Tensor) -> Tensor:
        result = self.layer_scale * self.block(input)
        result = self.stochastic_depth(result)
        result += input
        return result


class CNBlockConfig:
    """Width of a stage, width after it (None at the last), number of blocks."""

    def __init__(self, input_channels: int, out_channels: int | None, num_layers: int) -> None:
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers

    def __repr__(self) -> str:
        return (
            f"{self.__class__.__name__}(input_channels={self.input_channels}, out_channels={self.out_channels}, "
            f"num_layers={self.num_layers})"
        )


class ConvNeXt(nn.Module):
    """Stages of ConvNeXt blocks with halvings of the size between them."""

    def __init__(
        self, block_setting: list[CNBlockConfig], stochastic_depth_prob: float = 0.0, layer_scale: float = 1e-6,
        num_classes: int = 1000, block: Layer | None = None, norm_layer: Layer | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        if not (isinstance(block_setting, Sequence) and all(isinstance(s, CNBlockConfig) for s in block_setting)):
            raise TypeError("The block_setting should be List[CNBlockConfig]")
        block = block or CNBlock
        norm_layer = norm_layer or partial(LayerNorm2d, eps=1e-6)
        layers: list[nn.Module] = [
            Conv2dNormActivation(
                3, block_setting[0].input_channels, kernel_size=4, stride=4, padding=0, norm_layer=norm_layer,
                activation_layer=None, bias=True,
            )
        ]  # fmt: skip
        total = sum(cnf.num_layers for cnf in block_setting)
        number = 0
        for cnf in block_setting:
            stage = []
            for _ in range(cnf.num_layers):
                stage.append(block(cnf.input_channels, layer_scale, stochastic_depth_prob * number / (total - 1.0)))
                number += 1
            layers.append(nn.Sequential(*stage))
            if cnf.out_channels is not None:
                halve = nn.Conv2d(cnf.input_channels, cnf.out_channels, kernel_size=2, stride=2)
                layers.append(nn.Sequential(norm_layer(cnf.input_channels), halve))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        last = block_setting[-1]
        width = last.out_channels if last.out_channels is not None else last.input_channels
        self.classifier = nn.Sequential(norm_layer(width), nn.Flatten(1), nn.Linear(width, num_classes))
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def _forward_impl(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)))

    def forward(self, x: Tensor) -> Tensor:
        return self._forward_impl(x)


def _convnext(
    width: int, third: int, stochastic_depth_prob: float, weights: Any, progress: bool, **kwargs: Any
) -> ConvNeXt:
    widths = [width, 2 * width, 4 * width, 8 * width, None]
    setting = [CNBlockConfig(a, b, n) for a, b, n in zip(widths, widths[1:], (3, 3, third, 3))]
    probability = kwargs.pop("stochastic_depth_prob", stochastic_depth_prob)
    classify(weights, kwargs)
    return with_weights(ConvNeXt(setting, stochastic_depth_prob=probability, **kwargs), weights, progress)


ConvNeXt_Tiny_Weights = weights_enum("ConvNeXt_Tiny_Weights", __name__)
ConvNeXt_Small_Weights = weights_enum("ConvNeXt_Small_Weights", __name__)
ConvNeXt_Base_Weights = weights_enum("ConvNeXt_Base_Weights", __name__)
ConvNeXt_Large_Weights = weights_enum("ConvNeXt_Large_Weights", __name__)

convnext_tiny = builder("convnext_tiny", __name__, ConvNeXt_Tiny_Weights, partial(_convnext, 96, 9, 0.1))
convnext_small = builder("convnext_small", __name__, ConvNeXt_Small_Weights, partial(_convnext, 96, 27, 0.4))
convnext_base = builder("convnext_base", __name__, ConvNeXt_Base_Weights, partial(_convnext, 128, 27, 0.5))
convnext_large = builder("convnext_large", __name__, ConvNeXt_Large_Weights, partial(_convnext, 192, 27, 0.5))
