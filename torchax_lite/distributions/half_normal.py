"""The half-normal distribution."""

from __future__ import annotations

import math

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.distributions import constraints
from torchax_lite.distributions.normal import Normal
from torchax_lite.distributions.transformed_distribution import TransformedDistribution
from torchax_lite.distributions.transforms import AbsTransform

__all__ = ["HalfNormal", "Halved"]


class Halved(TransformedDistribution):
    """The absolute value of a variable that is symmetric about 0."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    @property
    def scale(self) -> Tensor:
        """The scale of the symmetric variable."""
        return self.base_dist.scale

    @property
    def mode(self) -> Tensor:
        return torch.zeros_like(self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        twice = self.base_dist.log_prob(self._checked(value)) + math.log(2)
        return torch.where(value >= 0, twice, -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        return 2 * self.base_dist.cdf(self._checked(value)) - 1

    def icdf(self, prob: Tensor) -> Tensor:
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)


class HalfNormal(Halved):
    """``|x|`` of a normal ``x`` with mean 0 and standard deviation ``scale``."""

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(Normal(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale.pow(2) * (1 - 2 / math.pi)
