"""A layer that mixes groups of channels."""

from __future__ import annotations

from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn.modules.module import Module

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """Deal the channels of ``(N, C, *)`` out anew: (groups, C / groups) transposed (Zhang et al., 2018)."""

    __constants__ = ["groups"]

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """The rearranged input."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
