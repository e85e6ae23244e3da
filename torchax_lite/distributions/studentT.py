"""Student's t distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torchax_lite as torch
from torchax_lite import Size, Tensor
from torchax_lite.distributions import constraints
from torchax_lite.distributions._validation import checked_together
from torchax_lite.distributions.chi2 import Chi2
from torchax_lite.distributions.distribution import Distribution
from torchax_lite.distributions.utils import _standard_normal, broadcast_all

__all__ = ["StudentT"]


class StudentT(Distribution):
    """Student's t with ``df`` degrees of freedom, shifted by ``loc`` and stretched by ``scale``."""

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _tensors = {"df": 0, "loc": 0, "scale": 0}
    _nested = ("_chi2",)

    @checked_together
    def __init__(
        self, df: Tensor | float, loc: Tensor | float = 0.0, scale: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc.masked_fill(self.df <= 1, math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        finite = self.df > 2
        df = torch.where(finite, self.df, 3.0)  # keeps infinite slopes out of the gradient
        infinite_or_none = torch.where(self.df > 1, math.inf, math.nan).to(self.df.dtype)
        return torch.where(finite, self.scale.pow(2) * df / (df - 2), infinite_or_none)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        normal = _standard_normal(self._extended_shape(sample_shape), self.df.dtype, self.df.device)
        spread = self._chi2.rsample(sample_shape) / self.df
        return self.loc + self.scale * (normal * torch.rsqrt(spread))

    def log_prob(self, value: Tensor) -> Tensor:
        y = (self._checked(value) - self.loc) / self.scale
        half = 0.5 * (self.df + 1.0)
        log_norm = self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi)
        log_norm = log_norm + torch.lgamma(0.5 * self.df) - torch.lgamma(half)
        return -half * torch.log1p(y**2.0 / self.df) - log_norm

    def entropy(self) -> Tensor:
        half = 0.5 * (self.df + 1)
        log_beta = torch.lgamma(0.5 * self.df) + math.lgamma(0.5) - torch.lgamma(half)
        by_digamma = half * (torch.digamma(half) - torch.digamma(0.5 * self.df))
        return self.scale.log() + by_digamma + 0.5 * self.df.log() + log_beta
