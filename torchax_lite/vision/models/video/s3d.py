"""S3D (Xie et al. 2018): inception blocks of separable convolutions over space and time."""

from __future__ import annotations

from functools import partial
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ...ops.misc import Conv3dNormActivation
from .._utils import Layer, builder, classify, with_weights
from .._weights import weights_enum

__all__ = ["S3D", "S3D_Weights", "s3d"]


class TemporalSeparableConv(nn.Sequential):
    """A convolution over the frame, then one over time, each with normalisation and ReLU."""

    def __init__(
        self, in_planes: int, out_planes: int, kernel_size: int, stride: int, padding: int, norm_layer: Layer
    ) -> None:
        conv = partial(Conv3dNormActivation, bias=False, norm_layer=norm_layer)
        k, s, p = kernel_size, stride, padding
        super().__init__(
            conv(in_planes, out_planes, kernel_size=(1, k, k), stride=(1, s, s), padding=(0, p, p)),
            conv(out_planes, out_planes, kernel_size=(k, 1, 1), stride=(s, 1, 1), padding=(p, 0, 0)),
        )


class SepInceptionBlock3D(nn.Module):
    """Four branches side by side: 1 x 1 x 1, two with a separable convolution, and a pooled one."""

    def __init__(
        self, in_planes: int, b0_out: int, b1_mid: int, b1_out: int, b2_mid: int, b2_out: int, b3_out: int,
        norm_layer: Layer,
    ) -> None:  # fmt: skip
        super().__init__()
        point = partial(Conv3dNormActivation, in_planes, kernel_size=1, stride=1, norm_layer=norm_layer)

        def separable(middle: int, out: int) -> nn.Sequential:
            return nn.Sequential(point(middle), TemporalSeparableConv(middle, out, 3, 1, 1, norm_layer))

        self.branch0 = point(b0_out)
        self.branch1 = separable(b1_mid, b1_out)
        self.branch2 = separable(b2_mid, b2_out)
        self.branch3 = nn.Sequential(nn.MaxPool3d(kernel_size=(3, 3, 3), stride=1, padding=1), point(b3_out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)), 1)


#: Blocks before, between and after the last two poolings: channels in, and of the branches.
_BLOCKS = [
    [(192, 64, 96, 128, 16, 32, 32), (256, 128, 128, 192, 32, 96, 64)],
    [
        (480, 192, 96, 208, 16, 48, 64), (512, 160, 112, 224, 24, 64, 64), (512, 128, 128, 256, 24, 64, 64),
        (512, 112, 144, 288, 32, 64, 64), (528, 256, 160, 320, 32, 128, 128),
    ],
    [(832, 256, 160, 320, 32, 128, 128), (832, 384, 192, 384, 48, 128, 128)],
]  # fmt: skip


class S3D(nn.Module):
    """Videos of at least 14 frames of 224 x 224 pixels."""

    def __init__(self, num_classes: int = 400, dropout: float = 0.2, norm_layer: Layer | None = None) -> None:
        super().__init__()
        norm_layer = norm_layer or partial(nn.BatchNorm3d, eps=0.001, momentum=0.001)
        self.features = nn.Sequential(
            TemporalSeparableConv(3, 64, 7, 2, 3, norm_layer),
            nn.MaxPool3d(kernel_size=(1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            Conv3dNormActivation(64, 64, kernel_size=1, stride=1, norm_layer=norm_layer),
            TemporalSeparableConv(64, 192, 3, 1, 1, norm_layer),
            nn.MaxPool3d(kernel_size=(1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            *[SepInceptionBlock3D(*widths, norm_layer) for widths in _BLOCKS[0]],
            nn.MaxPool3d(kernel_size=(3, 3, 3), stride=(2, 2, 2), padding=(1, 1, 1)),
            *[SepInceptionBlock3D(*widths, norm_layer) for widths in _BLOCKS[1]],
            nn.MaxPool3d(kernel_size=(2, 2, 2), stride=(2, 2, 2), padding=(0, 0, 0)),
            *[SepInceptionBlock3D(*widths, norm_layer) for widths in _BLOCKS[2]],
        )
        self.avgpool = nn.AvgPool3d(kernel_size=(2, 7, 7), stride=1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout), nn.Conv3d(1024, num_classes, kernel_size=1, stride=1, bias=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.mean(self.classifier(self.avgpool(self.features(x))), dim=(2, 3, 4))


def _s3d(weights: Any, progress: bool, **kwargs: Any) -> S3D:
    classify(weights, kwargs)
    return with_weights(S3D(**kwargs), weights, progress)


S3D_Weights = weights_enum("S3D_Weights", __name__)

s3d = builder("s3d", __name__, S3D_Weights, _s3d, legacy="KINETICS400_V1")
