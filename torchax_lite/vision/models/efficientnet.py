"""EfficientNet (Tan & Le 2019) and EfficientNet v2 (Tan & Le 2021)."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ..ops import StochasticDepth
from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ._utils import Layer, _make_divisible, builder, classify, with_weights
from ._weights import weights_enum

__all__ = [
    "EfficientNet", "EfficientNet_B0_Weights", "EfficientNet_B1_Weights", "EfficientNet_B2_Weights",
    "EfficientNet_B3_Weights", "EfficientNet_B4_Weights", "EfficientNet_B5_Weights", "EfficientNet_B6_Weights",
    "EfficientNet_B7_Weights", "EfficientNet_V2_S_Weights", "EfficientNet_V2_M_Weights", "EfficientNet_V2_L_Weights",
    "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_b5",
    "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l",
]  # fmt: skip


@dataclass
class _MBConvConfig:
    """One stage: expansion, kernel, stride of the first block, widths, number of blocks, their class."""

    expand_ratio: float
    kernel: int
    stride: int
    input_channels: int
    out_channels: int
    num_layers: int
    block: Layer

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        """A width times a factor, as a multiple of 8."""
        return _make_divisible(channels * width_mult, 8, min_value)


class MBConvConfig(_MBConvConfig):
    """A stage of MBConv blocks, with factors of widths and depth."""

    def __init__(
        self, expand_ratio: float, kernel: int, stride: int, input_channels: int, out_channels: int, num_layers: int,
        width_mult: float = 1.0, depth_mult: float = 1.0, block: Layer | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            expand_ratio, kernel, stride, self.adjust_channels(input_channels, width_mult),
            self.adjust_channels(out_channels, width_mult), self.adjust_depth(num_layers, depth_mult), block or MBConv,
        )  # fmt: skip

    @staticmethod
    def adjust_depth(num_layers: int, depth_mult: float) -> int:
        """A number of blocks times a factor, rounded up."""
        return int(math.ceil(num_layers * depth_mult))


class FusedMBConvConfig(_MBConvConfig):
    """A stage of FusedMBConv blocks."""

    def __init__(
        self, expand_ratio: float, kernel: int, stride: int, input_channels: int, out_channels: int, num_layers: int,
        block: Layer | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block or FusedMBConv
        )  # fmt: skip


class _Residual(nn.Module):
    """``x + drop(block(x))`` where the shapes allow, else ``block(x)``."""

    def _finish(self, cnf: _MBConvConfig, layers: list[nn.Module], stochastic_depth_prob: float) -> None:
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        if self.use_res_connect:
            result = self.stochastic_depth(result)
            result += input
        return result


class MBConv(_Residual):
    """Widen, filter each channel by itself, weigh the channels, narrow."""

    def __init__(
        self, cnf: _MBConvConfig, stochastic_depth_prob: float, norm_layer: Layer, se_layer: Layer = SqueezeExcitation
    ) -> None:
        super().__init__()
        if not (1 <= cnf.stride <= 2):
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer)
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(conv(cnf.input_channels, wide, kernel_size=1, activation_layer=nn.SiLU))
        layers.append(
            conv(wide, wide, kernel_size=cnf.kernel, stride=cnf.stride, groups=wide, activation_layer=nn.SiLU)
        )
        layers.append(se_layer(wide, max(1, cnf.input_channels // 4), activation=partial(nn.SiLU, inplace=True)))
        layers.append(conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None))
        self._finish(cnf, layers, stochastic_depth_prob)


class FusedMBConv(_Residual):
    """Widen by an ordinary convolution, narrow."""

    def __init__(self, cnf: _MBConvConfig, stochastic_depth_prob: float, norm_layer: Layer) -> None:
        super().__init__()
        if not (1 <= cnf.stride <= 2):
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer)
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        first = wide if wide != cnf.input_channels else cnf.out_channels
        layers: list[nn.Module] = [
            conv(cnf.input_channels, first, kernel_size=cnf.kernel, stride=cnf.stride, activation_layer=nn.SiLU)
        ]
        if wide != cnf.input_channels:
            layers.append(conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None))
        self._finish(cnf, layers, stochastic_depth_prob)


class EfficientNet(nn.Module):
    """Stages of blocks; the chance that a block is left out in training rises from 0 to ``stochastic_depth_prob``."""

    def __init__(
        self, inverted_residual_setting: Sequence[MBConvConfig | FusedMBConvConfig], dropout: float,
        stochastic_depth_prob: float = 0.2, num_classes: int = 1000, norm_layer: Layer | None = None,
        last_channel: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        setting = inverted_residual_setting
        if not setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not (isinstance(setting, Sequence) and all(isinstance(s, _MBConvConfig) for s in setting)):
            raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
        norm_layer = norm_layer or nn.BatchNorm2d
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        layers: list[nn.Module] = [conv(3, setting[0].input_channels, kernel_size=3, stride=2)]
        total = sum(cnf.num_layers for cnf in setting)
        number = 0
        for cnf in setting:
            stage: list[nn.Module] = []
            for _ in range(cnf.num_layers):
                each = copy.copy(cnf)
                if stage:
                    each.input_channels, each.stride = each.out_channels, 1
                stage.append(each.block(each, stochastic_depth_prob * float(number) / total, norm_layer))
                number += 1
            layers.append(nn.Sequential(*stage))
        narrow = setting[-1].out_channels
        wide = last_channel if last_channel is not None else 4 * narrow
        layers.append(conv(narrow, wide, kernel_size=1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout, inplace=True), nn.Linear(wide, num_classes))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.ones_(m.weight)
                nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                bound = 1.0 / math.sqrt(m.out_features)
                nn.init.uniform_(m.weight, -bound, bound)
                nn.init.zeros_(m.bias)

    def _forward_impl(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))

    def forward(self, x: Tensor) -> Tensor:
        return self._forward_impl(x)


# Stages: "m" MBConv or "f" FusedMBConv, expansion, kernel, stride, input, output, blocks.
_B = [
    ("m", 1, 3, 1, 32, 16, 1), ("m", 6, 3, 2, 16, 24, 2), ("m", 6, 5, 2, 24, 40, 2), ("m", 6, 3, 2, 40, 80, 3),
    ("m", 6, 5, 1, 80, 112, 3), ("m", 6, 5, 2, 112, 192, 4), ("m", 6, 3, 1, 192, 320, 1),
]  # fmt: skip
_V2 = {
    "efficientnet_v2_s": [
        ("f", 1, 3, 1, 24, 24, 2), ("f", 4, 3, 2, 24, 48, 4), ("f", 4, 3, 2, 48, 64, 4), ("m", 4, 3, 2, 64, 128, 6),
        ("m", 6, 3, 1, 128, 160, 9), ("m", 6, 3, 2, 160, 256, 15),
    ],
    "efficientnet_v2_m": [
        ("f", 1, 3, 1, 24, 24, 3), ("f", 4, 3, 2, 24, 48, 5), ("f", 4, 3, 2, 48, 80, 5), ("m", 4, 3, 2, 80, 160, 7),
        ("m", 6, 3, 1, 160, 176, 14), ("m", 6, 3, 2, 176, 304, 18), ("m", 6, 3, 1, 304, 512, 5),
    ],
    "efficientnet_v2_l": [
        ("f", 1, 3, 1, 32, 32, 4), ("f", 4, 3, 2, 32, 64, 7), ("f", 4, 3, 2, 64, 96, 7), ("m", 4, 3, 2, 96, 192, 10),
        ("m", 6, 3, 1, 192, 224, 19), ("m", 6, 3, 2, 224, 384, 25), ("m", 6, 3, 1, 384, 640, 7),
    ],
}  # fmt: skip


def _efficientnet_conf(arch: str, **kwargs: Any) -> tuple[list[MBConvConfig | FusedMBConvConfig], int | None]:
    """The stages of an architecture and the width of its last convolution (None: four times the last stage)."""
    if arch.startswith("efficientnet_b"):
        mults = {"width_mult": kwargs.pop("width_mult"), "depth_mult": kwargs.pop("depth_mult")}
        return [MBConvConfig(*stage, **mults) for _, *stage in _B], None
    if arch not in _V2:
        raise ValueError(f"Unsupported model type {arch}")
    return [(MBConvConfig if kind == "m" else FusedMBConvConfig)(*stage) for kind, *stage in _V2[arch]], 1280


def _efficientnet(
    arch: str,
    dropout: float,
    norm: dict[str, float],
    mults: dict[str, float],
    weights: Any,
    progress: bool,
    **kwargs: Any,
) -> EfficientNet:
    setting, last_channel = _efficientnet_conf(arch, **mults)
    classify(weights, kwargs)
    if norm:
        if "norm_layer" in kwargs:
            raise TypeError(f"{arch}() got multiple values for keyword argument 'norm_layer'")
        kwargs["norm_layer"] = partial(nn.BatchNorm2d, **norm)
    dropout = kwargs.pop("dropout", dropout)
    return with_weights(EfficientNet(setting, dropout, last_channel=last_channel, **kwargs), weights, progress)


def _build(name: str, weights: Any, dropout: float, norm: dict[str, float], **mults: float) -> Any:
    return builder(name, __name__, weights, partial(_efficientnet, name, dropout, norm, mults))


EfficientNet_B0_Weights = weights_enum("EfficientNet_B0_Weights", __name__)
EfficientNet_B1_Weights = weights_enum("EfficientNet_B1_Weights", __name__)
EfficientNet_B2_Weights = weights_enum("EfficientNet_B2_Weights", __name__)
EfficientNet_B3_Weights = weights_enum("EfficientNet_B3_Weights", __name__)
EfficientNet_B4_Weights = weights_enum("EfficientNet_B4_Weights", __name__)
EfficientNet_B5_Weights = weights_enum("EfficientNet_B5_Weights", __name__)
EfficientNet_B6_Weights = weights_enum("EfficientNet_B6_Weights", __name__)
EfficientNet_B7_Weights = weights_enum("EfficientNet_B7_Weights", __name__)
EfficientNet_V2_S_Weights = weights_enum("EfficientNet_V2_S_Weights", __name__)
EfficientNet_V2_M_Weights = weights_enum("EfficientNet_V2_M_Weights", __name__)
EfficientNet_V2_L_Weights = weights_enum("EfficientNet_V2_L_Weights", __name__)

_SLOW = {"eps": 0.001, "momentum": 0.01}
efficientnet_b0 = _build("efficientnet_b0", EfficientNet_B0_Weights, 0.2, {}, width_mult=1.0, depth_mult=1.0)
efficientnet_b1 = _build("efficientnet_b1", EfficientNet_B1_Weights, 0.2, {}, width_mult=1.0, depth_mult=1.1)
efficientnet_b2 = _build("efficientnet_b2", EfficientNet_B2_Weights, 0.3, {}, width_mult=1.1, depth_mult=1.2)
efficientnet_b3 = _build("efficientnet_b3", EfficientNet_B3_Weights, 0.3, {}, width_mult=1.2, depth_mult=1.4)
efficientnet_b4 = _build("efficientnet_b4", EfficientNet_B4_Weights, 0.4, {}, width_mult=1.4, depth_mult=1.8)
efficientnet_b5 = _build("efficientnet_b5", EfficientNet_B5_Weights, 0.4, _SLOW, width_mult=1.6, depth_mult=2.2)
efficientnet_b6 = _build("efficientnet_b6", EfficientNet_B6_Weights, 0.5, _SLOW, width_mult=1.8, depth_mult=2.6)
efficientnet_b7 = _build("efficientnet_b7", EfficientNet_B7_Weights, 0.5, _SLOW, width_mult=2.0, depth_mult=3.1)
efficientnet_v2_s = _build("efficientnet_v2_s", EfficientNet_V2_S_Weights, 0.2, {"eps": 1e-03})
efficientnet_v2_m = _build("efficientnet_v2_m", EfficientNet_V2_M_Weights, 0.3, {"eps": 1e-03})
efficientnet_v2_l = _build("efficientnet_v2_l", EfficientNet_V2_L_Weights, 0.4, {"eps": 1e-03})
