"""ShuffleNet v2 (Ma et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ._utils import builder, classify, with_weights
from ._weights import weights_enum

__all__ = [
    "ShuffleNetV2", "ShuffleNet_V2_X0_5_Weights", "ShuffleNet_V2_X1_0_Weights", "ShuffleNet_V2_X1_5_Weights",
    "ShuffleNet_V2_X2_0_Weights", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0",
]  # fmt: skip


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Channels of ``groups`` groups interleaved."""
    n, channels, height, width = x.size()
    x = x.view(n, groups, channels // groups, height, width)
    x = torch.transpose(x, 1, 2).contiguous()
    return x.view(n, channels, height, width)


class InvertedResidual(nn.Module):
    """Half the channels pass (or are reduced), half are filtered; then the halves are interleaved."""

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not (1 <= stride <= 3):
            raise ValueError("illegal stride value")
        self.stride = stride
        half = oup // 2
        if self.stride == 1 and inp != half << 1:
            raise ValueError(
                f"Invalid combination of stride {stride}, inp {inp} and oup {oup} values. If stride == 1 then inp should "
                "be equal to oup // 2 << 1."
            )
        self.branch1 = nn.Sequential()
        if self.stride > 1:
            self.branch1 = nn.Sequential(
                self.depthwise_conv(inp, inp, kernel_size=3, stride=self.stride, padding=1),
                nn.BatchNorm2d(inp),
                *self._pointwise(inp, half),
            )
        self.branch2 = nn.Sequential(
            *self._pointwise(inp if self.stride > 1 else half, half),
            self.depthwise_conv(half, half, kernel_size=3, stride=self.stride, padding=1),
            nn.BatchNorm2d(half),
            *self._pointwise(half, half),
        )

    @staticmethod
    def _pointwise(i: int, o: int) -> list[nn.Module]:
        conv = nn.Conv2d(i, o, kernel_size=1, stride=1, padding=0, bias=False)
        return [conv, nn.BatchNorm2d(o), nn.ReLU(inplace=True)]

    @staticmethod
    def depthwise_conv(
        i: int, o: int, kernel_size: int, stride: int = 1, padding: int = 0, bias: bool = False
    ) -> nn.Conv2d:
        """A convolution of each channel by itself."""
        return nn.Conv2d(i, o, kernel_size, stride, padding, bias=bias, groups=i)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            x1, x2 = x.chunk(2, dim=1)
            out = torch.cat((x1, self.branch2(x2)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    """Three stages of shuffled blocks."""

    def __init__(
        self, stages_repeats: list[int], stages_out_channels: list[int], num_classes: int = 1000,
        inverted_residual: Callable[..., nn.Module] = InvertedResidual,
    ) -> None:  # fmt: skip
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        self._stage_out_channels = stages_out_channels
        first, *stages, last = stages_out_channels
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, first, 3, 2, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True)
        )
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        width = first
        for number, (repeats, out) in enumerate(zip(stages_repeats, stages), 2):
            blocks = [inverted_residual(width, out, 2)]
            blocks += [inverted_residual(out, out, 1) for _ in range(repeats - 1)]
            setattr(self, f"stage{number}", nn.Sequential(*blocks))
            width = out
        self.conv5 = nn.Sequential(
            nn.Conv2d(width, last, 1, 1, 0, bias=False), nn.BatchNorm2d(last), nn.ReLU(inplace=True)
        )
        self.fc = nn.Linear(last, num_classes)

    def _forward_impl(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        return self.fc(x.mean([2, 3]))

    def forward(self, x: Tensor) -> Tensor:
        return self._forward_impl(x)


def _shufflenetv2(widths: list[int], weights: Any, progress: bool, **kwargs: Any) -> ShuffleNetV2:
    classify(weights, kwargs)
    return with_weights(ShuffleNetV2([4, 8, 4], widths, **kwargs), weights, progress)


ShuffleNet_V2_X0_5_Weights = weights_enum("ShuffleNet_V2_X0_5_Weights", __name__)
ShuffleNet_V2_X1_0_Weights = weights_enum("ShuffleNet_V2_X1_0_Weights", __name__)
ShuffleNet_V2_X1_5_Weights = weights_enum("ShuffleNet_V2_X1_5_Weights", __name__)
ShuffleNet_V2_X2_0_Weights = weights_enum("ShuffleNet_V2_X2_0_Weights", __name__)

shufflenet_v2_x0_5 = builder(
    "shufflenet_v2_x0_5", __name__, ShuffleNet_V2_X0_5_Weights, partial(_shufflenetv2, [24, 48, 96, 192, 1024])
)
shufflenet_v2_x1_0 = builder(
    "shufflenet_v2_x1_0", __name__, ShuffleNet_V2_X1_0_Weights, partial(_shufflenetv2, [24, 116, 232, 464, 1024])
)
shufflenet_v2_x1_5 = builder(
    "shufflenet_v2_x1_5", __name__, ShuffleNet_V2_X1_5_Weights, partial(_shufflenetv2, [24, 176, 352, 704, 1024])
)
shufflenet_v2_x2_0 = builder(
    "shufflenet_v2_x2_0", __name__, ShuffleNet_V2_X2_0_Weights, partial(_shufflenetv2, [24, 244, 488, 976, 2048])
)
