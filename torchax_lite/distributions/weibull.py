"""The Weibull distribution."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch
from torchax_lite import Size, Tensor
from torchax_lite.distributions import constraints
from torchax_lite.distributions._validation import checked_together
from torchax_lite.distributions.exponential import Exponential
from torchax_lite.distributions.transformed_distribution import TransformedDistribution
from torchax_lite.distributions.transforms import AffineTransform, PowerTransform
from torchax_lite.distributions.utils import broadcast_all, euler_constant

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """Weibull: ``scale * e ** (1 / concentration)`` of a standard exponential ``e``."""

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    @checked_together
    def __init__(self, scale: Tensor | float, concentration: Tensor | float, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        base = Exponential(torch.ones_like(self.scale), validate_args=validate_args)
        super().__init__(base, self._own_transforms(), validate_args=validate_args)

    def _own_transforms(self) -> list[Any]:
        self.concentration_reciprocal = self.concentration.reciprocal()
        root = PowerTransform(exponent=self.concentration_reciprocal)
        return [root, AffineTransform(loc=0, scale=self.scale)]

    def _expand_parts(self, new: Any, batch_shape: Size) -> None:
        new.scale = self.scale.expand(batch_shape)
        new.concentration = self.concentration.expand(batch_shape)
        new.base_dist = self.base_dist.expand(batch_shape)
        new.transforms = Weibull._own_transforms(new)

    @property
    def mean(self) -> Tensor:
        return self.scale * self._gamma(1)

    @property
    def mode(self) -> Tensor:
        return self.scale * ((self.concentration - 1) / self.concentration) ** self.concentration.reciprocal()

    @property
    def variance(self) -> Tensor:
        squared_gamma = torch.exp(2 * torch.lgamma(1 + self.concentration_reciprocal))
        return self.scale.pow(2) * (self._gamma(2) - squared_gamma)

    def _gamma(self, n: int) -> Tensor:
        return torch.exp(torch.lgamma(1 + n * self.concentration_reciprocal))

    def entropy(self) -> Tensor:
        log_ratio = torch.log(self.scale * self.concentration_reciprocal)
        return euler_constant * (1 - self.concentration_reciprocal) + log_ratio + 1
