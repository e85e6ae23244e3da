"""Residual networks for videos (Tran et al. 2018): R3D, MC3, R(2+1)D."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torchax_lite import Tensor, nn

from .._utils import builder, classify, with_weights
from .._weights import weights_enum

__all__ = ["VideoResNet", "R3D_18_Weights", "MC3_18_Weights", "R2Plus1D_18_Weights", "r3d_18", "mc3_18", "r2plus1d_18"]

ConvBuilder = Callable[..., nn.Module]


class Conv3DSimple(nn.Conv3d):
    """A 3 x 3 x 3 convolution without bias."""

    def __init__(
        self, in_planes: int, out_planes: int, midplanes: int | None = None, stride: int = 1, padding: int = 1
    ) -> None:
        super().__init__(in_planes, out_planes, (3, 3, 3), stride=stride, padding=padding, bias=False)

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        """Strides of the block's shortcut in time, height and width."""
        return stride, stride, stride


class Conv2Plus1D(nn.Sequential):
    """A convolution over the frame, then one over time, with ``midplanes`` channels between them."""

    def __init__(self, in_planes: int, out_planes: int, midplanes: int, stride: int = 1, padding: int = 1) -> None:
        super().__init__(
            nn.Conv3d(in_planes, midplanes, (1, 3, 3), (1, stride, stride), (0, padding, padding), bias=False),
            nn.BatchNorm3d(midplanes),
            nn.ReLU(inplace=True),
            nn.Conv3d(midplanes, out_planes, (3, 1, 1), (stride, 1, 1), (padding, 0, 0), bias=False),
        )

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        """Strides of the block's shortcut in time, height and width."""
        return stride, stride, stride


class Conv3DNoTemporal(nn.Conv3d):
    """A 3 x 3 convolution of every frame, without bias."""

    def __init__(
        self, in_planes: int, out_planes: int, midplanes: int | None = None, stride: int = 1, padding: int = 1
    ) -> None:
        super().__init__(in_planes, out_planes, (1, 3, 3), (1, stride, stride), (0, padding, padding), bias=False)

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        """Strides of the block's shortcut in time, height and width."""
        return 1, stride, stride


