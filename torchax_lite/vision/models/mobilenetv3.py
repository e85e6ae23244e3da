"""MobileNet v3 (Howard et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ._utils import Layer, _make_divisible, builder, classify, with_weights
from ._weights import weights_enum
from .mobilenetv2 import initialise

__all__ = [
    "MobileNetV3", "MobileNet_V3_Large_Weights", "MobileNet_V3_Small_Weights", "mobilenet_v3_large", "mobilenet_v3_small",
]  # fmt: skip


_SqueezeExcitation = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)


class InvertedResidualConfig:
    """Widths (already multiplied), kernel, activation ("HS" or "RE"), stride and dilation of one block."""

    def __init__(
        self, input_channels: int, kernel: int, expanded_channels: int, out_channels: int, use_se: bool, activation: str,
        stride: int, dilation: int, width_mult: float,
    ) -> None:  # fmt: skip
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        """A width times a factor, as a multiple of 8."""
        return _make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, weigh the channels, narrow."""

    def __init__(self, cnf: InvertedResidualConfig, norm_layer: Layer, se_layer: Layer = _SqueezeExcitation) -> None:
        super().__init__()
        if not (1 <= cnf.stride <= 2):
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        activation = nn.Hardswish if cnf.use_hs else nn.ReLU
        wide = cnf.expanded_channels
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer)
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(conv(cnf.input_channels, wide, kernel_size=1, activation_layer=activation))
        layers.append(
            conv(
                wide, wide, kernel_size=cnf.kernel, stride=1 if cnf.dilation > 1 else cnf.stride, dilation=cnf.dilation,
                groups=wide, activation_layer=activation,
            )
        )  # fmt: skip
        if cnf.use_se:
            layers.append(se_layer(wide, _make_divisible(wide // 4, 8)))
        layers.append(conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels
        self._is_cn = cnf.stride > 1

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        if self.use_res_connect:
            result += input
        return result


class MobileNetV3(nn.Module):
    """Blocks as configured, then two linear layers."""

    def __init__(
        self, inverted_residual_setting: list[InvertedResidualConfig], last_channel: int, num_classes: int = 1000,
        block: Layer | None = None, norm_layer: Layer | None = None, dropout: float = 0.2, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        setting = inverted_residual_setting
        if not setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not (isinstance(setting, Sequence) and all(isinstance(s, InvertedResidualConfig) for s in setting)):
            raise TypeError("The inverted_residual_setting should be List[InvertedResidualConfig]")
        block = block or InvertedResidual
        norm_layer = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.Hardswish)
        layers: list[nn.Module] = [conv(3, setting[0].input_channels, kernel_size=3, stride=2)]
        layers += [block(cnf, norm_layer) for cnf in setting]
        narrow = setting[-1].out_channels
        layers.append(conv(narrow, 6 * narrow, kernel_size=1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * narrow, last_channel),
            nn.Hardswish(inplace=True),
            nn.Dropout(p=dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )
        for m in self.modules():
            initialise(m)

    def _forward_impl(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))

    def forward(self, x: Tensor) -> Tensor:
        return self._forward_impl(x)


#: Blocks: input, kernel, expanded, output, squeeze-excitation, activation, stride. From the marked one on, the tail:
#: its own widths may be halved and its stride replaced by dilation.
_LARGE = [
    (16, 3, 16, 16, False, "RE", 1), (16, 3, 64, 24, False, "RE", 2), (24, 3, 72, 24, False, "RE", 1),
    (24, 5, 72, 40, True, "RE", 2), (40, 5, 120, 40, True, "RE", 1), (40, 5, 120, 40, True, "RE", 1),
    (40, 3, 240, 80, False, "HS", 2), (80, 3, 200, 80, False, "HS", 1), (80, 3, 184, 80, False, "HS", 1),
    (80, 3, 184, 80, False, "HS", 1), (80, 3, 480, 112, True, "HS", 1), (112, 3, 672, 112, True, "HS", 1),
    (112, 5, 672, 160, True, "HS", 2), (160, 5, 960, 160, True, "HS", 1), (160, 5, 960, 160, True, "HS", 1),
]  # fmt: skip
_SMALL = [
    (16, 3, 16, 16, True, "RE", 2), (16, 3, 72, 24, False, "RE", 2), (24, 3, 88, 24, False, "RE", 1),
    (24, 5, 96, 40, True, "HS", 2), (40, 5, 240, 40, True, "HS", 1), (40, 5, 240, 40, True, "HS", 1),
    (40, 5, 120, 48, True, "HS", 1), (48, 5, 144, 48, True, "HS", 1), (48, 5, 288, 96, True, "HS", 2),
    (96, 5, 576, 96, True, "HS", 1), (96, 5, 576, 96, True, "HS", 1),
]  # fmt: skip
_ARCHITECTURES = {"mobilenet_v3_large": (_LARGE, 1280), "mobilenet_v3_small": (_SMALL, 1024)}


def _mobilenet_v3_conf(
    arch: str, width_mult: float = 1.0, reduced_tail: bool = False, dilated: bool = False, **kwargs: Any
) -> tuple[list[InvertedResidualConfig], int]:
    """The blocks of an architecture and the width of its first linear layer."""
    if arch not in _ARCHITECTURES:
        raise ValueError(f"Unsupported model type {arch}")
    table, last = _ARCHITECTURES[arch]
    divider = 2 if reduced_tail else 1
    setting = []
    for i, (inp, kernel, wide, out, se, activation, stride) in enumerate(table):
        place = i - (len(table) - 3)  # the last three blocks are the tail
        if place >= 0:
            out //= divider
        if place >= 1:
            inp, wide = inp // divider, wide // divider
        dilation = 2 if dilated and place >= 0 else 1
        setting.append(
            InvertedResidualConfig(inp, kernel, wide, out, se, activation, stride, dilation, width_mult=width_mult)
        )
    return setting, InvertedResidualConfig.adjust_channels(last // divider, width_mult)


def _mobilenet_v3(arch: str, weights: Any, progress: bool, **kwargs: Any) -> MobileNetV3:
    setting, last_channel = _mobilenet_v3_conf(arch, **kwargs)
    classify(weights, kwargs)
    return with_weights(MobileNetV3(setting, last_channel, **kwargs), weights, progress)


MobileNet_V3_Large_Weights = weights_enum("MobileNet_V3_Large_Weights", __name__)
MobileNet_V3_Small_Weights = weights_enum("MobileNet_V3_Small_Weights", __name__)

mobilenet_v3_large = builder(
    "mobilenet_v3_large", __name__, MobileNet_V3_Large_Weights, partial(_mobilenet_v3, "mobilenet_v3_large")
)
mobilenet_v3_small = builder(
    "mobilenet_v3_small", __name__, MobileNet_V3_Small_Weights, partial(_mobilenet_v3, "mobilenet_v3_small")
)
