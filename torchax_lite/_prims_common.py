"""``torch._prims_common``: questions about memory that libraries ask."""

from __future__ import annotations

import torchax_lite as torch

__all__ = ["is_contiguous", "is_contiguous_or_false"]


def is_contiguous(a: torch.Tensor) -> bool:
    """Whether elements lie in order, without gaps."""
    return a.is_contiguous()


def is_contiguous_or_false(a: torch.Tensor) -> bool:
    """Whether elements lie in order, without gaps."""
    return a.is_contiguous()
