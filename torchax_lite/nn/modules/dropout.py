"""Layers that, in training, set parts of their input to zero at random."""

from __future__ import annotations

from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn.modules.module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    """In training, drop with probability ``p``; in evaluation, nothing.

    Args:
        p: the probability.
        inplace: whether the input itself is changed.
    """

    __constants__ = ["p", "inplace"]
    p: float
    inplace: bool

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """In training, set each element to zero with probability ``p`` and scale the others by 1 / (1 - p)."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with elements dropped."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """In training, set whole channels of a ``(N, C, L)`` to zero with probability ``p`` and scale the others."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with channels dropped."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """In training, set whole channels of a ``(N, C, H, W)`` to zero with probability ``p`` and scale the others."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with channels dropped."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """In training, set whole channels of a ``(N, C, D, H, W)`` to zero with probability ``p`` and scale the others."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with channels dropped."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """In training, drop elements to SELU's negative limit; mean 0 and variance 1 stay so (Klambauer et al., 2017)."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with elements dropped."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_DropoutNd):
    """In training, drop whole channels to SELU's negative limit; mean 0 and variance 1 stay so."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` with channels dropped."""
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
