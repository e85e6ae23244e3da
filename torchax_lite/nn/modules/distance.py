"""Distances and similarities between pairs of vectors."""

from __future__ import annotations

from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn.modules.module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class PairwiseDistance(Module):
    """The p-norm of x₁ - x₂ + eps over the last dimension.

    Args:
        p: of the norm.
        eps: added to the difference.
        keepdim: whether the last dimension stays, with size 1.
    """

    __constants__ = ["norm", "eps", "keepdim"]

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The distances of ``(N, D)`` or ``(D,)``."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """x₁·x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)) over the dimension ``dim``."""

    __constants__ = ["dim", "eps"]

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The similarities, broadcast."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
