"""Sliding blocks: taken out of an image as columns, and summed back."""

from __future__ import annotations

from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn.modules.module import Module

__all__ = ["Fold", "Unfold"]

_Size = int | tuple[int, ...]


class Fold(Module):
    """The sum of the blocks that are the columns of ``(N, C * prod(kernel_size), L)`` into ``(N, C, *output_size)``.

    Args:
        output_size: size of the image.
        kernel_size: size of the blocks.
        dilation: distance between a block's elements.
        padding: zeros that were added around the image.
        stride: step of the blocks.
    """

    __constants__ = ["output_size", "kernel_size", "dilation", "padding", "stride"]

    def __init__(
        self, output_size: _Size, kernel_size: _Size, dilation: _Size = 1, padding: _Size = 0, stride: _Size = 1
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """The image."""
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """The sliding blocks of ``(N, C, H, W)`` as the columns of ``(N, C * prod(kernel_size), L)``.

    Args:
        kernel_size: size of the blocks.
        dilation: distance between a block's elements.
        padding: zeros added around the image.
        stride: step of the blocks.
    """

    __constants__ = ["kernel_size", "dilation", "padding", "stride"]

    def __init__(self, kernel_size: _Size, dilation: _Size = 1, padding: _Size = 0, stride: _Size = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """The blocks."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
