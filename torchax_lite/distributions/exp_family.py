"""Exponential families: densities ``exp(<t(x), theta> - F(theta) + k(x))``."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.distributions.distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """A distribution that gives its natural parameters ``theta`` and its log normalizer ``F``.

    The entropy (and the KL divergence within a family) then follow from the gradient of ``F`` (Nielsen and Nock,
    "Entropies and cross-entropies of exponential families", 2010).
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        """The natural parameters."""
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        """``F`` at natural parameters."""
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> float:
        """The expectation of ``k(x)``."""
        raise NotImplementedError

    def _normalizer_and_slope(self) -> tuple[tuple[Tensor, ...], Tensor, tuple[Tensor, ...]]:
        """Natural parameters as leaves, ``F`` there, and its differentiable gradient."""
        leaves = tuple(p.detach().requires_grad_() for p in self._natural_params)
        with torch.enable_grad():
            value = self._log_normalizer(*leaves)
            slope = torch.autograd.grad(value.sum(), leaves, create_graph=True)
        return leaves, value, slope

    def entropy(self) -> Tensor:
        """The entropy as a Bregman divergence of the log normalizer."""
        carrier = -self._mean_carrier_measure
        leaves, value, slope = self._normalizer_and_slope()
        for theta, gradient in zip(leaves, slope, strict=True):
            value = value - (theta * gradient).reshape((*self._batch_shape, -1)).sum(-1)
        return value + carrier
