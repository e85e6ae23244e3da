"""VGG (Simonyan & Zisserman 2015), with and without batch normalisation."""

from __future__ import annotations

from functools import partial
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ._utils import _ovewrite_named_param, builder, with_weights
from ._weights import weights_enum

__all__ = [
    "VGG", "VGG11_Weights", "VGG11_BN_Weights", "VGG13_Weights", "VGG13_BN_Weights", "VGG16_Weights", "VGG16_BN_Weights",
    "VGG19_Weights", "VGG19_BN_Weights", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19",
    "vgg19_bn",
]  # fmt: skip


class VGG(nn.Module):
    """Convolutions (``features``), then three linear layers on a 7 x 7 map of 512 channels."""

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            for m in self.modules():
                _initialise(m)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _initialise(m: nn.Module) -> None:
    if isinstance(m, nn.Conv2d):
        nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        if m.bias is not None:
            nn.init.constant_(m.bias, 0)
    elif isinstance(m, nn.BatchNorm2d):
        nn.init.constant_(m.weight, 1)
        nn.init.constant_(m.bias, 0)
    elif isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, 0, 0.01)
        nn.init.constant_(m.bias, 0)


def make_layers(cfg: list[str | int], batch_norm: bool = False) -> nn.Sequential:
    """3 x 3 convolutions of the given widths with ReLU; "M" is a pooling to half the size."""
    layers: list[nn.Module] = []
    width = 3
    for v in cfg:
        if v == "M":
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        layers.append(nn.Conv2d(width, int(v), kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(int(v)))
        layers.append(nn.ReLU(inplace=True))
        width = int(v)
    return nn.Sequential(*layers)


def _widths(*repeats: int) -> list[str | int]:
    found: list[str | int] = []
    for width, count in zip((64, 128, 256, 512, 512), repeats):
        found += [width] * count + ["M"]
    return found


cfgs: dict[str, list[str | int]] = {
    "A": _widths(1, 1, 2, 2, 2), "B": _widths(2, 2, 2, 2, 2), "D": _widths(2, 2, 3, 3, 3), "E": _widths(2, 2, 4, 4, 4),
}  # fmt: skip


def _vgg(cfg: str, batch_norm: bool, weights: Any, progress: bool, **kwargs: Any) -> VGG:
    if weights is not None:
        kwargs["init_weights"] = False
        if weights.meta["categories"] is not None:
            _ovewrite_named_param(kwargs, "num_classes", len(weights.meta["categories"]))
    return with_weights(VGG(make_layers(cfgs[cfg], batch_norm=batch_norm), **kwargs), weights, progress)


VGG11_Weights = weights_enum("VGG11_Weights", __name__)
VGG11_BN_Weights = weights_enum("VGG11_BN_Weights", __name__)
VGG13_Weights = weights_enum("VGG13_Weights", __name__)
VGG13_BN_Weights = weights_enum("VGG13_BN_Weights", __name__)
VGG16_Weights = weights_enum("VGG16_Weights", __name__)
VGG16_BN_Weights = weights_enum("VGG16_BN_Weights", __name__)
VGG19_Weights = weights_enum("VGG19_Weights", __name__)
VGG19_BN_Weights = weights_enum("VGG19_BN_Weights", __name__)

vgg11 = builder("vgg11", __name__, VGG11_Weights, partial(_vgg, "A", False))
vgg11_bn = builder("vgg11_bn", __name__, VGG11_BN_Weights, partial(_vgg, "A", True))
vgg13 = builder("vgg13", __name__, VGG13_Weights, partial(_vgg, "B", False))
vgg13_bn = builder("vgg13_bn", __name__, VGG13_BN_Weights, partial(_vgg, "B", True))
vgg16 = builder("vgg16", __name__, VGG16_Weights, partial(_vgg, "D", False))
vgg16_bn = builder("vgg16_bn", __name__, VGG16_BN_Weights, partial(_vgg, "D", True))
vgg19 = builder("vgg19", __name__, VGG19_Weights, partial(_vgg, "E", False))
vgg19_bn = builder("vgg19_bn", __name__, VGG19_BN_Weights, partial(_vgg, "E", True))
