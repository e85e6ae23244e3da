"""Memory formats of the weights of convolutions."""

from __future__ import annotations

from typing import Any, TypeVar

from torchax_lite.nn.modules import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from torchax_lite.nn.modules.module import Module

T_module = TypeVar("T_module", bound=Module)

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def _converted(module: T_module, kinds: tuple[type[Module], ...], memory_format: Any) -> T_module:
    for layer in module.modules():
        if isinstance(layer, kinds):
            layer.weight.data = layer.weight.detach().clone().contiguous(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: T_module, memory_format: Any) -> T_module:
    """Give the weights of all 2-d convolutions of a module a memory format, such as ``torch.channels_last``."""
    return _converted(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: T_module, memory_format: Any) -> T_module:
    """Give the weights of all 3-d convolutions of a module a memory format, such as ``torch.channels_last_3d``."""
    return _converted(module, (Conv3d, ConvTranspose3d), memory_format)
