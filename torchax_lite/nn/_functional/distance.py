"""Distances and similarities between vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._generated.torch_ops import cosine_similarity, pdist

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """``norm_p(x1 - x2 + eps)`` over the last dim."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)
