"""RegNet (Radosavovic et al. 2020)."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ._utils import Layer, _make_divisible, builder, classify, with_weights
from ._weights import weights_enum

__all__ = [
    "RegNet", "RegNet_Y_400MF_Weights", "RegNet_Y_800MF_Weights", "RegNet_Y_1_6GF_Weights", "RegNet_Y_3_2GF_Weights",
    "RegNet_Y_8GF_Weights", "RegNet_Y_16GF_Weights", "RegNet_Y_32GF_Weights", "RegNet_Y_128GF_Weights",
    "RegNet_X_400MF_Weights", "RegNet_X_800MF_Weights", "RegNet_X_1_6GF_Weights", "RegNet_X_3_2GF_Weights",
    "RegNet_X_8GF_Weights", "RegNet_X_16GF_Weights", "RegNet_X_32GF_Weights", "regnet_y_400mf", "regnet_y_800mf",
    "regnet_y_1_6gf", "regnet_y_3_2gf", "regnet_y_8gf", "regnet_y_16gf", "regnet_y_32gf", "regnet_y_128gf",
    "regnet_x_400mf", "regnet_x_800mf", "regnet_x_1_6gf", "regnet_x_3_2gf", "regnet_x_8gf", "regnet_x_16gf",
    "regnet_x_32gf",
]  # fmt: skip


class SimpleStemIN(Conv2dNormActivation):
    """The first convolution, to half the size."""

    def __init__(self, width_in: int, width_out: int, norm_layer: Layer, activation_layer: Layer) -> None:
        super().__init__(
            width_in, width_out, kernel_size=3, stride=2, norm_layer=norm_layer, activation_layer=activation_layer
        )


class BottleneckTransform(nn.Sequential):
    """1 x 1, grouped 3 x 3, the channels weighed, 1 x 1."""

    def __init__(
        self, width_in: int, width_out: int, stride: int, norm_layer: Layer, activation_layer: Layer, group_width: int,
        bottleneck_multiplier: float, se_ratio: float | None,
    ) -> None:  # fmt: skip
        width = int(round(width_out * bottleneck_multiplier))
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["a"] = conv(width_in, width, kernel_size=1, stride=1, activation_layer=activation_layer)
        layers["b"] = conv(
            width, width, kernel_size=3, stride=stride, groups=width // group_width, activation_layer=activation_layer
        )
        if se_ratio:
            layers["se"] = SqueezeExcitation(
                input_channels=width, squeeze_channels=int(round(se_ratio * width_in)), activation=activation_layer
            )
        layers["c"] = conv(width, width_out, kernel_size=1, stride=1, activation_layer=None)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """``act(proj(x) + f(x))``."""

    def __init__(
        self, width_in: int, width_out: int, stride: int, norm_layer: Layer, activation_layer: Layer,
        group_width: int = 1, bottleneck_multiplier: float = 1.0, se_ratio: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.proj = None
        if width_in != width_out or stride != 1:
            self.proj = Conv2dNormActivation(
                width_in, width_out, kernel_size=1, stride=stride, norm_layer=norm_layer, activation_layer=None
            )
        self.f = BottleneckTransform(
            width_in, width_out, stride, norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio
        )
        self.activation = activation_layer(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.f(x) if self.proj is None else self.proj(x) + self.f(x)
        return self.activation(x)


class AnyStage(nn.Sequential):
    """Blocks of one width; the first has the stride."""

    def __init__(
        self, width_in: int, width_out: int, stride: int, depth: int, block_constructor: Layer, norm_layer: Layer,
        activation_layer: Layer, group_width: int, bottleneck_multiplier: float, se_ratio: float | None = None,
        stage_index: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        for i in range(depth):
            block = block_constructor(
                width_in if i == 0 else width_out, width_out, stride if i == 0 else 1, norm_layer, activation_layer,
                group_width, bottleneck_multiplier, se_ratio,
            )  # fmt: skip
            self.add_module(f"block{stage_index}-{i}", block)


class BlockParams:
    """Depth, width, group width, bottleneck factor and stride of every stage."""

    def __init__(
        self, depths: list[int], widths: list[int], group_widths: list[int], bottleneck_multipliers: list[float],
        strides: list[int], se_ratio: float | None = None,
    ) -> None:  # fmt: skip
        self.depths = depths
        self.widths = widths
        self.group_widths = group_widths
        self.bottleneck_multipliers = bottleneck_multipliers
        self.strides = strides
        self.se_ratio = se_ratio

    @classmethod
    def from_init_params(
        cls, depth: int, w_0: int, w_a: float, w_m: float, group_width: int, bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None, **kwargs: Any,
    ) -> BlockParams:  # fmt: skip
        """The stages that follow from a linear rule of widths ``w_0 + w_a i``, rounded to powers of ``w_m`` and to 8.

        Raises:
            ValueError: the rule does not grow, or ``w_0`` is no multiple of 8.
        """
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8 != 0:
            raise ValueError("Invalid RegNet settings")
        smooth = torch.arange(depth) * w_a + w_0
        power = torch.round(torch.log(smooth / w_0) / math.log(w_m))
        rounded = (torch.round(torch.divide(w_0 * torch.pow(w_m, power), 8)) * 8).int().tolist()
        stages = [(width, len(list(same))) for width, same in groupby(rounded)]
        count = len(set(rounded))
        multipliers = [bottleneck_multiplier] * count
        widths, groups = cls._adjust_widths_groups_compatibilty(
            [width for width, _ in stages], multipliers, [group_width] * count
        )
        return cls([n for _, n in stages], widths, groups, multipliers, [2] * count, se_ratio)

    def _get_expanded_params(self) -> Iterator[tuple[int, int, int, int, float]]:
        return zip(self.widths, self.strides, self.depths, self.group_widths, self.bottleneck_multipliers)

    @staticmethod
    def _adjust_widths_groups_compatibilty(
        stage_widths: list[int], bottleneck_ratios: list[float], group_widths: list[int]
    ) -> tuple[list[int], list[int]]:
        """Widths as multiples of the group widths, which are no wider than the bottlenecks."""
        narrow = [int(w * b) for w, b in zip(stage_widths, bottleneck_ratios)]
        groups = [min(g, w) for g, w in zip(group_widths, narrow)]
        narrow = [_make_divisible(w, g) for w, g in zip(narrow, groups)]
        return [int(w / b) for w, b in zip(narrow, bottleneck_ratios)], groups


class RegNet(nn.Module):
    """A stem and stages of bottleneck blocks."""

    def __init__(
        self, block_params: BlockParams, num_classes: int = 1000, stem_width: int = 32, stem_type: Layer | None = None,
        block_type: Layer | None = None, norm_layer: Layer | None = None, activation: Layer | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        block_type = block_type or ResBottleneckBlock
        activation = activation or nn.ReLU
        self.stem = (stem_type or SimpleStemIN)(3, stem_width, norm_layer, activation)
        width = stem_width
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        for i, (out, stride, depth, group, multiplier) in enumerate(block_params._get_expanded_params(), 1):
            blocks[f"block{i}"] = AnyStage(
                width, out, stride, depth, block_type, norm_layer, activation, group, multiplier, block_params.se_ratio,
                stage_index=i,
            )  # fmt: skip
            width = out
        self.trunk_output = nn.Sequential(blocks)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(in_features=width, out_features=num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                fan_out = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                nn.init.normal_(m.weight, mean=0.0, std=math.sqrt(2.0 / fan_out))
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.ones_(m.weight)
                nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, mean=0.0, std=0.01)
                nn.init.zeros_(m.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.trunk_output(self.stem(x)))
        return self.fc(x.flatten(start_dim=1))


def _regnet(rule: dict[str, Any], weights: Any, progress: bool, **kwargs: Any) -> RegNet:
    params = BlockParams.from_init_params(**rule, **kwargs)
    classify(weights, kwargs)
    kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=1e-05, momentum=0.1))
    return with_weights(RegNet(params, **kwargs), weights, progress)


def _build(name: str, weights: Any, depth: int, w_0: int, w_a: float, w_m: float, group_width: int) -> Any:
    rule: dict[str, Any] = {"depth": depth, "w_0": w_0, "w_a": w_a, "w_m": w_m, "group_width": group_width}
    if "_y_" in name:
        rule["se_ratio"] = 0.25
    legacy = None if name == "regnet_y_128gf" else "IMAGENET1K_V1"
    return builder(name, __name__, weights, partial(_regnet, rule), legacy=legacy)


RegNet_Y_400MF_Weights = weights_enum("RegNet_Y_400MF_Weights", __name__)
RegNet_Y_800MF_Weights = weights_enum("RegNet_Y_800MF_Weights", __name__)
RegNet_Y_1_6GF_Weights = weights_enum("RegNet_Y_1_6GF_Weights", __name__)
RegNet_Y_3_2GF_Weights = weights_enum("RegNet_Y_3_2GF_Weights", __name__)
RegNet_Y_8GF_Weights = weights_enum("RegNet_Y_8GF_Weights", __name__)
RegNet_Y_16GF_Weights = weights_enum("RegNet_Y_16GF_Weights", __name__)
RegNet_Y_32GF_Weights = weights_enum("RegNet_Y_32GF_Weights", __name__)
RegNet_Y_128GF_Weights = weights_enum("RegNet_Y_128GF_Weights", __name__)
RegNet_X_400MF_Weights = weights_enum("RegNet_X_400MF_Weights", __name__)
RegNet_X_800MF_Weights = weights_enum("RegNet_X_800MF_Weights", __name__)
RegNet_X_1_6GF_Weights = weights_enum("RegNet_X_1_6GF_Weights", __name__)
RegNet_X_3_2GF_Weights = weights_enum("RegNet_X_3_2GF_Weights", __name__)
RegNet_X_8GF_Weights = weights_enum("RegNet_X_8GF_Weights", __name__)
RegNet_X_16GF_Weights = weights_enum("RegNet_X_16GF_Weights", __name__)
RegNet_X_32GF_Weights = weights_enum("RegNet_X_32GF_Weights", __name__)

regnet_y_400mf = _build("regnet_y_400mf", RegNet_Y_400MF_Weights, 16, 48, 27.89, 2.09, 8)
regnet_y_800mf = _build("regnet_y_800mf", RegNet_Y_800MF_Weights, 14, 56, 38.84, 2.4, 16)
regnet_y_1_6gf = _build("regnet_y_1_6gf", RegNet_Y_1_6GF_Weights, 27, 48, 20.71, 2.65, 24)
regnet_y_3_2gf = _build("regnet_y_3_2gf", RegNet_Y_3_2GF_Weights, 21, 80, 42.63, 2.66, 24)
regnet_y_8gf = _build("regnet_y_8gf", RegNet_Y_8GF_Weights, 17, 192, 76.82, 2.19, 56)
regnet_y_16gf = _build("regnet_y_16gf", RegNet_Y_16GF_Weights, 18, 200, 106.23, 2.48, 112)
regnet_y_32gf = _build("regnet_y_32gf", RegNet_Y_32GF_Weights, 20, 232, 115.89, 2.53, 232)
regnet_y_128gf = _build("regnet_y_128gf", RegNet_Y_128GF_Weights, 27, 456, 160.83, 2.52, 264)
regnet_x_400mf = _build("regnet_x_400mf", RegNet_X_400MF_Weights, 22, 24, 24.48, 2.54, 16)
regnet_x_800mf = _build("regnet_x_800mf", RegNet_X_800MF_Weights, 16, 56, 35.73, 2.28, 16)
regnet_x_1_6gf = _build("regnet_x_1_6gf", RegNet_X_1_6GF_Weights, 18, 80, 34.01, 2.25, 24)
regnet_x_3_2gf = _build("regnet_x_3_2gf", RegNet_X_3_2GF_Weights, 25, 88, 26.31, 2.25, 48)
regnet_x_8gf = _build("regnet_x_8gf", RegNet_X_8GF_Weights, 23, 80, 49.56, 2.88, 120)
regnet_x_16gf = _build("regnet_x_16gf", RegNet_X_16GF_Weights, 22, 216, 55.59, 2.1, 128)
regnet_x_32gf = _build("regnet_x_32gf", RegNet_X_32GF_Weights, 23, 320, 69.86, 2.0, 168)
