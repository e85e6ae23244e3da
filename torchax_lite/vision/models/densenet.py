"""DenseNet (Huang et al. 2017): every layer of a block sees the outputs of all before it."""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import partial
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from ._utils import builder, classify
from ._weights import weights_enum

__all__ = [
    "DenseNet", "DenseNet121_Weights", "DenseNet161_Weights", "DenseNet169_Weights", "DenseNet201_Weights", "densenet121",
    "densenet161", "densenet169", "densenet201",
]  # fmt: skip


class _DenseLayer(nn.Module):
    def __init__(
        self, num_input_features: int, growth_rate: int, bn_size: int, drop_rate: float, memory_efficient: bool = False
    ) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bn_size * growth_rate, kernel_size=1, stride=1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bn_size * growth_rate, growth_rate, kernel_size=3, stride=1, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def bn_function(self, inputs: list[Tensor]) -> Tensor:
        """The narrow middle: ``conv1(relu(norm1(all inputs)))``."""
        return self.conv1(self.relu1(self.norm1(torch.cat(inputs, 1))))

    def any_requires_grad(self, input: list[Tensor]) -> bool:
        """Whether a gradient is wanted for one of the inputs."""
        return any(t.requires_grad for t in input)

    def forward(self, input: Tensor | list[Tensor]) -> Tensor:
        features = [input] if isinstance(input, Tensor) else input
        if self.memory_efficient and self.any_requires_grad(features):
            narrow = torch.utils.checkpoint.checkpoint(
                lambda *x: self.bn_function(list(x)), *features, use_reentrant=False
            )
        else:
            narrow = self.bn_function(features)
        new = self.conv2(self.relu2(self.norm2(narrow)))
        return F.dropout(new, p=self.drop_rate, training=self.training) if self.drop_rate > 0 else new


class _DenseBlock(nn.ModuleDict):
    _version = 2

    def __init__(
        self, num_layers: int, num_input_features: int, bn_size: int, growth_rate: int, drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        for i in range(num_layers):
            layer = _DenseLayer(
                num_input_features + i * growth_rate, growth_rate=growth_rate, bn_size=bn_size, drop_rate=drop_rate,
                memory_efficient=memory_efficient,
            )  # fmt: skip
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, init_features: Tensor) -> Tensor:
        features = [init_features]
        for _, layer in self.items():
            features.append(layer(features))
        return torch.cat(features, 1)


class _Transition(nn.Sequential):
    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, kernel_size=1, stride=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """Dense blocks with halvings of size and width between them.

    Args:
        growth_rate: channels that each layer adds. block_config: layers in each block.
        num_init_features: channels after the first convolution. bn_size: width of the narrow middle, in growth rates.
        drop_rate: dropout after each layer. memory_efficient: compute the middle again in the backward pass.
    """

    def __init__(
        self, growth_rate: int = 32, block_config: tuple[int, int, int, int] = (6, 12, 24, 16),
        num_init_features: int = 64, bn_size: int = 4, drop_rate: float = 0, num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv0=nn.Conv2d(3, num_init_features, kernel_size=7, stride=2, padding=3, bias=False),
                norm0=nn.BatchNorm2d(num_init_features),
                relu0=nn.ReLU(inplace=True),
                pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            )
        )
        width = num_init_features
        for i, num_layers in enumerate(block_config, 1):
            block = _DenseBlock(
                num_layers=num_layers, num_input_features=width, bn_size=bn_size, growth_rate=growth_rate,
                drop_rate=drop_rate, memory_efficient=memory_efficient,
            )  # fmt: skip
            self.features.add_module(f"denseblock{i}", block)
            width += num_layers * growth_rate
            if i != len(block_config):
                self.features.add_module(f"transition{i}", _Transition(width, width // 2))
                width //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight)
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)
            elif isinstance(m, nn.Linear):
                nn.init.constant_(m.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.features(x), inplace=True)
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(out, (1, 1)), 1))


_OLD_KEY = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_mean|running_var))$")


def _densenet(
    growth_rate: int, block_config: tuple[int, int, int, int], num_init_features: int, weights: Any, progress: bool,
    **kwargs: Any,
) -> DenseNet:  # fmt: skip
    classify(weights, kwargs)
    model = DenseNet(growth_rate, block_config, num_init_features, **kwargs)
    if weights is not None:
        state = weights.get_state_dict(progress=progress, check_hash=True)
        for key in list(state):  # the files spell norm.1 what is norm1
            found = _OLD_KEY.match(key)
            if found:
                state[found[1] + found[2]] = state.pop(key)
        model.load_state_dict(state)
    return model


DenseNet121_Weights = weights_enum("DenseNet121_Weights", __name__)
DenseNet161_Weights = weights_enum("DenseNet161_Weights", __name__)
DenseNet169_Weights = weights_enum("DenseNet169_Weights", __name__)
DenseNet201_Weights = weights_enum("DenseNet201_Weights", __name__)

densenet121 = builder("densenet121", __name__, DenseNet121_Weights, partial(_densenet, 32, (6, 12, 24, 16), 64))
densenet161 = builder("densenet161", __name__, DenseNet161_Weights, partial(_densenet, 48, (6, 12, 36, 24), 96))
densenet169 = builder("densenet169", __name__, DenseNet169_Weights, partial(_densenet, 32, (6, 12, 32, 32), 64))
densenet201 = builder("densenet201", __name__, DenseNet201_Weights, partial(_densenet, 32, (6, 12, 48, 32), 64))