def _normed(conv: nn.Module, planes: int, activation: bool = True) -> nn.Sequential:
    layers = [conv, nn.BatchNorm3d(planes)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if activation else nn.Sequential(*layers)


def _midplanes(inplanes: int, planes: int) -> int:
    """The width at which both parts of a (2+1)D convolution have the parameters of the 3D one."""
    return (inplanes * planes * 3 * 3 * 3) // (inplanes * 3 * 3 + 3 * planes)


class BasicBlock(nn.Module):
    """``relu(x + bn(conv(relu(bn(conv(x))))))``."""

    expansion = 1

    def __init__(
        self, inplanes: int, planes: int, conv_builder: ConvBuilder, stride: int = 1,
        downsample: nn.Module | None = None,
    ) -> None:  # fmt: skip
        middle = _midplanes(inplanes, planes)
        super().__init__()
        self.conv1 = _normed(conv_builder(inplanes, planes, middle, stride), planes)
        self.conv2 = _normed(conv_builder(planes, planes, middle), planes, activation=False)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv2(self.conv1(x))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    """The same with a convolution between two of 1 x 1 x 1."""

    expansion = 4

    def __init__(
        self, inplanes: int, planes: int, conv_builder: ConvBuilder, stride: int = 1,
        downsample: nn.Module | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        middle, wide = _midplanes(inplanes, planes), planes * self.expansion
        self.conv1 = _normed(nn.Conv3d(inplanes, planes, kernel_size=1, bias=False), planes)
        self.conv2 = _normed(conv_builder(planes, planes, middle, stride), planes)
        self.conv3 = _normed(nn.Conv3d(planes, wide, kernel_size=1, bias=False), wide, activation=False)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv3(self.conv2(self.conv1(x)))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class BasicStem(nn.Sequential):
    """A 3 x 7 x 7 convolution at half the size."""

    def __init__(self) -> None:
        conv = nn.Conv3d(3, 64, kernel_size=(3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False)
        super().__init__(conv, nn.BatchNorm3d(64), nn.ReLU(inplace=True))


class R2Plus1dStem(nn.Sequential):
    """A 7 x 7 convolution of the frames at half the size, then one over time."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv3d(3, 45, kernel_size=(1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False),
            nn.BatchNorm3d(45),
            nn.ReLU(inplace=True),
            nn.Conv3d(45, 64, kernel_size=(3, 1, 1), stride=(1, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(64),
            nn.ReLU(inplace=True),
        )


class VideoResNet(nn.Module):
    """A stem and four groups of residual blocks.

    Args:
        block: BasicBlock or Bottleneck. conv_makers: the convolution of each group. layers: blocks in each group.
        zero_init_residual: the last normalisation of each Bottleneck starts at 0.
    """

    def __init__(
        self, block: type[BasicBlock | Bottleneck], conv_makers: Sequence[Any], layers: list[int], stem: ConvBuilder,
        num_classes: int = 400, zero_init_residual: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.inplanes = 64
        self.stem = stem()
        self.layer1 = self._make_layer(block, conv_makers[0], 64, layers[0], stride=1)
        self.layer2 = self._make_layer(block, conv_makers[1], 128, layers[1], stride=2)
        self.layer3 = self._make_layer(block, conv_makers[2], 256, layers[2], stride=2)
        self.layer4 = self._make_layer(block, conv_makers[3], 512, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool3d((1, 1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv3d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                if m.bias is not None:
                    nn.init.constant_(m.bias, 0)
            elif isinstance(m, nn.BatchNorm3d):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, 0, 0.01)
                nn.init.constant_(m.bias, 0)
        if zero_init_residual:
            for m in self.modules():
                if isinstance(m, Bottleneck):
                    nn.init.constant_(m.conv3[1].weight, 0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x)))))
        return self.fc(self.avgpool(x).flatten(1))

    def _make_layer(self, block: Any, conv_builder: Any, planes: int, blocks: int, stride: int = 1) -> nn.Sequential:
        out = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != out:
            strides = conv_builder.get_downsample_stride(stride)
            conv = nn.Conv3d(self.inplanes, out, kernel_size=1, stride=strides, bias=False)
            downsample = nn.Sequential(conv, nn.BatchNorm3d(out))
        layers = [block(self.inplanes, planes, conv_builder, stride, downsample)]
        self.inplanes = out
        layers += [block(out, planes, conv_builder) for _ in range(1, blocks)]
        return nn.Sequential(*layers)


def _video_resnet(conv_makers: Sequence[Any], stem: ConvBuilder, weights: Any, progress: bool, **kwargs: Any) -> Any:
    classify(weights, kwargs)
    model = VideoResNet(BasicBlock, conv_makers, [2, 2, 2, 2], stem, **kwargs)
    return with_weights(model, weights, progress)


R3D_18_Weights = weights_enum("R3D_18_Weights", __name__)
MC3_18_Weights = weights_enum("MC3_18_Weights", __name__)
R2Plus1D_18_Weights = weights_enum("R2Plus1D_18_Weights", __name__)

_KINETICS: dict[str, Any] = {"legacy": "KINETICS400_V1"}

r3d_18 = builder("r3d_18", __name__, R3D_18_Weights, partial(_video_resnet, [Conv3DSimple] * 4, BasicStem), **_KINETICS)
mc3_18 = builder(
    "mc3_18", __name__, MC3_18_Weights,
    partial(_video_resnet, [Conv3DSimple, *[Conv3DNoTemporal] * 3], BasicStem), **_KINETICS,
)  # fmt: skip
r2plus1d_18 = builder(
    "r2plus1d_18", __name__, R2Plus1D_18_Weights, partial(_video_resnet, [Conv2Plus1D] * 4, R2Plus1dStem), **_KINETICS
)
