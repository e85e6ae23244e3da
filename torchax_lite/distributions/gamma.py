"""The gamma distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Size, Tensor
from torchax_lite.distributions import constraints
from torchax_lite.distributions.exp_family import ExponentialFamily
from torchax_lite.distributions.utils import broadcast_all

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """Gamma of shape ``concentration`` and inverse scale ``rate``."""

    arg_constraints: Any = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0
    _tensors = {"concentration": 0, "rate": 0}

    def __init__(self, concentration: Tensor | float, rate: Tensor | float, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        value = torch._standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=torch.finfo(value.dtype).tiny)  # the gradient is that of the unclamped sample
        return value

    def log_prob(self, value: Any) -> Tensor:
        value = self._checked(torch.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device))
        normalizer = torch.xlogy(self.concentration, self.rate) - torch.lgamma(self.concentration)
        return normalizer + torch.xlogy(self.concentration - 1, value) - self.rate * value

    def cdf(self, value: Tensor) -> Tensor:
        return torch.special.gammainc(self.concentration, self.rate * self._checked(value))

    def entropy(self) -> Tensor:
        by_shape = torch.lgamma(self.concentration) + (1.0 - self.concentration) * torch.digamma(self.concentration)
        return self.concentration - torch.log(self.rate) + by_shape

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Any, y: Any) -> Tensor:
        return torch.lgamma(x + 1) + (x + 1) * torch.log(-y.reciprocal())
