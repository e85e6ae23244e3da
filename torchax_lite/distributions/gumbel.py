"""The Gumbel distribution."""

from __future__ import annotations

import math

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.distributions import constraints
from torchax_lite.distributions._validation import checked_together
from torchax_lite.distributions.transformed_distribution import TransformedDistribution
from torchax_lite.distributions.transforms import AffineTransform, ExpTransform
from torchax_lite.distributions.uniform import Uniform
from torchax_lite.distributions.utils import NUMBERS, broadcast_all, euler_constant

__all__ = ["Gumbel"]


class Gumbel(TransformedDistribution):
    """Gumbel: ``loc - scale * log(-log(u))`` of a uniform ``u``."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    _tensors = {"loc": 0, "scale": 0}

    @checked_together
    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        limits = torch.finfo(self.loc.dtype)
        ends = limits.tiny, 1 - limits.eps
        if isinstance(loc, NUMBERS) and isinstance(scale, NUMBERS):
            base = Uniform(*ends, validate_args=validate_args)
        else:
            base = Uniform(*(torch.full_like(self.loc, end) for end in ends), validate_args=validate_args)
        minus_log = [ExpTransform().inv, AffineTransform(loc=0, scale=-torch.ones_like(self.scale))]
        stretch = AffineTransform(loc=loc, scale=-self.scale)
        super().__init__(base, [*minus_log, ExpTransform().inv, stretch], validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        y = (self.loc - self._checked(value)) / self.scale
        return y - y.exp() - self.scale.log()

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return math.pi / math.sqrt(6) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.pow(2)

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)
