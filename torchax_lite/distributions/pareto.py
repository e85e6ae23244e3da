"""The Pareto distribution (type 1)."""

from __future__ import annotations

from typing import Any

from torchax_lite import Tensor
from torchax_lite.distributions import constraints
from torchax_lite.distributions._validation import checked_together
from torchax_lite.distributions.exponential import Exponential
from torchax_lite.distributions.transformed_distribution import TransformedDistribution
from torchax_lite.distributions.transforms import AffineTransform, ExpTransform
from torchax_lite.distributions.utils import broadcast_all

__all__ = ["Pareto"]


class Pareto(TransformedDistribution):
    """Pareto: values above ``scale``, of tail exponent ``alpha``."""

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}
    _tensors = {"scale": 0, "alpha": 0}

    @checked_together
    def __init__(self, scale: Tensor | float, alpha: Tensor | float, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        stretch = AffineTransform(loc=0, scale=self.scale)
        super().__init__(base, [ExpTransform(), stretch], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
