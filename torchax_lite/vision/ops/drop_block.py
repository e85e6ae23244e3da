"""DropBlock (Ghiasi et al. 2018): squares of a feature map are set to zero together."""

from __future__ import annotations

import math

import torchax_lite as torch
from torchax_lite import Tensor, fx, nn
from torchax_lite.nn import functional as F


def _drop_block(input: Tensor, p: float, block_size: int, inplace: bool, eps: float, training: bool, n: int) -> Tensor:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}.")
    if input.ndim != n + 2:
        raise ValueError(f"input should be {n + 2} dimensional. Got {input.ndim} dimensions.")
    if not training or p == 0.0:
        return input
    space = tuple(input.shape[2:])
    block = min(block_size, *space)
    if block % 2 == 0:
        raise ValueError(f"block size should be odd. Got {block} which is even.")
    centers = [s - block + 1 for s in space]
    gamma = (p * math.prod(space)) / (block**n * math.prod(centers))
    noise = torch.empty((*input.shape[:2], *centers), dtype=input.dtype, device=input.device)
    noise.bernoulli_(gamma)
    noise = F.pad(noise, [block // 2] * (2 * n), value=0)
    pool = F.max_pool2d if n == 2 else F.max_pool3d
    noise = 1 - pool(noise, stride=(1,) * n, kernel_size=(block,) * n, padding=block // 2)
    scale = noise.numel() / (eps + noise.sum())
    return input.mul_(noise).mul_(scale) if inplace else input * noise * scale


def drop_block2d(
    input: Tensor, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06, training: bool = True
) -> Tensor:
    """``(N, C, H, W)`` with random squares set to 0, scaled so that the sum of the mask stays.

    Raises:
        ValueError: ``p`` outside [0, 1], another number of dims, or an even block.
    """
    return _drop_block(input, p, block_size, inplace, eps, training, 2)


def drop_block3d(
    input: Tensor, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06, training: bool = True
) -> Tensor:
    """``(N, C, D, H, W)`` with random cubes set to 0; see :func:`drop_block2d`."""
    return _drop_block(input, p, block_size, inplace, eps, training, 3)


fx.wrap("drop_block2d")
fx.wrap("drop_block3d")


class DropBlock2d(nn.Module):
    """:func:`drop_block2d` as a layer."""

    def __init__(self, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06) -> None:
        super().__init__()
        self.p = p
        self.block_size = block_size
        self.inplace = inplace
        self.eps = eps

    def forward(self, input: Tensor) -> Tensor:
        return drop_block2d(input, self.p, self.block_size, self.inplace, self.eps, self.training)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(p={self.p}, block_size={self.block_size}, inplace={self.inplace})"


class DropBlock3d(DropBlock2d):
    """:func:`drop_block3d` as a layer."""

    def forward(self, input: Tensor) -> Tensor:
        return drop_block3d(input, self.p, self.block_size, self.inplace, self.eps, self.training)
