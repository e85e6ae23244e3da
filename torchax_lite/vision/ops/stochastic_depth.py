"""Stochastic depth (Huang et al. 2016): residual branches that are left out at random."""

from __future__ import annotations

import torchax_lite as torch
from torchax_lite import Tensor, fx, nn


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """``input * noise``; the noise is 0 with probability ``p``, else ``1 / (1 - p)``.

    Args:
        mode: "row" draws for each example of the batch, "batch" once.

    Raises:
        ValueError: ``p`` outside [0, 1], or another mode.
    """
    if p < 0.0 or p > 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}")
    if mode not in ["batch", "row"]:
        raise ValueError(f"mode has to be either 'batch' or 'row', but got {mode}")
    if not training or p == 0.0:
        return input
    kept = 1.0 - p
    size = [input.shape[0] if mode == "row" else 1] + [1] * (input.ndim - 1)
    noise = torch.empty(size, dtype=input.dtype, device=input.device).bernoulli_(kept)
    if kept > 0.0:
        noise.div_(kept)
    return input * noise


fx.wrap("stochastic_depth")


class StochasticDepth(nn.Module):
    """:func:`stochastic_depth` as a layer."""

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input: Tensor) -> Tensor:
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(p={self.p}, mode={self.mode})"
